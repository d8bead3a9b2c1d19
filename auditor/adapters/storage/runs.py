"""Which scopes have a baseline, and which job ran when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update

from auditor.adapters.storage.bodies import read_counts, reconcile_body
from auditor.adapters.storage.session import Session
from auditor.adapters.storage.tables import job_slots, reconciles
from auditor.application.ports import Scope
from auditor.domain.times import from_micros, to_micros


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

    def claim_slot(self, job: str, slot: str, at: datetime) -> bool:
        """Claim one run of a job; return False when another process has it."""
        row = {"job": job, "slot": slot, "claimed_us": to_micros(at), "finished_us": None, "error": None}
        return self.session.keep(job_slots, row)

    def finished(self, job: str, slot: str, at: datetime, error: str | None) -> None:
        """Record how a claimed run ended."""
        run = update(job_slots).where(job_slots.c.job == job, job_slots.c.slot == slot)
        self.session.run(run.values(finished_us=to_micros(at), error=error))

    def last_success(self, job: str) -> datetime | None:
        """Return when a job last succeeded, or ``None``."""
        succeeded = select(func.max(job_slots.c.finished_us).label("at")).where(
            job_slots.c.job == job, job_slots.c.finished_us.is_not(None), job_slots.c.error.is_(None)
        )
        row = self.session.first(succeeded)
        return None if row is None or row.at is None else from_micros(row.at)


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
