"""The function's own telemetry: metrics CloudWatch takes, ids that join lines, and nothing of what events hold."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.application.dispatch import DispatchReport
from auditor.application.envelopes import unpack
from auditor.application.ingest import DeferredEvent, IngestReport, RejectedEvent
from auditor.application.reconcile import ReconcileReport
from auditor.domain.events import Outcome, ReceivedEvent
from auditor.entrypoints import telemetry
from auditor.entrypoints.telemetry import Metric

EVENTS = Path(__file__).parents[2] / "events"
NOW = datetime(2026, 10, 6, 8, 0, tzinfo=UTC)
BAIT = "hunter2-9f8e7d"


def event(**fields):
    payload = {
        "id": "e1",
        "source": "aws.ssm",
        "detail-type": "Parameter Store Change",
        "account": "111122223333",
        "region": "eu-central-1",
        "time": "2026-10-06T07:59:30Z",
        "detail": {},
    }
    return ReceivedEvent(0, payload | fields, "m1")


def metrics(found):
    return {metric.name: metric.values for metric in found}


def test_a_line_of_metrics_has_the_embedded_metric_format():
    line = json.loads(
        telemetry.metrics_line(NOW, "audit", [Metric("Received", (2,)), Metric("Lag", (3.5, 1), "Seconds")])
    )

    assert line == {
        "_aws": {
            "Timestamp": 1791273600000,
            "CloudWatchMetrics": [
                {
                    "Namespace": "Flagtrail",
                    "Dimensions": [["Function"]],
                    "Metrics": [{"Name": "Received", "Unit": "Count"}, {"Name": "Lag", "Unit": "Seconds"}],
                }
            ],
        },
        "Function": "audit",
        "Received": 2,
        "Lag": [3.5, 1],
    }


def test_a_metric_without_a_measurement_is_left_out():
    line = json.loads(telemetry.metrics_line(NOW, "audit", [Metric("Received", (0,)), Metric("Lag", (), "Seconds")]))

    assert [metric["Name"] for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]] == ["Received"]
    assert "Lag" not in line
    assert telemetry.metrics_line(NOW, "audit", []) is None


def test_a_line_of_metrics_stays_within_what_cloudwatch_takes():
    line = telemetry.metrics_line(NOW, "audit", [Metric("Lag", tuple(range(1000)), "Seconds")])

    assert len(json.loads(line)["Lag"]) == 100


def test_an_invocation_is_counted():
    outcomes = (Outcome.RECORDED, Outcome.DUPLICATE, Outcome.DUPLICATE, Outcome.REJECTED, Outcome.DEFERRED)
    report = IngestReport(outcomes, 3, (RejectedEvent(3, "no"),), (DeferredEvent(4, "d", "no"),))

    assert metrics(telemetry.ingest_metrics([event()], report, NOW)) == {
        "Received": (5,),
        "Recorded": (3,),
        "Duplicates": (2,),
        "Rejected": (1,),
        "Deferred": (1,),
        "LagSeconds": (30.0,),
    }


@pytest.mark.parametrize(
    ("given_event", "lags"),
    [
        (event(time="2026-10-06T07:58:00Z"), (120.0,)),
        (event(time="2026-10-06T08:00:05Z"), (0.0,)),
        (event(time="soon"), ()),
        (ReceivedEvent(0, None, error="no JSON", text="{"), ()),
        (ReceivedEvent(0, {}), ()),
    ],
)
def test_lag_is_known_only_where_an_event_says_when_it_happened(given_event, lags):
    report = IngestReport((Outcome.RECORDED,), 1)

    assert metrics(telemetry.ingest_metrics([given_event], report, NOW))["LagSeconds"] == lags


def test_an_event_dated_by_its_arrival_has_no_lag():
    events = unpack(json.loads((EVENTS / "appconfig-on-deployment-complete.json").read_text()))
    extension = unpack(
        json.loads((EVENTS / "lambda-appconfig-extension-precreatehostedconfigurationversion.json").read_text())
    )
    report = IngestReport((Outcome.RECORDED,), 1)

    assert len(metrics(telemetry.ingest_metrics(events, report, datetime.now(UTC)))["LagSeconds"]) <= 1
    assert metrics(telemetry.ingest_metrics(extension, report, NOW))["LagSeconds"] == ()


def test_a_run_and_a_dispatch_are_counted():
    assert metrics(telemetry.reconcile_metrics(ReconcileReport(9, 8, 7, 6, ("a", "b")))) == {
        "FoundByReconcile": (7,),
        "Unreadable": (2,),
        "Gaps": (6,),
    }
    assert metrics(telemetry.waiting_metrics(5)) == {"AlertsWaiting": (5,)}
    assert metrics(telemetry.dispatch_metrics(DispatchReport(sent=2, dead=1))) == {
        "AlertsSent": (2,),
        "AlertsRefused": (1,),
    }


def test_ids_join_a_line_to_events_changes_and_alerts():
    report = IngestReport((Outcome.RECORDED,), 1, alerts=("version|x",), changes=("c1",))

    assert telemetry.correlation([event()], report) == {
        "events": [{"id": "e1", "message_id": "m1", "outcome": "recorded"}],
        "changes": ["c1"],
        "alerts": ["version|x"],
    }


@pytest.mark.parametrize("payload", [{"id": 7}, {"id": None}, {}, None])
def test_an_event_without_an_id_has_none(payload):
    report = IngestReport((Outcome.REJECTED,), 0)

    (told,) = telemetry.correlation([ReceivedEvent(0, payload)], report)["events"]

    assert told["id"] is None


HELD = st.recursive(
    st.just(BAIT) | st.none() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["value", "name", BAIT]), inner),
    max_leaves=6,
)


@given(
    detail=HELD,
    kind=st.just(BAIT) | st.just("Parameter Store Change"),
    time=st.just(BAIT) | st.just("2026-10-06T07:00:00Z"),
)
def test_nothing_an_event_holds_besides_its_id_is_told(detail, kind, time):
    hostile = event(detail=detail, time=time, **{"detail-type": kind})
    report = IngestReport((Outcome.RECORDED,), 1)
    facts = {**report.to_json(), **telemetry.correlation([hostile], report)}

    told = telemetry.log_line(NOW, "ingest", facts) + (
        telemetry.metrics_line(NOW, "audit", telemetry.ingest_metrics([hostile], report, NOW)) or ""
    )

    assert BAIT not in told


@given(name=st.text())
def test_a_line_is_one_line_whatever_stands_in_it(name):
    line = telemetry.log_line(NOW + timedelta(), "ingest", {"document": name})

    assert len(line.splitlines()) == 1
    assert line.isascii()
    assert json.loads(line)["document"] == name
