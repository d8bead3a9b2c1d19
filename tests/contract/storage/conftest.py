"""Databases for the storage contract: every test runs on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import URL

from auditor.adapters.storage import Database, open_database, schema, tables
from tests.support import postgres

MakeUrl = Callable[[], str]
text = partial(URL.render_as_string, hide_password=False)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    with postgres.running_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_record(postgres_server: URL) -> Iterator[URL]:
    """One database at the current schema, to be emptied before each use."""
    made = postgres.make_database(postgres_server)
    open_database(text(made)).close()
    yield made
    postgres.drop_database(postgres_server, made)


@pytest.fixture
def emptied(postgres_record: URL) -> MakeUrl:
    """What empties the one PostgreSQL record and tells its URL: quicker than a new database."""
    names = [table.name for table in reversed(tables.metadata.sorted_tables)]
    deletes = sql.SQL(";").join(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)) for name in names)
    as_made = sql.SQL("DELETE FROM alembic_version; INSERT INTO alembic_version VALUES ({})").format(schema.HEAD)

    def empty() -> str:
        with psycopg.connect(text(postgres_record.set(drivername="postgresql")), autocommit=True) as connection:
            connection.execute(deletes + sql.SQL(";") + as_made)
        return text(postgres_record)

    return empty


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file at the current schema, to be copied."""
    file = tmp_path_factory.mktemp("template") / "record.db"
    open_database(f"sqlite:///{file}").close()
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def make_url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeUrl]:
    """What makes empty databases, without any schema."""
    if kind == "sqlite":
        names = iter(f"empty{number}.db" for number in range(1000))
        yield lambda: f"sqlite:///{tmp_path / next(names)}"
        return
    server = request.getfixturevalue("postgres_server")
    made: list[URL] = []

    def make() -> str:
        made.append(postgres.make_database(server))
        return text(made[-1])

    yield make
    for database in made:
        postgres.drop_database(server, database)


@pytest.fixture
def url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty record."""
    if kind == "postgresql":
        return request.getfixturevalue("emptied")()
    return f"sqlite:///{shutil.copyfile(request.getfixturevalue('sqlite_template'), tmp_path / 'record.db')}"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with closing(open_database(url)) as opened:
        yield opened
