"""One connection in one transaction, and the few statements that every log is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    CursorResult,
    Dialect,
    Executable,
    Insert,
    Row,
    Select,
    Table,
    bindparam,
    insert,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite

from auditor.adapters.storage.months import base_of
from auditor.adapters.storage.tables import actors, change_keys, entry_macs, pending_seals
from auditor.domain.ledger.entries import content_of, entry_mac

if TYPE_CHECKING:
    from sqlalchemy.types import TypeEngine

T = TypeVar("T")

# How many rows are held in memory at a time; also how many values a statement names, which SQLite limits.
PAGE = 500
# Numbers of which at least every fourth is asked for lie close together.
_SPARSE = 4


class KnownActors:
    """Which actors are surely stored: a process remembers them, so as not to store each again and again."""

    def __init__(self, limit: int = 10_000) -> None:
        self._limit = limit
        self._stored: frozenset[int] = frozenset()

    def __contains__(self, actor: int) -> bool:
        return actor in self._stored

    def remember(self, new: AbstractSet[int]) -> None:
        """Take over what a transaction stored, after its commit."""
        if new:
            stored = self._stored | new
            self._stored = stored if len(stored) <= self._limit else frozenset(new)

    def forget(self) -> None:
        """Trust nothing: a new connection may lead to a database that was restored from an older copy."""
        self._stored = frozenset()


class Session:
    """What the logs of one unit of work share."""

    def __init__(self, connection: Connection, known_actors: KnownActors, mac_key: bytes | None = None) -> None:
        self.connection = connection
        self.postgresql = connection.dialect.name == "postgresql"
        self._known_actors = known_actors
        self._new_actors: dict[int, str] = {}
        self._mac_key = mac_key

    def commit(self) -> None:
        """End the transaction; what follows is in the next one."""
        # All transactions insert them in one order: two that met them otherwise would wait for each other.
        for actor in sorted(self._new_actors):
            self.keep(actors, {"hash": actor, "text": self._new_actors[actor]})
        self.connection.commit()
        self._known_actors.remember(self._new_actors.keys())
        self._new_actors = {}

    def close(self) -> None:
        """Undo what was not committed and give the connection back."""
        self.connection.close()

    def know(self, actor: int, names: str) -> None:
        """Store the names of an actor with the transaction, unless that is surely done."""
        if actor not in self._known_actors:
            self._new_actors[actor] = names

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
        """Insert rows that are surely new: one, some or none."""
        if isinstance(values, Mapping):
            prepared(table, self.connection.dialect).run(self.connection, values)
        elif values:
            self.connection.execute(insert(table).inline(), values)

    def keep(self, table: Table, values: Mapping[str, Any]) -> bool:
        """Insert a row unless its natural key is there; tell whether it was inserted."""
        kept = prepared(table, self.connection.dialect, unless_there=True)
        return kept.run(self.connection, values).rowcount == 1

    def keep_all(self, table: Table, values: Sequence[Mapping[str, Any]]) -> None:
        """Insert each of the rows unless its natural key is there."""
        if len(values) == 1:
            self.keep(table, values[0])
        elif values:
            self.connection.execute(_insert(table, self.connection.dialect, unless_there=True), values)

    def number(self, table: Table, values: Mapping[str, Any]) -> int | None:
        """Insert a row unless its natural key is there; return its number, or ``None`` when it was there."""
        kept = prepared(table, self.connection.dialect, unless_there=True, numbered=self.postgresql)
        done = kept.run(self.connection, values)
        if self.postgresql:
            numbered: int | None = done.scalar_one_or_none()
            return numbered
        # Reading the number from the cursor spares a RETURNING that older SQLites lack.
        return done.lastrowid if done.rowcount == 1 else None

    def number_once(self, id: str, at: datetime) -> int | None:  # noqa: A002 - the column's name
        """Give the change of this id a number, unless it ever had one: then return ``None``.

        On PostgreSQL the number begins with the month of ``at``, and so says in which partition the change is.
        """
        if not self.postgresql:
            return self.number(change_keys, {"id": id})
        given = {"id": id, "base": base_of(at)}
        found: int | None = self.connection.execute(_NUMBERED, given).scalar_one_or_none()
        return found

    def seal_later(self, entry: str, seq: int, body: bytes) -> None:
        """Note that this row is recorded and not yet sealed, and who wrote it where there is a key for that."""
        self.add(pending_seals, {"entry": entry, "entry_seq": seq})
        if self._mac_key is not None:
            mac = entry_mac(self._mac_key, content_of(entry, seq, body))
            self.add(entry_macs, {"entry": entry, "entry_seq": seq, "mac": mac})


def numbers_of(ids: Iterable[str]) -> Select[Any]:
    """Return the statement for the numbers of the changes with these ids."""
    return select(change_keys.c.seq).where(change_keys.c.id.in_(list(ids)))


def with_numbers(
    session: Session, statement: Select[Any], column: ColumnElement[int], numbers: Iterable[Any]
) -> Iterator[Row[Any]]:
    """Yield the rows a statement selects whose column has one of these numbers.

    Numbers that lie close together are asked for as a stretch, and what lies between them is left out here: no planner
    then comes to think of another way, such as going through all rows of a kind. What is no number is passed over.
    """
    wanted = {number for number in numbers if isinstance(number, int)}
    if wanted and max(wanted) - min(wanted) < _SPARSE * len(wanted):
        stretch = statement.where(column.between(min(wanted), max(wanted)))
        yield from (row for row in session.rows(stretch) if row._mapping[column.name] in wanted)  # noqa: SLF001
        return
    for some in chunks(sorted(wanted)):
        yield from session.rows(statement.where(among(column, some)))


def among(column: ColumnElement[int], numbers: Iterable[Any]) -> ColumnElement[bool]:
    """Say that a column has one of these numbers; what is no number is passed over.

    They stand in the statement itself: handing over hundreds of values one by one costs more than finding their rows.
    """
    some = [number for number in numbers if isinstance(number, int)]
    return column.in_(bindparam(None, some, BigInteger, expanding=True, literal_execute=True))


def chunks(items: Iterable[T], size: int = PAGE) -> Iterator[list[T]]:
    """Yield the items in lists of at most this size."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


class Prepared:
    """An insert whose SQL is made once: building it anew costs more than the database needs to run it."""

    def __init__(self, statement: Insert, table: Table, dialect: Dialect) -> None:
        columns = [column for column in table.columns if column is not table.autoincrement_column]
        made = statement.compile(dialect=dialect, column_keys=[column.name for column in columns])
        self._sql = str(made)
        self._positional = made.positional
        self._columns = [(column.name, _as_stored(column.type, dialect)) for column in columns]

    def run(self, connection: Connection, values: Mapping[str, Any]) -> CursorResult[Any]:
        """Insert one row, which names every column but the one the database numbers."""
        stored = [(name, convert(values[name]) if convert else values[name]) for name, convert in self._columns]
        parameters = tuple([value for _, value in stored]) if self._positional else dict(stored)
        return connection.exec_driver_sql(self._sql, parameters, execution_options=_COUNTED)


_NUMBERED = text(
    "INSERT INTO change_keys (seq, id) VALUES (:base + nextval('change_keys_seq_seq'), :id)"
    " ON CONFLICT DO NOTHING RETURNING seq"
)

# Without it the count of rows is gone when the driver's cursor is.
_COUNTED = {"preserve_rowcount": True}
_PREPARED: dict[tuple[str, str, bool, bool], Prepared] = {}


def prepared(table: Table, dialect: Dialect, *, unless_there: bool = False, numbered: bool = False) -> Prepared:
    """Return the insert into a table, made once for each kind of database."""
    key = (table.name, dialect.name, unless_there, numbered)
    if key not in _PREPARED:
        statement = _insert(table, dialect, unless_there=unless_there)
        _PREPARED[key] = Prepared(statement.returning(*table.primary_key) if numbered else statement, table, dialect)
    return _PREPARED[key]


def _insert(table: Table, dialect: Dialect, *, unless_there: bool) -> Insert:
    if not unless_there:
        return insert(table).inline()
    kept = postgresql.insert(table) if dialect.name == "postgresql" else sqlite.insert(table)
    return kept.on_conflict_do_nothing().inline()


def _as_stored(kind: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    return kind.dialect_impl(dialect).bind_processor(dialect)
