"""What the record cannot vouch for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from auditor.adapters.storage.bodies import gap_body, read_gap
from auditor.adapters.storage.session import Session
from auditor.adapters.storage.tables import gaps
from auditor.adapters.storage.texts import digest
from auditor.domain.changes import Gap
from auditor.domain.documents import DocumentRef
from auditor.domain.times import to_micros


@dataclass(frozen=True, slots=True)
class SqlGapLog:
    """Gaps, each recorded once: the same versions or times of the same life are the same gap, whatever the reason."""

    session: Session

    def add(self, gap: Gap, at: datetime) -> bool:
        """Record a gap; return False when it is recorded already."""
        row = gap_columns(gap, at)
        seq = self.session.number(gaps, row)
        if seq is None:
            return False
        self.session.seal_later("gap", seq, row["body"])
        return True

    def all(self, as_of: datetime | None = None) -> Sequence[Gap]:
        """Return the gaps, in the order of document, life and beginning."""
        recorded = select(gaps.c.body)
        if as_of is not None:
            recorded = recorded.where(gaps.c.recorded_us <= to_micros(as_of))
        return sorted((read_gap(row.body) for row in self.session.rows(recorded)), key=_order)


def gap_columns(gap: Gap, at: datetime) -> dict[str, Any]:
    """Return the row of a gap: its body, and what finds it, made of the same facts."""
    named = (str(gap.document), str(gap.life), gap.gap_class.value, gap.first, gap.last)
    return {"digest": digest(*named), "recorded_us": to_micros(at), "body": gap_body(gap, at)}


def _order(gap: Gap) -> tuple[DocumentRef, int, int, str, str]:
    """Order versions as numbers; times are as wide as each other and order as texts."""
    first = int(gap.first) if gap.first.isdecimal() else 0
    return (gap.document, gap.life, first, gap.first, gap.last)
