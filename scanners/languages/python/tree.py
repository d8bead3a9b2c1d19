"""A Python module as the scanner keeps it: a small tree of plain tuples, with offsets instead of text around it.

It knows no flag and holds nothing that cannot be pickled, so it can come from a worker process or a cache.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias


class Str(NamedTuple):
    """A string or bytes literal; ``pieces`` are the literals it was joined from, if there were several."""

    pos: int
    value: str
    pieces: tuple[Str, ...] = ()


class Const(NamedTuple):
    """A number, a boolean, None or an ellipsis."""

    pos: int
    value: object


class Joined(NamedTuple):
    """An f-string: known text and expressions."""

    pos: int
    parts: tuple[Expr, ...]


class Name(NamedTuple):
    """A name that is read."""

    pos: int
    id: str


class Attr(NamedTuple):
    """An attribute of a value."""

    pos: int
    value: Expr
    name: str


class Sub(NamedTuple):
    """A subscript."""

    pos: int
    value: Expr
    key: Expr


class Slice(NamedTuple):
    """A slice inside a subscript."""

    pos: int
    lower: Expr | None
    upper: Expr | None
    step: Expr | None


class Arg(NamedTuple):
    """An argument of a call: by position, by ``name``, or spread (``star`` is ``*`` or ``**``)."""

    name: str | None
    star: str
    value: Expr


class Call(NamedTuple):
    """A call."""

    pos: int
    func: Expr
    args: tuple[Arg, ...]


class Binary(NamedTuple):
    """One operator over two values or, for a chain of it, over many."""

    pos: int
    op: str
    values: tuple[Expr, ...]


class Logic(NamedTuple):
    """A chain of ``and`` or of ``or``."""

    pos: int
    op: str
    values: tuple[Expr, ...]


class Unary(NamedTuple):
    """``not`` or a sign."""

    pos: int
    op: str
    value: Expr


class Compare(NamedTuple):
    """A chain of comparisons."""

    pos: int
    left: Expr
    rest: tuple[tuple[str, Expr], ...]


class Choice(NamedTuple):
    """A conditional expression."""

    pos: int
    test: Expr
    body: Expr
    orelse: Expr


class Param(NamedTuple):
    """A parameter; ``kind`` is empty, ``/`` (by position only), ``k`` (by name only), ``*`` or ``**``."""

    pos: int
    name: str
    kind: str
    annotation: Expr | None
    default: Expr | None


class Lambda(NamedTuple):
    """An anonymous function."""

    pos: int
    params: tuple[Param, ...]
    body: Expr


class Items(NamedTuple):
    """A list, tuple or set display."""

    pos: int
    kind: str
    values: tuple[Expr, ...]


class Dict(NamedTuple):
    """A dict display; a key of None is a spread mapping."""

    pos: int
    items: tuple[tuple[Expr | None, Expr], ...]


class Clause(NamedTuple):
    """One ``for`` of a comprehension with its conditions."""

    target: Expr
    iter: Expr
    tests: tuple[Expr, ...]


class Comp(NamedTuple):
    """A comprehension or generator; ``key`` is set for a dict."""

    pos: int
    kind: str
    key: Expr | None
    value: Expr
    clauses: tuple[Clause, ...]


class Star(NamedTuple):
    """A spread element or target."""

    pos: int
    value: Expr


class Yield(NamedTuple):
    """A value handed out of a generator; a spread one (``Star``) hands out its elements."""

    pos: int
    value: Expr | None


class Walrus(NamedTuple):
    """An assignment inside an expression."""

    pos: int
    name: str
    value: Expr


Expr: TypeAlias = (
    Str
    | Const
    | Joined
    | Name
    | Attr
    | Sub
    | Slice
    | Call
    | Binary
    | Logic
    | Unary
    | Compare
    | Choice
    | Lambda
    | Items
    | Dict
    | Comp
    | Star
    | Yield
    | Walrus
)


class Assign(NamedTuple):
    """One value given to one or several targets."""

    pos: int
    targets: tuple[Expr, ...]
    value: Expr


class Declare(NamedTuple):
    """An annotated name, with or without a value."""

    pos: int
    target: Expr
    annotation: Expr
    value: Expr | None


class Augment(NamedTuple):
    """An assignment with an operator."""

    pos: int
    target: Expr
    op: str
    value: Expr


class Do(NamedTuple):
    """Expressions that stand alone, or belong to a statement that binds nothing."""

    pos: int
    values: tuple[Expr, ...]


class Return(NamedTuple):
    """The end of a function."""

    pos: int
    value: Expr | None


class Stop(NamedTuple):
    """A statement after which the block does not go on: raise, break, continue."""

    pos: int
    values: tuple[Expr, ...]


class Delete(NamedTuple):
    """Names or entries that are deleted."""

    pos: int
    values: tuple[Expr, ...]


class If(NamedTuple):
    """An if statement with all its elif arms."""

    pos: int
    arms: tuple[tuple[Expr, Block], ...]
    orelse: Block


class For(NamedTuple):
    """A for loop."""

    pos: int
    target: Expr
    iter: Expr
    body: Block
    orelse: Block


class While(NamedTuple):
    """A while loop."""

    pos: int
    test: Expr
    body: Block
    orelse: Block


class Try(NamedTuple):
    """A try statement."""

    pos: int
    body: Block
    handlers: tuple[tuple[str | None, Block], ...]
    orelse: Block
    final: Block


class With(NamedTuple):
    """A with statement."""

    pos: int
    items: tuple[tuple[Expr, Expr | None], ...]
    body: Block


class Spelled(NamedTuple):
    """What is spelled in the body of a function, without the names of attributes: those are among its mentions.

    ``names`` are read or given a value, ``walrus`` are given one in an expression, ``others`` are words in quotes and
    the names of arguments; ``imports`` are the first names of modules, ``assigned`` the attributes of anything.
    """

    names: frozenset[str]
    others: frozenset[str]
    walrus: frozenset[str]
    imports: frozenset[str]
    assigned: frozenset[str]
    yields: bool


class Folded:
    """The body of a function as ``text`` that stands at ``begin`` in the file, until its ``block`` is made of it."""

    __slots__ = ("begin", "block", "spelled", "text")

    def __init__(self, begin: int, text: str, spelled: Spelled) -> None:
        """A body of which nothing was made yet."""
        self.begin = begin
        self.text = text
        self.spelled = spelled
        self.block: Block | None = None

    def __reduce__(self) -> tuple[type[Folded], tuple[int, str, Spelled]]:
        """A block that was made of it is made again."""
        return Folded, (self.begin, self.text, self.spelled)


class Def(NamedTuple):
    """A function; ``mentions`` are the names its body calls or asks of something, ``end`` is where the body ends."""

    pos: int
    name: str
    params: tuple[Param, ...]
    returns: Expr | None
    decorators: tuple[Expr, ...]
    body: Block | Folded
    mentions: frozenset[str]
    end: int


class Class(NamedTuple):
    """A class."""

    pos: int
    name: str
    bases: tuple[Arg, ...]
    decorators: tuple[Expr, ...]
    body: Block


class Import(NamedTuple):
    """``import module as name``."""

    pos: int
    module: str
    name: str | None


class From(NamedTuple):
    """``from module import name as other``; a name of ``*`` takes all."""

    pos: int
    level: int
    module: str
    names: tuple[tuple[str, str], ...]


class Outer(NamedTuple):
    """``global`` or ``nonlocal``."""

    pos: int
    kind: str
    names: tuple[str, ...]


class MatchMap(NamedTuple):
    """A mapping pattern."""

    pos: int
    items: tuple[tuple[Expr, Case], ...]
    rest: str | None


class MatchItems(NamedTuple):
    """A sequence pattern, or alternatives."""

    pos: int
    kind: str
    values: tuple[Case, ...]


class MatchClass(NamedTuple):
    """A class pattern."""

    pos: int
    cls: Expr
    values: tuple[Case, ...]
    named: tuple[tuple[str, Case], ...]


class MatchName(NamedTuple):
    """A capture, with the pattern it captures, if any; a name of None takes anything."""

    pos: int
    name: str | None
    pattern: Case | None


class MatchValue(NamedTuple):
    """A value compared with."""

    pos: int
    value: Expr


Case: TypeAlias = MatchMap | MatchItems | MatchClass | MatchName | MatchValue


class Match(NamedTuple):
    """A match statement."""

    pos: int
    subject: Expr
    cases: tuple[tuple[Case, Expr | None, Block], ...]


Stmt: TypeAlias = (
    Assign
    | Declare
    | Augment
    | Do
    | Return
    | Stop
    | Delete
    | If
    | For
    | While
    | Try
    | With
    | Def
    | Class
    | Import
    | From
    | Outer
    | Match
)
Block: TypeAlias = tuple[Stmt, ...]


class Note(NamedTuple):
    """A comment or docstring as it stands in the file."""

    pos: int
    text: str


class Document(NamedTuple):
    """A literal that may be a document; each of ``parts`` pairs an offset in its text with one in the file.

    A part whose escapes move its characters apart stands at its beginning as a whole (``exact`` is False).
    """

    pos: int
    text: str
    parts: tuple[tuple[int, int, bool], ...]

    def place(self, offset: int) -> int:
        """Where a character of the text stands in the file."""
        begin, at, exact = next(part for part in reversed(self.parts) if part[0] <= offset)
        return at + offset - begin if exact else at


class Module(NamedTuple):
    """A whole file; ``functions`` pairs each function, and the class around it, with what its body mentions.

    ``ends`` are the last lines of its statements, of those on one line together; none where nobody told them.
    """

    path: str
    body: Block
    notes: tuple[Note, ...]
    lines: tuple[int, ...]
    mentions: frozenset[str]
    functions: tuple[tuple[str, frozenset[str]], ...]
    documents: tuple[Document, ...] = ()
    ends: tuple[int, ...] = ()
