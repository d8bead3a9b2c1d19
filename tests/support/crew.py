"""Processes that record, seal, send and run jobs on one record until they are done, told to stop, or killed."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from auditor.adapters.channels.slack import SlackChannel
from auditor.adapters.storage import Database, open_database
from auditor.application.dispatch import dispatch
from auditor.application.ports import UnitOfWork
from auditor.application.sealing import seal
from auditor.domain.alerts import AlertKind, NewAlert
from auditor.domain.errors import DatabaseError
from auditor.domain.schedules import When
from auditor.entrypoints.commands.run import RecordBook
from auditor.entrypoints.scheduler import Job, Service
from tests.support.ledger import Ledger
from tests.support.records import at, attributed, by, change

SPEED = 200


class FastClock:
    """A clock that runs ahead: a lease of two minutes is over in less than a second."""

    def __init__(self, began: float) -> None:
        self._began = began

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._began + (time.time() - self._began) * SPEED, UTC)


def record(database: Database, count: int, seed: int) -> None:
    """Record every change of a number with its alert, in an order of its own, each in its own transaction."""
    numbers = list(range(1, count + 1))
    random.Random(seed).shuffle(numbers)
    for number in numbers:
        database.run(lambda uow, number=number: _note(uow, number))


def _note(uow: UnitOfWork, number: int) -> None:
    made = change(number)
    recorded = uow.changes.append(attributed(made, by("dana")), at(number))
    if recorded is None:
        return
    if number % 3 == 0:
        uow.changes.attribute(recorded.id, by("erin"), at(number))
    uow.outbox.put(NewAlert(f"change|{number}", AlertKind.CHANGE, made.cause, (made.key,)), at(number))


def keep_sealing(database: Database, folder: str, batch: int) -> None:
    """Seal, sign and anchor again and again; a batch may be small, so that there are many."""
    ledger = Ledger(database, Path(folder))
    while True:
        seal(database.unit_of_work, most=batch, batch=batch)
        try:
            ledger.vouch.sign()
            ledger.vouch.anchor()
        except DatabaseError:
            continue  # somebody was killed with the lock: it is free again


def keep_sending(database: Database, url: str, token: str, began: float) -> None:
    """Send what is due again and again."""
    clock = FastClock(began)
    channel = SlackChannel(token=token, channel="C0FLAGS01", clock=clock, base_url=url, timeout=5)
    while True:
        dispatch(database.unit_of_work, channel, clock)
        time.sleep(0.02)


def keep_ticking(database: Database, name: str) -> None:
    """Run a job each second whose trace says in which slot it ran."""

    def tick() -> str:
        slot = service.running["tick"]
        key = f"slot|{slot}|{name}|{time.time_ns()}"
        database.run(lambda uow: uow.outbox.put(NewAlert(key, AlertKind.TEST, "tick"), datetime.now(UTC)))
        return slot

    job = Job("tick", When(every=timedelta(seconds=1)), tick)
    service = Service((job,), RecordBook(database), lambda _line: None, name=name)
    service.start()
    threading.Event().wait()


def main(words: list[str]) -> None:
    """Do what is asked for."""
    what, url, *rest = words
    acts: dict[str, Callable[[Database], None]] = {
        "record": lambda database: record(database, int(rest[0]), int(rest[1])),
        "seal": lambda database: keep_sealing(database, rest[0], int(rest[1])),
        "send": lambda database: keep_sending(database, rest[0], rest[1], float(rest[2])),
        "tick": lambda database: keep_ticking(database, rest[0]),
    }
    with closing(open_database(url)) as database:
        acts[what](database)


if __name__ == "__main__":
    main(sys.argv[1:])
