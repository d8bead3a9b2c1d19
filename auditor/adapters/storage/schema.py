"""Which schema a database has, and how a new one gets it. Alembic is not needed for that, only for upgrading."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Column, Connection, Engine, MetaData, PrimaryKeyConstraint, String, Table, inspect, select, text

from auditor.adapters.storage import months
from auditor.adapters.storage.tables import metadata
from auditor.domain.errors import DatabaseError, SchemaOutdatedError

# Every revision there ever was, oldest first; the last one is what `tables` describes.
REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006")
HEAD = REVISIONS[-1]
UPGRADE = "flagtrail db upgrade"

# As Alembic makes it.
_PRIMARY_KEY = PrimaryKeyConstraint("version_num", name="alembic_version_pkc")
version_table = Table("alembic_version", MetaData(), Column("version_num", String(32), nullable=False), _PRIMARY_KEY)

# Any number that nothing else in the database locks.
LOCK_NUMBER = 4_607_182_418_800_017_408


def revision(connection: Connection) -> str | None:
    """Return the schema's revision, or ``None`` for an empty database; raise ``DatabaseError`` for a stranger's."""
    names = set(inspect(connection).get_table_names())
    if version_table.name in names:
        found: str | None = connection.execute(select(version_table.c.version_num)).scalar_one_or_none()
        if found is not None:
            return found
    elif not names:
        return None
    raise DatabaseError("the database holds tables that are not Flagtrail's; give Flagtrail a database of its own")


def check(found: str) -> None:
    """Raise ``SchemaOutdatedError`` for an older schema, ``DatabaseError`` for one this version does not know."""
    if found == HEAD:
        return
    if found in REVISIONS:
        raise SchemaOutdatedError(
            f"the database has schema {found}, this version of Flagtrail needs {HEAD}; run `{UPGRADE}`"
        )
    raise DatabaseError(
        f"the database has schema {found}, which this version of Flagtrail does not know; install a newer Flagtrail"
    )


def ensure(engine: Engine, *, create: bool) -> None:
    """Give an empty database the current schema, or refuse one that is not current."""
    with engine.connect() as connection:
        found = revision(connection)
        if found is None and create:
            lock(connection)
            found = revision(connection)  # another process may have been quicker
            if found is None:
                found = make(connection)
                connection.commit()
    if found is None:
        raise DatabaseError(f"the database is empty; `{UPGRADE}` makes its tables")
    check(found)


def make(connection: Connection) -> str:
    """Make all tables of the current schema and say so in the version table; return the revision."""
    metadata.create_all(connection, checkfirst=False)
    if connection.dialect.name == "postgresql":
        months.first_partitions(connection, datetime.now(UTC))
    version_table.create(connection)
    connection.execute(version_table.insert().values(version_num=HEAD))
    return HEAD


def lock(connection: Connection) -> None:
    """Let one process at a time make or alter tables; held to the end of the transaction."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": LOCK_NUMBER})
    # SQLite's transactions hold the one write lock from their beginning.
