"""What a configuration tells the scanner that no code could: own readers, test overrides, models, stores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Returns(StrEnum):
    """What a configured reader gives back."""

    BOOL = "bool"
    VALUE = "value"
    DOCUMENT = "document"
    DECORATOR = "decorator"
    OBJECT = "object"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accessor:
    """A reader that cannot be found by itself.

    ``key`` and ``default`` name the argument by position (self not counted), by name, or by either; a name
    with ``{...}`` in it is a template over parameters. ``reads`` are the methods and attributes that ask a
    returned object. ``within`` is the path to the value in a returned document. ``provider`` None means that
    any store may be behind it.
    """

    callable: str
    key: tuple[int | str, ...] = (0,)
    default: tuple[int | str, ...] = ()
    returns: Returns = Returns.VALUE
    reads: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    provider: str | None = None
    application: str | None = None
    environment: str | None = None
    profile: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A callable that fixes a flag's value in tests."""

    callable: str
    key: tuple[int | str, ...] = (0,)
    value: tuple[int | str, ...] = (1,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A class that mirrors a flag document, field by field."""

    name: str
    application: str | None = None
    environment: str | None = None
    profile: str | None = None
    provider: str = "appconfig"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanOptions:
    """All of ``[[scan.*]]``, and which tables and buckets hold flags; empty means that it is not known."""

    accessors: tuple[Accessor, ...] = ()
    overrides: tuple[Override, ...] = ()
    models: tuple[Model, ...] = ()
    tables: tuple[str, ...] = ()
    buckets: tuple[str, ...] = ()
    workers: int | None = None
    seconds_per_file: float = 20.0


def argument(key: int | str | Sequence[int | str]) -> tuple[int | str, ...]:
    """The positions and names that a ``key`` of ``[[scan.accessor]]`` gives: one, or a list of them."""
    return (key,) if isinstance(key, int | str) else tuple(key)
