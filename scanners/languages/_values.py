"""What the value of an expression can be, as far as it matters for flags."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from auditor.domain.flags import JsonValue
from auditor.domain.references import FlagSpec, ReferenceKind
from scanners.flag_index import Reader
from scanners.keytext import KeyText
from scanners.languages import _code


@dataclass(frozen=True, slots=True)
class Text:
    """A text with unknown parts, where it stands, and the argument by which it was handed on."""

    key: KeyText
    at: int
    passed: int | None = None
    trail: tuple[str, ...] = ()
    holes: frozenset[int] = frozenset()

    @property
    def place(self) -> int:
        """Where it is reported."""
        return self.at if self.passed is None else self.passed

    def moved(self, at: int) -> Text:
        """The same text, named elsewhere."""
        return replace(self, at=at)

    def handed(self, at: int, step: str) -> Text:
        """The same text as an argument; the outermost call counts."""
        return replace(self, passed=at if self.passed is None else self.passed, trail=(step, *self.trail))


@dataclass(frozen=True, slots=True)
class Plain:
    """A boolean, a number or nothing."""

    value: JsonValue


@dataclass(frozen=True, slots=True)
class FlagVal:
    """What a reader gave: the flags that were asked for, as what, and where."""

    reads: tuple[tuple[FlagSpec, ReferenceKind, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Thing:
    """An object of a known library: a fetched document, a session, a client, a request being built."""

    kind: str
    reader: Reader = field(default_factory=Reader)
    name: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class MapVal:
    """Keys and values."""

    pairs: tuple[tuple[Vals, Vals], ...]

    def get(self, name: str) -> Vals | None:
        """The values of a key, in any of the usual spellings; None when there is none."""
        wanted = {name, name[:1].lower() + name[1:]}
        for keys, values in self.pairs:
            if any(isinstance(key, Text) and key.key.text in wanted for key in keys):
                return values
        return None


@dataclass(frozen=True, slots=True, eq=False)
class ListVal:
    """Elements."""

    items: tuple[Vals, ...]


@dataclass(frozen=True, slots=True, eq=False)
class FuncVal:
    """A function with the names around it, and the object it is a method of."""

    node: _code.Func
    scope: Scope
    this: Value | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ClassVal:
    """A class or enum of the file."""

    node: _code.Class
    scope: Scope


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """An object of a class of the file: what it was made with, and its own fields."""

    cls: ClassVal
    given: Vals = ()
    fields: Scope | None = None


@dataclass(frozen=True, slots=True)
class External:
    """A name that comes from a module, or a path of names that nobody here gave a value."""

    module: str
    name: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Anything; ``holes`` are the functions of which it is a parameter that nobody passed yet."""

    holes: frozenset[int] = frozenset()
    environment: bool = False


Value = Text | Plain | FlagVal | Thing | MapVal | ListVal | FuncVal | ClassVal | Instance | External | Unknown
Vals = tuple[Value, ...]
UNKNOWN: Vals = (Unknown(),)


@dataclass(slots=True, eq=False)
class Scope:
    """Names and what they can be."""

    parent: Scope | None = None
    names: dict[str, Vals] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    function: bool = False

    def find(self, name: str) -> Scope | None:
        """The scope that holds a name; None when none does."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope
            scope = scope.parent
        return None

    def type_of(self, name: str) -> str:
        """The type that a name was declared with."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.types:
                return scope.types[name]
            scope = scope.parent
        return ""


def union(*many: Vals) -> Vals:
    """All of these, each once."""
    return tuple(dict.fromkeys(value for values in many for value in values))[:32]


def texts(values: Vals) -> list[Text]:
    """The texts among values."""
    return [value for value in values if isinstance(value, Text)]


def moved(value: Value, at: int, depth: int = 2) -> Value:
    """The same value, named elsewhere; what a list or mapping holds is named there with it."""
    if isinstance(value, Text):
        return value.moved(at)
    if depth and isinstance(value, ListVal):
        return ListVal(tuple(tuple(moved(one, at, depth - 1) for one in item) for item in value.items))
    if depth and isinstance(value, MapVal):
        return MapVal(
            tuple((keys, tuple(moved(one, at, depth - 1) for one in held)) for keys, held in value.pairs),
        )
    return value


def joined(at: int, parts: Iterable[Value]) -> Text:
    """One text of several values."""
    pieces: list[str | None] = []
    passed: int | None = None
    trail: list[str] = []
    holes: set[int] = set()
    for part in parts:
        if isinstance(part, Text):
            pieces += part.key.parts
            passed = part.passed if part.passed is not None else passed
            trail += part.trail
            holes |= part.holes
        else:
            pieces.append(str(part.value) if isinstance(part, Plain) and isinstance(part.value, int) else None)
            holes |= part.holes if isinstance(part, Unknown) else set()
    return Text(KeyText.of(pieces), at, passed, tuple(dict.fromkeys(trail)), frozenset(holes))
