"""Whoever comes second does it again: every use case goes on when another transaction came first, and counts once."""

from __future__ import annotations

import itertools
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy.engine import make_url as parsed

from auditor.adapters.storage import open_database
from auditor.application.dispatch import dispatch
from auditor.application.ports import HistoryQuery, Replica
from auditor.application.recording import Recorder, Tally
from auditor.application.retaining import Retention
from auditor.application.retrying import TRIES, recounted, retried
from auditor.application.sealing import seal
from auditor.application.verifying import Answer
from auditor.domain.alerts import AlertKind, Delivery, DeliveryOutcome, NewAlert
from auditor.domain.attribution import UNATTRIBUTED
from auditor.domain.changes import AttributedChange
from auditor.domain.errors import ConflictError
from auditor.entrypoints.commands.run import RecordBook
from tests.support.ledger import Ledger, Present
from tests.support.records import PARAMETER, at, attributed, by, change


def second(database):
    """Let every other commit of a database find that another one came first; return how many did."""
    lost = Counter()
    turns = itertools.count()

    @event.listens_for(database._writing, "commit")
    def lose(connection):
        if next(turns) % 2 == 0:
            lost["commits"] += 1
            connection.connection.rollback()
            raise ConflictError("another process wrote to the database at the same moment; try again")

    return lost


class Quiet:
    name = "quiet"

    def __init__(self):
        self.sent = []

    def send(self, alert):
        self.sent.append(alert.key)
        return Delivery(DeliveryOutcome.SENT, f"message {alert.key}")


def test_recording_dispatching_sealing_signing_and_letting_go_come_through(url, tmp_path):
    with closing(open_database(url)) as database:
        lost = second(database)
        recorder, tally, started = Recorder(database.unit_of_work, {}, Present()), Tally(), datetime.now(UTC)
        for number in range(1, 7):
            pair = AttributedChange(change(number), UNATTRIBUTED)
            assert recorder.record_changes([pair], tally, started) == 1
        assert (tally.recorded, len(tally.changes), len(tally.alerts)) == (6, 6, 6)

        channel = Quiet()
        dispatch(database.unit_of_work, channel, Present())
        assert sorted(channel.sent) == sorted(f"change|cause-{number}" for number in range(1, 7))

        ledger = Ledger(database, tmp_path / "anchor")
        report = ledger.seal()
        assert (report.sealed, report.signed, report.anchored) == (6, 6, 1)

        class Later:
            def now(self):
                return datetime.now(UTC) + timedelta(days=365)

        retention = Retention(database.unit_of_work, Later(), "lena", "old")
        retention.hold("one", None, None)
        retention.lift("one")
        done = retention.let_go(datetime.now(UTC) + timedelta(days=1))
        assert (done.changes, done.standing) == (5, 1)
        book = RecordBook(database)
        assert book.claim("seal", "1", at(1), at(0))
        book.beat(Replica("a:1", at(0), at(1)), {"seal": "1"})
        book.finish("seal", "1", at(2), None)
        book.leave("a:1")

        seal(database.unit_of_work)
        verdict = ledger.verify()
        with database.reader() as uow:
            assert [recorded.change.key for recorded in uow.changes.query(HistoryQuery())] == ["key-6"]
            assert uow.runs.last_success("seal") == at(2)
    assert verdict.answer is Answer.INTACT
    assert lost["commits"] > 25


def test_what_always_comes_second_says_so_in_the_end(database, monkeypatch):
    monkeypatch.setattr("auditor.application.retrying._LONGEST_PAUSE", 0.0)
    tries = itertools.count(1)

    @retried
    def never():
        next(tries)
        raise ConflictError("another process was first")

    with pytest.raises(ConflictError):
        never()
    assert next(tries) == TRIES + 1


def test_what_was_counted_for_nothing_is_forgotten():
    tally, attempts = Tally(recorded=1, alerts=["before"]), itertools.count()

    @recounted
    def work(counts):
        counts.recorded += 1
        counts.alerts.append("now")
        if next(attempts) < 2:
            raise ConflictError("another process was first")

    work(tally)

    assert (tally.recorded, tally.alerts) == (2, ["before", "now"])


@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
def test_under_serializable_isolation_many_writers_and_sealers_make_one_log(make_url, tmp_path):
    """As on a database without locks: a commit that came second fails, and is done again."""
    url = make_url()
    open_database(url).close()
    address = plain(url)
    with psycopg.connect(address, autocommit=True) as connection:
        name = name_of(url)
        connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_isolation = serializable'.encode())
    conflicts = Counter()

    def writer(seed):
        with closing(open_database(url)) as database:
            counted(database, conflicts)
            for number in range(1, 31):
                one = (number * 7 + seed * 11) % 30 + 1
                database.run(lambda uow, one=one: note(uow, one))
                if number % 5 == 0:
                    Ledger(database, tmp_path / "anchor").seal()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(writer, range(4)))

    with closing(open_database(url)) as database:
        ledger = Ledger(database, tmp_path / "anchor")
        ledger.seal()
        verdict = ledger.verify()
        with database.reader() as uow:
            keys = Counter(recorded.change.key for recorded in uow.changes.query(HistoryQuery()))
            pending = uow.outbox.pending()
    print(f"serializable, 4 writers that seal: {conflicts['conflicts']} conflicts")  # noqa: T201
    assert keys == Counter({f"key-{number}": 1 for number in range(1, 31)})
    assert len(pending) == 30
    assert (verdict.answer, verdict.size) == (Answer.INTACT, 30)


def note(uow, number):
    made = replace(change(number), document=replace(PARAMETER, name=f"/shop/prod/features/{number}"))
    if uow.changes.append(attributed(made, by("dana")), at(number)) is not None:
        uow.outbox.put(NewAlert(f"a|{number}", AlertKind.CHANGE, "c", (made.key,)), at(number))


def counted(database, conflicts):
    @event.listens_for(database._writing, "handle_error")
    def count(context):
        if getattr(context.original_exception, "sqlstate", None) in ("40001", "40P01"):
            conflicts["conflicts"] += 1


def plain(url):
    return parsed(url).set(drivername="postgresql").render_as_string(hide_password=False)


def name_of(url):
    return parsed(url).database
