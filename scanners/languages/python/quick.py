"""From a file to its small tree by the interpreter's own parser, in a quarter of the time that libcst takes.

It gives what ``lower`` gives, node by node and offset by offset, or leaves the file to libcst where it is not sure to.
It may be followed to where something is found, but that counts only where libcst's tree says the same (``judged``).
"""

from __future__ import annotations

import ast
import re
import warnings
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple, Self

from scanners.depth import deep
from scanners.languages.base import SourceFile
from scanners.languages.python import tree
from scanners.languages.python.cursor import Cursor, line_starts
from scanners.languages.python.folding import Gathered, UnknownError
from scanners.languages.python.kept import Kept
from scanners.languages.python.lower import DEPTH, LONG_NUMBER, checked, expression, module_tree, statements
from scanners.unreadable import UnreadableSourceError


class _UnsureError(Exception):
    """The interpreter's tree does not tell enough, or is not certain to be libcst's."""


def quick_tree(file: SourceFile) -> tree.Module:
    """What ``module_tree`` gives and raises, in a quarter of the time for nearly all files."""
    return _walked(file, _Quick.at)


def folded_tree(file: SourceFile, spots: Sequence[int]) -> tree.Module:
    """The same, where functions are folded up in which no part of a key stands: none is at one of the ``spots``.

    What notes and documents stand in those is left out.
    """
    return _walked(file, partial(_Folding.at, spots=spots))


def _walked(file: SourceFile, walk_at: Callable[[str, tuple[int, ...], int], _Quick]) -> tree.Module:
    checked(file.data)
    try:
        text = _text(file.data)
        parsed = _parsed(text)
        with deep(DEPTH):
            walk = walk_at(text, line_starts(text), 0)
            module = walk.module(walk.block(parsed.body), file.path)
    except (_UnsureError, UnknownError, RecursionError):
        return module_tree(file)
    return module._replace(ends=tuple(_last_line(group) for group in _on_own_lines(parsed.body)))


def block_of(node: tree.Def) -> tree.Block:
    """The statements of a function; raises UnreadableSourceError where neither parser can tell them."""
    body = node.body
    if not isinstance(body, tree.Folded):
        return body
    if body.block is None:
        body.block = _unfolded(body)
    return body.block


def _unfolded(body: tree.Folded) -> tree.Block:
    text = " " * body.begin + body.text
    try:
        parsed = ast.parse(f"if 1:\n{body.text}").body[0]
        with deep(DEPTH):
            walk = _Quick.at(text, (0, *(body.begin + start for start in line_starts(body.text))), body.begin)
            return walk.block(parsed.body if isinstance(parsed, ast.If) else ())
    except (_UnsureError, RecursionError, SyntaxError, ValueError, MemoryError):
        told = statements(text, body.begin, len(text), inside=True)
        if told is None:
            raise UnreadableSourceError("a function in it is not readable as Python") from None
        return told[0]


def judged(file: SourceFile, lines: Iterable[int], ends: Sequence[int] = ()) -> tree.Module | None:
    """Ask libcst of the statements at these lines: its tree of the file where they are others there, else None.

    Where the last lines of all statements are known, only those at the lines are parsed again. Raises
    UnreadableSourceError where libcst finds the file unreadable.
    """
    checked(file.data)
    try:
        text = _text(file.data)
        with deep(DEPTH):
            parts = _parts_at(sorted(lines), text, ends)
            same = all(_says_the_same(part, text, starts) for part, starts in parts)
    except (_UnsureError, RecursionError):
        return None  # libcst has read it
    if same:
        return None
    whole = module_tree(file)
    return None if whole == quick_tree(file)._replace(ends=()) else whole


# The interpreter's tree


_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_UTF_8 = frozenset({b"utf-8", b"utf8"})


def _text(data: bytes) -> str:
    """The text of a file in UTF-8."""
    for line in data.split(b"\n", 2)[:2]:
        named = _COOKIE.match(line)
        if named is not None and named.group(1).lower() not in _UTF_8:
            raise _UnsureError
    if data.startswith(b"\xef\xbb\xbf") or b"\0" in data or b"\f" in data:
        raise _UnsureError
    try:
        return data.decode()
    except ValueError as error:
        raise _UnsureError from error


def _parsed(text: str) -> ast.Module:
    """The tree of a text."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, MemoryError) as error:
        raise _UnsureError from error


@dataclass(slots=True)
class _Quick(Kept):
    """A walk over the interpreter's tree in the order of the text."""

    starts: tuple[int, ...] = ()
    ascii: bool = False

    @classmethod
    def at(cls, text: str, starts: tuple[int, ...], begin: int, **more: Any) -> Self:
        """A walk that begins at a place in the text."""
        return cls(Cursor(text, begin), starts=starts, ascii=text.isascii(), **more)

    def offset(self, line: int, column: int) -> int:
        """Where in the text a place is that the interpreter counts in lines and bytes."""
        start = self.starts[line - 1]
        if self.ascii:
            return start + column
        end = self.starts[line] if line < len(self.starts) else len(self.cursor.text)
        whole = self.cursor.text[start:end]
        return start + (column if whole.isascii() else len(whole.encode()[:column].decode()))

    def source(self, node: Any) -> str:
        """An expression as it is spelled."""
        begin = self.offset(node.lineno, node.col_offset)
        return self.cursor.text[begin : self.offset(node.end_lineno, node.end_col_offset)]

    def take(self, name: str) -> int:
        """Move behind an identifier; one that may be spelled otherwise than it is read is left to libcst."""
        if not name.isascii():
            raise _UnsureError
        return self.cursor.take(name)

    def mention(self, name: str) -> int:
        """Move behind a name that is used."""
        pos = self.take(name)
        self.mentions[-1].add(name)
        return pos

    # Statements

    def block(self, statements: Sequence[ast.stmt]) -> tree.Block:
        return tuple([_STATEMENTS[type(one)](self, one) for one in statements if type(one) is not ast.Pass])

    def expression_statement(self, node: ast.Expr) -> tree.Stmt:
        start = self.cursor.at
        value = self.expr(node.value)
        if type(value) is tree.Str:
            self.docstring(value)
        return tree.Do(getattr(value, "pos", start), (value,))

    def assign(self, node: ast.Assign) -> tree.Stmt:
        targets = tuple([self.expr(target) for target in node.targets])
        return tree.Assign(targets[0].pos, targets, self.expr(node.value))

    def declare(self, node: ast.AnnAssign) -> tree.Stmt:
        target = self.expr(node.target)
        annotation = self.expr(node.annotation)
        return tree.Declare(target.pos, target, annotation, self.maybe(node.value))

    def augment(self, node: ast.AugAssign) -> tree.Stmt:
        target = self.expr(node.target)
        return tree.Augment(target.pos, target, _ASSIGNING.get(type(node.op), "?"), self.expr(node.value))

    def returns(self, node: ast.Return) -> tree.Stmt:
        return tree.Return(self.cursor.at, self.maybe(node.value))

    def raises(self, node: ast.Raise) -> tree.Stmt:
        values = [self.expr(value) for value in (node.exc, node.cause) if value is not None]
        return tree.Stop(self.cursor.at, tuple(values))

    def stop(self, _node: ast.stmt) -> tree.Stmt:
        return tree.Stop(self.cursor.at, ())

    def asserts(self, node: ast.Assert) -> tree.Stmt:
        values = [self.expr(value) for value in (node.test, node.msg) if value is not None]
        return tree.Do(values[0].pos, tuple(values))

    def delete(self, node: ast.Delete) -> tree.Stmt:
        values = tuple([self.expr(target) for target in node.targets])
        if len(values) == 1 and isinstance(values[0], tree.Items):
            return tree.Delete(values[0].pos, values[0].values)
        return tree.Delete(values[0].pos, values)

    def dotted(self, name: str) -> None:
        for part in name.split("."):
            self.mention(part)

    def imports(self, node: ast.Import) -> tree.Stmt:
        start = self.cursor.at
        done = []
        for alias in node.names:
            self.dotted(alias.name)
            if alias.asname is not None:
                self.mention(alias.asname)
            done.append(tree.Import(start, alias.name, alias.asname))
        return done[0] if len(done) == 1 else tree.If(start, (), tuple(done))

    def from_import(self, node: ast.ImportFrom) -> tree.Stmt:
        start = self.cursor.at
        if node.module is not None:
            self.dotted(node.module)
        names: list[tuple[str, str]] = []
        for alias in node.names:
            if alias.name != "*":
                self.mention(alias.name)
            if alias.asname is not None:
                self.mention(alias.asname)
            names.append((alias.name, alias.asname or alias.name))
        return tree.From(start, node.level, node.module or "", tuple(names))

    def outer(self, node: ast.Global | ast.Nonlocal) -> tree.Stmt:
        for name in node.names:
            self.take(name)
        return tree.Outer(self.cursor.at, "global" if type(node) is ast.Global else "nonlocal", tuple(node.names))

    def if_statement(self, node: ast.If) -> tree.Stmt:
        start = self.cursor.at
        arms = [(self.expr(node.test), self.block(node.body))]
        rest = node.orelse
        while len(rest) == 1 and isinstance(rest[0], ast.If) and self.is_elif(rest[0]):
            arm = rest[0]
            arms.append((self.expr(arm.test), self.block(arm.body)))
            rest = arm.orelse
        return tree.If(start, tuple(arms), self.block(rest))

    def is_elif(self, node: ast.If) -> bool:
        return self.cursor.text.startswith("elif", self.offset(node.lineno, node.col_offset))

    def for_loop(self, node: ast.For | ast.AsyncFor) -> tree.Stmt:
        target = self.expr(node.target)
        iterable = self.expr(node.iter)
        return tree.For(target.pos, target, iterable, self.block(node.body), self.block(node.orelse))

    def while_loop(self, node: ast.While) -> tree.Stmt:
        test = self.expr(node.test)
        return tree.While(test.pos, test, self.block(node.body), self.block(node.orelse))

    def try_statement(self, node: Any) -> tree.Stmt:
        start = self.cursor.at
        body = self.block(node.body)
        handlers: list[tuple[str | None, tree.Block]] = []
        for handler in node.handlers:
            self.maybe(handler.type)
            if handler.name is not None:
                self.mention(handler.name)
            handlers.append((handler.name, self.block(handler.body)))
        return tree.Try(start, body, tuple(handlers), self.block(node.orelse), self.block(node.finalbody))

    def with_statement(self, node: ast.With | ast.AsyncWith) -> tree.Stmt:
        items = tuple([(self.expr(item.context_expr), self.maybe(item.optional_vars)) for item in node.items])
        return tree.With(items[0][0].pos, items, self.block(node.body))

    def function_statement(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> tree.Stmt:
        if getattr(node, "type_params", ()):
            raise _UnsureError
        decorators = tuple([self.expr(decorator) for decorator in node.decorator_list])
        start = self.take(node.name)
        params = self.params(node.args)
        returns = self.maybe(node.returns)
        return self.function(start, node.name, params, returns, decorators, self.body(node.body))

    def body(self, statements: Sequence[ast.stmt]) -> tree.Block | tree.Folded:
        """The body of a function, with mentions of its own."""
        self.mentions.append(set())
        return self.block(statements)

    def class_statement(self, node: ast.ClassDef) -> tree.Stmt:
        if getattr(node, "type_params", ()):
            raise _UnsureError
        decorators = tuple([self.expr(decorator) for decorator in node.decorator_list])
        start = self.take(node.name)
        bases = tuple([self.arg(base) for base in (*node.bases, *node.keywords)])
        self.classes.append(node.name)
        body = self.block(node.body)
        self.classes.pop()
        return tree.Class(start, node.name, bases, decorators, body)

    def unsure(self, _node: ast.AST) -> Any:
        raise _UnsureError

    # Expressions

    def maybe(self, node: ast.expr | None) -> tree.Expr | None:
        return None if node is None else self.expr(node)

    def expr(self, node: ast.expr) -> tree.Expr:
        found: tree.Expr = _EXPRESSIONS[type(node)](self, node)
        return found

    def name(self, node: ast.Name) -> tree.Expr:
        name = node.id
        if not name.isascii():
            raise _UnsureError
        self.mentions[-1].add(name)
        begin = self.offset(node.lineno, node.col_offset)
        return tree.Name(self.cursor.pass_by(begin, begin + len(name)), name)

    def attribute(self, node: ast.Attribute) -> tree.Expr:
        value = self.expr(node.value)
        name = node.attr
        if not name.isascii():
            raise _UnsureError
        end = self.offset(node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)
        self.cursor.pass_by(end - len(name), end)
        self.mentions[-1].add(name)
        return tree.Attr(value.pos, value, name)

    def constant(self, node: ast.Constant) -> tree.Expr:
        value = node.value
        kind = type(value)
        if kind is str or kind is bytes:
            return self.text(node)
        if value is ...:
            return tree.Const(self.cursor.at, ...)
        if kind is bool or value is None:
            return tree.Const(self.cursor.take(str(value)), value)
        spelled = self.source(node)
        return tree.Const(self.cursor.take(spelled), value if len(spelled) < LONG_NUMBER else ...)

    def text(self, node: ast.Constant) -> tree.Expr:
        spelled = self.source(node)
        pieces = _pieces(spelled)
        if len(pieces) == 1:
            return self.literal(spelled, self.offset(node.lineno, node.col_offset))
        return self.joined_literals([self.literal(piece) for piece in pieces])

    def formatted(self, node: ast.JoinedStr) -> tree.Expr:
        """An f-string, of which the interpreter does not tell where its parts stand."""
        found = expression(self.source(node), self)
        if found is None:
            raise _UnsureError
        return found

    def subscript(self, node: ast.Subscript) -> tree.Expr:
        value = self.expr(node.value)
        inner = node.slice
        if type(inner) is ast.Tuple:
            if len(inner.elts) == 1 or any(type(one) is ast.Starred for one in inner.elts):
                raise _UnsureError
            items = tuple([self.expr(one) for one in inner.elts])
            return tree.Sub(value.pos, value, tree.Items(items[0].pos if items else self.cursor.at, "tuple", items))
        return tree.Sub(value.pos, value, self.expr(inner))

    def slice(self, node: ast.Slice) -> tree.Expr:
        start = self.cursor.at
        return tree.Slice(start, self.maybe(node.lower), self.maybe(node.upper), self.maybe(node.step))

    def call(self, node: ast.Call) -> tree.Expr:
        func = self.expr(node.func)
        given: list[Any] = [*node.args, *node.keywords]
        if node.args and node.keywords:
            given.sort(key=_place)
        return tree.Call(func.pos, func, tuple([self.arg(one) for one in given]))

    def arg(self, node: Any) -> tree.Arg:
        if type(node) is ast.keyword:
            if node.arg is None:
                return tree.Arg(None, "**", self.expr(node.value))
            self.take(node.arg)
            return tree.Arg(node.arg, "", self.expr(node.value))
        if type(node) is ast.Starred:
            return tree.Arg(None, "*", self.expr(node.value))
        return tree.Arg(None, "", self.expr(node))

    def binary(self, node: ast.BinOp) -> tree.Expr:
        operator = type(node.op)
        rights = [node.right]
        left = node.left
        while isinstance(left, ast.BinOp) and type(left.op) is operator:
            rights.append(left.right)
            left = left.left
        values = (self.expr(left), *[self.expr(right) for right in reversed(rights)])
        return tree.Binary(values[0].pos, _OPERATORS.get(operator, "?"), values)

    def logic(self, node: ast.BoolOp) -> tree.Expr:
        operator = type(node.op)
        nodes = node.values
        while isinstance(nodes[0], ast.BoolOp) and type(nodes[0].op) is operator:
            nodes = [*nodes[0].values, *nodes[1:]]
        values = tuple([self.expr(one) for one in nodes])
        return tree.Logic(values[0].pos, "and" if operator is ast.And else "or", values)

    def unary(self, node: ast.UnaryOp) -> tree.Expr:
        value = self.expr(node.operand)
        if type(node.op) is ast.USub and type(value) is tree.Const:
            number = value.value
            if isinstance(number, int | float) and not isinstance(number, bool):
                return tree.Const(value.pos, -number)
        return tree.Unary(value.pos, "not" if type(node.op) is ast.Not else "-", value)

    def compare(self, node: ast.Compare) -> tree.Expr:
        left = self.expr(node.left)
        pairs = zip(node.ops, node.comparators, strict=True)
        rest = tuple([(_COMPARISONS.get(type(op), "?"), self.expr(right)) for op, right in pairs])
        return tree.Compare(left.pos, left, rest)

    def choice(self, node: ast.IfExp) -> tree.Expr:
        body = self.expr(node.body)
        test = self.expr(node.test)
        return tree.Choice(body.pos, test, body, self.expr(node.orelse))

    def lambda_expression(self, node: ast.Lambda) -> tree.Expr:
        start = self.cursor.at
        params = self.params(node.args)
        return tree.Lambda(start, params, self.expr(node.body))

    def items(self, node: ast.List | ast.Tuple | ast.Set) -> tree.Expr:
        start = self.cursor.at
        values = tuple([self.expr(one) for one in node.elts])
        return tree.Items(values[0].pos if values else start, _KINDS[type(node)], values)

    def starred(self, node: ast.Starred) -> tree.Expr:
        value = self.expr(node.value)
        return tree.Star(value.pos, value)

    def mapping(self, node: ast.Dict) -> tree.Expr:
        start = self.cursor.at
        pairs = zip(node.keys, node.values, strict=True)
        return tree.Dict(start, tuple([(self.maybe(key), self.expr(value)) for key, value in pairs]))

    def comprehension(self, node: Any) -> tree.Expr:
        start = self.cursor.at
        is_mapping = type(node) is ast.DictComp
        key = self.expr(node.key) if is_mapping else None
        value = self.expr(node.value if is_mapping else node.elt)
        clauses = []
        for clause in node.generators:
            target = self.expr(clause.target)
            iterable = self.expr(clause.iter)
            clauses.append(tree.Clause(target, iterable, tuple([self.expr(test) for test in clause.ifs])))
        return tree.Comp(start, _KINDS[type(node)], key, value, tuple(clauses))

    def awaited(self, node: ast.Await) -> tree.Expr:
        return self.expr(node.value)

    def yielded(self, node: ast.Yield | ast.YieldFrom) -> tree.Expr:
        start = self.cursor.at
        if isinstance(node, ast.YieldFrom):
            return tree.Yield(start, tree.Star(start, self.expr(node.value)))
        return tree.Yield(start, self.maybe(node.value))

    def walrus(self, node: ast.NamedExpr) -> tree.Expr:
        target = self.expr(node.target)
        return tree.Walrus(target.pos, node.target.id, self.expr(node.value))

    # Parameters

    def params(self, node: ast.arguments) -> tuple[tree.Param, ...]:
        plain = len(node.posonlyargs) + len(node.args)
        defaults = [None] * (plain - len(node.defaults)) + node.defaults
        first = len(node.posonlyargs)
        done = [self.param(one, "/", default) for one, default in zip(node.posonlyargs, defaults, strict=False)]
        done += [self.param(one, "", default) for one, default in zip(node.args, defaults[first:], strict=True)]
        if node.vararg is not None:
            done.append(self.param(node.vararg, "*", None))
        done += [self.param(one, "k", value) for one, value in zip(node.kwonlyargs, node.kw_defaults, strict=True)]
        if node.kwarg is not None:
            done.append(self.param(node.kwarg, "**", None))
        return tuple(done)

    def param(self, node: ast.arg, kind: str, default: ast.expr | None) -> tree.Param:
        pos = self.take(node.arg)
        if type(node.annotation) is ast.Starred:
            raise _UnsureError
        return tree.Param(pos, node.arg, kind, self.maybe(node.annotation), self.maybe(default))


@dataclass(slots=True)
class _Folding(_Quick):
    """A walk that does not go into functions where no part of a key stands."""

    spots: Sequence[int] = ()

    def body(self, statements: Sequence[ast.stmt]) -> tree.Block | tree.Folded:
        """The body of a function: a short one, or one that holds a part of a key, as a block."""
        line, last = _first_line(statements[0]), statements[-1]
        begin = self.starts[line - 1]
        end = self.offset(last.end_lineno or last.lineno, last.end_col_offset or 0)
        column = statements[0].col_offset
        alone = self.cursor.text[begin : begin + column].isspace()
        if not alone or end - begin < _SHORT or bisect_left(self.spots, self.cursor.at) < bisect_right(self.spots, end):
            return _Quick.body(self, statements)
        found = Gathered(self.classes, self.functions)
        found.take(statements)
        if not self.ascii and not all(map(str.isascii, found.mentions)):
            raise _UnsureError
        self.mentions.append(found.mentions)
        self.cursor.at = end
        return tree.Folded(begin, self.cursor.text[begin:end], found.told())


# A function shorter than that is as quickly read as folded up.
_SHORT = 120


def _place(node: Any) -> tuple[int, int]:
    return node.lineno, node.col_offset


_LITERAL = re.compile(
    r"[A-Za-z]{0,2}(?:'''(?:[^\\]|\\.)*?'''|\"\"\"(?:[^\\]|\\.)*?\"\"\"|'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\")",
    re.DOTALL,
)
# Three quotes, and three again.
_TRIPLED = 6
_GAP = re.compile(r"(?:\s|\\\n|\\\r|#[^\n\r]*)+")


def _pieces(spelled: str) -> list[str]:
    """The literals that a text is written as, side by side."""
    start = min(index for index in (spelled.find("'"), spelled.find('"')) if index >= 0)
    quote = spelled[start]
    quotes = quote * 3 if spelled.startswith(quote * 3, start) and len(spelled) - start >= _TRIPLED else quote
    if spelled.find(quotes, start + len(quotes)) == len(spelled) - len(quotes):
        return [spelled]
    found = []
    at = 0
    while at < len(spelled):
        piece = _LITERAL.match(spelled, at)
        if piece is None:
            raise _UnsureError
        found.append(piece.group())
        gap = _GAP.match(spelled, piece.end())
        at = gap.end() if gap is not None else piece.end()
    return found


_OPERATORS: dict[type, str] = {ast.Add: "+", ast.Mod: "%", ast.Div: "/", ast.BitOr: "|", ast.Mult: "*"}
_ASSIGNING: dict[type, str] = {ast.Add: "+", ast.Mod: "%", ast.Div: "/", ast.BitOr: "|"}
_COMPARISONS: dict[type, str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Is: "is",
    ast.IsNot: "is not",
}
_KINDS: dict[type, str] = {
    ast.List: "list",
    ast.Tuple: "tuple",
    ast.Set: "set",
    ast.ListComp: "list",
    ast.SetComp: "set",
    ast.DictComp: "dict",
    ast.GeneratorExp: "generator",
}


class _Handlers(dict[type, Callable[[_Quick, Any], Any]]):
    """What is done with a kind of node; one that is not known is left to libcst."""

    def __missing__(self, kind: type) -> Callable[[_Quick, Any], Any]:
        return _Quick.unsure


_STATEMENTS = _Handlers(
    {
        ast.Expr: _Quick.expression_statement,
        ast.Assign: _Quick.assign,
        ast.AnnAssign: _Quick.declare,
        ast.AugAssign: _Quick.augment,
        ast.Return: _Quick.returns,
        ast.Raise: _Quick.raises,
        ast.Break: _Quick.stop,
        ast.Continue: _Quick.stop,
        ast.Assert: _Quick.asserts,
        ast.Delete: _Quick.delete,
        ast.Import: _Quick.imports,
        ast.ImportFrom: _Quick.from_import,
        ast.Global: _Quick.outer,
        ast.Nonlocal: _Quick.outer,
        ast.If: _Quick.if_statement,
        ast.For: _Quick.for_loop,
        ast.AsyncFor: _Quick.for_loop,
        ast.While: _Quick.while_loop,
        ast.Try: _Quick.try_statement,
        ast.With: _Quick.with_statement,
        ast.AsyncWith: _Quick.with_statement,
        ast.FunctionDef: _Quick.function_statement,
        ast.AsyncFunctionDef: _Quick.function_statement,
        ast.ClassDef: _Quick.class_statement,
    }
)
if hasattr(ast, "TryStar"):
    _STATEMENTS[ast.TryStar] = _Quick.try_statement
_EXPRESSIONS = _Handlers(
    {
        ast.Name: _Quick.name,
        ast.Attribute: _Quick.attribute,
        ast.Constant: _Quick.constant,
        ast.JoinedStr: _Quick.formatted,
        ast.Subscript: _Quick.subscript,
        ast.Slice: _Quick.slice,
        ast.Call: _Quick.call,
        ast.BinOp: _Quick.binary,
        ast.BoolOp: _Quick.logic,
        ast.UnaryOp: _Quick.unary,
        ast.Compare: _Quick.compare,
        ast.IfExp: _Quick.choice,
        ast.Lambda: _Quick.lambda_expression,
        ast.List: _Quick.items,
        ast.Tuple: _Quick.items,
        ast.Set: _Quick.items,
        ast.Starred: _Quick.starred,
        ast.Dict: _Quick.mapping,
        ast.ListComp: _Quick.comprehension,
        ast.SetComp: _Quick.comprehension,
        ast.DictComp: _Quick.comprehension,
        ast.GeneratorExp: _Quick.comprehension,
        ast.Await: _Quick.awaited,
        ast.Yield: _Quick.yielded,
        ast.YieldFrom: _Quick.yielded,
        ast.NamedExpr: _Quick.walrus,
    }
)


# The parts of a file that libcst is asked of


class _Part(NamedTuple):
    """Statements on lines of their own, and the comments before them."""

    begin: int
    end: int
    inside: bool
    nodes: tuple[ast.stmt, ...]


def _parts(
    body: Sequence[ast.stmt], line: int, starts: tuple[int, ...], text: str, before: int = 0, *, inside: bool = False
) -> Iterator[_Part]:
    """The statements at a line: of a class, and of a long function, only those there."""
    for group in _on_own_lines(body):
        end = _last_line(group)
        if line <= end:
            begin, behind = starts[before], _end_of(end, starts, text)
            only = group[0] if len(group) == 1 else None
            deeper = isinstance(only, ast.ClassDef) or behind - begin > _LONG
            for block in _blocks(only) if deeper and only is not None else ():
                first = _first_line(block[0])
                at = starts[first - 1]
                if text[at : at + block[0].col_offset].strip():
                    continue  # it stands behind a colon
                if first <= line <= _last_line(block):
                    yield from _parts(block, line, starts, text, first - 1, inside=True)
                    return
            yield _Part(begin, behind, inside, tuple(group))
            return
        before = end
    yield _Part(_end_of(before, starts, text), len(text), False, ())


# A statement with others inside is asked of whole up to here.
_LONG = 2_000


def _blocks(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    """The blocks of statements inside of one, but for those behind an ``elif``."""
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, ())
        if block and not (name == "orelse" and isinstance(node, ast.If)):
            yield block
    for handler in getattr(node, "handlers", ()):
        yield handler.body


def _end_of(line: int, starts: tuple[int, ...], text: str) -> int:
    return starts[line] if line < len(starts) else len(text)


def _last_line(group: Sequence[ast.stmt]) -> int:
    return group[-1].end_lineno or group[-1].lineno


def _on_own_lines(statements: Sequence[ast.stmt]) -> Iterator[list[ast.stmt]]:
    """Statements, those together that share a line."""
    group: list[ast.stmt] = []
    for one in statements:
        if group and _first_line(one) > _last_line(group):
            yield group
            group = []
        group.append(one)
    if group:
        yield group


def _first_line(node: ast.stmt) -> int:
    above: Sequence[ast.expr] = getattr(node, "decorator_list", ())
    return min([node.lineno, *(one.lineno for one in above)])


def _parts_at(lines: Sequence[int], text: str, ends: Sequence[int]) -> Iterator[tuple[_Part, tuple[int, ...]]]:
    """The parts at some lines, in order, each with where the lines begin from those statements on that it is in."""
    starts = line_starts(text)
    for number, group in groupby(lines, key=partial(bisect_left, ends)):
        before, within = 0, text
        if number < len(ends):
            before = ends[number - 1] if number else 0
            within = text[starts[before] : _end_of(ends[number], starts, text)]
        body, rest = _parsed(within).body, starts[before:]
        found = {part for line in group for part in _parts(body, line - before, rest, text)}
        yield from ((part, rest) for part in sorted(found, key=lambda one: one.begin))


def _says_the_same(part: _Part, text: str, starts: tuple[int, ...]) -> bool:
    """Whether libcst reads statements as the interpreter does."""
    quick = _Quick.at(text, starts, part.begin)
    body = quick.block(part.nodes)
    told = statements(text, part.begin, part.end, inside=part.inside)
    return told is not None and (body, _met(quick)) == (told[0], _met(told[1]))


def _met(kept: Kept) -> tuple[object, ...]:
    return kept.cursor, kept.notes, kept.mentions, kept.functions, kept.documents
