"""Which scopes have a baseline, and which job ran when."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, select, update

from auditor.adapters.storage.bodies import read_counts, reconcile_body
from auditor.adapters.storage.packing import pack_json
from auditor.adapters.storage.session import Session
from auditor.adapters.storage.tables import job_slots, reconciles, replicas
from auditor.application.ports import JobRun, Replica, Scope
from auditor.domain.times import from_micros, to_micros

_FORGOTTEN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SqlRunLog:
    """Completed reconciles, and a row for each run of a job that some process claimed."""

    session: Session

    def baselined(self, scope: Scope) -> bool:
        """Tell whether a reconcile of this scope was completed before; an empty fingerprint asks for any."""
        table = reconciles.c
        done = select(table.seq).where(
            table.source == scope.source, table.account == scope.account, table.region == scope.region
        )
        if scope.fingerprint:
            done = done.where(table.fingerprint == scope.fingerprint)
        return self.session.first(done.limit(1)) is not None

    def reconciled(self, scope: Scope, at: datetime, counts: Mapping[str, int]) -> None:
        """Record a completed reconcile with its counts: that nothing happened is itself recorded."""
        row = reconcile_columns(scope, counts, at)
        seq = self.session.number(reconciles, row)
        if seq is not None:
            self.session.seal_later("reconcile", seq, row["body"])

    def reconciled_at(self, scope: Scope, as_of: datetime | None = None) -> datetime | None:
        """Return when the newest completed reconcile of this scope began, of any fingerprint, or ``None``."""
        table = reconciles.c
        newest = select(func.max(table.recorded_us).label("at")).where(
            table.source == scope.source, table.account == scope.account, table.region == scope.region
        )
        if as_of is not None:
            newest = newest.where(table.recorded_us <= to_micros(as_of))
        row = self.session.first(newest)
        return None if row is None or row.at is None else from_micros(row.at)

    def newest_counts(self, scope: Scope) -> Mapping[str, int] | None:
        """Return the counts of the newest completed reconcile of this scope and fingerprint, or ``None``."""
        table = reconciles.c
        place = (table.source == scope.source, table.account == scope.account, table.region == scope.region)
        newest = select(table.body).where(*place, table.fingerprint == scope.fingerprint)
        row = self.session.first(newest.order_by(table.seq.desc()).limit(1))
        return None if row is None else read_counts(row.body)

    def claim_slot(self, job: str, slot: str, at: datetime, abandoned_before: datetime | None = None) -> bool:
        """Claim one run of a job; return False when another process has it.

        A claim that nobody renewed since ``abandoned_before``, and whose run never ended, is taken over.
        """
        row = {"job": job, "slot": slot, "claimed_us": to_micros(at), "finished_us": None, "error": None}
        if self.session.keep(job_slots, row):
            return True
        if abandoned_before is None:
            return False
        dead = update(job_slots).where(
            *_run(job, slot), job_slots.c.finished_us.is_(None), job_slots.c.claimed_us < to_micros(abandoned_before)
        )
        return self.session.run(dead.values(claimed_us=to_micros(at))) == 1

    def renew(self, job: str, slot: str, at: datetime) -> None:
        """Say that a claimed run still goes on."""
        going_on = update(job_slots).where(*_run(job, slot), job_slots.c.finished_us.is_(None))
        self.session.run(going_on.values(claimed_us=to_micros(at)))

    def finished(self, job: str, slot: str, at: datetime, error: str | None) -> None:
        """Record how a claimed run ended."""
        run = update(job_slots).where(*_run(job, slot))
        self.session.run(run.values(finished_us=to_micros(at), error=error))

    def last_success(self, job: str) -> datetime | None:
        """Return when a job last succeeded, or ``None``."""
        succeeded = select(func.max(job_slots.c.finished_us).label("at")).where(
            job_slots.c.job == job, job_slots.c.finished_us.is_not(None), job_slots.c.error.is_(None)
        )
        row = self.session.first(succeeded)
        return None if row is None or row.at is None else from_micros(row.at)

    def newest_run(self, job: str) -> JobRun | None:
        """Return the run of a job that was claimed last by the clock, or ``None``."""
        by_clock = select(job_slots).where(job_slots.c.job == job, func.substr(job_slots.c.slot, 1, 7) != "by hand")
        row = self.session.first(by_clock.order_by(job_slots.c.claimed_us.desc()).limit(1))
        return None if row is None else _job_run(row)

    def last_error(self, job: str) -> str | None:
        """Return with what the job's newest ended run failed, or ``None`` when it succeeded or never ended."""
        ended = select(job_slots.c.error).where(job_slots.c.job == job, job_slots.c.finished_us.is_not(None))
        row = self.session.first(ended.order_by(job_slots.c.finished_us.desc()).limit(1))
        return None if row is None else row.error

    def first_run(self, job: str) -> datetime | None:
        """Return when a run of a job was claimed first, or ``None``."""
        row = self.session.first(select(func.min(job_slots.c.claimed_us).label("at")).where(job_slots.c.job == job))
        return None if row is None or row.at is None else from_micros(row.at)

    def seen(self, replica: Replica) -> None:
        """Remember that a process which runs jobs is alive; those not seen for a day are forgotten."""
        row = {
            "name": replica.name,
            "started_us": to_micros(replica.started_at),
            "seen_us": to_micros(replica.seen_at),
            "jobs": pack_json(list(replica.running)),
        }
        if not self.session.keep(replicas, row):
            known = update(replicas).where(replicas.c.name == replica.name)
            self.session.run(known.values(seen_us=row["seen_us"], jobs=row["jobs"]))
        self.session.run(delete(replicas).where(replicas.c.seen_us < to_micros(replica.seen_at - _FORGOTTEN)))

    def left(self, name: str) -> None:
        """Forget a process that ended by itself."""
        self.session.run(delete(replicas).where(replicas.c.name == name))

    def replicas(self) -> Sequence[Replica]:
        """Return the processes that run jobs, the one seen last first."""
        rows = self.session.rows(select(replicas).order_by(replicas.c.seen_us.desc(), replicas.c.name))
        return [
            Replica(row.name, from_micros(row.started_us), from_micros(row.seen_us), tuple(json.loads(row.jobs)))
            for row in rows
        ]


def _run(job: str, slot: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return job_slots.c.job == job, job_slots.c.slot == slot


def _job_run(row: Row[Any]) -> JobRun:
    finished = None if row.finished_us is None else from_micros(row.finished_us)
    return JobRun(row.job, row.slot, from_micros(row.claimed_us), finished, row.error)


def reconcile_columns(scope: Scope, counts: Mapping[str, int], at: datetime) -> dict[str, Any]:
    """Return the row of a completed reconcile: its body, and what finds it, made of the same facts."""
    return {
        "source": scope.source,
        "account": scope.account,
        "region": scope.region,
        "fingerprint": scope.fingerprint,
        "recorded_us": to_micros(at),
        "body": reconcile_body(scope, counts, at),
    }
