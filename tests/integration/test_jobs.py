"""What the clock asks of the function: the canary, the weekly page, secrets read when they are needed."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from auditor import bootstrap
from auditor.application.ports import HistoryQuery
from auditor.domain.errors import ConfigurationError, DatabaseError, FlagtrailError
from auditor.entrypoints.journal import Journal
from auditor.entrypoints.lambda_handler import serve
from auditor.entrypoints.warm import FRESH_SECONDS, Warm
from auditor.settings import Settings
from examples.demo.delivery import as_batch
from examples.standin import StandIn
from examples.standin.slack import SlackServer

# The stand-in denies by an error that the model does not name; moto remarks on that.
pytestmark = pytest.mark.filterwarnings("ignore:.*does not match an error shape")

BEGIN = datetime(2026, 10, 6, 8, 0, tzinfo=UTC)
CANARY = "/flagtrail/canary/features/heartbeat"


@pytest.fixture
def aws(monkeypatch):
    with StandIn(BEGIN) as running:
        for name, value in running.environ().items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("AWS_SESSION_TOKEN")
        yield running


@dataclass
class Deployed:
    """The function with its variables, as a template would set them."""

    environ: dict[str, str]
    slack: SlackServer

    def __post_init__(self):
        self.lines, self.metrics = [], []
        self.application = bootstrap.application(Settings.from_env(self.environ))

    def invoke(self, event):
        return serve(self.application, event, None, Journal(self.lines.append, self.metrics.append))

    def measured(self, name):
        found = [json.loads(line) for line in self.metrics]
        return [line[name] for line in found if name in line]


@pytest.fixture
def deployed(aws, tmp_path):
    with SlackServer() as slack:
        environ = {
            "FLAGTRAIL_DATABASE_URL": f"sqlite:///{tmp_path}/record.db",
            "FLAGTRAIL_CANARY": CANARY,
            "FLAGTRAIL_CHECKPOINT_BUCKET": "pages",
            "FLAGTRAIL_SLACK_BASE_URL": slack.url,
            "SLACK_BOT_TOKEN": slack.token,
        }
        function = Deployed(environ, slack)
        yield function
        function.application.record.close()


def history(function):
    with function.application.record.reader() as uow:
        return list(uow.changes.query(HistoryQuery()))


def test_the_canary_is_heard_and_nobody_is_told_of_it(aws, deployed):
    deployed.invoke({"job": "reconcile"})  # the account is known: nothing is told as its past
    for _ in range(3):
        assert deployed.invoke({"job": "canary"})["parameter"] == CANARY
        deployed.invoke(as_batch(aws.drain()))
        aws.advance(timedelta(hours=1))

    newest = history(deployed)[0].change
    assert [str(newest.flag), newest.application, newest.environment] == ["heartbeat", "flagtrail", "canary"]
    assert [one.change.kind for one in history(deployed)] == ["updated", "updated", "created"]
    assert deployed.measured("CanarySeconds"), "from the flip to the record"
    assert len(deployed.measured("CanarySeconds")) == 3
    assert deployed.slack.messages == []


def test_the_watch_misses_no_message_of_the_canary(aws, deployed):
    deployed.invoke({"job": "reconcile"})
    aws.client("ssm").put_parameter(Name="/shop/prod/features/search", Value="true", Type="String")
    deployed.invoke({"job": "canary"})
    deployed.invoke(as_batch(aws.drain()))
    assert deployed.invoke({"job": "watch"}) == {"untold": 0, "late": []}


def test_another_flag_is_told_and_is_no_canary(aws, deployed):
    deployed.invoke({"job": "reconcile"})
    aws.client("ssm").put_parameter(Name="/flagtrail/prod/features/heartbeat", Value="true", Type="String")

    deployed.invoke(as_batch(aws.drain()))

    assert deployed.measured("CanarySeconds") == []
    assert len(deployed.slack.messages) == 1


def test_a_canary_that_reconcile_found_was_not_heard(aws, deployed):
    deployed.invoke({"job": "reconcile"})
    deployed.invoke({"job": "canary"})

    deployed.invoke({"job": "reconcile"})

    assert len(history(deployed)) == 1
    assert deployed.measured("CanarySeconds") == []


def test_deleting_the_canary_is_told(aws, deployed):
    deployed.invoke({"job": "reconcile"})
    deployed.invoke({"job": "canary"})
    deployed.invoke(as_batch(aws.drain()))
    aws.client("ssm").put_parameter(Name=CANARY, Value="true", Type="String", Overwrite=True)
    aws.client("ssm").delete_parameter(Name=CANARY)
    aws.deny(None, "ssm:PutParameter")
    with pytest.raises(Exception, match="AccessDenied"):
        aws.client("ssm").put_parameter(Name=CANARY, Value="false", Type="String", Overwrite=True)

    deployed.invoke(as_batch(aws.drain()))

    assert {one.change.kind for one in history(deployed)} >= {"deleted", "denied"}
    told = " ".join(json.dumps(message.arguments) for message in deployed.slack.messages)
    assert "heartbeat" in told


def test_a_canary_outside_of_the_watched_paths_is_refused(aws, deployed):
    deployed.environ["FLAGTRAIL_CANARY"] = "/flagtrail/heartbeat"
    stranger = Deployed(deployed.environ, deployed.slack)

    with pytest.raises(ConfigurationError, match="/flagtrail/heartbeat is no flag by the paths watched"):
        stranger.invoke({"job": "canary"})

    stranger.application.record.close()
    assert aws.calls()["ssm:PutParameter"] == 0


def test_without_a_canary_the_job_says_what_to_set(deployed):
    del deployed.environ["FLAGTRAIL_CANARY"]
    bare = Deployed(deployed.environ, deployed.slack)

    with pytest.raises(ConfigurationError, match="set FLAGTRAIL_CANARY"):
        bare.invoke({"job": "canary"})
    bare.application.record.close()


def test_the_weekly_page_goes_to_the_bucket_and_into_slack(aws, deployed):
    aws.client("s3").create_bucket(Bucket="pages", CreateBucketConfiguration={"LocationConstraint": aws.region})
    aws.client("ssm").put_parameter(Name="/shop/prod/features/search", Value="true", Type="String")
    deployed.invoke({"job": "reconcile"})
    before = len(deployed.slack.messages)

    page = deployed.invoke({"job": "weekly_report"})["page"]
    assert deployed.invoke({"job": "dispatch"}) == {"waiting": 0}

    key = page.removeprefix("s3://pages/")
    kept = aws.client("s3").get_object(Bucket="pages", Key=key)
    assert key.startswith("reports/stale-")
    assert kept["ContentType"].startswith("text/html")
    assert (
        b"shop/search" in kept["Body"].read()
        or b"search" in aws.client("s3").get_object(Bucket="pages", Key=key)["Body"].read()
    )
    assert page in json.dumps([message.arguments for message in deployed.slack.messages[before:]])
    assert deployed.measured("AlertsWaiting")[-1] == 0


def test_a_bucket_that_is_not_there_is_named(aws, deployed):
    with pytest.raises(FlagtrailError, match="s3://pages/reports/stale-"):
        deployed.invoke({"job": "weekly_report"})


def test_a_page_needs_a_bucket(aws, deployed):
    del deployed.environ["FLAGTRAIL_CHECKPOINT_BUCKET"]
    bare = Deployed(deployed.environ, deployed.slack)

    with pytest.raises(ConfigurationError, match="FLAGTRAIL_CHECKPOINT_BUCKET"):
        bare.invoke({"job": "weekly_report"})
    bare.application.record.close()


def test_an_upgrade_makes_the_tables(deployed, tmp_path):
    deployed.environ["FLAGTRAIL_DATABASE_URL"] = url = f"sqlite:///{tmp_path}/other.db"
    other = Deployed(deployed.environ, deployed.slack)
    other.application.record.close()
    (tmp_path / "other.db").unlink()

    first = other.invoke({"job": "upgrade"})
    again = other.invoke({"job": "upgrade"})

    assert first["before"] is None
    assert again == {"before": first["after"], "after": first["after"]}
    bootstrap.database(url, create=False).close()


def without(monkeypatch, library, *importers):
    """Make a library be not there, and forget who has imported it."""
    for name in [name for name in sys.modules if name == library or name.startswith(importers)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)


def test_without_the_layer_a_page_says_what_to_attach(aws, deployed, monkeypatch):
    without(monkeypatch, "jinja2", "reports")

    with pytest.raises(ConfigurationError, match="needs jinja2, which is in the layer"):
        deployed.invoke({"job": "weekly_report"})


def test_without_the_layer_an_upgrade_says_what_to_attach(deployed, monkeypatch):
    without(monkeypatch, "alembic", "alembic", "auditor.adapters.storage.upgrade")

    with pytest.raises(DatabaseError, match="attach the layer"):
        deployed.invoke({"job": "upgrade"})


def test_a_master_lets_the_user_in_before_the_tables_are_made(aws, deployed):
    made = aws.client("secretsmanager").create_secret(
        Name="master", SecretString='{"username": "master", "password": "x"}'
    )
    deployed.environ["FLAGTRAIL_DATABASE_MASTER_SECRET_ARN"] = made["ARN"]
    own = Deployed(deployed.environ, deployed.slack)

    with pytest.raises(DatabaseError, match="a login is made in PostgreSQL"):
        own.invoke({"job": "upgrade"})
    own.application.record.close()


def test_the_function_looks_from_where_it_stands(aws, deployed, monkeypatch):
    monkeypatch.setenv("FLAGTRAIL_RULES", "one,two")
    deployed.invoke({"job": "reconcile"})
    deployed.invoke({"job": "canary"})
    deployed.invoke(as_batch(aws.drain()))
    aws.deny(aws.product, "appconfig:ListApplications")

    answer = deployed.invoke({"job": "doctor"})

    by_name = {check["check"]: check for check in answer["checks"]}
    assert answer["ok"] is False
    assert "appconfig:ListApplications" in by_name["source appconfig"]["detail"]
    assert by_name["canary"]["status"] == by_name["slack"]["status"] == by_name["source ssm"]["status"] == "ok"
    assert answer["installation"]["rules"] == "one,two"
    assert json.dumps(answer)


def test_what_is_no_job_is_no_event_either(deployed):
    assert deployed.invoke({"job": "make coffee"}) == {"outcomes": ["rejected"]}


class Clock:
    """A clock that is moved by hand."""

    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def token(aws, tmp_path):
    """Return a secret that holds Slack's token, and the variables that name it."""
    made = aws.client("secretsmanager").create_secret(Name="slack", SecretString="xoxb-first\n")
    environ = {
        "FLAGTRAIL_DATABASE_URL": f"sqlite:///{tmp_path}/record.db",
        "SLACK_BOT_TOKEN_SECRET_ARN": made["ARN"],
    }
    return made["ARN"], environ


def test_a_rotated_secret_counts_within_minutes(aws, token):
    arn, environ = token
    clock = Clock()
    warm = Warm(environ, clock)

    first = warm.application()
    assert first.settings.slack.token == "xoxb-first"
    aws.client("secretsmanager").put_secret_value(SecretId=arn, SecretString="xoxb-second")
    assert warm.application() is first
    clock.now += FRESH_SECONDS
    second = warm.application()

    assert second.settings.slack.token == "xoxb-second"
    assert aws.calls()["secretsmanager:GetSecretValue"] == 2
    clock.now += FRESH_SECONDS
    assert warm.application() is second, "nothing is built anew where nothing changed"
    second.record.close()


def test_a_secret_that_cannot_be_read_again_keeps_what_there_is(aws, token):
    arn, environ = token
    clock = Clock()
    warm = Warm(environ, clock)
    first = warm.application()

    aws.client("secretsmanager").delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
    clock.now += FRESH_SECONDS

    assert warm.application() is first
    first.record.close()
    with pytest.raises(FlagtrailError, match="cannot be read"):
        Warm(environ, clock).application()


def test_no_secret_is_asked_for_where_none_is_named(aws, tmp_path: Path):
    environ = {"FLAGTRAIL_DATABASE_URL": f"sqlite:///{tmp_path}/record.db", "SLACK_BOT_TOKEN": "xoxb-plain"}

    assert bootstrap.revealed(environ) == environ
    assert aws.calls() == {}
