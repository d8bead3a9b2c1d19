"""The log over all recorded rows: who seals holds its head, and picks what waits rather than what is newest.

Numbers are given out in another order than transactions commit, so "all above the last one sealed" would miss rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, func, select, update
from sqlalchemy.exc import IntegrityError

from auditor.adapters.storage import standing
from auditor.adapters.storage.session import PAGE, Session, chunks
from auditor.adapters.storage.tables import (
    attributions,
    changes,
    checkpoints,
    gaps,
    leaves,
    log_head,
    pending_seals,
    reconciles,
    retentions,
    snoozes,
)
from auditor.adapters.storage.texts import stored, worded
from auditor.application.ports import HeldCheckpoint
from auditor.domain.errors import DatabaseError
from auditor.domain.ledger.entries import Entry
from auditor.domain.ledger.merkle import Frontier
from auditor.domain.times import from_micros, to_micros

if TYPE_CHECKING:
    from sqlalchemy import Table

HEAD = 1
_BROKEN = "the log of the record does not hold together; `flagtrail verify` says where"

# Which table a kind of entry is in; changes go before what was learnt about them.
TABLES: dict[str, Table] = {
    "change": changes,
    "attribution": attributions,
    "gap": gaps,
    "reconcile": reconciles,
    "snooze": snoozes,
    "retention": retentions,
}


@dataclass(frozen=True, slots=True)
class SqlLedger:
    """The log's head, its leaves, and the checkpoints that were signed."""

    session: Session

    def take_head(self) -> Frontier | None:
        """Take the head for this transaction and return the log as it is; ``None`` while another process seals.

        It comes first in its transaction: the very first time, the head is made in one of its own. Raise
        ``DatabaseError`` when head and leaves do not fit each other.
        """
        head = select(log_head.c.size, log_head.c.frontier).where(log_head.c.id == HEAD)
        found = self.session.first(head.with_for_update(skip_locked=True))
        if found is not None:
            return _frontier(found.size, found.frontier)
        if self.session.first(head) is not None:
            return None
        if self.session.first(select(leaves.c.position).limit(1)) is not None:
            raise DatabaseError(_BROKEN)
        self.session.keep(log_head, {"id": HEAD, "size": 0, "frontier": b""})
        # Two that begin the log at once would else wait for each other's transaction.
        self.session.commit()
        return self.take_head()

    def unsealed(self, limit: int) -> Sequence[Entry]:
        """Return what waits to be sealed, in the order it was recorded as far as a batch shows it."""
        found: list[tuple[int, Entry]] = []
        for kind, table in TABLES.items():
            if len(found) >= limit:
                break
            waits = and_(pending_seals.c.entry == kind, pending_seals.c.entry_seq == table.c.seq)
            rows = (
                select(table.c.seq, table.c.recorded_us, table.c.body)
                .join(pending_seals, waits)
                .order_by(pending_seals.c.entry_seq)
                .limit(limit - len(found))
            )
            found += [(row.recorded_us, Entry(kind, row.seq, stored(row.body))) for row in self.session.rows(rows)]
        return [entry for _, entry in sorted(found, key=lambda one: one[0])]

    def append(self, head: Frontier, entries: Sequence[Entry], hashes: Sequence[bytes]) -> Frontier:
        """Put the entries with their leaf hashes behind the head that was taken, and return the new head."""
        placed: list[Mapping[str, Any]] = [
            {"position": head.size + at, "entry": entry.kind, "entry_seq": entry.number, "hash": leaf}
            for at, (entry, leaf) in enumerate(zip(entries, hashes, strict=True))
        ]
        try:
            self.session.add(leaves, placed)
        except IntegrityError as error:
            raise DatabaseError(_BROKEN) from error
        grown = head.extended(hashes)
        moved = update(log_head).where(log_head.c.id == HEAD, log_head.c.size == head.size)
        if self.session.run(moved.values(size=grown.size, frontier=grown.to_bytes())) != 1:
            raise DatabaseError(_BROKEN)
        for kind in TABLES:
            numbers = [entry.number for entry in entries if entry.kind == kind]
            for some in chunks(numbers):
                waited = delete(pending_seals).where(pending_seals.c.entry == kind, pending_seals.c.entry_seq.in_(some))
                self.session.run(waited)
        standing.take_in(
            self.session,
            *([entry.number for entry in entries if entry.kind == kind] for kind in ("change", "attribution")),
        )
        return grown

    def hashes(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the leaf hashes from one place up to, and without, another; raise ``DatabaseError`` where one lacks."""
        for first in range(start, end, PAGE * 20):
            last = min(first + PAGE * 20, end)
            places = leaves.c.position.between(first, last - 1)
            rows = self.session.rows(select(leaves.c.hash).where(places).order_by(leaves.c.position))
            if len(rows) != last - first:
                raise DatabaseError(_BROKEN)
            yield from (stored(row.hash) for row in rows)

    def checkpoints(self) -> Sequence[HeldCheckpoint]:
        """Return the signed checkpoints, the smallest first."""
        rows = self.session.rows(select(checkpoints).order_by(checkpoints.c.size))
        return [
            HeldCheckpoint(row.size, worded(row.note), stored(row.frontier), anchored=row.anchored_us is not None)
            for row in rows
        ]

    def newest_checkpoint(self) -> HeldCheckpoint | None:
        """Return the checkpoint of the largest log, or ``None``."""
        row = self.session.first(select(checkpoints).order_by(checkpoints.c.size.desc()).limit(1))
        if row is None:
            return None
        return HeldCheckpoint(row.size, worded(row.note), stored(row.frontier), anchored=row.anchored_us is not None)

    def keep_checkpoint(self, checkpoint: HeldCheckpoint, at: datetime) -> bool:
        """Keep a signed checkpoint; return False when there is one of this size."""
        row = {
            "size": checkpoint.size,
            "note": checkpoint.note,
            "frontier": checkpoint.frontier,
            "signed_us": to_micros(at),
            "anchored_us": None,
        }
        return self.session.keep(checkpoints, row)

    def anchored(self, size: int, at: datetime) -> None:
        """Remember that the checkpoint of this size is kept outside of the database."""
        self.session.run(update(checkpoints).where(checkpoints.c.size == size).values(anchored_us=to_micros(at)))

    def waiting(self) -> tuple[int, datetime | None]:
        """Return how many rows wait to be sealed, and when the oldest of them was recorded."""
        count = self.session.rows(select(func.count()).select_from(pending_seals))[0][0]
        oldest = [moment for table in TABLES if (moment := self._oldest(table)) is not None] if count else []
        return count, min(oldest, default=None)

    def _oldest(self, kind: str) -> datetime | None:
        table = TABLES[kind]
        waits = and_(pending_seals.c.entry == kind, pending_seals.c.entry_seq == table.c.seq)
        oldest = select(func.min(table.c.recorded_us).label("us")).join_from(table, pending_seals, waits)
        row = self.session.first(oldest)
        try:
            return None if row is None or row.us is None else from_micros(row.us)
        except (TypeError, ValueError, OverflowError):
            return None  # no time the product wrote: `fault_of` says so


def _frontier(size: int, kept: bytes) -> Frontier:
    try:
        return Frontier.from_bytes(size, stored(kept))
    except ValueError as error:
        raise DatabaseError(_BROKEN) from error
