"""A record of any size for benchmarks: two years of believable changes, written in bulk, sealed and indexed."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
from sqlalchemy import text

from auditor.adapters.storage import Database, open_database
from auditor.adapters.storage.change_log import columns
from auditor.adapters.storage.engine import parse_url
from auditor.adapters.storage.months import base_of
from auditor.adapters.storage.search import actor_number, actor_text
from auditor.adapters.storage.tables import actors, change_keys, changes, pending_seals
from auditor.application.sealing import seal
from auditor.domain.changes import AttributedChange, change_id
from auditor.domain.documents import DocumentRef
from benchmarks.bench_record_path import START, change

YEARS = timedelta(days=730)
ENVIRONMENTS = ("prod", "prod", "prod", "staging", "dev", "test", "qa", "demo", "load", "eu", "us")
FLAGS, PEOPLE = 5_000, 800
_BULK = 2_000


def believable(number: int, of: int) -> AttributedChange:
    """Return one of so many changes over two years; a few have a word that few others have."""
    made = change(number)
    environment = ENVIRONMENTS[number * 7 % len(ENVIRONMENTS)]
    words = [made.change.summary]
    if number % 1_000 == 0:
        words.append(f"for INC-{number}")
    if number % 20_000 == 0:
        words.append("after the blackout")
    document = DocumentRef("ssm", "111122223333", "eu-central-1", f"/shop/{environment}/features/flag-{number % FLAGS}")
    at = START + YEARS * number / of
    told = replace(made.change, environment=environment, document=document, occurred_at=at, summary=" ".join(words))
    return AttributedChange(told, made.attribution)


def fill(database: Database, count: int) -> None:
    """Write so many changes, seal them and make the index of their texts; say how far it is on a terminal."""
    postgresql = database._writing.dialect.name == "postgresql"  # noqa: SLF001 - written in bulk, not by the product
    known: dict[int, str] = {}
    for start in range(0, count, _BULK):
        rows = []
        for number in range(start, min(start + _BULK, count)):
            one = believable(number, count)
            recorded = one.change.occurred_at or START
            seq = number + 1 + (base_of(recorded) if postgresql else 0)
            known[actor_number(one.attribution) or 0] = actor_text(one.attribution.actor)
            rows.append({"seq": seq, **columns(change_id(one.change.key), one, recorded)})
        with database._writing.begin() as connection:  # noqa: SLF001
            connection.execute(change_keys.insert(), [{"seq": row["seq"], "id": row["id"]} for row in rows])
            connection.execute(changes.insert(), rows)
            connection.execute(pending_seals.insert(), [{"entry": "change", "entry_seq": row["seq"]} for row in rows])
        _say(f"{start + len(rows):,} of {count:,} changes")
    with database._writing.begin() as connection:  # noqa: SLF001
        connection.execute(actors.insert(), [{"hash": key, "text": names} for key, names in known.items()])
        if postgresql:
            connection.execute(text("SELECT setval('change_keys_seq_seq', :last)"), {"last": count + 1})
    _say("sealing")
    seal(database.unit_of_work, batch=5_000)
    _say("indexing")
    database.index_texts()
    if postgresql:
        with database._writing.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:  # noqa: SLF001
            connection.execute(text("VACUUM ANALYZE"))
    _say("")


def _say(what: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{what}")


def records(folder: str | None = None) -> Iterator[tuple[str, Database]]:
    """Yield empty records: on SQLite, then on the PostgreSQL that FLAGTRAIL_TEST_POSTGRES_URL names."""
    with (
        tempfile.TemporaryDirectory(dir=folder) as place,
        closing(open_database(f"sqlite:///{Path(place) / 'record.db'}")) as database,
    ):
        yield "sqlite", database
    server = os.environ.get("FLAGTRAIL_TEST_POSTGRES_URL")
    if not server:
        return
    with made_database(server) as url, closing(open_database(url, connections=10)) as database:
        yield "postgresql", database


@contextmanager
def made_database(server: str) -> Iterator[str]:
    """Give the URL of a new database on a server, and remove it again."""
    name, address = f"benchmark_{os.getpid()}", parse_url(server)
    plain = address.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
        try:
            yield address.set(database=name).render_as_string(hide_password=False)
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
