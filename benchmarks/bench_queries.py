"""The reviewer's questions on a large record: the first page of each, and a page at depth, by the product's own way.

Processor time is this process's: all of the work on SQLite, and without the server's part on PostgreSQL. It says what a
question costs where the machine does much else. The floor is fetching fifty changes whose numbers are known, from the
same record and in turns with the question.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta

from sqlalchemy import func, select

from auditor.adapters.storage import Database, open_database
from auditor.adapters.storage.months import base_of
from auditor.adapters.storage.tables import changes
from auditor.application.ports import HistoryQuery
from benchmarks._filled import ENVIRONMENTS, FLAGS, PEOPLE, YEARS, fill, records
from benchmarks.bench_record_path import START

WANTED_MS = 50
PAGE = 50
_WEEK_US = 7 * 24 * 3600 * 1_000_000
_COUNTS = {"count by week"}


def main() -> None:
    """Fill a record and ask; 1,000,000 changes with ``--changes``, 10,000,000 where there is an hour and 20 GB."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=50_000, help="changes in the record")
    parser.add_argument(
        "--rounds", type=int, default=15, help="times each question is asked, of which the first is dropped"
    )
    parser.add_argument("--folder", help="where SQLite's file lies; else a temporary folder")
    parser.add_argument("--database", help="URL of a record that a former run filled with so many; it stays")
    options = parser.parse_args()
    if options.database is not None:
        with closing(open_database(options.database, connections=10)) as database:
            with database.reader() as uow:
                empty = uow.sealed.head() == (0, b"")
            if empty:
                made(database, options.changes)
            measure(database, options)
        return
    for _, database in records(options.folder):
        made(database, options.changes)
        measure(database, options)


def made(database: Database, count: int) -> None:
    """Fill a record and say how long it took."""
    began = time.perf_counter()
    fill(database, count)
    print(f"{_kind(database)}: {count:,} changes, filled in {time.perf_counter() - began:,.0f} s", flush=True)


def measure(database: Database, options: argparse.Namespace) -> None:
    """Ask every question of a record."""
    rng = random.Random(6962)  # noqa: S311 - a fixed seed
    for name, ask in questions(database, options.changes, rng).items():
        report(_kind(database), name, database, ask, options)


def _kind(database: Database) -> str:
    return str(database._writing.dialect.name)  # noqa: SLF001


def report(kind: str, name: str, database: Database, ask: Callable[[], int], options: argparse.Namespace) -> None:
    """Print the median time of a question, the floor's, and the median of their ratios."""
    rng = random.Random(9162)  # noqa: S311 - a fixed seed
    pairs, rows, worked = [], 0, []
    for _ in range(options.rounds + 1):
        numbers = some_numbers(database, options.changes, rng)
        began, busy = time.perf_counter(), time.process_time()
        rows += ask()
        asked = time.perf_counter()
        worked.append(time.process_time() - busy)
        fetch(database, numbers)
        pairs.append((asked - began, time.perf_counter() - asked))
    pairs = pairs[1:]
    took, floor = (statistics.median(times) * 1000 for times in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for one, other in pairs)
    work = statistics.median(worked[1:]) * 1000
    wanted = "" if name in _COUNTS else f"   (wanted: under {WANTED_MS} ms)"
    times = f"{took:9.1f} ms   processor {work:6.1f} ms   floor {floor:6.1f} ms   ratio {ratio:8.1f}"
    print(f"{kind:<11}{name:<24}{times}   {rows:,} rows{wanted}", flush=True)


def questions(database: Database, count: int, rng: random.Random) -> dict[str, Callable[[], int]]:
    """Return each question with new values for every time it is asked; it returns how many rows answered it."""

    def asked(make: Callable[[], HistoryQuery]) -> Callable[[], int]:
        return lambda: shown(database, make())

    def spell() -> HistoryQuery:
        since = START + YEARS * rng.random() * 0.9
        flag = f"flag-{rng.randrange(FLAGS)}"
        return HistoryQuery(flag=flag, since=since, until=since + timedelta(days=30), limit=PAGE)

    def incident() -> HistoryQuery:
        return HistoryQuery(text=f"inc-{rng.randrange(count // 1000) * 1000}", limit=PAGE)

    return {
        "flag and 30 days": asked(spell),
        "flag": asked(lambda: HistoryQuery(flag=f"flag-{rng.randrange(FLAGS)}", limit=PAGE)),
        "actor": asked(lambda: HistoryQuery(actor=f"person-{rng.randrange(PEOPLE)}@example", limit=PAGE)),
        "environment": asked(lambda: HistoryQuery(environment=rng.choice(ENVIRONMENTS), limit=PAGE)),
        "environment, in March": asked(
            lambda: HistoryQuery(environment="prod", since=START, until=START + timedelta(days=30), limit=PAGE)
        ),
        "a rare text": asked(incident),
        "a text in few": asked(lambda: HistoryQuery(text="the blackout", limit=PAGE)),
        "a frequent text": asked(lambda: HistoryQuery(text=f"rollout {rng.randrange(99)} →", limit=PAGE)),
        "a text in none": asked(lambda: HistoryQuery(text=f"nothing-{rng.random()}", limit=PAGE)),
        "page at depth 90%": asked(lambda: HistoryQuery(after=deep(database, count, rng), limit=PAGE)),
        "count by week": lambda: by_week(database),
    }


def shown(database: Database, query: HistoryQuery) -> int:
    """Ask as ``history`` does and return how many rows came."""
    with database.reader() as uow:
        return sum(1 for _ in uow.changes.query(query))


def by_week(database: Database) -> int:
    """Count all changes by the week they occurred in; there is no shorter way than through an index."""
    week = (changes.c.sort_us // _WEEK_US).label("week")
    with database.reader() as uow:
        return len(uow._session.rows(select(week, func.count()).group_by(week)))  # noqa: SLF001


def deep(database: Database, count: int, rng: random.Random) -> int:
    """Return the number of a change behind nine in ten of all."""
    return some_numbers(database, count, rng, part=0.1)[0]


def some_numbers(database: Database, count: int, rng: random.Random, part: float = 1.0) -> list[int]:
    """Return numbers of changes from the older part of the record."""
    wanted = [rng.randrange(int(count * part)) for _ in range(PAGE)]
    if database._writing.dialect.name != "postgresql":  # noqa: SLF001
        return [number + 1 for number in wanted]
    return [number + 1 + base_of(START + YEARS * number / count) for number in wanted]


def fetch(database: Database, numbers: list[int]) -> None:
    """Fetch changes whose numbers are known."""
    with database.reader() as uow:
        uow._session.rows(select(changes.c.seq, changes.c.body).where(changes.c.seq.in_(numbers)))  # noqa: SLF001


if __name__ == "__main__":
    main()
