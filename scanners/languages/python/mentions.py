"""Whether Python code asks for one of a set of names, told by a tree that is quick to make and never by libcst's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import tree_sitter_python
from tree_sitter import Language, Node, Parser

_LANGUAGE = Language(tree_sitter_python.language())


def asks_one_of(data: bytes, names: Iterable[bytes]) -> bool:
    """Whether a name stands in code, or whole in a string; prose and definitions of that name do not count.

    What is no name but a part of a URL counts in any string that is not prose. Where there is doubt the answer is
    yes: the file is followed for nothing then, which finds nothing.
    """
    urls = {name for name in names if _OF_URL.search(name)}
    places = [place for name in set(names) - urls for place in _places(data, name) if stands_alone(data, *place)]
    spelled = [place for url in urls for place in _places(data, url)]
    doubt = False
    for asked in _read(data, sorted([*((place, False) for place in places), *((place, True) for place in spelled)])):
        if asked:
            return True
        doubt = doubt or asked is None
    if not doubt:
        return False
    root = Parser(_LANGUAGE).parse(data).root_node
    return any(_is_asked(root, *place) for place in places) or any(_is_spelled(root, *place) for place in spelled)


def _read(data: bytes, places: Iterable[tuple[tuple[int, int], bool]]) -> Iterator[bool | None]:
    """Whether a name at each place, or a part of a URL, is asked for, as far as the texts and comments before tell."""
    tokens = _TOKEN.finditer(data)
    token = next(tokens, None)
    for (begin, end), is_url in places:
        while token is not None and token.end() <= begin and token["open"] is None:
            token = next(tokens, None)
        if token is None or token.start() > begin:
            yield _DEFINING.search(data, data.rfind(b"\n", 0, begin) + 1, begin) is None
        elif token["open"] is not None or _FORMATTED.search(data, max(0, token.start() - 2), token.start()):
            yield None
        elif token["text"] is None:
            yield False
        elif is_url:
            # Prose stands alone, and so do the arguments of a call that has a line for each.
            yield True if data[data.rfind(b"\n", 0, token.start()) + 1 : token.start()].strip() else None
        else:
            quotes = _QUOTES.match(token["text"])
            size = quotes.end() if quotes is not None else 0
            yield (token.start("text") + size, token.end() - size) == (begin, end)


# A comment, a text, or what opens a text that does not end.
_TOKEN = re.compile(
    rb"#[^\n]*|(?P<text>"
    rb"\"\"\"[^\"\\]*(?:(?:\\.|\"(?!\"\"))[^\"\\]*)*\"\"\"|'''[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*'''"
    rb"|\"(?!\"\")[^\"\\\n]*(?:\\.[^\"\\\n]*)*\"|'(?!'')[^'\\\n]*(?:\\.[^'\\\n]*)*')|(?P<open>['\"])",
    re.DOTALL,
)
_QUOTES = re.compile(rb"\"\"\"|'''|\"|'")
_FORMATTED = re.compile(rb"[fF][rR]?$")
_DEFINING = re.compile(rb"\bdef\s+$")
_OF_URL = re.compile(rb"[/:?&=]")


def _places(data: bytes, name: bytes) -> Iterator[tuple[int, int]]:
    """Where a text stands."""
    at = data.find(name)
    while at >= 0:
        yield at, at + len(name)
        at = data.find(name, at + 1)


def stands_alone(data: bytes, begin: int, end: int) -> bool:
    """Whether no name begins before, or ends behind, what stands there."""
    around = data[max(0, begin - 1) : begin] + data[end : end + 1]
    return _WORD.isdisjoint(around)


_WORD = frozenset(b"_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


def _is_asked(root: Node, begin: int, end: int) -> bool:
    node = root.descendant_for_byte_range(begin, end)
    if node is None:
        return True
    if node.type == "identifier":
        parent = node.parent
        return parent is None or parent.type != "function_definition"
    if node.type in _TEXT:
        return (node.start_byte, node.end_byte) == (begin, end)
    return node.type != "comment"


def _is_spelled(root: Node, begin: int, end: int) -> bool:
    node = root.descendant_for_byte_range(begin, end)
    while node is not None and node.type in _TEXT:
        node = node.parent
    return node is None or node.type not in {"comment", "expression_statement"}


_TEXT = frozenset({"string_content", "string", "concatenated_string", "escape_sequence"})
