"""What the Lambda function writes about an invocation: metrics on stdout, a log that names what it did by id."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from auditor import bootstrap
from auditor.application.ports import HistoryQuery
from auditor.entrypoints.lambda_handler import serve
from auditor.settings import Settings
from examples.demo.delivery import as_batch
from examples.standin import StandIn

BEGIN = datetime(2026, 10, 6, 8, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Invocation:
    aws_request_id: str = "r-1"

    def get_remaining_time_in_millis(self):
        return 60_000


@pytest.fixture
def aws(monkeypatch):
    with StandIn(BEGIN) as running:
        for name, value in running.environ().items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("AWS_SESSION_TOKEN")
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "audit")
        yield running


@pytest.fixture
def function(aws, tmp_path):
    application = bootstrap.application(Settings.from_env({"FLAGTRAIL_DATABASE_URL": f"sqlite:///{tmp_path}/a.db"}))
    yield application
    application.record.close()


def metrics(text):
    """Return the measured values of all lines, and check that each says which they are."""
    found = {}
    for line in map(json.loads, text.splitlines()):
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert (directive["Namespace"], line["Function"]) == ("Flagtrail", "audit")
        found |= {metric["Name"]: line[metric["Name"]] for metric in directive["Metrics"]}
    return found


def test_an_invocation_tells_what_it_did_by_id_and_number(function, aws, capsys):
    value = "the-secret-sauce"
    aws.client("ssm").put_parameter(Name="/shop/prod/features/sauce", Value=value, Type="String")
    batch = as_batch(aws.drain())

    serve(function, batch, Invocation())
    serve(function, batch, Invocation())

    told = capsys.readouterr()
    first, again = (line for line in map(json.loads, told.err.splitlines()) if line["action"] == "ingest")
    with function.record.reader() as uow:
        (change,) = uow.changes.query(HistoryQuery())
        (alert,) = uow.outbox.pending()
    assert (first["changes"], first["alerts"], first["request"]) == ([change.id], [alert.key], "r-1")
    assert [one["outcome"] for one in first["events"]][:1] == ["recorded"]
    assert all(one["id"] and one["message_id"] for one in first["events"])
    assert {one["outcome"] for one in again["events"]} == {"duplicate"}
    assert value not in told.out + told.err
    assert metrics(told.out.splitlines()[0])["Recorded"] == 1
    assert metrics(told.out)["Duplicates"] == len(again["events"])
    assert metrics(told.out)["Recorded"] == 0


def test_a_run_tells_what_is_open_after_it(function, aws, capsys):
    aws.client("ssm").put_parameter(Name="/shop/prod/features/sauce", Value="true", Type="String")

    serve(function, {"job": "reconcile"}, Invocation())

    found = metrics(capsys.readouterr().out)
    assert (found["FoundByReconcile"], found["Gaps"], found["Unreadable"]) == (1, 0, 0)
    assert found["AlertsWaiting"] == 1
