"""Snoozes: recorded once, never changed; a later one counts instead of an earlier one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from auditor.adapters.storage.bodies import read_snooze, snooze_body
from auditor.adapters.storage.session import Session
from auditor.adapters.storage.tables import snoozes
from auditor.adapters.storage.texts import digest
from auditor.domain.snoozes import Snooze
from auditor.domain.times import to_micros


@dataclass(frozen=True, slots=True)
class SqlSnoozeLog:
    """Snoozes, one row each, which is sealed like everything that is recorded."""

    session: Session

    def add(self, snooze: Snooze) -> bool:
        """Record a snooze; return False when just this one is recorded already."""
        row = {**snooze_columns(snooze), "body": snooze_body(snooze)}
        seq = self.session.number(snoozes, row)
        if seq is None:
            return False
        self.session.seal_later("snooze", seq, row["body"])
        return True

    def all(self, as_of: datetime | None = None) -> Sequence[Snooze]:
        """Return the snoozes, oldest first."""
        recorded = select(snoozes.c.body).order_by(snoozes.c.recorded_us, snoozes.c.seq)
        if as_of is not None:
            recorded = recorded.where(snoozes.c.recorded_us <= to_micros(as_of))
        return [read_snooze(bytes(row.body)) for row in self.session.rows(recorded)]


def snooze_columns(snooze: Snooze) -> Mapping[str, Any]:
    """Return what the columns beside the body say."""
    return {"digest": digest(snooze_body(snooze).decode()), "recorded_us": to_micros(snooze.at)}
