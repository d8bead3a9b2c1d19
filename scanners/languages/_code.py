"""What code of several languages has in common: expressions, names that are given values, functions, classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from tree_sitter import Language as Grammar
from tree_sitter import Node, Parser

from auditor.domain.flags import JsonValue
from scanners.languages._places import Span
from scanners.languages.base import MINIFIED
from scanners.unreadable import UnreadableSourceError

LARGEST = 2 << 20
_DEEPEST = 150


@dataclass(slots=True, eq=False)
class Str:
    """A text, with expressions between where it is a template or joined of several."""

    at: int
    parts: list[str | Expr]
    doc: Span | None = None


@dataclass(slots=True, eq=False)
class Const:
    """A boolean, a number or nothing."""

    at: int
    value: JsonValue


@dataclass(slots=True, eq=False)
class Name:
    """A name."""

    at: int
    id: str


@dataclass(slots=True, eq=False)
class Member:
    """``owner.name``."""

    at: int
    owner: Expr
    name: str
    name_at: int


@dataclass(slots=True, eq=False)
class Index:
    """``owner[key]``."""

    at: int
    owner: Expr
    key: Expr


@dataclass(slots=True, eq=False)
class Call:
    """A call, or the making of an object."""

    at: int
    func: Expr
    args: list[Expr]
    new: bool = False


@dataclass(slots=True, eq=False)
class Obj:
    """Keys and values; ``type`` is that of a typed literal."""

    at: int
    pairs: list[tuple[Expr, Expr]]
    type: str = ""


@dataclass(slots=True, eq=False)
class Items:
    """A list."""

    at: int
    items: list[Expr]


@dataclass(slots=True, eq=False)
class Either:
    """One of several: a condition's results, or a value and what it falls back to."""

    at: int
    choices: list[Expr]
    fallback: bool = False


@dataclass(slots=True, eq=False)
class Within:
    """``key in owner``."""

    at: int
    key: Expr
    owner: Expr


@dataclass(slots=True, eq=False)
class Compared:
    """Whether two values are the same."""

    at: int
    left: Expr
    right: Expr


@dataclass(slots=True, eq=False)
class Param:
    """A parameter, its default, and the names it is taken apart into."""

    name: str
    at: int
    default: Expr | None = None
    type: str = ""
    fields: list[tuple[str, str, Expr | None]] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Func:
    """A function, named or not."""

    at: int
    name: str
    params: list[Param]
    body: list[Stmt]
    owner: str = ""
    receiver: str = ""
    end: int = 0
    getter: bool = False


@dataclass(slots=True, eq=False)
class Other:
    """Anything else, with what stands in it; ``same`` says that its value is that of the last of these."""

    at: int
    inner: list[Expr | Stmt] = field(default_factory=list)
    same: bool = False


@dataclass(slots=True, eq=False)
class Assign:
    """A target that is given a value, or each of its ``keys`` or ``values``; ``declares``: the name begins here."""

    at: int
    target: Expr
    value: Expr | None
    declares: bool = False
    each: str = ""
    type: str = ""


@dataclass(slots=True, eq=False)
class Unpack:
    """Names that are given the entries of a value: the key, where it stands, the name, a default."""

    at: int
    fields: list[tuple[str, int, str, Expr | None]]
    value: Expr


@dataclass(slots=True, eq=False)
class Block:
    """Statements with names of their own."""

    at: int
    body: list[Stmt]


@dataclass(slots=True, eq=False)
class Return:
    """What a function gives."""

    at: int
    value: Expr


@dataclass(slots=True, eq=False)
class Class:
    """A class, an enum or a struct, with its members."""

    at: int
    name: str
    body: list[Stmt]
    fields: list[tuple[str, str, int]] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Import:
    """Names that come from somewhere: the local name, the name there, the module."""

    at: int
    names: list[tuple[str, str]]
    module: str


Expr = Str | Const | Name | Member | Index | Call | Obj | Items | Either | Within | Compared | Func | Other
Stmt = Expr | Assign | Unpack | Block | Return | Class | Import


def as_expression(lowered: Stmt) -> Expr:
    """Code as something that has a value, known or not."""
    if isinstance(lowered, Assign | Unpack | Block | Return | Class | Import):
        return Other(lowered.at, [lowered])
    return lowered


def spoken(expression: Expr) -> str:
    """The last names of an expression, which say what it is for."""
    if isinstance(expression, Name):
        return expression.id
    if isinstance(expression, Member):
        return f"{spoken(expression.owner)}.{expression.name}"
    return spoken(expression.func) if isinstance(expression, Call) else ""


def number(at: int, text: str) -> Expr:
    """A number as it is spelled."""
    plain = text.replace("_", "")
    try:
        return Const(at, int(plain) if plain.isdigit() else float(plain))
    except ValueError:
        return Other(at)


@dataclass(slots=True)
class Source:
    """A file's syntax tree as its grammar makes it, and its text by node."""

    text: str
    data: bytes
    root: Node
    comments: list[Span] = field(default_factory=list)
    _characters: list[int] | None = None
    depth: int = 0

    def at(self, node: Node) -> int:
        """The offset of a node in the text."""
        return self.character(node.start_byte)

    def character(self, byte: int) -> int:
        """The character at which a byte stands."""
        if len(self.text) == len(self.data):
            return byte
        if self._characters is None:
            self._characters = []
            for index, character in enumerate(self.text):
                self._characters += [index] * len(character.encode("utf-8", errors="replace"))
            self._characters.append(len(self.text))
        return self._characters[min(byte, len(self._characters) - 1)]

    def of(self, node: Node | None) -> str:
        """The text of a node."""
        return "" if node is None else self.data[node.start_byte : node.end_byte].decode("utf-8", errors="replace")

    def terms(self, node: Node) -> list[Node]:
        """The terms of a sum, which can be a long one."""
        found: list[Node] = []
        left: Node | None = node
        while left is not None and left.type == node.type:
            if self.of(left.child_by_field_name("operator")) != "+":
                break
            right = left.child_by_field_name("right")
            found += [right] if right is not None else []
            left = left.child_by_field_name("left")
        return [*([left] if left is not None else []), *reversed(found)]

    def span(self, node: Node) -> Span:
        """The text of a node with its place."""
        return Span(self.of(node), self.at(node))

    def deeper(self, lower: Callable[[Node], Stmt], node: Node) -> Stmt:
        """Go one level down; raises UnreadableSourceError when that is too deep."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise UnreadableSourceError("nested too deeply")
        try:
            return lower(node)
        finally:
            self.depth -= 1


def _is_minified(text: str) -> bool:
    """Whether a large text is code that was written by a tool to be short: long lines, dense with brackets.

    A long line alone tells nothing: a text or a table of numbers can be one, and costs little to read.
    """
    if len(text) < _SMALLEST_MINIFIED or len(text) < _LONG_LINE * (text.count("\n") + 1):
        return False
    return sum(map(text.count, "(){}")) * _DENSE > len(text)


_SMALLEST_MINIFIED = 256 << 10
_LONG_LINE = 1_000
_DENSE = 40


def parse(text: str, *grammars: Grammar) -> Source:
    """The tree of the first grammar that understands a text; raises UnreadableSourceError when none does."""
    if _is_minified(text):
        raise UnreadableSourceError(MINIFIED)
    if len(text) > LARGEST:
        raise UnreadableSourceError(f"larger than {LARGEST >> 20} MB")
    data = text.encode("utf-8", errors="replace")
    line = 0
    for grammar in grammars:
        root = Parser(grammar).parse(data).root_node
        if not root.has_error:
            source = Source(text, data, root)
            source.comments = [source.span(node) for node in _comments(root)]
            return source
        line = line or _first_error(root)
    raise UnreadableSourceError(f"its syntax is not understood, line {line}")


def _comments(root: Node) -> list[Node]:
    found: list[Node] = []
    stack = [root]
    while stack:
        node = stack.pop()
        if "comment" in node.type:
            found.append(node)
        else:
            stack += reversed(node.children)
    return found


def _first_error(root: Node) -> int:
    stack = [root]
    while stack:
        node = stack.pop()
        if node.is_error or node.is_missing:
            return node.start_point[0] + 1
        stack += [child for child in reversed(node.children) if child.has_error]
    return root.start_point[0] + 1


class Lowering:
    """Turns a grammar's nodes into code that is alike in every language; a language adds its own kinds of nodes.

    ``skipped`` are kinds of nodes that say nothing of flags, ``constants`` what literals of a kind are worth.
    """

    skipped: ClassVar[frozenset[str]]
    constants: ClassVar[Mapping[str, JsonValue]]

    def __init__(self, source: Source) -> None:
        """Take a parsed file."""
        self.source = source
        self._by_type: dict[str, Callable[[Node], Stmt]] = dict.fromkeys(self.constants, self._constant)

    def children(self, node: Node) -> list[Stmt]:
        """The statements in a node."""
        return [self.lower(child) for child in node.named_children if child.type not in self.skipped]

    def lower(self, node: Node) -> Stmt:
        """One node."""
        return self.source.deeper(self._by_type.get(node.type, self._anything), node)

    def expression(self, node: Node | None) -> Expr:
        """One node that has a value."""
        return as_expression(self.lower(node) if node is not None else Other(0))

    def _anything(self, node: Node) -> Stmt:
        return Other(self.source.at(node), self.children(node))

    def _same(self, node: Node) -> Stmt:
        return Other(self.source.at(node), self.children(node), same=True)

    def _constant(self, node: Node) -> Stmt:
        return Const(self.source.at(node), self.constants[node.type])

    def _number(self, node: Node) -> Stmt:
        return number(self.source.at(node), self.source.of(node))

    def _name(self, node: Node) -> Stmt:
        return Name(self.source.at(node), self.source.of(node))
