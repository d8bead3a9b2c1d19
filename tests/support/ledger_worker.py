"""A process that records, or one that seals and signs, until it is done, told to stop, or killed."""

from __future__ import annotations

import random
import sys
from contextlib import closing
from pathlib import Path

from auditor.adapters.storage import open_database
from auditor.application.sealing import seal
from auditor.domain.errors import DatabaseError
from tests.support.ledger import Ledger
from tests.support.records import at, attributed, by, change


def record(url: str, count: int, seed: int) -> None:
    """Record every change of a number, in an order of its own, each in its own transaction."""
    numbers = list(range(1, count + 1))
    random.Random(seed).shuffle(numbers)
    with closing(open_database(url)) as database:
        for number in numbers:
            with database.unit_of_work() as uow:
                recorded = uow.changes.append(attributed(change(number), by("dana")), at(number))
                if recorded is not None and number % 3 == 0:
                    uow.changes.attribute(recorded.id, by("erin"), at(number))
                uow.commit()


def keep_sealing(url: str, folder: str, batch: int) -> None:
    """Seal, sign and anchor again and again; a batch may be small, so that there are many."""
    with closing(open_database(url)) as database:
        ledger = Ledger(database, Path(folder))
        while True:
            seal(database.unit_of_work, most=batch, batch=batch)
            try:
                ledger.vouch.sign()
                ledger.vouch.anchor()
            except DatabaseError:
                continue  # somebody was killed with the lock: it is free again


if __name__ == "__main__":
    what, url, *rest = sys.argv[1:]
    if what == "record":
        record(url, int(rest[0]), int(rest[1]))
    else:
        keep_sealing(url, rest[0], int(rest[1]))
