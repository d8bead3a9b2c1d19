"""A database that goes down and comes back, a full disk, clocks apart, dead letters sent again: nothing lost or doubled."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy.engine import make_url as parsed

from auditor import bootstrap
from auditor.adapters.channels.slack import SlackChannel
from auditor.adapters.storage import open_database
from auditor.application.dispatch import LEASE_SECONDS, dispatch
from auditor.application.ports import HistoryQuery
from auditor.application.sealing import seal
from auditor.application.verifying import Answer
from auditor.domain.alerts import AlertKind, NewAlert
from auditor.domain.errors import DatabaseError
from auditor.entrypoints.lambda_handler import serve
from auditor.settings import Settings
from examples.demo.delivery import as_batch
from examples.standin import StandIn
from examples.standin.slack import SlackServer
from tests.conftest import PROOF
from tests.support.ledger import Ledger
from tests.support.records import at, attributed, by, change

SEEDS = range(20) if PROOF else range(2)
ALERTS = 200 if PROOF else 12
CHANGES = 40 if PROOF else 8
on_postgresql = pytest.mark.parametrize("kind", ["postgresql"], indirect=True)


def note(database, number, moment):
    def work(uow):
        recorded = uow.changes.append(attributed(change(number), by("dana")), moment)
        if recorded is not None:
            uow.outbox.put(NewAlert(f"change|{number}", AlertKind.CHANGE, "c", (f"key-{number}",)), moment)
        return recorded

    return database.run(work)


@contextmanager
def down(url: str) -> Iterator[None]:
    """Let nobody in, and put everybody out."""
    address = parsed(url).set(drivername="postgresql")
    name = address.database
    elsewhere = address.set(database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(elsewhere, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        yield
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())


@on_postgresql
def test_a_database_that_was_down_goes_on_where_it_was(make_url, tmp_path):
    url = make_url()
    with closing(open_database(url)) as database, SlackServer() as slack:
        channel = SlackChannel(token=slack.token, channel="C0FLAGS01", clock=Moving(), base_url=slack.url)
        ledger = Ledger(database, tmp_path / "anchor")
        note(database, 1, at(1))
        ledger.seal()
        for act in (
            lambda: note(database, 2, at(2)),
            lambda: seal(database.unit_of_work),
            ledger.vouch.sign,
            lambda: dispatch(database.unit_of_work, channel, Moving()),
        ):
            with down(url), pytest.raises(DatabaseError, match="cannot be used"):
                act()
        note(database, 2, at(2))
        assert ledger.seal().signed == 2
        dispatch(database.unit_of_work, channel, Moving())
        sent = Counter(message.arguments["metadata"]["event_payload"]["outbox_key"] for message in slack.messages)
        assert ledger.verify().answer is Answer.INTACT
    assert sent == {"change|1": 1, "change|2": 1}


@on_postgresql
def test_a_database_that_goes_down_between_the_post_and_its_note_doubles_nothing(make_url):
    url, clock = make_url(), Moving()
    with closing(open_database(url)) as database, SlackServer(clock=lambda: clock.now().timestamp()) as slack:
        channel = SlackChannel(token=slack.token, channel="C0FLAGS01", clock=clock, base_url=slack.url)

        class Cut:
            name = "slack"

            def send(self, alert):
                delivery = channel.send(alert)
                outage.__enter__()
                return delivery

        note(database, 1, at(1))
        outage = down(url)
        with pytest.raises(DatabaseError):
            dispatch(database.unit_of_work, Cut(), clock)
        outage.__exit__(None, None, None)
        clock.by += timedelta(seconds=LEASE_SECONDS + 1)
        dispatch(database.unit_of_work, channel, clock)
        with database.reader() as uow:
            assert list(uow.outbox.pending()) == []
        assert len(slack.messages) == 1


@on_postgresql
def test_a_full_disk_is_told_in_a_sentence_and_passes(database):
    said = "could not extend file: No space left on device"
    full = f"DO $$ BEGIN RAISE EXCEPTION '{said}' USING ERRCODE = '53100'; END $$"
    with database.unit_of_work() as uow:
        uow.changes.append(attributed(change(1)), at(1))
        with pytest.raises(DatabaseError, match="No space left on device") as told:
            uow._session.connection.exec_driver_sql(full)

    assert "\n" not in str(told.value)
    assert note(database, 1, at(1)) is not None


@dataclass
class Moving:
    """A clock that is so much ahead of the others."""

    by: timedelta = timedelta()

    def now(self):
        return at(24 * 30) + self.by


APART = [timedelta(), -timedelta(days=40), timedelta(hours=1), timedelta(days=400)]


def test_writers_with_clocks_apart_make_one_record(url, tmp_path):
    def write(place):
        rng, clock = random.Random(place), Moving(APART[place])
        with closing(open_database(url)) as database:
            for number in rng.sample(range(1, CHANGES + 1), CHANGES):
                note(database, number, clock.now())
                if number % 4 == 0:
                    seal(database.unit_of_work)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(len(APART))))
    with closing(open_database(url)) as database:
        ledger = Ledger(database, tmp_path / "anchor")
        ledger.seal()
        verdict = ledger.verify()
        with database.reader() as uow:
            shown = [recorded.change.key for recorded in uow.changes.query(HistoryQuery())]
    # Whenever it was recorded, a change stands where its store dated it.
    assert shown == [f"key-{number}" for number in range(CHANGES, 0, -1)]
    assert (verdict.answer, verdict.size) == (Answer.INTACT, CHANGES)


@pytest.mark.parametrize("seed", SEEDS)
def test_senders_with_clocks_apart_send_once(url, seed):
    """One whose clock is ahead takes for dead who is only busy: it looks before it sends again."""
    rng = random.Random(seed)
    base = Moving()
    clocks = [Moving(), Moving(timedelta(seconds=LEASE_SECONDS * 3)), Moving(-timedelta(minutes=5))]
    with closing(open_database(url)) as database, SlackServer(clock=lambda: base.now().timestamp()) as slack:
        for number in range(ALERTS):
            database.run(lambda uow, n=number: uow.outbox.put(NewAlert(f"a|{n}", AlertKind.TEST, "t"), at(0)))
        channels = [
            SlackChannel(token=slack.token, channel="C0FLAGS01", clock=clock, base_url=slack.url) for clock in clocks
        ]

        class Overtaken:
            """A channel that another sender, whose clock is ahead, sends on behalf of before the answer is noted."""

            name = "slack"

            def send(self, alert):
                delivery = channels[0].send(alert)
                if rng.random() < 0.5:
                    dispatch(database.unit_of_work, channels[1], clocks[1], limit=1)
                return delivery

        for _ in range(ALERTS * 3):
            place = rng.randrange(3)
            dispatch(database.unit_of_work, Overtaken() if place == 0 else channels[place], clocks[place], limit=2)
        for clock in (*clocks, base):
            clock.by += timedelta(hours=1)
        dispatch(database.unit_of_work, channels[0], clocks[0])
        with database.reader() as uow:
            assert list(uow.outbox.pending()) == []
        sent = Counter(message.arguments["metadata"]["event_payload"]["outbox_key"] for message in slack.messages)
    lost, doubled = ALERTS - len(sent), sum(sent.values()) - len(sent)
    print(f"seed {seed}, clocks apart: {lost} lost, {doubled} doubled")  # noqa: T201
    assert (lost, doubled) == (0, 0)


def test_dead_letters_that_are_sent_again_are_recorded_once(url, monkeypatch):
    """The store gives no answer until the queue gives up; later its dead letters come again, doubled and reordered."""
    rng = random.Random(185)
    with StandIn() as aws:
        for name, value in aws.environ().items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("AWS_SESSION_TOKEN")
        application = bootstrap.application(Settings.from_env({"FLAGTRAIL_DATABASE_URL": url}))
        ssm, events = aws.client("ssm"), []
        for number in range(1, 6):
            name = f"/shop/prod/features/flag-{number % 2}"
            ssm.put_parameter(Name=name, Value=str(number), Type="String", Overwrite=True)
            events += aws.drain()
        aws.deny(None, "ssm:GetParameterHistory")
        batch = as_batch(events)
        failed = serve(application, batch, None)["batchItemFailures"]
        dead = {one["itemIdentifier"] for one in failed}
        assert dead
        assert list(shown(application)) == []

        aws.allow(None, "ssm:GetParameterHistory")
        again = [record for record in batch["Records"] if record["messageId"] in dead] * 2
        rng.shuffle(again)
        for record in again:
            assert serve(application, {"Records": [record]}, None) == {"batchItemFailures": []}
        keys = Counter(shown(application))
        application.record.close()
    assert len(keys) == 5
    assert set(keys.values()) == {1}


def shown(application):
    with application.record.reader() as uow:
        yield from [recorded.change.key for recorded in uow.changes.query(HistoryQuery())]
