"""Engines: how a database URL becomes connections that keep what they were told."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, InterfaceError, InternalError, OperationalError

from auditor.domain.errors import ConflictError, DatabaseError

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import ExceptionContext

Password = Callable[[], str]
"""Gives the password of the next connection."""

BUSY_SECONDS = 30
CONNECT_SECONDS = 40  # a serverless cluster that slept for a day takes about 30 s to wake up
_CONFLICTS = ("40001", "40P01")
_PRAGMAS = (
    "foreign_keys = ON",
    "journal_mode = WAL",
    "synchronous = FULL",
    # Every checkpoint writes the same few hot pages again and syncs the file: let more commits share one.
    "wal_autocheckpoint = 4000",
)
_READING = "flagtrail_reading"
_POSTGRES = ("postgresql", "postgres", "postgresql+psycopg")


def parse_url(text: str) -> URL:
    """Read a database URL; raise ``DatabaseError`` when it is none or names a database that is not supported."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise DatabaseError(
            "the database URL cannot be read; write it like sqlite:///flagtrail.db or postgresql://host/name"
        ) from error
    if url.drivername in _POSTGRES:
        return url.set(drivername="postgresql+psycopg")
    if url.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise DatabaseError(f"{url.drivername} databases are not supported; use sqlite or postgresql")
    if url.database in (None, "", ":memory:"):
        raise DatabaseError("a database in memory keeps nothing; name a file, like sqlite:///flagtrail.db")
    if url.query:
        raise DatabaseError(f"the database {url.database} takes no options; leave out what follows the question mark")
    return url


def shown(url: URL) -> str:
    """Return where the database is, for messages: without user, password and options."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    host = url.host or url.query.get("host") or "localhost"
    return f"{host if isinstance(host, str) else ','.join(host)}/{url.database}"


def make_engine(url: URL, *, connections: int = 4, password: Password | None = None) -> Engine:
    """Return an engine whose connections are opened when first needed and kept.

    PostgreSQL's password is asked of ``password`` for each connection, where one is given. Transactions on SQLite take
    the write lock when they begin, so that nothing read in them can be outdated. Every failure of the database comes
    out as ``DatabaseError``.
    """
    try:
        engine = _sqlite(url) if url.get_backend_name() == "sqlite" else _postgresql(url, connections, password)
    except ImportError as error:
        raise DatabaseError("the PostgreSQL driver is missing; install flagtrail[postgres]") from error
    event.listen(engine, "handle_error", _Translator(url))
    return engine


def reading_engine(engine: Engine) -> Engine:
    """Return the same engine, its connections included, for transactions that see one state and write nothing."""
    if engine.dialect.name == "sqlite":
        return engine.execution_options(**{_READING: True})
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _sqlite(url: URL) -> Engine:
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        # The driver would begin transactions by its own lights, and none for a SELECT.
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        driver = _driver(connection)
        try:
            if connection.get_execution_options().get(_READING):
                driver.execute("PRAGMA query_only = ON")
                driver.execute("BEGIN")
            else:
                # Two deferred transactions can read the same newest row and both write its successor.
                driver.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise DatabaseError(sentence(url, error)) from error

    @event.listens_for(engine, "rollback")
    @event.listens_for(engine, "commit")
    def end(connection: Connection) -> None:
        if connection.get_execution_options().get(_READING):
            _driver(connection).execute("PRAGMA query_only = OFF")

    return engine


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - told to the type checker
    return driver


def _postgresql(url: URL, connections: int, password: Password | None) -> Engine:
    if password is not None and _is_elsewhere(url) and "sslmode" not in url.query and "PGSSLMODE" not in os.environ:
        # A password that AWS gave must not cross a network that somebody listens to; libpq would take what is offered.
        url = url.update_query_dict({"sslmode": "require"})
    engine = create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_pre_ping=True,
        # The last one returned goes out first: a process that needs one connection opens one.
        pool_use_lifo=True,
        # Prepared statements pin a connection of RDS Proxy.
        connect_args={"prepare_threshold": None, "connect_timeout": CONNECT_SECONDS},
    )
    if password is not None:
        ask = password

        @event.listens_for(engine, "do_connect")
        def provide(_dialect: object, _record: object, _arguments: object, options: dict[str, object]) -> None:
            options["password"] = ask()

    return engine


def _is_elsewhere(url: URL) -> bool:
    return url.host is not None and url.host not in ("localhost", "127.0.0.1", "::1")


class _Translator:
    """Turns a driver's error into a sentence for people; what is our own mistake rises as it is."""

    def __init__(self, url: URL) -> None:
        self._url = url

    def __call__(self, context: ExceptionContext) -> DatabaseError | None:
        """Return the error to raise instead, or ``None`` to leave it."""
        original = context.original_exception
        if context.is_pre_ping:
            return None  # a kept connection was cut; the pool makes a new one
        if getattr(original, "sqlstate", None) in _CONFLICTS:
            return ConflictError("another process wrote to the database at the same moment; try again")
        unconnected = context.connection is None
        if unconnected or isinstance(context.sqlalchemy_exception, OperationalError | InterfaceError | InternalError):
            return DatabaseError(sentence(self._url, original))
        if type(original) is sqlite3.DatabaseError:  # damaged, or no database at all
            return DatabaseError(sentence(self._url, original))
        return None


def sentence(url: URL, error: BaseException) -> str:
    """Return what went wrong with the database at this URL, in one line that holds no password."""
    reason = " ".join(str(error).split()) or type(error).__name__
    for secret in (url.password, url.query.get("password")):
        if secret:
            reason = reason.replace(str(secret), "***")
    where = shown(url)
    if url.get_backend_name() == "sqlite":
        return f"the database {where} cannot be used: {_sqlite_reason(where, reason)}"
    return f"the database {where} cannot be used: {reason}"


def _sqlite_reason(path: str, reason: str) -> str:
    if reason == "database is locked":
        return f"another process has held its lock for {BUSY_SECONDS} s"
    folder = Path(path).absolute().parent
    if reason == "unable to open database file" and not folder.is_dir():
        return f"there is no folder {folder}"
    return reason
