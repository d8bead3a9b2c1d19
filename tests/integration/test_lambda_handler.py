"""The Lambda function as AWS calls it: batches, schedules, extensions, and a Slack or a store out of order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from auditor import bootstrap
from auditor.adapters.storage.tables import alert_changes, alert_ways, alerts
from auditor.application.ports import HistoryQuery
from auditor.domain.errors import StoreUnreadableError
from auditor.entrypoints import lambda_handler
from auditor.entrypoints.lambda_handler import SENDING_BUDGET, handler, serve
from auditor.settings import Settings
from examples.demo.delivery import as_batch
from examples.standin import StandIn
from examples.standin.slack import Fault, SlackServer

# The stand-in denies by an error that AppConfig's model does not name; moto remarks on that.
pytestmark = pytest.mark.filterwarnings("ignore:.*does not match an error shape")

EVENTS = Path(__file__).parent.parent / "events"
BEGIN = datetime(2026, 10, 6, 8, 0, tzinfo=UTC)
POISON = "1731c319-73b5-5323-bcf5-86f3038abf10"
NAME = "/shop/prod/features/banner"


@dataclass(frozen=True)
class Left:
    """A function that has so much of its time left."""

    milliseconds: int

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


PLENTY = Left(60_000)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with StandIn(BEGIN) as running:
        for name, value in running.environ().items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("AWS_SESSION_TOKEN")
        yield running


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer() as running:
        yield running


@pytest.fixture
def function(aws: StandIn, slack: SlackServer, tmp_path: Path) -> Iterator[bootstrap.Application]:
    environ = {
        "FLAGTRAIL_DATABASE_URL": f"sqlite:///{tmp_path / 'flagtrail.db'}",
        "FLAGTRAIL_SLACK_BASE_URL": slack.url,
        "SLACK_BOT_TOKEN": slack.token,
    }
    application = bootstrap.application(Settings.from_env(environ))
    yield application
    application.record.close()


def put(aws: StandIn, value: str, name: str = NAME) -> list[dict[str, Any]]:
    """Write a parameter and return the events of it."""
    aws.client("ssm").put_parameter(Name=name, Value=value, Type="String", Overwrite=True)
    return aws.drain()


def read(name: str) -> Any:
    return json.loads((EVENTS / name).read_text())


def flags(function: bootstrap.Application) -> list[str]:
    with function.record.reader() as uow:
        return sorted(str(change.change.flag) for change in uow.changes.query(HistoryQuery()))


def waiting(function: bootstrap.Application) -> int:
    with function.record.reader() as uow:
        return len(uow.outbox.pending())


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_of_a_batch_only_the_broken_message_comes_again(function, aws):
    put(aws, "true", "/myapp/prod/features/new-checkout")
    put(aws, "eu,us", "/myapp/prod/features/rollout-regions")
    batch = read("lambda-sqs-batch-one-poison-message.json")

    assert serve(function, batch, PLENTY) == {"batchItemFailures": [{"itemIdentifier": POISON}]}
    assert flags(function) == ["new-checkout", "rollout-regions"]
    assert serve(function, batch, PLENTY) == {"batchItemFailures": [{"itemIdentifier": POISON}]}
    assert flags(function) == ["new-checkout", "rollout-regions"]


def test_a_batch_without_fault_has_no_failures(function, aws):
    assert serve(function, as_batch(put(aws, "true")), PLENTY) == {"batchItemFailures": []}
    assert flags(function) == ["banner"]


@pytest.mark.parametrize("event", [read("scheduled-event-reconcile.json"), {"job": "reconcile"}])
def test_the_clock_has_it_reconcile(function, aws, slack, event):
    put(aws, "true")

    assert serve(function, event, PLENTY) == {"documents": 1, "versions": 1, "recorded": 1, "gaps": 0}
    assert flags(function) == ["banner"]
    assert len(slack.messages) == 1, "the past is told in one summary"


def test_the_clock_has_it_tell_what_no_alert_tells_of(function, aws, slack, capsys):
    serve(function, {"job": "reconcile"}, PLENTY)
    put(aws, "true")
    put(aws, "false")
    serve(function, {"job": "reconcile"}, PLENTY)
    told = len(slack.messages)
    with function.record._writing.begin() as connection:
        for table in (alert_changes, alert_ways, alerts):
            connection.execute(table.delete())
    capsys.readouterr()

    serve(function, {"job": "reconcile"}, PLENTY)

    assert [line["untold"] for line in logged(capsys) if line["action"] == "watch"] == [2]
    assert "without a message" in slack.messages[-1].arguments["text"]
    serve(function, {"job": "reconcile"}, PLENTY)
    assert len(slack.messages) == told + 1


def test_a_reconcile_that_could_not_read_fails_and_says_what(function, aws):
    aws.deny(None, "ssm:DescribeParameters")

    with pytest.raises(StoreUnreadableError, match="ssm:DescribeParameters"):
        serve(function, {"job": "reconcile"}, PLENTY)


def test_the_answer_to_an_extension_changes_no_version(function):
    answer = serve(function, read("lambda-appconfig-extension-precreatehostedconfigurationversion.json"), PLENTY)

    assert not answer.keys() & {"Content", "ContentType", "ContentVersion", "Error", "Message", "Details", "errorType"}


def test_a_single_event_that_cannot_be_read_for_is_delivered_again(function, aws):
    first, *rest = put(aws, "true")
    aws.deny(None, "ssm:GetParameterHistory")

    with pytest.raises(StoreUnreadableError, match="ssm:GetParameterHistory"):
        serve(function, first, PLENTY)
    assert flags(function) == []

    aws.allow(None, "ssm:GetParameterHistory")
    assert serve(function, first, PLENTY) == {"outcomes": ["recorded"]}
    assert flags(function) == ["banner"]
    assert {outcome for event in rest for outcome in serve(function, event, PLENTY)["outcomes"]} <= {"noted"}


def test_in_a_batch_only_what_cannot_be_read_for_comes_again(function, aws):
    events = put(aws, "true")
    aws.deny(None, "ssm:GetParameterHistory")
    foreign = {**events[0], "id": "another", "source": "my.shop"}
    batch = as_batch([events[0], foreign])

    assert serve(function, batch, PLENTY) == {
        "batchItemFailures": [{"itemIdentifier": batch["Records"][0]["messageId"]}]
    }


def test_what_it_recorded_it_tells_at_once(function, aws, slack):
    serve(function, as_batch(put(aws, "true")), PLENTY)

    assert len(slack.messages) == 1
    assert "banner" in slack.messages[0].arguments["text"]
    assert waiting(function) == 0


def test_it_leaves_what_waited_before_to_the_schedule(function, aws, slack):
    serve(function, as_batch(put(aws, "true")), Left(0))
    serve(function, as_batch(put(aws, "false")), PLENTY)

    assert len(slack.messages) == 1
    assert waiting(function) == 1
    serve(function, {"job": "reconcile"}, PLENTY)
    assert waiting(function) == 0


def test_without_time_left_it_records_and_sends_nothing(function, aws, slack):
    serve(function, as_batch(put(aws, "true")), Left(2_000))

    assert flags(function) == ["banner"]
    assert (slack.calls, waiting(function)) == ([], 1)


@pytest.mark.parametrize(
    ("context", "seconds"), [(None, 5), (Left(900_000), 5), (Left(6_500), 3.5), (Left(3_000), 0), (Left(0), 0)]
)
def test_the_time_for_sending_is_bounded(context, seconds):
    assert lambda_handler._budget(context).total_seconds() == seconds
    assert SENDING_BUDGET.total_seconds() == 5


def down(slack: SlackServer) -> None:
    slack.stop()


def refusing(slack: SlackServer) -> None:
    slack.token = "xoxb-another"


def limiting(slack: SlackServer) -> None:
    slack.faults.append(Fault.LIMITED)


@pytest.mark.parametrize("trouble", [down, refusing, limiting])
def test_a_slack_in_trouble_fails_no_record(function, aws, slack, trouble):
    trouble(slack)

    assert serve(function, as_batch(put(aws, "true")), PLENTY) == {"batchItemFailures": []}
    assert flags(function) == ["banner"]
    with function.record.reader() as uow:
        assert len(uow.outbox.pending()) + len(uow.outbox.dead()) == 1, "the alert is kept"


def test_without_a_token_alerts_wait(aws, tmp_path):
    environ = {"FLAGTRAIL_DATABASE_URL": f"sqlite:///{tmp_path / 'flagtrail.db'}"}
    function = bootstrap.application(Settings.from_env(environ))

    serve(function, as_batch(put(aws, "true")), PLENTY)

    assert waiting(function) == 1
    function.record.close()


def test_the_log_is_json_without_a_value(function, aws, capsys):
    serve(function, as_batch(put(aws, "very-particular-value")), PLENTY)

    lines = {line["action"]: line for line in logged(capsys)}
    assert lines["ingest"]["recorded"] == 1
    assert lines["dispatch"]["sent"] == 1
    assert "very-particular-value" not in json.dumps(lines)


def test_parts_are_built_once_from_the_environment(aws, monkeypatch, tmp_path):
    monkeypatch.setenv("FLAGTRAIL_DATABASE_URL", f"sqlite:///{tmp_path / 'flagtrail.db'}")
    monkeypatch.chdir(tmp_path)
    lambda_handler._warm.cache_clear()
    put(aws, "true")

    assert handler({"job": "reconcile"})["recorded"] == 1
    assert lambda_handler._application() is lambda_handler._application()
    lambda_handler._application().record.close()
    lambda_handler._warm.cache_clear()
