"""The reviewer's questions as SQL: which changes, in the order of when they occurred.

A change that its store dated stands still: those are walked along an index, page by page. One that is only known to
lie in an interval moves when an attribution dates it; there are few of those, so their places are read at once and
merged in.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select, tuple_, union

from auditor.adapters.storage.session import Session, chunks
from auditor.adapters.storage.tables import actors, attributions, changes
from auditor.adapters.storage.texts import fold
from auditor.application.ports import HistoryQuery
from auditor.domain.changes import ChangeKind
from auditor.domain.errors import UsageError
from auditor.domain.times import to_micros

NO_ENVIRONMENT = "-"
STATE_BEARING = (
    ChangeKind.CREATED,
    ChangeKind.UPDATED,
    ChangeKind.DELETED,
    ChangeKind.EXPIRED,
    ChangeKind.SAVED,
    ChangeKind.DEPLOYED,
    ChangeKind.ROLLED_BACK,
)
_ATTEMPTS = tuple(kind.value for kind in ChangeKind if kind.is_attempt)
_Condition = ColumnElement[bool]


class ChangeRow(NamedTuple):
    """A change's place in the order, its number and its body."""

    time: int
    seq: int
    body: bytes


class _Place(NamedTuple):
    time: int
    seq: int


def change_rows(session: Session, query: HistoryQuery, size: int) -> Iterator[ChangeRow]:
    """Yield the rows that can match, newest first; who did it is left to be compared with the best attribution.

    Raise ``UsageError`` when there is no row of the number to continue behind.
    """
    place = None if query.after is None else _place(session, query)
    conditions = list(_conditions(session, query))
    dated = _dated(session, query, conditions, place, size)
    undated = _undated(session, query, conditions, place)
    return heapq.merge(dated, undated, key=lambda row: (row.time, row.seq), reverse=True)


def latest_rows(at: datetime | None, as_of: datetime | None) -> Select[Any]:
    """Return the statement for the numbers of the newest state-bearing changes of everything that has a state."""
    time, _ = _moment(as_of)
    table = changes.c
    rank = func.row_number().over(
        partition_by=(table.document_hash, table.path, table.environment),
        # A life's times are the store's and those of its end are ours: the life tells the order more surely.
        order_by=(table.life.desc().nulls_last(), time.desc(), table.seq.desc()),
    )
    ranked = select(table.seq, rank.label("rank")).where(
        table.kind.in_([kind.value for kind in STATE_BEARING]), *_recorded_by(as_of)
    )
    if at is not None:
        ranked = ranked.where(time <= to_micros(at))
    newest = ranked.subquery()
    found = select(newest.c.seq).join(changes, table.seq == newest.c.seq).where(newest.c.rank == 1)
    return found.order_by(table.application, table.flag, table.environment, newest.c.seq)


def _dated(
    session: Session, query: HistoryQuery, conditions: list[_Condition], place: _Place | None, size: int
) -> Iterator[ChangeRow]:
    table = changes.c
    wanted = (
        select(table.sort_us, table.seq, table.body)
        .where(table.dated.is_(True), *conditions)
        .order_by(table.sort_us.desc(), table.seq.desc())
        .limit(size)
    )
    if query.since is not None:
        wanted = wanted.where(table.sort_us >= to_micros(query.since))
    if query.until is not None:
        wanted = wanted.where(table.sort_us <= to_micros(query.until))
    full = True
    while full:
        page = wanted if place is None else wanted.where(tuple_(table.sort_us, table.seq) < tuple_(*place))
        rows = session.rows(page)
        yield from (ChangeRow(row.sort_us, row.seq, row.body) for row in rows)
        full = len(rows) == size
        if full:
            place = _Place(rows[-1].sort_us, rows[-1].seq)


def _undated(
    session: Session, query: HistoryQuery, conditions: list[_Condition], place: _Place | None
) -> Iterator[ChangeRow]:
    table = changes.c
    time, exact = _moment(query.as_of)
    places = select(time.label("time"), table.seq).where(table.dated.is_(False), *conditions)
    if query.since is not None:
        places = places.where(time >= to_micros(query.since))
    if query.until is not None:
        until = to_micros(query.until)
        began = or_(table.start_us.is_(None), table.start_us <= until)
        places = places.where(or_(time <= until, and_(exact.is_(False), began)))
    if place is not None:
        places = places.where(or_(time < place.time, and_(time == place.time, table.seq < place.seq)))
    ordered = session.rows(places.order_by(time.desc(), table.seq.desc()))
    for some in chunks(ordered):
        rows = session.rows(select(table.seq, table.body).where(table.seq.in_([row.seq for row in some])))
        bodies = {row.seq: row.body for row in rows}
        yield from (ChangeRow(row.time, row.seq, bodies[row.seq]) for row in some)


def _place(session: Session, query: HistoryQuery) -> _Place:
    time, _ = _moment(query.as_of)
    row = session.first(select(time.label("time"), changes.c.seq).where(changes.c.seq == query.after))
    if row is None:
        raise UsageError(f"the history has no row number {query.after} to continue after")
    return _Place(row.time, row.seq)


def _moment(as_of: datetime | None) -> tuple[ColumnElement[int], ColumnElement[bool]]:
    """Return where a change stands in time as known at ``as_of``, and whether that is when it occurred."""
    return _standing(attributions.c.sort_us, changes.c.sort_us, as_of), _standing(
        attributions.c.exact, changes.c.exact, as_of
    )


def _standing(learnt: Any, recorded: Any, as_of: datetime | None) -> ColumnElement[Any]:
    newest = (
        select(learnt)
        .where(attributions.c.change_seq == changes.c.seq, *_learnt_by(as_of))
        .order_by(attributions.c.seq.desc())
        .limit(1)
        .correlate(changes)
        .scalar_subquery()
    )
    return case((changes.c.dated.is_(True), recorded), else_=func.coalesce(newest, recorded))


def _conditions(session: Session, query: HistoryQuery) -> Iterator[_Condition]:
    yield from _equal(query)
    yield from _recorded_by(query.as_of)
    if query.kinds:
        yield changes.c.kind.in_([kind.value for kind in query.kinds])
    if query.changes_only:
        yield changes.c.kind.not_in(_ATTEMPTS)
    if query.text:
        yield _contains(session, changes.c.text, query.text)
    if query.unattributed:
        yield changes.c.actor_hash.is_(None)
    if query.actor is not None:
        yield changes.c.seq.in_(_by_actor(session, query.actor))


def _equal(query: HistoryQuery) -> Iterator[_Condition]:
    table = changes.c
    wanted = (
        (table.flag, query.flag),
        (table.application, query.application),
        (table.source, query.source),
        (table.account, query.account),
        (table.region, query.region),
    )
    yield from (column == value for column, value in wanted if value is not None)
    if query.environment == NO_ENVIRONMENT:
        yield table.environment.is_(None)
    elif query.environment is not None:
        yield table.environment == query.environment


def _by_actor(session: Session, wanted: str) -> Select[Any] | Any:
    """Return the statement for changes that were ever credited to such an actor."""
    hashes = select(actors.c.hash).where(_contains(session, actors.c.text, wanted)).scalar_subquery()
    return union(
        select(changes.c.seq).where(changes.c.actor_hash.in_(hashes)),
        select(attributions.c.change_seq).where(attributions.c.actor_hash.in_(hashes)),
    )


def _contains(session: Session, column: Any, wanted: str) -> _Condition:
    """Compare folded text with folded text: no pattern, so nothing in it has a meaning of its own."""
    position = func.strpos if session.postgresql else func.instr
    found: _Condition = position(column, fold(wanted)) > 0
    return found


def _recorded_by(as_of: datetime | None) -> list[_Condition]:
    return [] if as_of is None else [changes.c.recorded_us <= to_micros(as_of)]


def _learnt_by(as_of: datetime | None) -> list[_Condition]:
    return [] if as_of is None else [attributions.c.recorded_us <= to_micros(as_of)]
