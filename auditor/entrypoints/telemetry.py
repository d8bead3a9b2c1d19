"""What the function tells of itself in its log: ids that join lines to events, changes and alerts, and metrics.

Metrics are lines in CloudWatch's embedded metric format (EMF): CloudWatch makes metrics of them, and the function calls
nobody. Ids, counts and seconds only; nothing of what an event holds besides its id. Light on purpose: the Lambda
imports it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from auditor.application.envelopes import parse_envelope
from auditor.domain.errors import MalformedEventError
from auditor.domain.events import Outcome, ReceivedEvent

if TYPE_CHECKING:
    from auditor.application.dispatch import DispatchReport
    from auditor.application.ingest import IngestReport
    from auditor.application.reconcile import ReconcileReport

NAMESPACE = "Flagtrail"
_DIMENSION = "Function"
# A line of the log has an end, and so has a list of values in it.
_MOST_IDS = 200
_MOST_VALUES = 100
_LONGEST_ID = 256


@dataclass(frozen=True, slots=True)
class Metric:
    """One measurement: a count, or seconds; several values where one invocation measured several times."""

    name: str
    values: tuple[float, ...]
    unit: str = "Count"


def log_line(at: datetime, action: str, facts: Mapping[str, Any]) -> str:
    """Return a line of the log: JSON, in ASCII, so that nothing in a name can begin another line."""
    return json.dumps({"at": at.isoformat(), "action": action, **facts}, ensure_ascii=True, default=str)


def metrics_line(at: datetime, function: str, metrics: Sequence[Metric]) -> str | None:
    """Return the line that CloudWatch makes metrics of; ``None`` where nothing was measured.

    See "Embedded metric format specification" in the Amazon CloudWatch User Guide.
    """
    measured = [metric for metric in metrics if metric.values]
    if not measured:
        return None
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [[_DIMENSION]],
        "Metrics": [{"Name": metric.name, "Unit": metric.unit} for metric in measured],
    }
    line: dict[str, Any] = {
        "_aws": {"Timestamp": int(at.timestamp() * 1000), "CloudWatchMetrics": [directive]},
        _DIMENSION: function,
    }
    for metric in measured:
        line[metric.name] = metric.values[0] if len(metric.values) == 1 else list(metric.values[:_MOST_VALUES])
    return json.dumps(line, ensure_ascii=True)


def correlation(events: Sequence[ReceivedEvent], report: IngestReport) -> dict[str, Any]:
    """Return the ids that join this line to events, to changes in the record and to alerts in the outbox."""
    return {
        "events": [
            {"id": _id(event), "message_id": event.message_id, "outcome": outcome.value}
            for event, outcome in zip(events[:_MOST_IDS], report.outcomes, strict=False)
        ],
        "changes": list(report.changes[:_MOST_IDS]),
        "alerts": list(report.alerts[:_MOST_IDS]),
    }


def ingest_metrics(events: Sequence[ReceivedEvent], report: IngestReport, now: datetime) -> list[Metric]:
    """Return the counts of an invocation, and for how long each event was on its way."""
    lags = sorted((lag for event in events if (lag := _lag(event, now)) is not None), reverse=True)
    return [
        _count("Received", len(report.outcomes)),
        _count("Recorded", report.recorded),
        _count("Duplicates", report.count(Outcome.DUPLICATE)),
        _count("Rejected", len(report.rejected)),
        _count("Deferred", len(report.deferred)),
        Metric("LagSeconds", tuple(lags), "Seconds"),
    ]


def canary_metrics(
    events: Sequence[ReceivedEvent], report: IngestReport, now: datetime, canary: str | None
) -> list[Metric]:
    """Return how many seconds the canary's flips took from the store to the record; none where no flip was recorded.

    Only the event that had the change recorded counts. What reconcile finds is no sign that events arrive.
    """
    if canary is None:
        return []
    recorded = [e for e, outcome in zip(events, report.outcomes, strict=True) if outcome is Outcome.RECORDED]
    lags = [_lag(event, now) for event in recorded if _parameter_of(event) == canary]
    return [Metric("CanarySeconds", tuple(lag for lag in lags if lag is not None), "Seconds")]


def _parameter_of(event: ReceivedEvent) -> object:
    """Return the parameter that an event is about: the store's own event, or the call behind it."""
    detail = (event.payload or {}).get("detail")
    if not isinstance(detail, Mapping):
        return None
    asked = detail.get("requestParameters")
    return detail.get("name", asked.get("name") if isinstance(asked, Mapping) else None)


def reconcile_metrics(report: ReconcileReport) -> list[Metric]:
    """Return what a run found, and which gaps in the record are open after it."""
    return [
        _count("FoundByReconcile", report.recorded),
        _count("Unreadable", len(report.errors)),
        _count("Gaps", report.gaps),
    ]


def waiting_metrics(alerts: int) -> list[Metric]:
    """Return how many alerts nobody got yet."""
    return [_count("AlertsWaiting", alerts)]


def dispatch_metrics(report: DispatchReport) -> list[Metric]:
    """Return what became of alerts."""
    return [_count("AlertsSent", report.sent), _count("AlertsRefused", report.dead)]


def _count(name: str, number: int) -> Metric:
    return Metric(name, (number,))


def _id(event: ReceivedEvent) -> str | None:
    """Return the event's own id; ``None`` where it has none that could be one."""
    payload = event.payload or {}
    found = payload.get("id", payload.get("eventID", payload.get("InvocationId")))
    return found[:_LONGEST_ID] if isinstance(found, str) else None


def _lag(event: ReceivedEvent, now: datetime) -> float | None:
    """Return how many seconds ago an event happened; ``None`` where it does not say."""
    if event.payload is None:
        return None
    try:
        at = parse_envelope(event.payload, received=now).time
    except MalformedEventError:
        return None
    # An event without a time of its own is dated by its arrival.
    return None if at == now else max(0.0, round((now - at).total_seconds(), 3))
