"""Opening a database: made when new, refused when it is another's or outdated, upgraded under a lock."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

from auditor.adapters.storage import open_database, schema, tables
from auditor.adapters.storage import upgrade as upgrading
from auditor.adapters.storage.upgrade import Upgraded, upgrade
from auditor.application.ports import HistoryQuery
from auditor.domain.errors import DatabaseError, SchemaOutdatedError
from tests.support.records import at, attributed, change


def run(url, statement):
    """Run one statement outside of everything."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def described(url):
    """Return all that the database itself says of its tables, but for partitions."""
    engine = create_engine(url)
    seen = inspect(engine)
    tables_seen = {
        name: (
            [{**column, "type": str(column["type"])} for column in seen.get_columns(name)],
            seen.get_pk_constraint(name),
            sorted(seen.get_foreign_keys(name), key=str),
            sorted(seen.get_unique_constraints(name), key=str),
            sorted((index | {"dialect_options": plain(index)} for index in seen.get_indexes(name)), key=str),
        )
        for name in sorted(seen.get_table_names())
        if not name.startswith("changes_")
    }
    engine.dispose()
    return tables_seen


def is_no_partition(name, kind, _parents):
    return kind != "table" or not name.startswith("changes_")


def plain(index):
    return {name: str(value) for name, value in index.get("dialect_options", {}).items()}


def test_a_new_database_is_made_and_opened_again(make_url):
    url = make_url()
    with closing(open_database(url)) as database, database.unit_of_work() as uow:
        uow.changes.append(attributed(change(1)), at(1))
        uow.commit()

    with closing(open_database(url)) as database, database.reader() as uow:
        assert len(list(uow.changes.query(HistoryQuery()))) == 1


def test_making_and_migrating_give_the_same_schema(make_url):
    made, migrated = make_url(), make_url()
    open_database(made).close()

    assert upgrade(migrated) == Upgraded(None, schema.HEAD)
    assert described(migrated) == described(made)
    assert len(described(made)) == len(tables.metadata.tables) + 1


def test_the_tables_are_what_the_migrations_lead_to(make_url):
    url = make_url()
    upgrade(url)
    engine = create_engine(url)

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_name": is_no_partition})
        assert compare_metadata(context, tables.metadata) == []
    engine.dispose()


def test_sqlite_writes_down_the_same_statements(tmp_path):
    made, migrated = tmp_path / "made.db", tmp_path / "migrated.db"
    open_database(f"sqlite:///{made}").close()
    upgrade(f"sqlite:///{migrated}")

    statements = []
    for file in (made, migrated):
        with closing(sqlite3.connect(file)) as connection:
            rows = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()
        statements.append([(kind, name, " ".join((sql or "").split())) for kind, name, sql in rows])
    assert statements[0] == statements[1]


def test_every_revision_is_known():
    scripts = ScriptDirectory(str(Path(upgrading.__file__).with_name("migrations")))

    assert tuple(reversed([script.revision for script in scripts.walk_revisions()])) == schema.REVISIONS
    assert scripts.get_heads() == [schema.HEAD]


def test_upgrading_what_is_current_changes_nothing(url):
    with closing(open_database(url)) as database, database.unit_of_work() as uow:
        uow.changes.append(attributed(change(1)), at(1))
        uow.commit()

    assert upgrade(url) == Upgraded(schema.HEAD, schema.HEAD)
    with closing(open_database(url)) as database, database.reader() as uow:
        assert len(list(uow.changes.query(HistoryQuery()))) == 1


def test_several_may_upgrade_at_once(make_url, root):
    url = make_url()
    program = "import sys; from auditor.adapters.storage.upgrade import upgrade; print(upgrade(sys.argv[1]).before)"
    command = [sys.executable, "-c", program, url]
    upgrades = [subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) for _ in range(3)]

    told = [process.communicate(timeout=60)[0].strip() for process in upgrades]
    assert [process.returncode for process in upgrades] == [0, 0, 0]
    assert sorted(told) == [schema.HEAD, schema.HEAD, "None"]


def test_an_older_schema_is_refused_with_the_remedy(url, monkeypatch):
    monkeypatch.setattr(schema, "REVISIONS", ("0000", schema.HEAD))
    run(url, "UPDATE alembic_version SET version_num = '0000'")

    with pytest.raises(SchemaOutdatedError, match="flagtrail db upgrade"):
        open_database(url)


def test_a_newer_schema_is_refused(url):
    run(url, "UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(DatabaseError, match="9999") as told:
        open_database(url)
    assert not isinstance(told.value, SchemaOutdatedError)
    with pytest.raises(DatabaseError, match="9999"):
        upgrade(url)


@pytest.mark.parametrize("act", [open_database, upgrade])
def test_a_strangers_database_is_left_alone(make_url, act):
    url = make_url()
    run(url, "CREATE TABLE customers (id INTEGER)")

    with pytest.raises(DatabaseError, match="not Flagtrail's"):
        act(url)
    assert list(described(url)) == ["customers"]


def test_a_schema_without_its_revision_is_a_strangers(url):
    run(url, "DELETE FROM alembic_version")

    with pytest.raises(DatabaseError, match="not Flagtrail's"):
        open_database(url)


def test_a_missing_driver_is_told_with_the_remedy(root):
    program = """
import sys
sys.modules["psycopg"] = None
from auditor.adapters.storage import open_database
from auditor.domain.errors import DatabaseError
try:
    open_database("postgresql://127.0.0.1/name")
except DatabaseError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=root, check=True, stdout=subprocess.PIPE, text=True)

    assert "flagtrail[postgres]" in done.stdout


def test_an_empty_one_is_not_made_unless_asked_for(make_url):
    url = make_url()

    with pytest.raises(DatabaseError):
        open_database(url, create=False)
    open_database(url).close()
    open_database(url, create=False).close()


def test_looking_for_a_missing_file_makes_none(tmp_path):
    with pytest.raises(DatabaseError, match=r"record\.db"):
        open_database(f"sqlite:///{tmp_path / 'record.db'}", create=False)

    assert list(tmp_path.iterdir()) == []


def test_opening_loads_no_alembic(tmp_path, root):
    program = (
        "import sys; from auditor.adapters.storage import open_database; open_database(sys.argv[1]);"
        "print([name for name in sys.modules if name.partition('.')[0] in ('alembic', 'mako', 'psycopg')])"
    )
    command = [sys.executable, "-c", program, f"sqlite:///{tmp_path / 'record.db'}"]
    done = subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE, text=True)

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "sqlite:///"),
        ("", "sqlite:///"),
        ("postgresql://host:port/x", "sqlite:///"),
        ("mysql://user:hunter2@host/name", "mysql"),
        ("sqlite://", "name a file"),
        ("sqlite:///:memory:", "name a file"),
        ("sqlite:////nowhere/at/all/record.db", "/nowhere/at/all"),
        ("sqlite:////proc/record.db", "/proc/record.db"),
        ("postgresql://user:hunter2@127.0.0.1:1/name", "127.0.0.1/name"),
        ("postgres://user:hunter2@127.0.0.1:1/name", "127.0.0.1/name"),
        ("postgresql://user@127.0.0.1:1/name?password=hunter2", "127.0.0.1/name"),
        ("postgresql://user:hunter2@127.0.0.1:1/name?nonsense=hunter2", "127.0.0.1/name"),
        ("sqlite:///record.db?password=hunter2", "record.db"),
    ],
)
def test_what_cannot_be_opened_is_said_in_a_sentence_without_password(url, words, elsewhere):
    with pytest.raises(DatabaseError) as told:
        open_database(url)

    assert words in str(told.value)
    assert "\n" not in str(told.value)
    chain = [str(told.value), str(told.value.__cause__)]
    assert not any("hunter2" in one for one in chain)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    file = tmp_path / "record.db"
    file.write_text("no database " * 1000)

    with pytest.raises(DatabaseError, match="not a database"):
        open_database(f"sqlite:///{file}")
    assert file.read_text().startswith("no database")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(DatabaseError, match="cannot be used"):
        open_database(f"sqlite:///{tmp_path}")


def test_sqlite_keeps_what_it_was_told(tmp_path):
    with closing(open_database(f"sqlite:///{tmp_path / 'record.db'}")) as database, database.unit_of_work() as uow:
        connection = uow._session.connection
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "query_only")
        }

    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 30_000,
        "query_only": 0,
    }
