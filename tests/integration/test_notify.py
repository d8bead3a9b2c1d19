"""``flagtrail notify`` with a real record and a Slack that keeps Slack's rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor import bootstrap
from auditor.adapters.storage import Database
from auditor.domain.alerts import AlertKind, NewAlert
from auditor.domain.changes import AttributedChange
from auditor.domain.documents import Snapshot
from auditor.domain.flags import FlagEntry, FlagId, FlagState
from examples.standin.slack import Fault, SlackServer
from tests.support.alerts import AT, DANA, PARAMETER, change
from tests.support.cli import Answer, flagtrail


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer() as running:
        yield running


@pytest.fixture
def record(elsewhere: Path) -> Iterator[Database]:
    """Return a record in which one change waits to be told."""
    opened = bootstrap.database("sqlite:///flagtrail.db")
    told = change()
    with opened.unit_of_work() as uow:
        metadata = {"type": "String", "text": "FALSE", "tier": "Standard"}
        entry = FlagEntry(FlagId("shop", "new-checkout"), "prod", FlagState(False))
        uow.documents.hold(PARAMETER, 1, [Snapshot("3", 3, AT, None, {"": entry}, metadata)], AT)
        uow.changes.append(AttributedChange(told, DANA), AT)
        uow.outbox.put(NewAlert("change|one", AlertKind.CHANGE, told.cause, (told.key,)), AT)
        uow.commit()
    yield opened
    opened.close()


def environ(slack: SlackServer | None = None) -> dict[str, str]:
    return {"SLACK_BOT_TOKEN": slack.token, "FLAGTRAIL_SLACK_BASE_URL": slack.url} if slack else {}


def waiting(record: Database) -> list[str]:
    with record.reader() as uow:
        return [alert.key for alert in uow.outbox.pending()]


def counts(answer: Answer) -> tuple[int, ...]:
    return tuple(answer.json[name] for name in ("sent", "later", "dead", "unknown"))


def test_it_sends_what_waits_once(record, slack):
    first = flagtrail("notify", "--format", "json", environ=environ(slack))
    second = flagtrail("notify", "--format", "json", environ=environ(slack))

    assert (first.status, counts(first), counts(second)) == (0, (1, 0, 0, 0), (0, 0, 0, 0))
    assert waiting(record) == []
    (message,) = slack.messages
    assert "--value FALSE --type String --overwrite" in str(message.arguments)  # the text, not its meaning
    assert "dana@example.com" in str(message.arguments)


def test_it_says_what_it_did(record, slack):
    answer = flagtrail("notify", environ=environ(slack))

    assert (answer.status, answer.out) == (0, "1 sent, 0 later, 0 in doubt, 0 given up\n")


def test_a_dry_run_prints_slacks_json_and_changes_nothing(record, slack):
    answer = flagtrail("notify", "--dry-run", environ=environ(slack))

    (payload,) = answer.json
    assert answer.status == 0
    assert payload["metadata"]["event_payload"]["outbox_key"] == "change|one"
    assert (slack.calls, waiting(record)) == ([], ["change|one"])
    flagtrail("notify", environ=environ(slack))
    assert slack.messages[0].posted == payload


@pytest.mark.parametrize("report", [["flag", "shop/new-checkout"], ["history"]])
def test_a_message_links_to_its_change_on_the_published_page(record, slack, tmp_path, report):
    pages = "https://flags.example/{application}/{flag}.html#{change}"
    Path("flagtrail.toml").write_text(f'[links]\npages = "{pages}"\n', encoding="utf-8")
    (planned,) = flagtrail("notify", "--dry-run", environ=environ(slack)).json
    flagtrail("notify", environ=environ(slack))
    page = tmp_path / "page.html"
    made = flagtrail("report", *report, "--out", str(page))

    (posted,) = [message.posted for message in slack.messages]
    assert posted == planned
    (link,) = re.findall(r"https://flags\.example/[^']+", str(posted["blocks"]))
    address, _, anchor = link.partition("#")
    assert (made.status, address) == (0, "https://flags.example/shop/new-checkout.html")
    assert f'id="{anchor}"' in page.read_text(encoding="utf-8")


def test_without_a_token_it_prints_and_leaves_them_waiting(record):
    answer = flagtrail("notify")

    assert answer.status == 0
    assert "shop/new-checkout changed in prod" in answer.out
    assert "aws ssm put-parameter" in answer.out
    assert "SLACK_BOT_TOKEN" in answer.err
    assert waiting(record) == ["change|one"]


def test_on_a_terminal_the_address_of_a_change_is_a_line(record):
    Path("flagtrail.toml").write_text('[links]\npages = "https://flags.example/{flag}.html#{change}"\n')

    assert "\n  https://flags.example/new-checkout.html#c" in flagtrail("notify").out


def test_without_a_token_json_is_slacks(record):
    answer = flagtrail("notify", "--format", "json")

    assert [payload["blocks"][0]["type"] for payload in answer.json] == ["header"]
    assert waiting(record) == ["change|one"]


def test_without_a_token_and_with_nothing_waiting_it_is_silent(elsewhere):
    answer = flagtrail("notify")

    assert (answer.status, answer.out, answer.err) == (0, "", "")


@pytest.fixture
def console(record: Database) -> None:
    Path("flagtrail.toml").write_text('[notify]\nchannel = "console"\n', encoding="utf-8")


@pytest.mark.usefixtures("console")
def test_a_console_that_is_the_channel_counts_as_sent(record):
    answer = flagtrail("notify")

    assert "shop/new-checkout changed in prod" in answer.out
    assert answer.out.endswith("1 sent, 0 later, 0 in doubt, 0 given up\n")
    assert waiting(record) == []


@pytest.mark.usefixtures("console")
def test_a_consoles_lines_are_in_the_json(record):
    answer = flagtrail("notify", "--format", "json")

    assert counts(answer) == (1, 0, 0, 0)
    assert "shop/new-checkout changed in prod" in answer.json["lines"]


def test_a_refusal_is_said_and_kept(record, slack):
    slack.token = "xoxb-another"

    answer = flagtrail("notify", "--format", "json", environ=environ(slack) | {"SLACK_BOT_TOKEN": "xoxb-wrong"})

    assert (answer.status, counts(answer)) == (2, (0, 0, 1, 0))
    assert "invalid_auth" in answer.err
    with record.reader() as uow:
        assert [error for _, error in uow.outbox.dead()] == answer.json["errors"]


def test_what_was_given_up_is_sent_once_its_cause_is_mended(record, slack):
    flagtrail("notify", environ=environ(slack) | {"SLACK_BOT_TOKEN": "xoxb-wrong"})
    unasked = flagtrail("notify", "--format", "json", environ=environ(slack))
    again = flagtrail("notify", "--retry-dead", "--format", "json", environ=environ(slack))

    assert (counts(unasked), counts(again)) == ((0, 0, 0, 0), (1, 0, 0, 0))
    with record.reader() as uow:
        assert uow.outbox.dead() == []


@pytest.mark.parametrize("other", ["--dry-run", "--test"])
def test_what_sends_nothing_revives_nothing(record, slack, other):
    flagtrail("notify", environ=environ(slack) | {"SLACK_BOT_TOKEN": "xoxb-wrong"})

    answer = flagtrail("notify", "--retry-dead", other, environ=environ(slack))

    assert (answer.status, answer.out) == (2, "")
    with record.reader() as uow:
        assert len(uow.outbox.dead()) == 1


def test_being_asked_to_wait_is_no_failure(record, slack):
    slack.faults.append(Fault.LIMITED)

    answer = flagtrail("notify", environ=environ(slack))

    assert (answer.status, answer.out, answer.err) == (0, "0 sent, 1 later, 0 in doubt, 0 given up\n", "")
    assert waiting(record) == ["change|one"]


def test_doubt_is_a_failure_to_look_at(record, slack):
    slack.faults.append(Fault.LOST_RESET)

    answer = flagtrail("notify", environ=environ(slack))

    assert answer.status == 2
    assert waiting(record) == ["change|one"]
    assert len(answer.err.splitlines()) == 1


def test_a_slack_that_is_down_leaves_them_waiting(record, slack):
    slack.stop()

    answer = flagtrail("notify", environ=environ(slack))

    assert (answer.status, waiting(record)) == (2, ["change|one"])
    assert "reached" in answer.err


def test_a_test_message_is_marked_and_touches_no_record(elsewhere, slack):
    answer = flagtrail("notify", "--test", environ=environ(slack))

    (message,) = slack.messages
    assert (answer.status, "Test message" in str(message.arguments)) == (0, True)
    assert message.arguments["metadata"]["event_payload"]["kind"] == "test"
    assert list(elsewhere.iterdir()) == []


def test_a_test_without_a_token_prints_it_and_says_so(elsewhere):
    answer = flagtrail("notify", "--test")

    assert (answer.status, "Test message" in answer.out, "SLACK_BOT_TOKEN" in answer.err) == (0, True, True)


def test_a_dry_test_is_slacks_json(elsewhere, slack):
    answer = flagtrail("notify", "--test", "--dry-run", environ=environ(slack))

    assert answer.json[0]["metadata"]["event_payload"]["kind"] == "test"
    assert slack.calls == []
