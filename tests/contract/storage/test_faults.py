"""What breaks below the record is told in a sentence, leaves nothing half, and passes when its cause does."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import psycopg
import pytest

from auditor.adapters.storage import open_database
from auditor.application.ports import HistoryQuery
from auditor.domain.attribution import UNATTRIBUTED
from auditor.domain.errors import ConflictError, DatabaseError
from auditor.domain.events import Outcome
from tests.support.records import at, attributed, by, change


def taken(database, key):
    with database.reader() as uow:
        return uow.inbox.taken([key])


def take(database, key):
    with database.unit_of_work() as uow:
        uow.inbox.take([key], Outcome.NOTED, at(1))
        uow.commit()


@pytest.fixture
def in_sqlite(tmp_path, sqlite_template):
    file = tmp_path / "record.db"
    file.write_bytes(sqlite_template.read_bytes())
    with closing(open_database(f"sqlite:///{file}")) as database:
        yield database


@pytest.fixture
def in_postgresql(emptied):
    with closing(open_database(emptied())) as database:
        yield database


def test_a_full_disk_is_told_and_passes(in_sqlite):
    with in_sqlite.unit_of_work() as uow:
        connection = uow._session.connection
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")
    long = "x" * 100_000

    with pytest.raises(DatabaseError, match="full"), in_sqlite.unit_of_work() as uow:
        uow.changes.append(attributed(change(1, summary=long), UNATTRIBUTED), at(1))

    with in_sqlite.unit_of_work() as uow:
        assert uow.changes.of_cause("cause-1") == []
        uow._session.connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
        assert uow.changes.append(attributed(change(1, summary=long)), at(1)) is not None
        uow.commit()


def test_a_lock_that_stays_is_told_and_passes(in_sqlite):
    with in_sqlite.unit_of_work() as uow:
        uow._session.connection.exec_driver_sql("PRAGMA busy_timeout = 1")

    with in_sqlite.unit_of_work() as holder:
        holder.inbox.take(["held"], Outcome.NOTED, at(1))
        with in_sqlite.unit_of_work() as other:
            other._session.connection.connection.driver_connection.execute("PRAGMA busy_timeout = 1")
            with pytest.raises(DatabaseError, match="lock"):
                other.inbox.taken(["x"])
        assert not taken(in_sqlite, "held")
        holder.commit()

    take(in_sqlite, "after")
    assert taken(in_sqlite, "held")
    assert taken(in_sqlite, "after")


def test_a_damaged_file_is_told(in_sqlite):
    take(in_sqlite, "first")
    path = in_sqlite.where
    in_sqlite.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with Path(path).open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096 * 40)

    with pytest.raises(DatabaseError):
        everything(path)


def everything(path):
    """Open the file and read and write all over it."""
    with closing(open_database(f"sqlite:///{path}")) as database:
        for number in range(50):
            take(database, f"key {number}")
            taken(database, "first")


def test_a_connection_that_was_cut_is_made_anew(in_postgresql):
    take(in_postgresql, "before")
    cut(in_postgresql)

    take(in_postgresql, "after")
    assert taken(in_postgresql, "before")
    assert taken(in_postgresql, "after")


def test_a_connection_cut_in_the_middle_is_told_and_loses_all_of_it(in_postgresql):
    with in_postgresql.unit_of_work() as uow:
        uow.inbox.take(["lost"], Outcome.NOTED, at(1))
        cut(in_postgresql)
        with pytest.raises(DatabaseError, match="cannot be used"):
            uow.commit()

    assert not taken(in_postgresql, "lost")
    take(in_postgresql, "kept")
    assert taken(in_postgresql, "kept")


def cut(database):
    """End every connection of the database but the one that asks for it."""
    url = database._writing.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_deadlock_is_a_conflict_and_one_of_the_two_goes_on(in_postgresql):
    """Each of the two waits for what the other has; the database ends one of them."""
    both = Barrier(2)

    def work(first, second):
        with in_postgresql.unit_of_work() as uow:
            uow._session.connection.exec_driver_sql("SET LOCAL deadlock_timeout = '10ms'")
            uow.inbox.take([first], Outcome.NOTED, at(1))
            both.wait(10)
            try:
                uow.inbox.take([second], Outcome.NOTED, at(1))
                uow.commit()
            except ConflictError:
                return "conflict"
        return "done"

    with ThreadPoolExecutor(2) as pool:
        outcomes = [one.result() for one in (pool.submit(work, "a", "b"), pool.submit(work, "b", "a"))]

    assert sorted(outcomes) == ["conflict", "done"]
    assert taken(in_postgresql, "a")
    assert taken(in_postgresql, "b")


def test_two_that_meet_the_same_people_in_another_order_do_not_wait_for_each_other(in_postgresql):
    both = Barrier(2)

    def work(first, second, numbers):
        with in_postgresql.unit_of_work() as uow:
            for number, name in zip(numbers, (first, second), strict=True):
                uow.changes.append(attributed(change(number), by(name)), at(1))
                both.wait(10)
            uow.commit()

    with ThreadPoolExecutor(2) as pool:
        for one in (pool.submit(work, "ann", "bob", (1, 2)), pool.submit(work, "bob", "ann", (3, 4))):
            one.result()

    with in_postgresql.reader() as uow:
        found = [len(list(uow.changes.query(HistoryQuery(actor=name)))) for name in ("ann", "bob")]
    assert found == [2, 2]
