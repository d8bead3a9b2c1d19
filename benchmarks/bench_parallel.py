"""Eight writers at once on PostgreSQL against one, each recording changes with their alerts, a commit a change.

Every writer is a process with a connection of its own, as a Lambda environment is. One and eight write in turns, and
the database is as far away as in a cloud's network: there writers wait for it, and not for a core of their own.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import statistics
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

from auditor.adapters.storage import open_database
from benchmarks._distance import distant
from benchmarks._filled import made_database
from benchmarks.bench_record_path import change, record

if TYPE_CHECKING:
    from multiprocessing.queues import Queue

WRITERS = 8
WANTED = 3.0


def main() -> None:
    """Measure on the PostgreSQL that FLAGTRAIL_TEST_POSTGRES_URL names: SQLite has one writer at a time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=400, help="rows a round, by one writer or by all together")
    parser.add_argument("--rounds", type=int, default=5, help="pairs of rounds, of which the first is dropped")
    parser.add_argument(
        "--round-trip", type=float, default=2.0, help="milliseconds to the database and back; 0: as it is"
    )
    options = parser.parse_args()
    server = os.environ.get("FLAGTRAIL_TEST_POSTGRES_URL")
    if server is None:
        sys.stderr.write("bench_parallel: set FLAGTRAIL_TEST_POSTGRES_URL to measure writers in parallel\n")
        return
    with made_database(server) as url:
        open_database(url).close()
        with distant(url, options.round_trip) as far:
            pairs = measure(far, options.rows, options.rounds)
        with closing(open_database(url)) as database, database.reader() as uow:
            assert uow.ledger.waiting()[0] == 2 * options.rows * options.rounds
    one, eight = (statistics.median(rates) for rates in zip(*pairs[1:], strict=True))
    ratio = statistics.median(eight / one for one, eight in pairs[1:])
    print(
        f"postgresql  {WRITERS} writers {eight:7,.0f}/s   one writer {one:7,.0f}/s   ratio {ratio:.2f}"
        f"   (wanted: at least {WANTED:.0f}; {os.cpu_count()} cores, {options.round_trip:g} ms away)"
    )


def measure(url: str, rows: int, rounds: int) -> list[tuple[float, float]]:
    """Return how many rows a second one writer wrote, and then all of them, for each round."""
    context = multiprocessing.get_context("spawn")
    tasks: list[Queue[range | None]] = [context.Queue() for _ in range(WRITERS)]
    done: Queue[int] = context.Queue()
    writers = [context.Process(target=write, args=(url, queue, done)) for queue in tasks]
    for writer in writers:
        writer.start()
    for _ in writers:
        done.get()
    starts = itertools.count(0, rows)
    pairs = []
    for _ in range(rounds):
        rates = []
        for many in (1, WRITERS):
            start, share = next(starts), rows // many
            began = time.perf_counter()
            for number, queue in enumerate(tasks[:many]):
                queue.put(range(start + number * share, start + (number + 1) * share))
            for _ in range(many):
                done.get()
            rates.append(rows / (time.perf_counter() - began))
        pairs.append((rates[0], rates[1]))
    for queue, writer in zip(tasks, writers, strict=True):
        queue.put(None)
        writer.join()
    return pairs


def write(url: str, tasks: Queue[range | None], done: Queue[int]) -> None:
    """Record what each task says, until there is none."""
    with closing(open_database(url, connections=1)) as database:
        with database.reader() as uow:
            uow.ledger.waiting()
        done.put(0)
        while (numbers := tasks.get()) is not None:
            for number in numbers:
                record(database, change(number))
            done.put(len(numbers))


if __name__ == "__main__":
    main()
