"""Bringing a database to the current schema. Only ``flagtrail db upgrade`` needs this, and Alembic with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from auditor.adapters.storage import schema
from auditor.adapters.storage.engine import Password, make_engine, parse_url

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

_MIGRATIONS = Path(__file__).with_name("migrations")


@dataclass(frozen=True, slots=True)
class Upgraded:
    """From which schema to which; ``before`` is ``None`` for a database that was empty."""

    before: str | None
    after: str


def upgrade(url: str, password: Password | None = None) -> Upgraded:
    """Bring the database at a URL to the current schema; one process does it, others wait and find it done.

    Raise ``DatabaseError`` when it cannot be opened, holds something else, or has a schema newer than this program's.
    """
    address = parse_url(url)
    with _locked(address, password), _transaction(address, password) as connection:
        before = schema.revision(connection)
        if before is not None and before not in schema.REVISIONS:
            schema.check(before)
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        command.upgrade(config, schema.HEAD)
    return Upgraded(before, schema.HEAD)


@contextmanager
def _transaction(address: URL, password: Password | None) -> Iterator[Connection]:
    """Give a connection whose transaction is committed when all went well; on SQLite it holds the write lock."""
    engine = make_engine(address, password=password)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


@contextmanager
def _locked(address: URL, password: Password | None) -> Iterator[None]:
    """Hold PostgreSQL's lock for changing the schema in a session of its own.

    A lock of the migration's own transaction would end with it, and some statements cannot be in one.
    """
    if address.get_backend_name() == "sqlite":
        yield
        return
    engine = make_engine(address, connections=1, password=password)
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("SELECT pg_advisory_lock(:number)"), {"number": schema.LOCK_NUMBER})
            yield
            connection.execute(text("SELECT pg_advisory_unlock(:number)"), {"number": schema.LOCK_NUMBER})
    finally:
        engine.dispose()
