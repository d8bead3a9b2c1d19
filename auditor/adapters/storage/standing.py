"""Which changes say how every flag stands: numbers alone, so that no question has to go through all changes.

What is shown is read from the changes themselves. Whoever seals keeps the numbers, in the transaction that seals; there
is one sealer at a time, and nobody who records waits for it or pays for it. What waits to be sealed is looked at beside
the numbers, and everything of a document of which something is learnt that moves a change in time. So an answer is at
any moment the one that all changes give. Verifying compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, delete, literal, select, union_all

from auditor.adapters.storage.history import STATE_BEARING, latest_rows
from auditor.adapters.storage.session import PAGE, Session, among, chunks
from auditor.adapters.storage.tables import attributions, changes, pending_seals, standing_changes

if TYPE_CHECKING:
    from sqlalchemy import CompoundSelect

_NAMED = 20
_KINDS = tuple(kind.value for kind in STATE_BEARING)
# What stood before comes on top: together no more than a statement may name.
_AT_ONCE = PAGE // 2


def standing_numbers(session: Session) -> Sequence[int]:
    """Return the numbers of the changes that say what is so now.

    They are asked for in one statement: a sealer that comes between two would hide what it takes from one to the other.
    Only what is new is held against what stood in its document so far.
    """
    rows = session.rows(_candidates())
    touched = {row.document_hash for row in rows if row.is_new}
    numbers = [row.seq for row in rows if row.document_hash not in touched]
    some = [row.seq for row in rows if row.document_hash in touched]
    if some:
        numbers += [row.seq for row in session.rows(latest_rows(None, None, among(changes.c.seq, some)))]
    return numbers


def take_in(session: Session, sealed: Iterable[int], learnt: Iterable[int]) -> None:
    """Keep the numbers up to date with changes and attributions that are sealed in this transaction.

    The caller holds the head of the log.
    """
    moved: set[int] = set()
    for some in chunks(learnt):
        about = select(changes.c.document_hash).join(attributions, attributions.c.change_seq == changes.c.seq)
        moves = about.where(attributions.c.seq.in_(some), attributions.c.moves.is_(True)).distinct()
        moved.update(row.document_hash for row in session.rows(moves))
    for some in chunks(sealed, _AT_ONCE):
        _compare(session, some, moved)
    renew(session, moved)


def renew(session: Session, documents: Iterable[int]) -> None:
    """Find anew, among all changes of these documents, which say what is so. The caller holds the head of the log."""
    for document in sorted(documents):
        held = session.rows(select(standing_changes.c.seq).where(standing_changes.c.document_hash == document))
        stands = session.rows(latest_rows(None, None, changes.c.document_hash == document))
        _replace(session, {row.seq for row in held}, {row.seq for row in stands})


def documents_of(session: Session, numbers: Iterable[int]) -> set[int]:
    """Return the documents of those of these numbers that are kept here."""
    found: set[int] = set()
    for some in chunks(numbers):
        kept = select(standing_changes.c.document_hash).where(standing_changes.c.seq.in_(some)).distinct()
        found.update(row.document_hash for row in session.rows(kept))
    return found


def faults(session: Session) -> Iterator[str]:
    """Yield a sentence for each change that says how a flag stands and would be passed over, or does not and would."""
    shown = set(standing_numbers(session))
    right = {row.seq for row in session.rows(latest_rows(None, None))}
    for seq in sorted(right - shown)[:_NAMED]:
        yield f"change {seq} says how its flag stands and is passed over: what tells that was altered"
    for seq in sorted(shown - right)[:_NAMED]:
        yield f"change {seq} no longer says how its flag stands and is shown as if it did: what tells that was altered"


def _candidates() -> CompoundSelect[Any]:
    """Return the statement for all among which those that stand are: the numbers kept, and what came since."""
    waits = pending_seals.c
    kept = select(standing_changes.c.seq, standing_changes.c.document_hash, literal(0).label("is_new"))
    found = select(changes.c.seq, changes.c.document_hash, literal(1).label("is_new"))
    new = found.join(pending_seals, and_(waits.entry == "change", waits.entry_seq == changes.c.seq))
    learnt = and_(waits.entry == "attribution", waits.entry_seq == attributions.c.seq)
    moved = (
        select(changes.c.document_hash)
        .join(attributions, attributions.c.change_seq == changes.c.seq)
        .join(pending_seals, learnt)
        .where(attributions.c.moves.is_(True))
    )
    return union_all(kept, new, found.where(changes.c.document_hash.in_(moved)))


def _compare(session: Session, sealed: Sequence[int], moved: Iterable[int]) -> None:
    """Hold newly sealed changes against what stood in their places so far."""
    place = (changes.c.document_hash, changes.c.path, changes.c.environment)
    new = session.rows(
        select(changes.c.seq, *place).where(
            changes.c.seq.in_(sealed), changes.c.kind.in_(_KINDS), changes.c.document_hash.not_in(list(moved))
        )
    )
    places = {(row.document_hash, row.path, row.environment) for row in new}
    known = standing_changes.c
    there: ColumnElement[bool] = and_(
        known.document_hash.in_({document for document, _, _ in places}),
        known.path.in_({path for _, path, _ in places}),
    )
    held = {
        row.seq
        for row in session.rows(select(standing_changes).where(there))
        if (row.document_hash, row.path, row.environment) in places
    }
    stands = session.rows(latest_rows(None, None, changes.c.seq.in_(held | {row.seq for row in new})))
    _replace(session, held, {row.seq for row in stands})


def _replace(session: Session, held: set[int], stands: set[int]) -> None:
    for some in chunks(sorted(held - stands)):
        session.run(delete(standing_changes).where(standing_changes.c.seq.in_(some)))
    place = (changes.c.document_hash, changes.c.path, changes.c.environment)
    for some in chunks(sorted(stands - held)):
        rows = session.rows(select(changes.c.seq, *place).where(changes.c.seq.in_(some)))
        session.keep_all(standing_changes, [dict(row._mapping) for row in rows])  # noqa: SLF001 - SQLAlchemy's public name
