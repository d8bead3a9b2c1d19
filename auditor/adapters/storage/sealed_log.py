"""The log as it is found by somebody who trusts nothing: every leaf with its row, compared column by column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Table, and_, exists, select

from auditor.adapters.storage import standing, text_index
from auditor.adapters.storage.ledger import HEAD, TABLES, SqlLedger
from auditor.adapters.storage.projections import Context, fault_of, plain
from auditor.adapters.storage.session import Session, numbers_of, with_numbers
from auditor.adapters.storage.tables import (
    actors,
    attributions,
    change_keys,
    changes,
    checkpoints,
    entry_macs,
    leaves,
    log_head,
    pending_seals,
)
from auditor.adapters.storage.texts import number, stored, worded
from auditor.domain.ledger.checkpoint import claimed
from auditor.domain.ledger.entries import SealedEntry

_PAGE = 2_000
_NAMED = 20


@dataclass(frozen=True, slots=True)
class SqlSealedLog:
    """A database's log."""

    session: Session

    def head(self) -> tuple[int, bytes] | None:
        """Return the size and the frontier's bytes that the log claims; an empty log may not have been begun."""
        row = self.session.first(select(log_head.c.size, log_head.c.frontier).where(log_head.c.id == HEAD))
        if row is None:
            return 0, b""
        return row.size if isinstance(row.size, int) else 0, stored(row.frontier)

    def entries(self) -> Iterator[SealedEntry]:
        """Yield the leaves by their place, with the row each stands for and how that differs from its own body."""
        after = -1
        while True:
            page = self._leaves(after)
            if not page:
                return
            yield from self._with_rows(page)
            after = page[-1].position

    def of_change(self, change_id: str) -> Sequence[SealedEntry]:
        """Return the sealed entries of one change and of what was learnt of it, in the order of the log."""
        wanted = numbers_of([change_id]).scalar_subquery()
        found: list[SealedEntry] = []
        for kind, table, named in (
            ("change", changes, changes.c.seq == wanted),
            ("attribution", attributions, attributions.c.change_seq == wanted),
        ):
            sealed = and_(leaves.c.entry == kind, leaves.c.entry_seq == table.c.seq)
            written = and_(entry_macs.c.entry == kind, entry_macs.c.entry_seq == table.c.seq)
            rows = (
                select(leaves.c.position, leaves.c.hash, table.c.seq, table.c.body, entry_macs.c.mac)
                .select_from(table)
                .join(leaves, sealed)
                .outerjoin(entry_macs, written)
                .where(named)
            )
            found += [
                SealedEntry(
                    row.position,
                    kind,
                    row.seq,
                    stored(row.hash),
                    stored(row.body),
                    None if row.mac is None else stored(row.mac),
                )
                for row in self.session.rows(rows)
            ]
        return sorted(found, key=lambda entry: entry.index)

    def loose(self) -> Iterator[str]:
        """Yield a sentence for each row that is neither sealed nor waits, and for each that waits and is gone."""
        for kind, table in TABLES.items():
            for row in self.session.rows(_unknown_rows(kind, table)):
                yield f"{kind} {row.seq} is in the record, neither sealed nor waiting for it: it was added from outside"
            for row in self.session.rows(_vanished_rows(kind, table)):
                yield f"{kind} {row.entry_seq} was recorded and is gone"
        strange = select(pending_seals.c.entry).where(pending_seals.c.entry.not_in(TABLES)).limit(1)
        if self.session.first(strange) is not None:
            yield "something waits to be sealed that is no row of the record"
        yield from self._key_faults()
        yield from text_index.faults(self.session)
        yield from standing.faults(self.session)
        yield from self._actor_faults()
        for row in self.session.rows(select(checkpoints.c.size, checkpoints.c.note)):
            said = claimed(worded(row.note))
            if said is not None and said.size != row.size:
                yield f"a checkpoint of {said.size} entries is kept as one of {row.size}"

    def waiting(self) -> tuple[int, datetime | None]:
        """Return how many rows wait to be sealed, and when the oldest of them was recorded."""
        return SqlLedger(self.session).waiting()

    def unsealed(self) -> Iterator[SealedEntry]:
        """Yield the rows that wait to be sealed, without a place or a hash."""
        for kind, table in TABLES.items():
            rows = self.session.rows(
                select(*plain(table)).join(pending_seals, _waits(kind, table)).order_by(table.c.seq)
            )
            written = and_(entry_macs.c.entry == kind, entry_macs.c.entry_seq == pending_seals.c.entry_seq)
            known = select(entry_macs).join(pending_seals, and_(pending_seals.c.entry == kind, written))
            macs = {row.entry_seq: stored(row.mac) for row in self.session.rows(known)}
            context = self._context(rows) if kind == "attribution" else Context()
            for row in rows:
                fault = fault_of(kind, row, context)
                yield SealedEntry(-1, kind, row.seq, b"", stored(row.body), macs.get(row.seq), fault)

    def notes(self) -> Sequence[str]:
        """Return the signed checkpoints that are kept with the log, the smallest first."""
        return [checkpoint.note for checkpoint in SqlLedger(self.session).checkpoints()]

    def _leaves(self, after: int) -> Sequence[Row[Any]]:
        following = select(leaves).where(leaves.c.position > after).order_by(leaves.c.position).limit(_PAGE)
        return self.session.rows(following)

    def _with_rows(self, page: Sequence[Row[Any]]) -> Iterator[SealedEntry]:
        numbers: dict[str, list[int]] = {}
        for leaf in page:
            numbers.setdefault(leaf.entry, []).append(leaf.entry_seq)
        rows = {kind: self._rows(kind, some) for kind, some in numbers.items() if kind in TABLES}
        macs = {kind: self._macs(kind, some) for kind, some in numbers.items()}
        context = self._context(rows.get("attribution", {}).values())
        for leaf in page:
            row = rows.get(leaf.entry, {}).get(leaf.entry_seq)
            fault = None if row is None else fault_of(leaf.entry, row, context)
            body = None if row is None else stored(row.body)
            mac = macs[leaf.entry].get(leaf.entry_seq)
            yield SealedEntry(leaf.position, leaf.entry, leaf.entry_seq, stored(leaf.hash), body, mac, fault)

    def _rows(self, kind: str, numbers: Sequence[int]) -> dict[int, Row[Any]]:
        table = TABLES[kind]
        return {row.seq: row for row in with_numbers(self.session, select(*plain(table)), table.c.seq, numbers)}

    def _macs(self, kind: str, numbers: Sequence[int]) -> dict[int, bytes]:
        table = entry_macs.c
        written = select(table.entry_seq, table.mac).where(table.entry == kind)
        return {row.entry_seq: stored(row.mac) for row in with_numbers(self.session, written, table.entry_seq, numbers)}

    def _context(self, learnt: Any) -> Context:
        """Read the changes that these attributions are about, and all that was learnt of them."""
        context = Context()
        numbers = sorted({row.change_seq for row in learnt})
        for at in range(0, len(numbers), 500):
            some = numbers[at : at + 500]
            for row in self.session.rows(select(changes.c.seq, changes.c.body).where(changes.c.seq.in_(some))):
                context.add_change(row.seq, row.body)
            table = attributions.c
            about = select(table.seq, table.change_seq, table.body).where(table.change_seq.in_(some))
            for row in self.session.rows(about.order_by(table.seq)):
                context.add_attribution(row.seq, row.change_seq, row.body)
        return context

    def _key_faults(self) -> Iterator[str]:
        """Yield a sentence for each change that could be recorded twice: its natural key is gone or another's."""
        known = exists(select(1).where(change_keys.c.seq == changes.c.seq, change_keys.c.id == changes.c.id))
        lost = select(changes.c.seq).where(~known).order_by(changes.c.seq).limit(_NAMED)
        for row in self.session.rows(lost):
            yield f"the natural key of change {row.seq} is gone or another's: it could be recorded once more"

    def _actor_faults(self) -> Iterator[str]:
        """Yield a sentence for each name that actors are looked for by and that is gone or not the actor's."""
        for row in self.session.rows(select(actors)):
            text = worded(row.text)
            if number(text) != row.hash:
                yield f"an actor is looked for under another name than {text.partition(chr(10))[0]!r}"
        for table in (changes, attributions):
            named = exists(select(1).where(actors.c.hash == table.c.actor_hash))
            lost = select(table.c.seq).where(table.c.actor_hash.is_not(None), ~named).limit(_NAMED)
            for row in self.session.rows(lost):
                yield f"the actor of {table.name} row {row.seq} cannot be looked for any more: the name is gone"


def _waits(kind: str, table: Table) -> Any:
    return and_(pending_seals.c.entry == kind, pending_seals.c.entry_seq == table.c.seq)


def _unknown_rows(kind: str, table: Table) -> Any:
    sealed = exists(select(1).where(leaves.c.entry == kind, leaves.c.entry_seq == table.c.seq))
    waits = exists(select(1).where(_waits(kind, table)))
    return select(table.c.seq).where(~sealed, ~waits).order_by(table.c.seq).limit(_NAMED)


def _vanished_rows(kind: str, table: Table) -> Any:
    there = exists(select(1).where(table.c.seq == pending_seals.c.entry_seq))
    gone = select(pending_seals.c.entry_seq).where(pending_seals.c.entry == kind, ~there)
    return gone.order_by(pending_seals.c.entry_seq).limit(_NAMED)
