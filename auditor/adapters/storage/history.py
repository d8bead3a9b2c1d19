"""The reviewer's questions as SQL: which changes, in the order of when they occurred.

Most changes were dated when they were recorded and stand still. One that is only known to lie in an interval is matched
otherwise, and moves when an attribution dates it. Each of the three kinds is walked along an index of its own, page by
page, and the walks are merged: no answer needs more memory than a few pages, however long it is.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, FromClause, Select, and_, case, exists, func, literal, or_, select, tuple_, union

from auditor.adapters.storage.session import Session, among
from auditor.adapters.storage.tables import Name, actors, attributions, changes
from auditor.adapters.storage.text_index import numbers_with
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
# More than these are not looked up one by one.
_FEW_ACTORS = 16
_FEW_UNDATED = 2_000
_Condition = ColumnElement[bool]


class ChangeRow(NamedTuple):
    """A change's place in the order, its number and its body."""

    time: int
    seq: int
    body: bytes


class _Place(NamedTuple):
    time: int
    seq: int


class _Walk(NamedTuple):
    """A statement for some of the changes, with the columns that give their place."""

    rows: Select[Any]
    time: ColumnElement[int]
    seq: ColumnElement[int]


def change_rows(session: Session, query: HistoryQuery, size: int) -> Iterator[ChangeRow]:
    """Yield the rows that can match, newest first; who did it is left to be compared with the best attribution.

    Raise ``UsageError`` when there is no row of the number to continue behind.
    """
    place = None if query.after is None else _place(session, query)
    conditions = list(_conditions(session, query))
    who_by = _by_actor(session, query)
    walks = [(_moments(query), who) for who in who_by.moments]
    walks += [(_intervals(query), who_by.intervals), (_moved(query), who_by.moved)]
    streams = [_walked(session, walk, [*conditions, *who], place, size) for walk, who in walks]
    return heapq.merge(*streams, key=lambda row: (row.time, row.seq), reverse=True)


def _walked(
    session: Session, walk: _Walk, conditions: list[_Condition], place: _Place | None, size: int
) -> Iterator[ChangeRow]:
    """Yield what a walk leads along, page by page, each page behind the last row of the one before."""
    columns = (walk.time.label("time"), walk.seq.label("seq"), changes.c.body)
    ordered = walk.rows.with_only_columns(*columns).where(*conditions)
    ordered = ordered.order_by(walk.time.desc(), walk.seq.desc()).limit(size)
    full = True
    while full:
        page = ordered if place is None else ordered.where(tuple_(walk.time, walk.seq) < tuple_(*place))
        rows = session.rows(page)
        yield from (ChangeRow(row.time, row.seq, row.body) for row in rows)
        full = len(rows) == size
        if full:
            place = _Place(rows[-1].time, rows[-1].seq)


def _moments(query: HistoryQuery) -> _Walk:
    """Lead along the changes that were dated when they were recorded, and stand where they stood."""
    table = changes.c
    rows = select(changes).where(table.exact.is_(True), or_(table.dated.is_(True), ~_was_moved(query.as_of)))
    # There are few environments and many flags.
    environment = table.environment if query.flag is None else _unindexed(table.environment)
    in_time_there = (*_within(table.sort_us, query), *_in_environment(environment, query))
    return _Walk(rows.where(*in_time_there), table.sort_us, table.seq)


def _intervals(query: HistoryQuery) -> _Walk:
    """Lead along the changes that are only known to lie between two times."""
    table = changes.c
    rows = select(changes).where(table.exact.is_(False), ~_was_moved(query.as_of))
    in_time_there = (*_overlapping(table.sort_us, query), *_in_environment(_unindexed(table.environment), query))
    return _Walk(rows.where(*in_time_there), table.sort_us, table.seq)


def _moved(query: HistoryQuery) -> _Walk:
    """Lead along the changes that stand elsewhere since something was learnt about them."""
    learnt = attributions.c
    newer = attributions.alias()
    superseded = exists(
        select(1)
        .where(newer.c.change_seq == learnt.change_seq, newer.c.seq > learnt.seq, *_learnt_by(query.as_of, newer))
        .correlate(attributions)
    )
    rows = select(attributions).join(changes, changes.c.seq == learnt.change_seq)
    rows = rows.where(learnt.moves.is_(True), *_learnt_by(query.as_of), ~superseded)
    moment = and_(learnt.exact.is_(True), *_within(learnt.sort_us, query))
    interval = and_(learnt.exact.is_(False), *_overlapping(learnt.sort_us, query))
    there = _in_environment(_unindexed(changes.c.environment), query)
    return _Walk(rows.where(or_(moment, interval), *there), learnt.sort_us, learnt.change_seq)


def _within(time: ColumnElement[int], query: HistoryQuery) -> Iterator[_Condition]:
    if query.since is not None:
        yield time >= to_micros(query.since)
    if query.until is not None:
        yield time <= to_micros(query.until)


def _overlapping(end: ColumnElement[int], query: HistoryQuery) -> Iterator[_Condition]:
    start = changes.c.start_us
    if query.since is not None:
        yield end >= to_micros(query.since)
    if query.until is not None:
        yield or_(start.is_(None), start <= to_micros(query.until))


def _was_moved(as_of: datetime | None) -> _Condition:
    learnt = select(1).where(attributions.c.change_seq == changes.c.seq, *_learnt_by(as_of))
    return exists(learnt.correlate(changes))


def latest_rows(at: datetime | None, as_of: datetime | None, *among: _Condition) -> Select[Any]:
    """Return the statement for the numbers of the newest state-bearing changes of everything that has a state.

    It goes through all changes, or those ``among`` which the answer is known to be.
    """
    time = _moment(as_of)
    table = changes.c
    rank = func.row_number().over(
        partition_by=(table.document_hash, table.path, table.environment),
        # A life's times are the store's and those of its end are ours: the life tells the order more surely.
        order_by=(table.life.desc().nulls_last(), time.desc(), table.seq.desc()),
    )
    ranked = select(table.seq, rank.label("rank")).where(
        table.kind.in_([kind.value for kind in STATE_BEARING]), *_recorded_by(as_of), *among
    )
    if at is not None:
        ranked = ranked.where(time <= to_micros(at))
    newest = ranked.subquery()
    found = select(newest.c.seq).join(changes, table.seq == newest.c.seq).where(newest.c.rank == 1)
    return found.order_by(table.application, table.flag, table.environment, newest.c.seq)


def span_rows(as_of: datetime | None) -> Select[Any]:
    """Return the statement for each flag's newest change, when its earliest occurred and when it was first recorded.

    The earliest is ``None`` where no time of any is known, other than that they lie in intervals.
    """
    table = changes.c
    no_change = (*_ATTEMPTS, ChangeKind.LABEL_MOVED.value)
    time, exact = _moment(as_of), _as_learnt(table.exact, attributions.c.exact, as_of)
    bearing = (
        select(table.seq, table.application, table.flag, table.recorded_us, time.label("time"), exact.label("exact"))
        .where(table.flag.is_not(None), table.kind.not_in(no_change), *_recorded_by(as_of))
        .subquery()
    )
    one = bearing.c
    flag: dict[str, Any] = {"partition_by": (func.coalesce(one.application, ""), one.flag)}
    ranked = select(
        one.seq,
        func.row_number().over(**flag, order_by=(one.time.desc(), one.seq.desc())).label("rank"),
        func.min(case((one.exact.is_(True), one.time))).over(**flag).label("began_us"),
        func.min(one.recorded_us).over(**flag).label("known_us"),
    ).subquery()
    return select(ranked.c.seq, ranked.c.began_us, ranked.c.known_us).where(ranked.c.rank == 1).order_by(ranked.c.seq)


def _place(session: Session, query: HistoryQuery) -> _Place:
    time = _moment(query.as_of)
    row = session.first(select(time.label("time"), changes.c.seq).where(changes.c.seq == query.after))
    if row is None:
        raise UsageError(f"the history has no row number {query.after} to continue after")
    return _Place(row.time, row.seq)


def _moment(as_of: datetime | None) -> ColumnElement[int]:
    """Return where a change stands in time as known at ``as_of``."""
    return _as_learnt(changes.c.sort_us, attributions.c.sort_us, as_of)


def _as_learnt(recorded: ColumnElement[Any], learnt: ColumnElement[Any], as_of: datetime | None) -> ColumnElement[Any]:
    """Return what a column of a change says, or the column of what was learnt last where no store dated the change."""
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
        contains = _contains(session, changes.c.text, query.text)
        numbers = numbers_with(session, fold(query.text), contains)
        yield contains if numbers is None else among(changes.c.seq, numbers)
    if query.unattributed:
        yield changes.c.actor_hash.is_(None)


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


def _in_environment(environment: ColumnElement[Any], query: HistoryQuery) -> Iterator[_Condition]:
    if query.environment == NO_ENVIRONMENT:
        yield environment.is_(None)
    elif query.environment is not None:
        yield environment == query.environment


class _WhoBy(NamedTuple):
    """Ways to say by whom a change is, no two of which hold for one of those dated at once; and one for the others."""

    moments: list[list[_Condition]]
    intervals: list[_Condition]
    moved: list[_Condition]


def _by_actor(session: Session, query: HistoryQuery) -> _WhoBy:
    """Say that a change was ever credited to such an actor; whether it still is, the best attribution tells.

    Each of several actors is walked along an index of its own.
    """
    if query.actor is None:
        return _WhoBy([[]], [], [])
    actor = _contains(session, actors.c.text, query.actor)
    hashes = [row.hash for row in session.rows(select(actors.c.hash).where(actor).limit(_FEW_ACTORS + 1))]
    if len(hashes) > _FEW_ACTORS:
        # So many have much to show: walking along the time finds some of it soon.
        any_of_them: list[_Condition] = [_is_one_of(select(actors.c.hash).where(actor))]
        return _WhoBy([any_of_them], any_of_them, any_of_them)
    learnt = select(attributions.c.change_seq).where(attributions.c.actor_hash.in_(hashes))
    recorded = select(changes.c.seq).where(changes.c.actor_hash.in_(hashes))
    not_recorded = or_(changes.c.actor_hash.is_(None), changes.c.actor_hash.not_in(hashes))
    apart = [[changes.c.actor_hash == known] for known in hashes]
    # Those without a date are few where stores date their changes: looking at each spares all numbers of an actor.
    each: list[_Condition] = [_is_one_of(hashes)]
    numbers: list[_Condition] = [changes.c.seq.in_(union(recorded, learnt))]
    return _WhoBy(
        [*apart, [changes.c.seq.in_(learnt), not_recorded]],
        each if _are_few(session, changes.c.exact.is_(False)) else numbers,
        each if _are_few(session, attributions.c.moves.is_(True)) else numbers,
    )


def _is_one_of(hashes: Any) -> _Condition:
    """Say of a change at hand that it was ever credited to one of these."""
    learnt = select(1).where(attributions.c.change_seq == changes.c.seq, attributions.c.actor_hash.in_(hashes))
    return or_(_unindexed(changes.c.actor_hash).in_(hashes), exists(learnt.correlate(changes)))


def _are_few(session: Session, condition: _Condition) -> bool:
    """Tell whether few rows are so, by an index that holds no others."""
    return len(session.rows(select(literal(1)).where(condition).limit(_FEW_UNDATED + 1))) <= _FEW_UNDATED


def _unindexed(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Keep a planner that knows no statistics from choosing this column's index over a better one."""
    return column + ("" if isinstance(column.type, Name) else 0)


def _contains(session: Session, column: Any, wanted: str) -> _Condition:
    """Compare folded text with folded text: no pattern, so nothing in it has a meaning of its own."""
    position = func.strpos if session.postgresql else func.instr
    found: _Condition = position(column, fold(wanted)) > 0
    return found


def _recorded_by(as_of: datetime | None) -> list[_Condition]:
    return [] if as_of is None else [changes.c.recorded_us <= to_micros(as_of)]


def _learnt_by(as_of: datetime | None, learnt: FromClause = attributions) -> list[_Condition]:
    return [] if as_of is None else [learnt.c.recorded_us <= to_micros(as_of)]
