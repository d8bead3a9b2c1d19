"""Monthly partitions of the changes on PostgreSQL, by numbers that begin with the month a change was recorded in.

A number alone says where its row is, so that nothing that looks for a row by its number reads more than one partition.
The months to come are made ahead; a change of a month without a partition goes into the last resort, from which making
the partition takes it. SQLite keeps one table and numbers changes from 1.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import text

from auditor.adapters.storage.tables import changes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

AHEAD = 3
"""How many months beyond the present one have a partition."""

# Ten thousand million changes a month: such a number, of sixteen digits, is exact in JSON as well.
NUMBERS = 10**10
_PARTITION = re.compile(r"changes_(\d{4})_(\d{2})")
EARLIER, LAST_RESORT = "changes_earlier", "changes_other"
_PARTITIONS = text(
    "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
    " WHERE i.inhparent = 'changes'::regclass ORDER BY c.relname"
)
_COLUMNS = ", ".join(column.name for column in changes.columns)


def base_of(moment: datetime) -> int:
    """Return the number below those of the changes recorded in the month of a moment, in UTC."""
    there = moment.astimezone(UTC)
    return (there.year * 100 + there.month) * NUMBERS


def first_partitions(connection: Connection, now: datetime) -> None:
    """Make the partitions of a new table: the past, the months ahead, and the last resort."""
    connection.execute(text(f"CREATE TABLE {LAST_RESORT} PARTITION OF changes DEFAULT"))
    bounds = f"FROM (MINVALUE) TO ({base_of(now)})"
    connection.execute(text(f"CREATE TABLE {EARLIER} PARTITION OF changes FOR VALUES {bounds}"))
    extend(connection, now)


def months(connection: Connection) -> Sequence[str]:
    """Return the months that have a partition, as YYYY-MM, oldest first."""
    names = connection.execute(_PARTITIONS).scalars()
    found = (_PARTITION.fullmatch(name) for name in names)
    return [f"{match[1]}-{match[2]}" for match in found if match is not None]


def missing(connection: Connection, now: datetime, ahead: int = AHEAD) -> Sequence[str]:
    """Return which of this month and of so many more have no partition."""
    held = set(months(connection))
    wanted = (_later(now, count) for count in range(ahead + 1))
    return [name for year, month in wanted if (name := f"{year:04}-{month:02}") not in held]


def extend(connection: Connection, now: datetime, ahead: int = AHEAD) -> Sequence[str]:
    """Make the partitions of this month and of so many more that are missing; return their months."""
    made = missing(connection, now, ahead)
    for name in made:
        _make(connection, int(name[:4]), int(name[5:]))
    return made


def past(connection: Connection, before: datetime) -> Sequence[str]:
    """Return the partitions that hold nothing but what was recorded before the month of a moment."""
    limit = f"{before.astimezone(UTC):%Y-%m}"
    named = [f"changes_{month.replace('-', '_')}" for month in months(connection) if month < limit]
    return [EARLIER, *named]


def give_back(connection: Connection, partition: str) -> bool:
    """Drop a month that holds nothing any more, else give back the room of what was let go; tell whether it is gone.

    The connection commits by itself: the room cannot be given back in a transaction.
    """
    held = connection.execute(text(f"SELECT 1 FROM {partition} LIMIT 1")).first()  # noqa: S608 - a name made here
    if held is None and partition != EARLIER:
        connection.execute(text(f"DROP TABLE {partition}"))
        return True
    connection.execute(text(f"VACUUM (FULL, ANALYZE) {partition}"))
    return False


def _make(connection: Connection, year: int, month: int) -> None:
    """Make one partition with what the last resort holds of that month."""
    following = (year + month // 12, month % 12 + 1)
    low, high = (year * 100 + month) * NUMBERS, (following[0] * 100 + following[1]) * NUMBERS
    name = f"changes_{year:04}_{month:02}"
    connection.execute(text(f"CREATE TABLE {name} (LIKE changes INCLUDING DEFAULTS)"))
    there = f"{LAST_RESORT} WHERE seq >= {low} AND seq < {high}"  # numbers, made here
    connection.execute(text(f"INSERT INTO {name} SELECT {_COLUMNS} FROM {there}"))  # noqa: S608
    connection.execute(text(f"DELETE FROM {there}"))  # noqa: S608
    connection.execute(text(f"ALTER TABLE changes ATTACH PARTITION {name} FOR VALUES FROM ({low}) TO ({high})"))


def _later(now: datetime, count: int) -> tuple[int, int]:
    there = now.astimezone(UTC)
    month = there.year * 12 + there.month - 1 + count
    return month // 12, month % 12 + 1
