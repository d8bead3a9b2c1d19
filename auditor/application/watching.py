"""Watching Flagtrail itself: was every change told that somebody has to hear of, and do the jobs succeed?

An alert is written with its change, so one that is missing was taken away. A job that fails says so where nobody looks;
one that hangs says nothing at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from auditor.application.alerting import is_told
from auditor.application.ports import RunLog, UnitOfWork
from auditor.domain.alerts import AlertKind, NewAlert
from auditor.domain.changes import RecordedChange
from auditor.domain.routing import Routing
from auditor.domain.schedules import When
from auditor.domain.times import rfc3339

LOOKED_BACK = timedelta(days=2)
"""How far back every look goes: many times as far as the last one."""


@dataclass(frozen=True, slots=True)
class LateJob:
    """A job that has not succeeded for long: since when, and with what it failed last, if it ended."""

    name: str
    since: datetime
    error: str | None


def late_jobs(runs: RunLog, schedule: Mapping[str, When], now: datetime) -> Iterator[LateJob]:
    """Yield the jobs that ran before and have not succeeded for long; one that never ran is no job of this record."""
    for name, when in schedule.items():
        since = runs.last_success(name) or runs.first_run(name)
        if since is not None and now - since > when.patience():
            yield LateJob(name, since, runs.last_error(name))


def untold(uow: UnitOfWork, routing: Routing, now: datetime) -> list[RecordedChange]:
    """Return the changes of the last days that somebody has to hear of and that no alert tells of, oldest first."""
    missing = uow.outbox.untold(now - LOOKED_BACK, now)
    return sorted((change for change in missing if is_told(change, routing)), key=lambda change: change.seq)


@dataclass(frozen=True, slots=True)
class Watched:
    """What a look found: how many changes nobody was told of, and which jobs are late."""

    untold: int
    late: tuple[LateJob, ...]

    def in_words(self) -> str:
        """Return it in one line."""
        told = f"{self.untold} changes were told by no alert" if self.untold else "every change was told"
        late = ", ".join(job.name for job in self.late)
        return f"{told}; late: {late}" if late else f"{told}, no job is late"


def watch(uow: UnitOfWork, routing: Routing, schedule: Mapping[str, When], now: datetime) -> Watched:
    """Put an alert for what was not told and one for each late job, and return what was found; the caller commits.

    Both go the usual way: nobody has to hear twice of the same trouble.
    """
    missing = untold(uow, routing, now)
    if missing:
        keys = tuple(change.change.key for change in missing)
        first = f"missing|{missing[0].id}|{len(missing)}"
        uow.outbox.put(NewAlert(first, AlertKind.DIGEST, first, keys, (("held_back", "missing"),)), now)
    late = tuple(late_jobs(uow.runs, schedule, now))
    for job in late:
        key = f"late|{job.name}|{rfc3339(job.since)}"
        facts = (("job", job.name), ("since", rfc3339(job.since)), ("error", job.error or "it did not end"))
        uow.outbox.put(NewAlert(key, AlertKind.TROUBLE, key, facts=facts), now)
    return Watched(len(missing), late)
