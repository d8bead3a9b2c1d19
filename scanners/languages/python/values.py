"""What an expression can be worth, as far as the scanner follows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from auditor.domain.flags import JsonValue
from auditor.domain.references import Certainty, Fallback, FlagSpec
from scanners.flag_index import Reader
from scanners.keytext import KeyText
from scanners.languages.python import tree

_MOST_ALTERNATIVES = 1500
_MOST_OTHERS = 40
_MOST_TAGS = 24
_MOST_STEPS = 12


class Site(NamedTuple):
    """A place in a file."""

    path: str
    pos: int


class Tag(NamedTuple):
    """A value came into a call as an argument: which call, and where the argument stands.

    ``inline`` says that the argument is a display (a list, a dict), whose elements stand on lines of their own;
    ``own`` that it is the object whose method is called, or the class; ``part`` that it is taken from the argument.
    """

    frame: int
    site: Site
    inline: bool = False
    own: bool = False
    part: bool = False


class Step(NamedTuple):
    """One step on the way of a key, for people; ``bound`` is what a name is given there, if one is."""

    site: Site
    text: str
    bound: KeyText | None = None


class Piece(NamedTuple):
    """A part of a text; unknown when ``text`` is None, and ``loose`` when it only stands where nobody says another."""

    text: str | None
    tags: tuple[Tag, ...] = ()
    loose: bool = False


class Text(NamedTuple):
    """Text as far as it is known, where it stands, and the way it came."""

    pieces: tuple[Piece, ...]
    at: Site
    trail: tuple[Step, ...] = ()

    @property
    def known(self) -> str | None:
        """The whole text, or None when a part of it is unknown."""
        parts = []
        for piece in self.pieces:
            if piece.text is None:
                return None
            parts.append(piece.text)
        return "".join(parts)

    @property
    def key(self) -> KeyText:
        """The text as a key to look up."""
        return KeyText.of(piece.text for piece in self.pieces).less_arn()

    @property
    def looser(self) -> KeyText | None:
        """The key with what others may say left open; None where there is no such part, or nothing but it."""
        loose = [piece.loose for piece in self.pieces]
        if not any(loose) or all(loose):
            return None
        return KeyText.of(None if piece.loose else piece.text for piece in self.pieces).less_arn()

    @property
    def tags(self) -> tuple[Tag, ...]:
        """The arguments this text is made of."""
        return tuple(dict.fromkeys(tag for piece in self.pieces for tag in piece.tags))

    def moved(self, at: Site) -> Text:
        """The same text, standing elsewhere."""
        return Text(self.pieces, at, self.trail)

    def tagged(self, tags: tuple[Tag, ...]) -> Text:
        """The same text, come in through these arguments too."""
        pieces = tuple(piece._replace(tags=merged(piece.tags, tags)) for piece in self.pieces)
        return Text(pieces or (Piece("", tags),), self.at, self.trail)

    def stepped(self, step: Step) -> Text:
        """The same text, one step further."""
        if step in self.trail or len(self.trail) >= _MOST_STEPS:
            return self
        return Text(self.pieces, self.at, (*self.trail, step))


class Const(NamedTuple):
    """A number, a boolean or None."""

    value: object


class Unknown(NamedTuple):
    """Nothing is known but the arguments it came from, and where the expression for it stands."""

    tags: tuple[Tag, ...] = ()
    hint: str = ""
    at: Site | None = None


class Ext(NamedTuple):
    """A name of a module that is not in the repository, or of the language itself."""

    name: str


class ModuleRef(NamedTuple):
    """A module of the repository."""

    path: str


class Imported(NamedTuple):
    """A name taken from a module of the repository, looked up when it is used."""

    path: str
    name: str


class Obj(NamedTuple):
    """An object of a known library: what it is, which store it asks, and the texts it was made with."""

    kind: str
    reader: Reader = Reader()
    data: tuple[Value, ...] = ()


class Bound(NamedTuple):
    """A method of something that is no function of the repository."""

    owner: Value
    name: str


class Partial(NamedTuple):
    """A callable with some of its arguments given."""

    func: Value
    args: tuple[Vals, ...]
    named: tuple[tuple[str, Vals], ...]


class Doc(NamedTuple):
    """A flag document that was fetched, or a part of it; its flags stand below ``within``."""

    reader: Reader
    within: tuple[str, ...] = ()


class DocItem(NamedTuple):
    """Any key, or any entry, of a fetched document."""

    reader: Reader


class DocModel(NamedTuple):
    """A typed object that mirrors a document."""

    reader: Reader
    cls: ClassObj


class Tree(NamedTuple):
    """Parameters read by path.

    ``form`` says what stands for one: ``list``, ``item``, or a dict by full name, by name below the path, or by last
    segment (``full``, ``below``, ``last``).
    """

    prefix: Text | Unknown
    form: str


class TreeName(NamedTuple):
    """The name of any parameter read by path: ``full``, ``below`` or ``last``."""

    prefix: Text | Unknown
    form: str


class FlagVal(NamedTuple):
    """What a read gave: the flag's value or something that stands for it."""

    reads: tuple[Seen, ...]
    whole: bool = True


class Seen(NamedTuple):
    """A read that was met: of which flags, where it was reported (None: it waits for a caller), by which call."""

    flags: tuple[tuple[FlagSpec, Certainty], ...]
    site: Site | None
    frame: int
    key: str
    trail: tuple[Step, ...]
    default: Fallback | None = None


@dataclass(eq=False, slots=True)
class SeqObj:
    """A list, tuple or set; ``more`` are values it may hold besides."""

    kind: str
    items: list[Vals] = field(default_factory=list)
    more: Vals = ()


@dataclass(eq=False, slots=True)
class MapObj:
    """A mapping, in the order of its entries."""

    items: list[tuple[Vals, Vals]] = field(default_factory=list)
    more: Vals = ()


@dataclass(eq=False, slots=True)
class Scope:
    """The names of a module, class or function."""

    names: dict[str, Vals]
    parent: Scope | None
    path: str
    kind: str = "module"
    globals: frozenset[str] = frozenset()
    nonlocals: frozenset[str] = frozenset()


@dataclass(eq=False, slots=True)
class Frame:
    """One call that is followed, and where it stands; ``caller`` is None where nobody is known to call.

    ``lapses`` is what it gives back where a read failed or gave nothing, and so is what it gives back after the
    first ``present`` values. ``prefixes`` stand before the names of variables while they are entered.
    """

    id: int
    name: str
    caller: Frame | None
    lexical: Frame | None
    constructor: bool = False
    depth: int = 0
    at: Site | None = None
    returns: list[Value] = field(default_factory=list)
    tested: list[FlagVal] = field(default_factory=list)
    lapses: list[Value] = field(default_factory=list)
    present: int | None = None
    prefixes: list[Vals] = field(default_factory=list)
    closures: list[FuncObj] = field(default_factory=list)

    def outside(self) -> set[int]:
        """The calls this one is made by or written in, at any distance."""
        found: set[int] = set()
        waiting = [self.caller, self.lexical]
        while waiting:
            frame = waiting.pop()
            if frame is not None and frame.id not in found:
                found.add(frame.id)
                waiting += [frame.caller, frame.lexical]
        return found

    def holders(self) -> Iterator[Frame]:
        """This call and those it was written inside of."""
        frame: Frame | None = self
        while frame is not None:
            yield frame
            frame = frame.lexical


@dataclass(eq=False, slots=True)
class FuncObj:
    """A function of the repository; ``inner`` when a decorator gave something else in its place."""

    node: tree.Def | tree.Lambda
    scope: Scope
    name: str
    lexical: Frame | None
    owner: ClassObj | None = None
    kind: str = ""
    defaults: dict[str, Vals] = field(default_factory=dict)
    generator: bool = False
    inner: bool = False
    site: Site = field(init=False)

    def __post_init__(self) -> None:
        """Where it begins tells it from all others."""
        self.site = Site(self.scope.path, self.node.pos)


@dataclass(eq=False, slots=True)
class ClassObj:
    """A class of the repository."""

    node: tree.Class
    scope: Scope
    name: str
    bases: tuple[Value, ...]
    qualname: str
    generic: Ref | None = None
    fields: dict[str, tree.Declare] = field(default_factory=dict)
    is_dataclass: bool = False
    options: dict[str, Vals] = field(default_factory=dict)
    site: Site = field(init=False)
    ancestors: tuple[ClassObj, ...] = field(init=False)
    libraries: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Where it begins tells it from all others; what it derives from is known before it is.

        ``ancestors`` are the class itself and all it derives from, nearest first, ``libraries`` the last names of the
        libraries' classes among these.
        """
        self.site = Site(self.scope.path, self.node.pos)
        found: list[ClassObj] = []
        waiting = [self]
        while waiting:
            here = waiting.pop(0)
            if here not in found:
                found.append(here)
                waiting += [base for base in here.bases if isinstance(base, ClassObj)]
        self.ancestors = tuple(found)
        outside = (base.name.rsplit(".", 1)[-1] for one in found for base in one.bases if isinstance(base, Ext))
        self.libraries = frozenset(outside)


@dataclass(eq=False, slots=True)
class InstObj:
    """An object of a class of the repository; ``member`` is its name where it is a member of an enum.

    ``completed`` are the attributes that were empty at first, and for which it was looked what fills them.
    """

    cls: ClassObj
    attrs: dict[str, Vals] = field(default_factory=dict)
    member: str = ""
    completed: set[str] = field(default_factory=set)


class Method(NamedTuple):
    """A function of the repository bound to an object or a class."""

    func: FuncObj
    owner: Value


class Ref(NamedTuple):
    """A handle on a container or object: where it is named (None: it is written out here), and how it came in."""

    obj: SeqObj | MapObj | InstObj
    at: Site | None = None
    tags: tuple[Tag, ...] = ()

    def tagged(self, tags: tuple[Tag, ...]) -> Ref:
        """The same object, come in through these arguments too."""
        return Ref(self.obj, self.at, merged(self.tags, tags))


Value: TypeAlias = (
    Text
    | Const
    | Unknown
    | Ext
    | ModuleRef
    | Imported
    | Obj
    | Bound
    | Partial
    | Doc
    | DocItem
    | DocModel
    | Tree
    | TreeName
    | FlagVal
    | FuncObj
    | ClassObj
    | Method
    | Ref
)
Vals: TypeAlias = tuple[Value, ...]
UNKNOWN: Vals = (Unknown(),)


def merged(one: tuple[Tag, ...], other: tuple[Tag, ...]) -> tuple[Tag, ...]:
    """Both, each once; the oldest are forgotten when there are too many."""
    if not other or one == other:
        return one
    if not one:
        return other
    together = tuple(dict.fromkeys((*one, *other)))
    return together if len(together) <= _MOST_TAGS else together[-_MOST_TAGS:]


def union(*alternatives: Iterable[Value]) -> Vals:
    """All alternatives, each once, in order; what is unknown becomes one, and so does what is the same object."""
    every = [value for values in alternatives for value in values]
    if len(every) <= 1:
        return tuple(every)
    together: dict[object, Value] = {}
    others = 0
    for value in every:
        key = _identity(value)
        held = together.get(key)
        if held is None:
            others += not isinstance(value, _COUNTED_ALONE)
            if others <= _MOST_OTHERS:
                together[key] = value
        elif isinstance(value, Unknown | Ref) and value.tags:
            together[key] = retagged(held, value.tags)
    if len(together) > _MOST_ALTERNATIVES:
        return (*tuple(together.values())[:_MOST_ALTERNATIVES], Unknown())
    return tuple(together.values())


_COUNTED_ALONE = (Text, FlagVal)


def _identity(value: Value) -> object:
    kind = type(value)
    if kind is Unknown:
        return Unknown, value.hint == "environment"  # type: ignore[union-attr]
    if kind is Ref:
        return Ref, id(value.obj)  # type: ignore[union-attr]
    return kind, value


def literal(text: str, at: Site, *steps: Step) -> Text:
    """Text that stands in the code as it is."""
    return Text((Piece(text),) if text else (), at, steps)


def to_json(value: Value) -> tuple[JsonValue] | None:
    """The plain value, in a tuple of one, or None when it is not known."""
    if isinstance(value, Text):
        known = value.known
        return None if known is None else (known,)
    if isinstance(value, Const) and (value.value is None or isinstance(value.value, bool | int | float)):
        return (value.value,)
    if isinstance(value, Ref) and not value.tags:
        return _container_json(value)
    return None


def _container_json(value: Ref) -> tuple[JsonValue] | None:
    if isinstance(value.obj, MapObj):
        entries: dict[str, JsonValue] = {}
        for key, entry in value.obj.items:
            name, plain = only_json(key), only_json(entry)
            if name is None or plain is None or not isinstance(name[0], str):
                return None
            entries[name[0]] = plain[0]
        return (entries,)
    if isinstance(value.obj, SeqObj) and not value.obj.more:
        items = [only_json(item) for item in value.obj.items]
        return ([item[0] for item in items if item is not None],) if None not in items else None
    return None


def only_json(values: Vals) -> tuple[JsonValue] | None:
    """The plain value when there is just one."""
    return to_json(values[0]) if len(values) == 1 else None


def tags_of(value: Value) -> tuple[Tag, ...]:
    """The arguments a value came from."""
    while isinstance(value, Bound):
        value = value.owner
    if isinstance(value, Text | Unknown | Ref):
        return value.tags
    if isinstance(value, Tree | TreeName):
        return value.prefix.tags
    return ()


def retagged(value: Value, tags: tuple[Tag, ...]) -> Value:
    """The value, come in through these arguments too."""
    if not tags:
        return value
    if isinstance(value, Text | Ref):
        return value.tagged(tags)
    if isinstance(value, Unknown):
        return Unknown(merged(value.tags, tags), value.hint, value.at)
    if isinstance(value, Bound) and isinstance(value.owner, Unknown | Ref | Bound):
        return Bound(retagged(value.owner, tags), value.name)
    return value
