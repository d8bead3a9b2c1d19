"""The record path against the floor: one change with its alert in one commit, against one raw insert of the same row.

Both write the same row into the same table with the same indexes, one commit a row, in turns in the same run.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from auditor.adapters.storage import Database, open_database
from auditor.adapters.storage.change_log import columns
from auditor.adapters.storage.engine import parse_url
from auditor.domain.alerts import AlertKind, NewAlert
from auditor.domain.attribution import Actor, ActorKind, Attribution, Certainty, Evidence
from auditor.domain.changes import AttributedChange, ChangeKind, Detection, DiffEntry, FlagChange, change_id
from auditor.domain.documents import DocumentRef
from auditor.domain.flags import FlagState, JsonValue

START = datetime(2026, 3, 2, tzinfo=UTC)
Write = Callable[[Any], None]
WANTED = {"sqlite": 0.5, "postgresql": 0.35}
_NUMBERS = itertools.count(1)


def main() -> None:
    """Measure SQLite, and PostgreSQL where FLAGTRAIL_TEST_POSTGRES_URL names a server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1000, help="rows a round")
    parser.add_argument("--rounds", type=int, default=7, help="pairs of rounds, of which the first is dropped")
    options = parser.parse_args()
    with sqlite_pair() as (database, floor):
        compare("sqlite", database, floor, options)
    if server := os.environ.get("FLAGTRAIL_TEST_POSTGRES_URL"):
        with postgresql_pair(server) as (database, floor):
            compare("postgresql", database, floor, options)


def compare(name: str, database: Database, floor: Write, options: argparse.Namespace) -> None:
    """Print the median ratio of paired rounds, the product's over the floor's."""
    made = [change(number) for number in range(options.rows * options.rounds)]
    rounds = [made[start : start + options.rows] for start in range(0, len(made), options.rows)]
    pairs = [measure(database, floor, one) for one in rounds][1:]
    product, raw = (statistics.median(rates) for rates in zip(*pairs, strict=True))
    ratio = statistics.median(product / raw for product, raw in pairs)
    with database.reader() as uow:
        assert uow.changes.get(change_id(made[-1].change.key)) is not None
    print(
        f"{name:<11} record path {product:7,.0f}/s   raw insert {raw:7,.0f}/s   ratio {ratio:.2f}"
        f"   (wanted: at least {WANTED[name]})"
    )


def measure(database: Database, floor: Write, made: list[AttributedChange]) -> tuple[float, float]:
    """Return how many rows a second the product wrote, and then the floor."""
    rows = [{"seq": next(_NUMBERS), **columns(change_id(one.change.key), one, START)} for one in made]
    return rate(made, lambda one: record(database, one)), rate(rows, floor)


def rate(items: list[Any], write: Write) -> float:
    """Return how many items a second were written, each in its own commit."""
    began = time.perf_counter()
    for item in items:
        write(item)
    return len(items) / (time.perf_counter() - began)


def record(database: Database, one: AttributedChange) -> None:
    """Record a change and its alert, as the handler does."""
    with database.unit_of_work() as uow:
        recorded = uow.changes.append(one, START)
        assert recorded is not None
        cause = one.change.cause
        uow.outbox.put(NewAlert(f"change|{cause}", AlertKind.CHANGE, cause, (one.change.key,)), START)
        uow.commit()


@contextmanager
def sqlite_pair() -> Iterator[tuple[Database, Write]]:
    """Give a record, and what inserts a finished row into the same table in a file of its own."""
    with tempfile.TemporaryDirectory() as folder, closing(open_database(f"sqlite:///{folder}/record.db")) as database:
        with closing(sqlite3.connect(f"{folder}/record.db")) as made:
            same = made.execute(
                "SELECT sql FROM sqlite_master WHERE tbl_name = 'changes' AND sql IS NOT NULL"
            ).fetchall()
        with closing(sqlite3.connect(f"{folder}/floor.db", isolation_level=None)) as floor:
            for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", *(sql for (sql,) in same)):
                floor.execute(statement)
            insert = insert_into("changes", "?")

            def write(row: dict[str, Any]) -> None:
                floor.execute("BEGIN IMMEDIATE")
                floor.execute(insert, tuple(row.values()))
                floor.execute("COMMIT")

            yield database, write


@contextmanager
def postgresql_pair(server: str) -> Iterator[tuple[Database, Write]]:
    """Give a record in a new database, and what inserts a finished row into the same table beside it."""
    name = f"benchmark_{os.getpid()}"
    address = parse_url(server)
    plain = address.set(drivername="postgresql")
    with psycopg.connect(plain.render_as_string(hide_password=False), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
        try:
            url = address.set(database=name).render_as_string(hide_password=False)
            with (
                closing(open_database(url)) as database,
                psycopg.connect(plain.set(database=name).render_as_string(hide_password=False)) as floor,
            ):
                floor.execute("CREATE TABLE floor (LIKE changes INCLUDING ALL)")
                insert = insert_into("floor", "%s").encode()

                def write(row: dict[str, Any]) -> None:
                    floor.execute(insert, tuple(row.values()))
                    floor.commit()

                yield database, write
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def insert_into(table: str, mark: str) -> str:
    """Return the statement that inserts a whole row."""
    names = ["seq", *columns("c", change(0), START)]
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join([mark] * len(names))})"


def change(number: int) -> AttributedChange:
    """Return one believable change of about a kilobyte."""
    flag = f"flag-{number % 5000}"
    document = DocumentRef("ssm", "111122223333", "eu-central-1", f"/shop/prod/features/{flag}")
    at = START + timedelta(seconds=number)
    before: dict[str, JsonValue] = {"enabled": True, "rollout": number % 100, "regions": ["eu-central-1", "us-east-1"]}
    after: dict[str, JsonValue] = before | {"rollout": number % 100 + 1}
    made = FlagChange(
        key=f"ssm|111122223333|eu-central-1|{document.name}|1|{number}||updated",
        cause=f"version|{document}|1|{number}",
        kind=ChangeKind.UPDATED,
        document=document,
        life=1,
        application="shop",
        flag=flag,
        environment="prod",
        path="",
        version_before=str(number - 1),
        version_after=str(number),
        occurred_at=at,
        occurred_between=None,
        before=FlagState(before),
        after=FlagState(after),
        diff=(DiffEntry("replace", "/value/rollout", before["rollout"], after["rollout"]),),
        summary=f"rollout {before['rollout']} → {after['rollout']} in prod",
        detected_by=Detection.EVENT,
    )
    person = f"person-{number % 800}@example.com"
    role = "AWSReservedSSO_Developer_0123456789abcdef"
    arn = f"arn:aws:sts::111122223333:assumed-role/{role}/{person}"
    actor = Actor(ActorKind.PERSON, person, arn, "Developer", person, "203.0.113.7")
    evidence = Evidence("history", f"version {number} was written by {arn}", None, at)
    return AttributedChange(made, Attribution(actor, Certainty.CERTAIN, (evidence,)))


if __name__ == "__main__":
    main()
