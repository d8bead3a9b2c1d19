"""The audit database as one object: opened, checked, and giving out units of work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import event
from sqlalchemy.exc import ProgrammingError

from auditor.adapters.storage import months, schema
from auditor.adapters.storage.engine import Password, make_engine, parse_url, reading_engine, shown
from auditor.adapters.storage.people import nobody
from auditor.adapters.storage.session import KnownActors
from auditor.adapters.storage.unit_of_work import SqlUnitOfWork
from auditor.application.retrying import retried
from auditor.domain.errors import DatabaseError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from auditor.application.ports import ShownPeople

T = TypeVar("T")


class Database:
    """An open audit database; ``unit_of_work`` and ``reader`` are factories of transactions."""

    def __init__(
        self,
        writing: Engine,
        reading: Engine,
        where: str,
        mac_key: bytes | None = None,
        shown_people: ShownPeople = nobody,
    ) -> None:
        self._shown_people = shown_people
        self._writing = writing
        self._reading = reading
        self._mac_key = mac_key
        self._known_actors = known = KnownActors()
        event.listen(writing, "connect", lambda *_: known.forget())
        self.where = where
        self._prepared: int | None = None

    def unit_of_work(self) -> SqlUnitOfWork:
        """Return a new transaction for reading and writing."""
        return SqlUnitOfWork(self._writing, self._known_actors, self._mac_key, self._shown_people)

    def reader(self) -> SqlUnitOfWork:
        """Return a new transaction that sees one state of the record, takes no write lock and can write nothing."""
        return SqlUnitOfWork(self._reading, self._known_actors, shown_people=self._shown_people)

    def run(self, work: Callable[[SqlUnitOfWork], T]) -> T:
        """Do the work in a transaction and commit it; do it again when another transaction came first."""
        return self._once(work)

    def index_texts(self) -> int:
        """Let searches find by an index what was sealed since, a segment a transaction; return how many were made."""
        made = 0
        while self.run(lambda uow: uow.extend_text_index()):
            made += 1
        return made

    def prepare_months(self, now: datetime) -> Sequence[str]:
        """Make the partitions of this month and the next ones that are missing; return them. SQLite has none.

        A role that may not make tables makes none: changes of such a month go into the partition of last resort.
        """
        if self._writing.dialect.name != "postgresql" or self._prepared == months.base_of(now):
            return []
        made: Sequence[str] = []
        with suppress(ProgrammingError), self._writing.begin() as connection:
            if months.missing(connection, now):
                schema.lock(connection)
            made = months.extend(connection, now)
        self._prepared = months.base_of(now)
        return made

    def months(self) -> Sequence[str]:
        """Return the months that have a partition, as YYYY-MM, oldest first; SQLite has none."""
        if self._writing.dialect.name != "postgresql":
            return []
        with self._writing.connect() as connection:
            return months.months(connection)

    def give_back(self, before: datetime) -> Sequence[str]:
        """Give back the room of what was let go; return the partitions that are gone. SQLite fills the room again."""
        if self._writing.dialect.name != "postgresql":
            return []
        with self._writing.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            return [name for name in months.past(connection, before) if months.give_back(connection, name)]

    def settle(self) -> None:
        """Leave nothing of what was overwritten in a SQLite file and its log; PostgreSQL sees to that by itself."""
        if self._writing.dialect.name == "sqlite":
            # Not in a transaction, as every other statement is: it would wait for itself.
            with closing(self._writing.raw_connection()) as connection:
                connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close every connection."""
        self._writing.dispose()
        self._reading.dispose()

    @retried
    def _once(self, work: Callable[[SqlUnitOfWork], T]) -> T:
        with self.unit_of_work() as uow:
            result = work(uow)
            uow.commit()
            return result


def open_database(
    url: str,
    *,
    create: bool = True,
    connections: int = 4,
    mac_key: bytes | None = None,
    password: Password | None = None,
    shown_people: ShownPeople = nobody,
) -> Database:
    """Open the audit database at a URL; make its tables when it is new and ``create`` is set.

    Raise ``SchemaOutdatedError`` when its schema is older than this program's, ``DatabaseError`` when it cannot be
    opened or is no audit database. ``connections`` bounds how many are open at a time on PostgreSQL; each is opened
    when it is needed and kept, with what ``password`` gives, if that is given. What is recorded is authenticated by
    ``mac_key`` where one is given. Lists of people are shown as counts but where ``shown_people`` lets their names be.
    """
    address = parse_url(url)
    if address.get_backend_name() == "sqlite" and not create and not Path(str(address.database)).exists():
        raise DatabaseError(f"there is no database {address.database}")
    writing = make_engine(address, connections=connections, password=password)
    try:
        schema.ensure(writing, create=create)
    except BaseException:
        writing.dispose()
        raise
    return Database(writing, reading_engine(writing), shown(address), mac_key, shown_people)
