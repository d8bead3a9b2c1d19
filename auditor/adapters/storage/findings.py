"""Findings about changes, recorded with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from auditor.adapters.storage.packing import pack, unpack
from auditor.adapters.storage.session import Session, chunks
from auditor.adapters.storage.tables import findings
from auditor.adapters.storage.texts import digest
from auditor.domain.changes import change_id
from auditor.domain.findings import Finding
from auditor.domain.times import to_micros


@dataclass(frozen=True, slots=True)
class SqlFindingLog:
    """Findings, each recorded once: what says the same about the same is the same."""

    session: Session

    def add(self, finding: Finding, at: datetime) -> bool:
        """Record a finding; return False when the same one is recorded already."""
        body = pack(finding)
        row = {
            "digest": digest(body),
            "change_id": None if finding.change_key is None else change_id(finding.change_key),
            "recorded_us": to_micros(at),
            "body": body,
        }
        return self.session.keep(findings, row)

    def of_changes(self, change_keys: Sequence[str], as_of: datetime | None = None) -> Sequence[Finding]:
        """Return the findings about these changes (natural keys)."""
        table = findings.c
        found: list[Finding] = []
        for ids in chunks(map(change_id, change_keys)):
            about = select(table.body).where(table.change_id.in_(ids)).order_by(table.seq)
            if as_of is not None:
                about = about.where(table.recorded_us <= to_micros(as_of))
            found += [unpack(Finding, row.body) for row in self.session.rows(about)]
        return found
