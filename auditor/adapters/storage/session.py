"""One connection in one transaction, and the few statements that every log is made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Executable, Row, Table, insert
from sqlalchemy.dialects import postgresql, sqlite

from auditor.adapters.storage.tables import entry_macs, pending_seals
from auditor.domain.ledger.entries import content_of, entry_mac

T = TypeVar("T")

# How many rows are held in memory at a time; also how many values a statement names, which SQLite limits.
PAGE = 500


class KnownActors:
    """Which actors are surely stored: a process remembers them, so as not to store each again and again."""

    def __init__(self, limit: int = 10_000) -> None:
        self._limit = limit
        self._stored: frozenset[int] = frozenset()

    def __contains__(self, actor: int) -> bool:
        return actor in self._stored

    def remember(self, actors: AbstractSet[int]) -> None:
        """Take over what a transaction stored, after its commit."""
        if actors:
            stored = self._stored | actors
            self._stored = stored if len(stored) <= self._limit else frozenset(actors)

    def forget(self) -> None:
        """Trust nothing: a new connection may lead to a database that was restored from an older copy."""
        self._stored = frozenset()


class Session:
    """What the logs of one unit of work share."""

    def __init__(self, connection: Connection, known_actors: KnownActors, mac_key: bytes | None = None) -> None:
        self.connection = connection
        self.postgresql = connection.dialect.name == "postgresql"
        self._known_actors = known_actors
        self._new_actors: set[int] = set()
        self._mac_key = mac_key

    def commit(self) -> None:
        """End the transaction; what follows is in the next one."""
        self.connection.commit()
        self._known_actors.remember(self._new_actors)
        self._new_actors = set()

    def close(self) -> None:
        """Undo what was not committed and give the connection back."""
        self.connection.close()

    def first_seen(self, actor: int) -> bool:
        """Tell whether this actor may not be stored yet; it counts as stored from here on."""
        if actor in self._known_actors or actor in self._new_actors:
            return False
        self._new_actors.add(actor)
        return True

    def rows(self, statement: Executable, values: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]:
        """Return the rows a statement selects."""
        return self.connection.execute(statement, values).all()

    def first(self, statement: Executable) -> Row[Any] | None:
        """Return the first row a statement selects, or ``None``."""
        return self.connection.execute(statement).first()

    def run(self, statement: Executable) -> int:
        """Run an update and return how many rows it touched."""
        return self.connection.execute(statement).rowcount

    def add(self, table: Table, values: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
        """Insert rows that are surely new."""
        self.connection.execute(_plain(table), values)

    def keep(self, table: Table, values: Mapping[str, Any]) -> bool:
        """Insert a row unless its natural key is there; tell whether it was inserted."""
        return self.connection.execute(_unless_there(table, self.postgresql), values).rowcount == 1

    def keep_all(self, table: Table, values: Sequence[Mapping[str, Any]]) -> None:
        """Insert each of the rows unless its natural key is there."""
        if values:
            self.connection.execute(_unless_there(table, self.postgresql), values)

    def number(self, table: Table, values: Mapping[str, Any]) -> int | None:
        """Insert a row unless its natural key is there; return its number, or ``None`` when it was there."""
        if self.postgresql:
            numbered: int | None = self.connection.execute(_numbered(table), values).scalar_one_or_none()
            return numbered
        done = self.connection.execute(_unless_there(table, self.postgresql), values)
        # Reading the number from the cursor spares a RETURNING that older SQLites lack.
        return done.lastrowid if done.rowcount == 1 else None

    def seal_later(self, entry: str, seq: int, body: bytes) -> None:
        """Note that this row is recorded and not yet sealed, and who wrote it where there is a key for that."""
        self.add(pending_seals, {"entry": entry, "entry_seq": seq})
        if self._mac_key is not None:
            mac = entry_mac(self._mac_key, content_of(entry, seq, body))
            self.add(entry_macs, {"entry": entry, "entry_seq": seq, "mac": mac})


def chunks(items: Iterable[T], size: int = PAGE) -> Iterator[list[T]]:
    """Yield the items in lists of at most this size."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


@cache
def _plain(table: Table) -> Executable:
    return insert(table).inline()


@cache
def _unless_there(table: Table, for_postgresql: bool) -> Executable:  # noqa: FBT001
    kept = postgresql.insert(table) if for_postgresql else sqlite.insert(table)
    # Without it the count is gone when the driver's cursor is.
    return kept.on_conflict_do_nothing().inline().execution_options(preserve_rowcount=True)


@cache
def _numbered(table: Table) -> Executable:
    (number,) = table.primary_key.columns
    return postgresql.insert(table).on_conflict_do_nothing().returning(number)
