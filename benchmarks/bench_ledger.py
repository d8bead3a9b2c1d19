"""What the ledger costs: recording while it is sealed against recording alone, verifying against reading the same rows.

Both of a pair run in turns in the same run, on the same number of rows.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from auditor.adapters.storage import Database, open_database
from auditor.adapters.storage.tables import changes
from auditor.application.ports import HistoryQuery
from auditor.application.sealing import seal
from auditor.application.verifying import verify
from auditor.domain.ledger.checkpoint import PublicKey
from benchmarks.bench_record_path import change, record

SEALED_WANTED = 0.75
VERIFY_WANTED = 2.0
SEAL_EVERY = 100
BULK = 1_000


def main() -> None:
    """Measure both on SQLite."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000, help="rows a round of recording")
    parser.add_argument("--rounds", type=int, default=5, help="pairs of rounds, of which the first is dropped")
    parser.add_argument("--entries", type=int, default=20_000, help="entries to verify")
    parser.add_argument("--turns", type=int, default=3, help="times the entries are read and verified")
    parser.add_argument("--database", help="URL of a record that is filled and sealed, to verify that one instead")
    options = parser.parse_args()
    if options.database is not None:
        with closing(open_database(options.database, create=False)) as database, database.reader() as uow:
            head = uow.sealed.head()
        options.entries = 0 if head is None else head[0]
    with tempfile.TemporaryDirectory() as folder:
        if options.database is None:
            compare_recording(Path(folder), options)
        compare_verifying(options.database or f"sqlite:///{folder}/large.db", options)


def compare_recording(folder: Path, options: argparse.Namespace) -> None:
    """Print how much recording slows down when a sealer takes what it left every hundred rows."""
    with (
        closing(open_database(f"sqlite:///{folder}/plain.db")) as plain,
        closing(open_database(f"sqlite:///{folder}/sealed.db")) as sealed,
    ):
        ratios = []
        numbers = iter(range(options.rows * options.rounds * 2))
        for _ in range(options.rounds):
            alone = timed(lambda: write(plain, options.rows, numbers, sealing=False))
            both = timed(lambda: write(sealed, options.rows, numbers, sealing=True))
            ratios.append(alone / both)
        with sealed.reader() as uow:
            assert uow.sealed.waiting()[0] == 0
    ratio = statistics.median(ratios[1:])
    print(f"record and seal / record alone   ratio {ratio:.2f}   (wanted: at least {SEALED_WANTED})")


def write(database: Database, rows: int, numbers: object, *, sealing: bool) -> None:
    """Record rows, each in its own commit with its alert; seal what waits now and then."""
    for at in range(1, rows + 1):
        record(database, change(next(numbers)))  # type: ignore[call-overload]
        if sealing and at % SEAL_EVERY == 0:
            seal(database.unit_of_work)


def compare_verifying(url: str, options: argparse.Namespace) -> None:
    """Print what verifying costs beside fetching the same rows, and beside reading them as history does."""
    with closing(open_database(url)) as database:
        if options.database is None:
            fill(database, options.entries)
        times: dict[str, list[float]] = {"fetch": [], "parse": [], "history": [], "verify": []}
        works: dict[str, Callable[[], None]] = {
            "fetch": lambda: fetch(database),
            "parse": lambda: fetch(database, parse=True),
            "history": lambda: read(database),
            "verify": lambda: check(database, options.entries),
        }
        for _ in range(options.turns):
            for name, work in works.items():
                times[name].append(timed(work))
    median = {name: statistics.median(found) for name, found in times.items()}
    rate = options.entries / median["verify"]
    print(f"verify {options.entries:,} entries: {median['verify']:.2f} s, {rate:,.0f}/s")
    for name, said in (
        ("fetch", "fetching the rows, unread"),
        ("parse", "fetching them and parsing each body"),
        ("history", "reading them as history does"),
    ):
        wanted = f"   (wanted: at most {VERIFY_WANTED})" if name == "history" else ""
        print(f"verify / {said:<36} ratio {median['verify'] / median[name]:.2f}{wanted}")


def fill(database: Database, entries: int) -> None:
    """Record changes in bulk and seal them all."""
    at = datetime.now(UTC)
    for start in range(0, entries, BULK):
        with database.unit_of_work() as uow:
            for number in range(start, min(start + BULK, entries)):
                uow.changes.append(change(number), at)
            uow.commit()
    seal(database.unit_of_work)
    database.index_texts()


def fetch(database: Database, *, parse: bool = False) -> None:
    """Fetch every row whole, a page at a time."""
    after = 0
    with database.reader() as uow:
        while True:
            page = select(changes).where(changes.c.seq > after).order_by(changes.c.seq).limit(2_000)
            rows = uow._session.rows(page)  # noqa: SLF001 - the floor is the same connection without the product
            if not rows:
                return
            if parse:
                for row in rows:
                    json.loads(row.body)
            after = rows[-1].seq


def read(database: Database) -> None:
    """Read every change as history reads it."""
    with database.reader() as uow:
        for _ in uow.changes.query(HistoryQuery()):
            pass


def check(database: Database, entries: int) -> None:
    """Verify the log against its rows and their columns; without a checkpoint, which costs nothing beside that."""
    with database.reader() as uow:
        verdict = verify(uow.sealed, [], [PublicKey("bench", bytes(32))], lambda *_: True, datetime.now(UTC))
    assert (verdict.size, verdict.faults) == (entries, ())


def timed(work: Callable[[], None]) -> float:
    """Return how many seconds of the processor the work takes: what else the machine does must not count."""
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    main()
