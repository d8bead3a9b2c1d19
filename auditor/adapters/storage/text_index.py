"""Which blocks of the log can hold a text: a search reads those and no others. No extension and no trigger is needed.

The log is cut into blocks of changes that stand together, and so many blocks make a segment. For each piece of four
characters, by its hash, a segment has one row whose bits say in which of its blocks some text has such a piece. A
search reads the rows of its own pieces, keeps the blocks whose bit is set in all of them, and looks into their texts:
what the bits say is never more than a hint. Segments are made after sealing, in one go, so recording costs nothing
more; what is newer is looked through.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, reduce
from math import isqrt
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, literal, select

from auditor.adapters.storage.session import Session, among, chunks, with_numbers
from auditor.adapters.storage.tables import changes, leaves, pending_seals, text_marks
from auditor.adapters.storage.texts import worded

PIECE = 4
BLOCK = 32
BLOCKS = 60
SEGMENT = BLOCK * BLOCKS
_HASHES = 1 << 15
_ASKED = 5
# A row of this name says that its segment is whole, even where it has no text at all.
_WHOLE = -1
# More blocks than these are not looked into one by one, and more changes are not asked for by number: walking along
# the time soon meets what is so frequent. Where as many blocks have it as the root of half of all changes, fifty hits
# are met on the way through about as many changes as the blocks hold.
MOST_BLOCKS = 1_500
FEW_BLOCKS = 20
MOST_FOUND = 2_000


def extend(session: Session) -> bool:
    """Make the marks of the next segment that is sealed whole; return False when there is none. The caller commits."""
    segment = _segments(session)
    end = session.first(select(func.max(leaves.c.position).label("last")))
    if end is None or end.last is None or end.last + 1 < (segment + 1) * SEGMENT:
        return False
    marks = _marks(session, segment)
    rows = [{"segment": segment, "piece": piece, "blocks": blocks} for piece, blocks in sorted(marks.items())]
    session.keep_all(text_marks, [{"segment": segment, "piece": _WHOLE, "blocks": 0}])
    session.keep_all(text_marks, rows)
    return True


def numbers_with(session: Session, wanted: str, contains: ColumnElement[bool]) -> Sequence[int] | None:
    """Return the numbers of the changes whose text has what is wanted; ``None`` where walking along the time is better.

    ``wanted`` is folded as texts are, and ``contains`` compares a change's text with it.
    """
    if len(wanted) < PIECE or "\n" in wanted:
        return None
    segments = _segments(session)
    marked = _blocks_with(session, segments, _telling(wanted))
    if sum(row.blocks.bit_count() for row in marked) > min(MOST_BLOCKS, isqrt(segments * SEGMENT // 2) + FEW_BLOCKS):
        return None
    blocks = [place for row in marked for place in _places(row.segment, row.blocks)]
    found = set[int]()
    for some in chunks(_numbers_in(session, blocks, segments * SEGMENT)):
        # Asked for by number, and not by joining: so no planner comes to think of reading all changes.
        rows = session.rows(select(changes.c.seq).where(among(changes.c.seq, some), contains))
        found.update(row.seq for row in rows)
        if len(found) > MOST_FOUND:
            return None
    return sorted(found)


def faults(session: Session) -> Iterator[str]:
    """Yield a sentence for each segment whose marks lack what its texts have: a search would pass them over."""
    for segment in range(_segments(session)):
        expected = _marks(session, segment)
        held = select(text_marks.c.piece, text_marks.c.blocks).where(text_marks.c.segment == segment)
        marks = {row.piece: row.blocks for row in session.rows(held) if isinstance(row.blocks, int)}
        if any(blocks & ~marks.get(piece, 0) for piece, blocks in expected.items()):
            first, last = segment * SEGMENT, (segment + 1) * SEGMENT - 1
            yield f"a search for text passes over some of the entries {first} to {last}: what it goes by was altered"


def _segments(session: Session) -> int:
    """Return how many segments there are; each was made whole, in one transaction, behind the one before."""
    newest = session.first(select(func.max(text_marks.c.segment).label("last")))
    end = session.first(select(func.max(leaves.c.position).label("last")))
    if newest is None or end is None or not isinstance(newest.last, int) or not isinstance(end.last, int):
        return 0
    return min(newest.last + 1, (end.last + 1) // SEGMENT)  # whatever somebody wrote there, no more than there can be


def _marks(session: Session, segment: int) -> dict[int, int]:
    """Return what the texts of a segment have: for each piece the blocks, a bit each."""
    start = segment * SEGMENT
    within = select(leaves.c.position, leaves.c.entry, leaves.c.entry_seq)
    places = session.rows(within.where(leaves.c.position.between(start, start + SEGMENT - 1)))
    blocks = {row.entry_seq: (row.position - start) // BLOCK for row in places if row.entry == "change"}
    lines: list[set[str]] = [set() for _ in range(BLOCKS)]
    for row in with_numbers(session, select(changes.c.seq, changes.c.text), changes.c.seq, blocks):
        lines[blocks[row.seq]].update(worded(row.text).split("\n"))
    marks: dict[int, int] = {}
    for block, found in enumerate(lines):
        for piece in set[int]().union(*map(_hashes, found)):
            marks[piece] = marks.get(piece, 0) | 1 << block
    return marks


def _blocks_with(session: Session, segments: int, hashes: Iterable[int]) -> Sequence[Row[Any]]:
    """Return the segments that can hold all of these pieces, each with the bits of its blocks."""
    if not segments:
        return []
    # Going from segment to segment, each piece's row is met by its key; what all have in common is found on the way.
    number = select(literal(0).label("segment")).cte("numbers", recursive=True)
    number = number.union_all(select(number.c.segment + 1).where(number.c.segment < segments - 1))
    found, held = select(number.c.segment), list[ColumnElement[int]]()
    for piece in sorted(hashes):
        marks = text_marks.alias()
        here = and_(marks.c.segment == number.c.segment, marks.c.piece == piece)
        found = found.join(marks, here)
        held.append(marks.c.blocks)
    both = reduce(lambda one, other: one.bitwise_and(other), held)
    return session.rows(found.add_columns(both.label("blocks")).where(both != 0).order_by(number.c.segment))


def _places(segment: int, blocks: int) -> Iterator[tuple[int, int]]:
    """Yield the first and the last place of each block."""
    while blocks:
        block = (blocks & -blocks).bit_length() - 1
        first = segment * SEGMENT + block * BLOCK
        yield first, first + BLOCK - 1
        blocks &= blocks - 1


def _telling(wanted: str) -> set[int]:
    """Return the hashes of some pieces of a text, from all over it: each more costs a look into every segment."""
    starts = range(len(wanted) - PIECE + 1)
    step = max(1, (len(starts) - 1) // (_ASKED - 1)) if len(starts) > _ASKED else 1
    return {_hash(wanted[at : at + PIECE]) for at in [*starts[::step][: _ASKED - 1], starts[-1]]}


def _numbers_in(session: Session, blocks: Iterable[tuple[int, int]], newer: int) -> Iterator[int]:
    """Yield the numbers of the changes in these blocks of the log, of those from ``newer`` on, and those that wait."""
    # Places are asked for one by one, and kinds told apart here: every planner then goes along the places.
    entries = select(leaves.c.entry, leaves.c.entry_seq)
    places = (place for first, last in blocks for place in range(first, last + 1))
    for some in chunks(places):
        yield from _changes_of(session.rows(entries.where(among(leaves.c.position, some))))
    yield from _changes_of(session.rows(entries.where(leaves.c.position >= newer)))
    yield from _changes_of(session.rows(select(pending_seals.c.entry, pending_seals.c.entry_seq)))


def _changes_of(rows: Iterable[Row[Any]]) -> Iterator[int]:
    return (row.entry_seq for row in rows if row.entry == "change")


@lru_cache(maxsize=20_000)
def _hashes(line: str) -> frozenset[int]:
    """Return the hashes of the pieces of a line; what flags say repeats, from one change to the next most of all."""
    return frozenset([_hash(piece) for piece in {line[at : at + PIECE] for at in range(len(line) - PIECE + 1)}])


def _hash(piece: str) -> int:
    return zlib.crc32(piece.encode("utf-8", "surrogatepass")) & (_HASHES - 1)
