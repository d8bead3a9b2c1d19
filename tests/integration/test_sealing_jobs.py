"""Who seals and who signs: the function after its commit, the schedule, and the function that is asked to."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from auditor import bootstrap
from auditor.application.verifying import Answer, Note, verify
from auditor.application.weekly import week_of, weekly_alerts
from auditor.domain.routing import Routing
from auditor.entrypoints.cli_options import Context
from auditor.entrypoints.commands.run import build
from auditor.entrypoints.lambda_handler import serve
from auditor.settings import Settings
from tests.support import filled
from tests.support.cli import flagtrail
from tests.support.records import at, by, change

EVENTS = Path(__file__).parent.parent / "events"
CONFIG = """\
[database]
url = "sqlite:///record.db"

[ledger]
key = "ledger.key"
public_key = "key.pub"
checkpoints = "checkpoints"

[schedule]
reconcile = "off"
dispatch = "off"
weekly_report = "off"
"""


@pytest.fixture
def application(elsewhere):
    (elsewhere / "flagtrail.toml").write_text(CONFIG)
    flagtrail("key")
    filled.record("sqlite:///record.db", [(change(number), by("dana")) for number in range(1, 4)])
    made = bootstrap.application(Settings.load({"FLAGTRAIL_MAC_KEY": "at least sixteen bytes"}))
    with closing(made.record):
        yield made


def waiting(application):
    with application.record.reader() as uow:
        return uow.sealed.waiting()[0]


def denied():
    """An attempt that AWS refused: recorded without asking AWS anything."""
    event = json.loads((EVENTS / "ct-ssm-putparameter-accessdenied.json").read_text())
    event["detail"]["requestParameters"] = {"name": "/shop/prod/features/new-checkout"}
    return {"Records": [{"messageId": "1", "eventSource": "aws:sqs", "body": json.dumps(event)}]}


def test_the_function_seals_what_it_recorded_and_what_it_finds(application):
    assert serve(application, denied()) == {"batchItemFailures": []}

    assert waiting(application) == 0
    with application.record.reader() as uow:
        assert uow.ledger.newest_checkpoint() is None, "the role that records does not sign"


def test_what_the_function_leaves_no_trace_of_is_not_worth_a_transaction(application, capsys):
    serve(application, denied())
    capsys.readouterr()
    serve(application, denied())

    actions = [json.loads(line)["action"] for line in capsys.readouterr().err.splitlines()]
    assert actions == ["ingest"]


def test_a_log_that_does_not_hold_together_fails_no_event(application, capsys):
    serve(application, denied())
    engine = create_engine(application.settings.database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM log_head")
    engine.dispose()
    other = denied()
    body = json.loads(other["Records"][0]["body"])
    body["id"], body["detail"]["eventID"] = "another", "another"
    other["Records"][0]["body"] = json.dumps(body)
    capsys.readouterr()

    assert serve(application, other) == {"batchItemFailures": []}
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["action"] for line in lines if "error" in line] == ["seal"]


def test_asked_to_the_function_signs_and_anchors(application):
    assert serve(application, {"job": "seal"}) == {"sealed": 3, "size": 3, "signed": 3, "anchored": 1}
    assert [path.name for path in Path("checkpoints").iterdir()] == [f"{3:020d}"]


def test_the_schedule_seals_signs_and_anchors(application):
    service = build(Context(), application, Path("reports"))

    assert service.run_all_once()
    assert flagtrail("verify").status == 0


def test_rows_that_the_configured_process_records_are_authenticated(application):
    serve(application, denied())
    with application.record.reader() as uow:
        entries = list(uow.sealed.entries())

    assert [entry.mac is not None for entry in entries] == [False, False, False, True]


def test_an_ingest_is_sealed_at_once(application, tmp_path):
    (tmp_path / "events.json").write_text(json.dumps(denied()))

    assert flagtrail("ingest", "events.json").status == 0
    assert waiting(application) == 0


def test_the_weekly_message_is_an_anchor(application):
    rules = bootstrap.stale_rules(application.settings)
    with application.record.reader() as uow:
        assert week_of(uow, rules, at(1)).log is None
    application.seal()
    with application.record.reader() as uow:
        first, *_ = weekly_alerts(week_of(uow, rules, at(1)), "stale.html", Routing())
        _, size, root, *_ = uow.ledger.newest_checkpoint().note.split("\n")

    assert dict(first.facts)["sealed_log"] == f"{size} entries, root {root}"


def test_a_verdict_rests_on_notes_from_anywhere(application):
    application.seal()
    notes = [Note(note, "an email") for note in bootstrap.anchors(application.settings)[0].notes()]
    key = bootstrap.keys().read_public_key(Path("key.pub"))
    with application.record.reader() as uow:
        verdict = verify(uow.sealed, notes, [key], bootstrap.signature_check(), at(1))

    assert (verdict.answer, verdict.anchored) == (Answer.INTACT, 3)
