"""Terraform's language as blocks, attributes and expressions that keep their places; it reads on past anything."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from scanners.languages._places import Span, unescaped
from scanners.unreadable import UnreadableSourceError

_DEEPEST = 60
_LONGEST_PATH = 60
_TOKEN = re.compile(
    r"""(?P<space>[ \t\f]+|\\\r?\n)|(?P<newline>\r\n|\r|\n)|(?P<comment>\#[^\r\n]*|//[^\r\n]*|/\*.*?(?:\*/|\Z))"""
    r"""|(?P<heredoc><<-?[ \t]*[\w.-]+[ \t]*\r?\n)|(?P<quote>")|(?P<name>[A-Za-z_][\w-]*)|(?P<number>\d+(?:\.\d+)?)"""
    r"""|(?P<mark>=>|==|!=|<=|>=|&&|\|\||\.\.\.|.)""",
    re.DOTALL,
)
_QUOTED = re.compile(
    r'(?P<text>(?:[^"\\$%\r\n]|\\.|\$\$\{|%%\{|[$%](?!\{))+)|(?P<hole>[$%]\{)|(?P<end>["\r\n])', re.DOTALL
)
_HEREDOC_TEXT = re.compile(r"(?P<text>(?:[^$%]|\$\$\{|%%\{|[$%](?!\{))+)|(?P<hole>[$%]\{)", re.DOTALL)
_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")
_OPERATORS = frozenset({"+", "-", "*", "/", "%", "==", "!=", "<", ">", "<=", ">=", "&&", "||", "..."})


@dataclass(slots=True)
class Text:
    """A quoted text or heredoc: pieces of text and the expressions between."""

    at: int
    parts: list[Span | Expression]
    heredoc: bool = False


@dataclass(slots=True)
class Ref:
    """A name and what follows it: ``var.x``, ``each.key``, ``aws_ssm_parameter.flag.name``."""

    at: int
    path: tuple[str, ...]


@dataclass(slots=True)
class Call:
    """A function and its arguments."""

    at: int
    name: str
    args: list[Expression]


@dataclass(slots=True)
class Object:
    """Keys and values; a key is an expression where it is no plain name."""

    at: int
    pairs: list[tuple[Expression, Expression]]


@dataclass(slots=True)
class Items:
    """A list."""

    at: int
    items: list[Expression]


@dataclass(slots=True)
class Either:
    """A condition's two results."""

    at: int
    choices: list[Expression]


@dataclass(slots=True)
class Other:
    """Anything else, with what stands in it."""

    at: int
    inner: list[Expression] = field(default_factory=list)
    word: str | None = None


Expression = Text | Ref | Call | Object | Items | Either | Other


@dataclass(slots=True)
class Attribute:
    """A name that is given a value."""

    name: str
    at: int
    value: Expression


@dataclass(slots=True)
class Block:
    """A block: its type, its labels, and what stands in it."""

    kind: str
    labels: list[str]
    at: int
    attributes: list[Attribute] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)

    def get(self, name: str) -> Expression | None:
        """The value of an attribute; None when it has none."""
        return next((one.value for one in self.attributes if one.name == name), None)


@dataclass(slots=True)
class File:
    """A whole file."""

    body: Block
    comments: list[Span]


def read(span: Span) -> File:
    """The blocks of a file; raises UnreadableSourceError when it is nested too deeply."""
    parser = _Parser(span)
    return File(parser.file(), parser.comments)


def expressions(block: Block) -> Iterator[tuple[Block, Attribute]]:
    """Every attribute of a block and of the blocks in it, with the block it stands in."""
    for attribute in block.attributes:
        yield block, attribute
    for inner in block.blocks:
        yield from expressions(inner)


def parts_of(expression: Expression) -> Iterator[Expression]:
    """An expression and all that stand in it."""
    yield expression
    for child in _children(expression):
        yield from parts_of(child)


def _children(expression: Expression) -> list[Expression]:
    if isinstance(expression, Text):
        return [part for part in expression.parts if not isinstance(part, Span)]
    if isinstance(expression, Call):
        return expression.args
    if isinstance(expression, Object):
        return [one for pair in expression.pairs for one in pair]
    if isinstance(expression, Items):
        return expression.items
    if isinstance(expression, Either):
        return expression.choices
    return expression.inner if isinstance(expression, Other) else []


@dataclass(slots=True)
class _Parser:
    span: Span
    comments: list[Span] = field(default_factory=list)
    position: int = 0
    kind: str = "newline"
    value: str = ""
    begin: int = 0
    _depth: int = 0

    def file(self) -> Block:
        """All of it."""
        self._next()
        body = Block("", [], self.span.start)
        while self.kind != "end":
            self._body(body)
            self._next()  # a closing brace that opens nothing is read over
        return body

    # Tokens

    def _next(self) -> None:
        while self.position < len(self.span.text):
            found = _TOKEN.match(self.span.text, self.position)
            if found is None:
                break
            self.begin, self.position = found.start(), found.end()
            self.kind, self.value = found.lastgroup or "mark", found.group()
            if self.kind == "comment":
                self.comments.append(self.span.part(found.start(), found.end()))
            elif self.kind != "space":
                return
        self.kind, self.value, self.begin = "end", "", len(self.span.text)

    def _skip_newlines(self) -> None:
        while self.kind == "newline":
            self._next()

    def _at(self) -> int:
        return self.span.place(self.begin)

    def _is(self, *marks: str) -> bool:
        return self.kind == "mark" and self.value in marks

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise UnreadableSourceError(f"nested deeper than {_DEEPEST} levels")

    # Bodies

    def _body(self, block: Block) -> None:
        self._enter()
        while self.kind != "end" and not self._is("}"):
            if self.kind in {"name", "quote"}:
                self._statement(block)
            else:
                self._next()
        self._depth -= 1

    def _statement(self, block: Block) -> None:
        at, name = self._at(), self._word()
        if self._is("=", ":"):
            self._next()
            block.attributes.append(Attribute(name, at, self._expression()))
            return
        labels: list[str] = []
        while self.kind in {"name", "quote"}:
            labels.append(self._word())
        if self._is("{"):
            self._next()
            inner = Block(name, labels, at)
            self._body(inner)
            block.blocks.append(inner)
            self._next()

    def _word(self) -> str:
        if self.kind != "quote":
            word = self.value
            self._next()
            return word
        text = self._quoted()
        return "".join(part.text for part in text.parts if isinstance(part, Span))

    # Expressions

    def _expression(self) -> Expression:
        self._enter()
        expression = self._operand()
        mixed: list[Expression] = []
        while self._is(*_OPERATORS):
            self._next()
            self._skip_newlines()
            mixed.append(self._operand())
        if mixed:
            expression = Other(expression.at, [expression, *mixed])
        if self._is("?"):
            expression = self._choice(expression)
        self._depth -= 1
        return expression

    def _choice(self, condition: Expression) -> Expression:
        self._next()
        self._skip_newlines()
        first = self._expression()
        self._skip_newlines()
        if not self._is(":"):
            return Other(condition.at, [condition, first])
        self._next()
        self._skip_newlines()
        return Either(condition.at, [first, self._expression()])

    def _operand(self) -> Expression:
        readers: dict[str, Callable[[], Expression]] = {
            "quote": self._quoted,
            "heredoc": self._heredoc,
            "name": self._named,
            "number": self._number,
        }
        return readers.get(self.kind, self._marked)()

    def _number(self) -> Expression:
        at, word = self._at(), self.value
        self._next()
        return Other(at, word=word)

    def _marked(self) -> Expression:
        at = self._at()
        if self._is("{"):
            return self._followed(self._object(at))
        if self._is("[", "("):
            return self._followed(self._items(at))
        if not self._is("!", "-"):
            return Other(at)
        while self._is("!", "-"):
            self._next()
        return Other(at, [self._operand()])

    def _named(self) -> Expression:
        at, name = self._at(), self.value
        self._next()
        if self._is("("):
            items = self._items(at)
            return self._followed(Call(at, name, items.items))
        if name in {"true", "false", "null"}:
            return Other(at, word=name)
        return self._followed(Ref(at, (name,)))

    def _followed(self, expression: Expression) -> Expression:
        while self._is(".", "["):
            if self._is("["):
                index = self._items(self._at())
                expression = _indexed(expression, index)
                continue
            self._next()
            step = self.value
            if self.kind in {"name", "number"} or self._is("*"):
                self._next()
                expression = _stepped(expression, step)
            else:
                break
        return expression

    def _items(self, at: int) -> Items:
        """What stands between brackets or parentheses."""
        self._enter()
        self._next()
        found: list[Expression] = []
        while self.kind != "end" and not self._is(*_CLOSE):
            before = self.begin
            if self.kind == "name" and self.value == "for":
                self._skip_block()
                break
            if self.kind == "newline" or self._is(","):
                self._next()
                continue
            found.append(self._expression())
            if self.begin == before:
                self._next()
        self._next()
        self._depth -= 1
        return Items(at, found)

    def _object(self, at: int) -> Object:
        self._enter()
        self._next()
        pairs: list[tuple[Expression, Expression]] = []
        while self.kind != "end" and not self._is("}"):
            if self.kind == "name" and self.value == "for":
                self._skip_block()
                break
            if self.kind == "newline" or self._is(",", ")", "]"):
                self._next()
                continue
            self._pair(pairs)
        self._next()
        self._depth -= 1
        return Object(at, pairs)

    def _pair(self, pairs: list[tuple[Expression, Expression]]) -> None:
        before = self.begin
        key = self._operand()
        if self._is("=", ":", "=>"):
            self._next()
            self._skip_newlines()
            pairs.append((key, self._expression()))
        if self.begin == before:
            self._next()

    def _skip_block(self) -> None:
        """Read over a ``for`` to the bracket that ends it."""
        depth = 0
        while self.kind != "end":
            if self._is(*_OPEN):
                depth += 1
            elif self._is(*_CLOSE):
                if depth == 0:
                    return
                depth -= 1
            elif self.kind == "quote":
                self._quoted()
                continue
            self._next()

    # Texts

    def _quoted(self) -> Text:
        at = self._at()
        parts: list[Span | Expression] = []
        text = self.span.text
        while self.position < len(text):
            found = _QUOTED.match(text, self.position)
            if found is None or found.lastgroup == "end":
                self.position = found.end() if found else self.position + 1
                break
            self.position = found.end()
            if found.lastgroup == "text":
                parts.append(unescaped(self.span.part(found.start(), found.end())))
            else:
                parts.append(self._hole())
        self._next()
        return Text(at, parts)

    def _hole(self) -> Expression:
        """The expression between ``${`` and ``}``."""
        self._enter()
        self._next()
        if self._is("~"):
            self._next()
        self._skip_newlines()
        expression = self._expression()
        while self.kind != "end" and not self._is("}"):
            self._next()
        self._depth -= 1
        return expression

    def _heredoc(self) -> Text:
        at = self._at()
        word = self.value.lstrip("<-").strip()
        begin = self.position
        ended = re.compile(rf"^[ \t]*{re.escape(word)}[ \t]*$", re.MULTILINE).search(self.span.text, begin)
        end, after = (ended.start(), ended.end()) if ended else (len(self.span.text), len(self.span.text))
        parts: list[Span | Expression] = []
        while self.position < end:
            found = _HEREDOC_TEXT.match(self.span.text, self.position, end)
            if found is None:
                break
            self.position = found.end()
            parts.append(self.span.part(found.start(), found.end()) if found["text"] else self._hole())
        self.position = max(after, min(self.position, len(self.span.text)))
        self._next()
        return Text(at, parts, heredoc=True)


def _stepped(expression: Expression, step: str) -> Expression:
    if isinstance(expression, Ref) and len(expression.path) < _LONGEST_PATH:
        return Ref(expression.at, (*expression.path, step))
    return Other(expression.at, [expression])


def _indexed(expression: Expression, index: Items) -> Expression:
    inner = index.items[0] if len(index.items) == 1 else None
    if isinstance(expression, Ref) and isinstance(inner, Text) and all(isinstance(part, Span) for part in inner.parts):
        text = "".join(part.text for part in inner.parts if isinstance(part, Span))
        return Ref(expression.at, (*expression.path, text))
    if isinstance(expression, Ref):
        return Ref(expression.at, (*expression.path, "[]"))
    return Other(expression.at, [expression, *index.items])
