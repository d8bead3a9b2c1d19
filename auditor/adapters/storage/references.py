"""Results of scans, with commit and time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, func, or_, select

from auditor.adapters.storage.packing import pack, unpack
from auditor.adapters.storage.session import Session, chunks
from auditor.adapters.storage.tables import code_references, reference_sets, scans
from auditor.adapters.storage.texts import digest
from auditor.application.ports import StoredScan
from auditor.domain.references import FlagSpec, Reference, ScanResult
from auditor.domain.sightings import Look, Sweep
from auditor.domain.times import from_micros, to_micros


@dataclass(frozen=True, slots=True)
class SqlReferenceStore:
    """Every scan ever saved; scans that found the same share one set of rows."""

    session: Session

    def save(self, repository: str, result: ScanResult, at: datetime) -> None:
        """Keep a scan's result; the newest one of a repository counts."""
        row = {
            "repository": repository,
            "commit_id": result.commit,
            "scanned_us": to_micros(at),
            "complete": result.complete,
            "unread": len(result.unread),
            "set_id": self._set(repository, result.references),
        }
        self.session.add(scans, row)

    def scans(self, as_of: datetime | None = None) -> Sequence[StoredScan]:
        """Return the newest scan of each repository."""
        return [
            StoredScan(row.repository, row.commit_id, from_micros(row.scanned_us), row.complete, row.unread)
            for row in self._newest(as_of)
        ]

    def references(self, as_of: datetime | None = None) -> Sequence[Reference]:
        """Return the references of the newest scan of each repository."""
        return list(self._references(select(code_references.c.body), self._newest(as_of)))

    def of_flag(self, spec: FlagSpec, as_of: datetime | None = None) -> Sequence[Reference] | None:
        """Return the references of one flag, or ``None`` when nothing was ever scanned."""
        newest = self._newest(as_of)
        if not newest:
            return None
        table = code_references.c
        same = and_(table.key == spec.key, table.provider == spec.provider)
        if spec.name is not None:
            same = or_(same, table.flag_name == spec.name)
        named = select(table.body).where(same)
        return [found for found in self._references(named, newest) if _may_be(found.flag, spec)]

    def sweeps(self, names: Collection[str], as_of: datetime | None = None) -> Sequence[Sweep]:
        """Return every scan, oldest first, with the references it found that have one of these names."""
        table = scans.c
        made = select(scans).order_by(table.seq)
        if as_of is not None:
            made = made.where(table.scanned_us <= to_micros(as_of))
        found: dict[int, list[Reference]] = defaultdict(list)
        read: dict[str, Reference] = {}  # most stay the same from scan to scan
        for some in chunks(sorted(names)):
            for row in self.session.rows(_named(some)):
                if row.body not in read:
                    read[row.body] = unpack(Reference, row.body)
                found[row.set_id].append(read[row.body])
        return [
            Sweep(
                row.repository,
                Look(from_micros(row.scanned_us), row.commit_id),
                row.complete,
                found.get(row.set_id, ()),
            )
            for row in self.session.rows(made)
        ]

    def _newest(self, as_of: datetime | None) -> Sequence[Row[Any]]:
        table = scans.c
        last = select(func.max(table.seq)).group_by(table.repository)
        if as_of is not None:
            last = last.where(table.scanned_us <= to_micros(as_of))
        return self.session.rows(select(scans).where(table.seq.in_(last)).order_by(table.repository))

    def _references(self, wanted: Select[Any], newest: Sequence[Row[Any]]) -> Iterable[Reference]:
        table = code_references.c
        for scan in newest:
            of_scan = wanted.where(table.set_id == scan.set_id).order_by(table.position)
            for row in self.session.rows(of_scan):
                yield unpack(Reference, row.body)

    def _set(self, repository: str, found: Sequence[Reference]) -> int:
        rows = [
            {
                "position": position,
                "provider": reference.flag.provider,
                "key": reference.flag.key,
                "flag_name": reference.flag.name,
                "body": pack(reference),
            }
            for position, reference in enumerate(found)
        ]
        key = digest(repository, *[str(row["body"]) for row in rows])
        number = self.session.number(reference_sets, {"digest": key})
        if number is not None:
            self.session.add(code_references, [{"set_id": number, **row} for row in rows])
            return number
        (known,) = self.session.rows(select(reference_sets.c.id).where(reference_sets.c.digest == key))
        held: int = known.id
        return held


def _named(names: Sequence[str]) -> Select[Any]:
    """Select the references of these names: the flag's, or the key where the flag has no name."""
    table = code_references.c
    named = select(table.set_id, table.body).where(func.coalesce(table.flag_name, table.key).in_(names))
    return named.order_by(table.set_id, table.position)


def _may_be(found: FlagSpec, wanted: FlagSpec) -> bool:
    """Tell whether both can be the same flag: what is not known of either excludes nothing."""
    pairs = (
        (found.application, wanted.application),
        (found.environment, wanted.environment),
        (found.profile, wanted.profile),
    )
    return all(one is None or other is None or one == other for one, other in pairs)
