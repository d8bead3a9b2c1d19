"""Which recorded changes become alerts: at once, in one digest, or only counted. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from auditor.domain.alerts import AlertKind, NewAlert
from auditor.domain.changes import ChangeKind, Detection, RecordedChange
from auditor.domain.times import rfc3339

LATE = timedelta(hours=1)
DIGEST_HOLD = timedelta(minutes=15)


def plan_alerts(recorded: Iterable[RecordedChange], run_started: datetime, now: datetime) -> Iterator[NewAlert]:
    """Yield the alerts that tell of these changes: each alertable change in exactly one, one cause in one message.

    Back-fill alerts nobody. What reconcile finds more than an hour late goes into the run's one digest, held back until
    the run lets it go (or dies).
    """
    prompt: dict[str, list[str]] = {}
    late: list[str] = []
    for item in recorded:
        change = item.change
        if change.detected_by is Detection.BACKFILL or change.kind is ChangeKind.FAILED:
            continue
        if change.detected_by is Detection.RECONCILE and is_late(item, now):
            late.append(change.key)
        else:
            prompt.setdefault(change.cause, []).append(change.key)
    for cause, keys in prompt.items():
        yield NewAlert(f"change|{cause}", AlertKind.CHANGE, cause, tuple(keys))
    if late:
        key = digest_key(run_started)
        yield NewAlert(key, AlertKind.DIGEST, key, tuple(late), not_before=now + DIGEST_HOLD)


def is_late(item: RecordedChange, now: datetime) -> bool:
    """Tell whether a change happened more than an hour before it was found; an undated one by its earliest bound."""
    change = item.change
    if change.occurred_at is not None:
        return now - change.occurred_at > LATE
    if change.occurred_between is None or change.occurred_between[0] is None:
        return True
    return now - change.occurred_between[0] > LATE


def digest_key(run_started: datetime) -> str:
    """Return the key of the digest of one reconcile run."""
    return f"digest|{rfc3339(run_started)}"


def summary_alert(run_started: datetime, *, documents: int, versions: int, changes: int, gaps: int) -> NewAlert:
    """Return the one message about a back-fill."""
    key = f"summary|{rfc3339(run_started)}"
    facts = (("documents", documents), ("versions", versions), ("changes", changes), ("gaps", gaps))
    return NewAlert(key, AlertKind.SUMMARY, key, facts=facts)
