"""The reviewer's questions are answered along an index: nothing is sorted, no table is read whole."""

from __future__ import annotations

from contextlib import closing

import pytest
from sqlalchemy import event

from auditor.adapters.storage import open_database
from auditor.application.ports import HistoryQuery
from tests.support.records import at, attributed, between, by, change


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    with closing(open_database(f"sqlite:///{tmp_path_factory.mktemp('plans') / 'record.db'}")) as database:
        with database.unit_of_work() as uow:
            for number in range(10):
                uow.changes.append(attributed(change(number), by(f"p{number}")), at(100))
            moved = uow.changes.append(attributed(between(11, 1, 5)), at(100))
            uow.changes.attribute(moved.id, by("dana", dated=at(2)), at(101))
            uow.commit()
        yield database


QUESTIONS = {
    "newest": HistoryQuery(limit=5),
    "flag": HistoryQuery(flag="new-checkout", limit=5),
    "flag and time": HistoryQuery(flag="new-checkout", since=at(1), until=at(9), limit=5),
    "flag and environment": HistoryQuery(flag="new-checkout", environment="prod", limit=5),
    "environment": HistoryQuery(environment="prod", limit=5),
    "no environment": HistoryQuery(environment="-", limit=5),
    "time": HistoryQuery(since=at(1), until=at(2), limit=5),
    "page": HistoryQuery(after=5, limit=5),
    "text": HistoryQuery(text="out", limit=5),
    "as of": HistoryQuery(as_of=at(100), limit=5),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_is_answered_along_an_index(record, name):
    plans = plans_of(record, QUESTIONS[name])

    assert plans
    assert [step for step in plans if "TEMP B-TREE" in step] == []
    assert [step for step in plans if step.startswith("SCAN") and " USING " not in step] == []


def test_a_flag_is_looked_for_by_its_own_index(record):
    steps = plans_of(record, QUESTIONS["flag and environment"])

    assert [step for step in steps if "ix_changes_flag" in step]
    assert [step for step in steps if "ix_changes_environment" in step] == []


def plans_of(database, query):
    """Return the steps in which SQLite walks along the changes, and, without a flag, along those that moved.

    What happened to one flag may be put in order, as may a page.
    """
    asked = []
    with database.reader() as uow:
        connection = uow._session.connection
        event.listen(
            connection, "before_cursor_execute", lambda _c, _cursor, sql, values, *_: asked.append((sql, values))
        )
        list(uow.changes.query(query))
        return [
            step.detail
            for sql, values in tuple(asked)
            if " AS time" in sql and "LIMIT" in sql and (query.flag is None or "FROM changes" in sql)
            for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)
        ]
