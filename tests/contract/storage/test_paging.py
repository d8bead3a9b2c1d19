"""Laws of the history: pages put together are the whole, in one order, whatever is asked."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.adapters.storage import history, open_database
from auditor.application.ports import HistoryQuery
from auditor.domain.changes import ChangeKind
from auditor.domain.errors import UsageError
from tests.support.records import NOON, at, attributed, between, by, change

HOURS = st.integers(0, 6)  # few, so that times coincide
PEOPLE = st.sampled_from(["ann", "bob", None])


@st.composite
def histories(draw):
    """Some changes, dated or not, and what was learnt about some of them later."""
    made = []
    for number in range(draw(st.integers(0, 12))):
        end = draw(HOURS)
        kind = draw(st.sampled_from(["dated", "between", "open"]))
        if kind == "dated":
            one = change(number, occurred_at=at(end), environment=draw(st.sampled_from(["prod", None])))
        else:
            one = between(number, None if kind == "open" else end - draw(HOURS), end)
        person = draw(PEOPLE)
        learnt = draw(st.lists(st.tuples(st.sampled_from(["cat", "dan"]), st.none() | HOURS), max_size=2))
        made.append((attributed(one, by(person)) if person else attributed(one), learnt))
    return made


QUERIES = st.builds(
    HistoryQuery,
    environment=st.sampled_from([None, "prod", "-"]),
    actor=st.sampled_from([None, "ann", "cat"]),
    kinds=st.sampled_from([(), (ChangeKind.DELETED,)]),
    since=st.none() | HOURS.map(at),
    until=st.none() | HOURS.map(at),
    unattributed=st.booleans(),
    as_of=st.sampled_from([None, at(100), at(105), at(110)]),
)


def write(database, made):
    with database.unit_of_work() as uow:
        for number, (one, learnt) in enumerate(made):
            recorded = uow.changes.append(one, at(100 + number))
            for step, (name, hour) in enumerate(learnt):
                dated = None if hour is None else at(hour)
                uow.changes.attribute(recorded.id, by(name, dated=dated), at(102 + number + step))
        uow.commit()


def matches(one, query):
    """Say the rule again, in plain words of Python."""
    c = one.change
    moment = one.occurred_at
    first, last = (moment, moment) if moment is not None else c.occurred_between
    return (
        (query.environment is None or c.environment == (None if query.environment == "-" else query.environment))
        and (query.actor is None or query.actor in (one.attribution.actor.name or ""))
        and (not query.kinds or c.kind in query.kinds)
        and (query.since is None or last >= query.since)
        and (query.until is None or first is None or first <= query.until)
        and not (query.unattributed and one.attribution.attributed)
    )


@settings(max_examples=40)
@given(made=histories(), query=QUERIES, size=st.integers(1, 5))
def test_pages_put_together_are_the_whole(tmp_path_factory, sqlite_template, made, query, size):
    file = tmp_path_factory.mktemp("law") / "record.db"
    file.write_bytes(sqlite_template.read_bytes())
    with closing(open_database(f"sqlite:///{file}")) as database:
        write(database, made)
        assert_laws(database, query, size)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=histories(), queries=st.lists(QUERIES, min_size=5, max_size=5), size=st.integers(1, 5))
def test_the_other_database_keeps_the_laws(emptied, made, queries, size):
    with closing(open_database(emptied())) as database:
        write(database, made)
        for query in queries:
            assert_laws(database, query, size)


def assert_laws(database, query, size):
    # What an actor did without a date is looked for among all such changes, or by its numbers.
    for few in (history._FEW_UNDATED, 0) if query.actor is not None else (0,):
        with mock.patch.object(history, "_FEW_UNDATED", few):
            assert_law(database, query, size)


def assert_law(database, query, size):
    with database.reader() as uow:
        whole = list(uow.changes.query(query))
        unasked = list(uow.changes.query(HistoryQuery(as_of=query.as_of)))
        paged = list(pages(uow, query, size))
    assert whole == [one for one in unasked if matches(one, query)]
    assert unasked == sorted(unasked, key=order, reverse=True)
    assert paged == whole


def pages(uow, query, size):
    after = None
    while page := list(uow.changes.query(replace(query, limit=size, after=after))):
        assert len(page) <= size
        yield from page
        after = page[-1].seq


def order(one):
    moment = one.occurred_at or one.change.occurred_between[1]
    return ((moment - NOON) / timedelta(microseconds=1), one.seq)


@pytest.fixture
def many(database):
    with database.unit_of_work() as uow:
        for number in range(1200):
            one = change(number) if number % 3 else between(number, number - 5, number)
            uow.changes.append(attributed(one, by("ann")) if number % 2 else attributed(one), at(5000))
        uow.commit()
    return database


def test_more_than_a_page_comes_in_order(many):
    with many.reader() as uow:
        keys = [one.change.key for one in uow.changes.query(HistoryQuery())]
        anns = [one.change.key for one in uow.changes.query(HistoryQuery(actor="ann", limit=550))]

    assert keys == [f"key-{number}" for number in reversed(range(1200))]
    assert anns == [key for key in keys if int(key[4:]) % 2][:550]


def test_writing_while_reading_does_no_harm(many):
    with many.unit_of_work() as uow:
        seen = []
        for one in uow.changes.query(HistoryQuery()):
            seen.append(one.change.key)
            uow.changes.attribute(one.id, by("dana"), at(6000))
        uow.commit()
        named = sum(one.attribution.attributed for one in uow.changes.query(HistoryQuery()))

    assert len(seen) == len(set(seen)) == 1200
    assert named == 1200


def test_behind_a_row_that_is_not_there_is_bad_use(database):
    with database.reader() as uow, pytest.raises(UsageError):
        list(uow.changes.query(HistoryQuery(after=17)))
