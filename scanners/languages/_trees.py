"""JSON and YAML as trees that keep where everything stands, whatever is thrown at them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import yaml

from scanners.languages._places import Span, unescaped, without_doubled
from scanners.unreadable import UnreadableSourceError

_DEEPEST = 200
_MOST_NODES = 1_000_000
_LARGEST = 8 << 20
_LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TRUE = frozenset({"true", "True", "TRUE", "yes", "Yes", "on", "On"})
_FALSE = frozenset({"false", "False", "FALSE", "no", "No", "off", "Off"})
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d*)?")


@dataclass(frozen=True, slots=True, eq=False)
class Scalar:
    """A text, number or word; ``begin`` and ``end`` enclose it in its document, quotes included."""

    text: str
    begin: int
    end: int
    style: str
    document: Span
    tag: str = ""

    @property
    def at(self) -> int:
        """Where it begins in the file."""
        return self.document.place(self.begin)

    @property
    def truth(self) -> bool | None:
        """The boolean it stands for; None when it is none."""
        if self.style:
            return None
        if self.text in _TRUE:
            return True
        return False if self.text in _FALSE else None

    @property
    def is_number(self) -> bool:
        """Whether it is a plain number."""
        return not self.style and _NUMBER.fullmatch(self.text) is not None

    def inner(self) -> Span:
        """Its text with the place of each character, to read into it."""
        whole = self.document.part(self.begin, self.end)
        if self.style in {'"', "'"}:
            quoted = whole.part(1, max(1, len(whole.text) - 1))
            return unescaped(quoted) if self.style == '"' else without_doubled(quoted, "'")
        if self.style in {"|", ">"}:
            head = whole.text.find("\n") + 1
            return whole.part(head or len(whole.text), len(whole.text))
        return whole


@dataclass(slots=True, eq=False)
class Mapping:
    """Keys and values in their order, doubled keys included."""

    at: int
    tag: str = ""
    pairs: list[tuple[Scalar, Node]] = field(default_factory=list)

    def get(self, name: str) -> Node | None:
        """The value of a key; None when there is none."""
        return next((value for key, value in self.pairs if key.text == name), None)

    def text(self, name: str) -> str | None:
        """The text of a key's value; None when it has none."""
        value = self.get(name)
        return value.text if isinstance(value, Scalar) else None


@dataclass(slots=True, eq=False)
class Sequence:
    """Items in their order."""

    at: int
    tag: str = ""
    items: list[Node] = field(default_factory=list)


Node = Scalar | Mapping | Sequence


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment and where it stands."""

    span: Span


@dataclass(slots=True)
class Tree:
    """What a file holds: one document or several, and the comments between."""

    roots: list[Node] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)


def read(span: Span, *, is_json: bool) -> Tree:
    """The tree of a text; raises UnreadableSourceError when it is no such text, or too large or deep."""
    if len(span.text) > _LARGEST:
        raise UnreadableSourceError(f"a document larger than {_LARGEST >> 20} MB")
    return _Json(span).tree() if is_json else _yaml(span)


def walk(roots: list[Node]) -> Iterator[tuple[tuple[str, ...], Node]]:
    """Every node once, aliases or not, each with the last three keys above it; parents before children."""
    seen: set[int] = set()
    stack: list[tuple[tuple[str, ...], Node]] = [((), root) for root in reversed(roots)]
    while stack:
        trail, node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield trail, node
        if isinstance(node, Mapping):
            stack += [((*trail, key.text)[-3:], value) for key, value in reversed(node.pairs)]
        elif isinstance(node, Sequence):
            stack += [(trail, item) for item in reversed(node.items)]


@dataclass(slots=True)
class _Builder:
    """Puts nodes together, bounded."""

    roots: list[Node] = field(default_factory=list)
    stack: list[Mapping | Sequence] = field(default_factory=list)
    keys: list[Scalar | None] = field(default_factory=list)
    count: int = 0

    def put(self, node: Node) -> None:
        """Add a node where the document stands."""
        self.count += 1
        if self.count > _MOST_NODES:
            raise UnreadableSourceError(f"a document of more than {_MOST_NODES:,} parts")
        if not self.stack:
            self.roots.append(node)
            return
        top = self.stack[-1]
        if isinstance(top, Sequence):
            top.items.append(node)
        elif self.keys[-1] is None:
            self.keys[-1] = node if isinstance(node, Scalar) else Scalar("", 0, 0, "?", Span("", node.at))
        else:
            top.pairs.append((self.keys[-1], node))
            self.keys[-1] = None

    def open(self, node: Mapping | Sequence) -> None:
        """Begin a mapping or a sequence."""
        self.put(node)
        if len(self.stack) >= _DEEPEST:
            raise UnreadableSourceError(f"nested deeper than {_DEEPEST} levels")
        self.stack.append(node)
        self.keys.append(None)

    def close(self) -> None:
        """End the innermost mapping or sequence."""
        self.stack.pop()
        self.keys.pop()


def _yaml(span: Span) -> Tree:
    tree = Tree()
    builder = _Builder(tree.roots)
    scalars: list[tuple[int, int]] = []
    try:
        _events(span, builder, scalars)
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark is not None else ""
        raise UnreadableSourceError(f"no YAML{where}: {getattr(error, 'problem', None) or 'not readable'}") from error
    tree.comments = list(_yaml_comments(span, scalars))
    return tree


def _events(span: Span, builder: _Builder, scalars: list[tuple[int, int]]) -> None:
    anchors: dict[str, Node] = {}
    for event in cast("Iterator[Any]", yaml.parse(span.text, Loader=_LOADER)):
        if isinstance(event, yaml.ScalarEvent):
            node: Node = _scalar(span, event)
            scalars.append(_extent(event))
            builder.put(node)
        elif isinstance(event, yaml.MappingStartEvent):
            node = Mapping(span.place(_extent(event)[0]), event.tag or "")
            builder.open(node)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = Sequence(span.place(_extent(event)[0]), event.tag or "")
            builder.open(node)
        elif isinstance(event, yaml.AliasEvent):
            builder.put(anchors.get(event.anchor or "") or _scalar(span, event))
            continue
        else:
            if isinstance(event, yaml.CollectionEndEvent):
                builder.close()
            continue
        if event.anchor:
            anchors[event.anchor] = node


def _extent(event: Any) -> tuple[int, int]:
    return event.start_mark.index, event.end_mark.index


def _scalar(span: Span, event: Any) -> Scalar:
    begin, end = _extent(event)
    tag = getattr(event, "tag", None) or ""
    if tag or getattr(event, "anchor", None):
        begin = _past_properties(span.text, begin)
    return Scalar(getattr(event, "value", ""), begin, end, getattr(event, "style", None) or "", span, tag)


_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*\s+)*")


def _past_properties(text: str, begin: int) -> int:
    found = _PROPERTIES.match(text, begin)
    return found.end() if found else begin


_YAML_COMMENT = re.compile(r"(?:^|(?<=\s))#[^\r\n]*", re.MULTILINE)


def _yaml_comments(span: Span, scalars: list[tuple[int, int]]) -> Iterator[Comment]:
    number = 0
    for found in _YAML_COMMENT.finditer(span.text):
        while number < len(scalars) and scalars[number][1] <= found.start():
            number += 1
        if number < len(scalars) and scalars[number][0] < found.start():
            continue
        yield Comment(span.part(found.start(), found.end()))


_TOKEN = re.compile(
    r"""(?P<space>[\s,]+)|(?P<mark>[{}\[\]:])|(?P<string>"[^"\\]*(?:\\.[^"\\]*)*"|'[^'\\]*(?:\\.[^'\\]*)*')"""
    r"""|(?P<comment>//[^\r\n]*|/\*.*?\*/|\#[^\r\n]*)|(?P<word>[^\s{}\[\],:"'/\#]+)""",
    re.DOTALL,
)


@dataclass(slots=True)
class _Json:
    """JSON, with the comments, single quotes and trailing commas that its dialects allow."""

    span: Span
    builder: _Builder = field(default_factory=_Builder)
    result: Tree = field(default_factory=Tree)

    def tree(self) -> Tree:
        """Read all of it."""
        self.builder.roots = self.result.roots
        position, text = 0, self.span.text
        while position < len(text):
            found = _TOKEN.match(text, position)
            if found is None:
                raise self._broken(position)
            if found.lastgroup != "space":
                self._take(found)
            position = found.end()
        if self.builder.stack:
            raise self._broken(len(text))
        return self.result

    def _take(self, found: re.Match[str]) -> None:
        if found.lastgroup in {"string", "word"}:
            self.builder.put(self._scalar(found))
        elif found.lastgroup == "mark":
            self._mark(found)
        elif found.lastgroup == "comment":
            self.result.comments.append(Comment(self.span.part(found.start(), found.end())))

    def _mark(self, found: re.Match[str]) -> None:
        mark, at = found.group(), self.span.place(found.start())
        if mark == "{":
            self.builder.open(Mapping(at))
        elif mark == "[":
            self.builder.open(Sequence(at))
        elif mark == ":":
            if not self.builder.keys or self.builder.keys[-1] is None:
                raise self._broken(found.start())
        else:
            opened = self.builder.stack[-1] if self.builder.stack else None
            fits = isinstance(opened, Mapping if mark == "}" else Sequence)
            if not fits or self.builder.keys[-1] is not None:
                raise self._broken(found.start())
            self.builder.close()

    def _scalar(self, found: re.Match[str]) -> Scalar:
        text = found.group()
        if found.lastgroup == "word":
            return Scalar(text, found.start(), found.end(), "", self.span)
        plain = unescaped(Span(text[1:-1])).text if "\\" in text else text[1:-1]
        return Scalar(plain, found.start(), found.end(), '"', self.span)

    def _broken(self, position: int) -> UnreadableSourceError:
        line = self.span.text.count("\n", 0, position) + 1
        return UnreadableSourceError(f"no JSON, line {line}: not readable")
