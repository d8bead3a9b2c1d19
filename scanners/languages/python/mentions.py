"""Whether Python code asks for one of a set of names, told by a tree that is quick to make and never by libcst's."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

import tree_sitter_python
from tree_sitter import Language, Node, Parser

_LANGUAGE = Language(tree_sitter_python.language())


def asks_one_of(data: bytes, names: Iterable[bytes]) -> bool:
    """Whether a name stands in code, or whole in a string; prose and definitions of that name do not count.

    What is no name but a part of a URL counts in any string that is not prose. Where there is doubt the answer is
    yes: the file is followed for nothing then, which finds nothing.
    """
    urls = {name for name in names if _OF_URL.search(name)}
    places = list(_places(data, set(names) - urls))
    if any(_is_plainly_code(data, begin) for begin, _ in places):
        return True
    root = Parser(_LANGUAGE).parse(data).root_node
    return any(_is_asked(root, *place) for place in places) or any(
        _is_spelled(root, *found.span()) for url in urls for found in re.finditer(re.escape(url), data)
    )


def _is_plainly_code(data: bytes, begin: int) -> bool:
    """Whether a name stands behind nothing that opens a text or a comment, as far as is seen without a tree."""
    before = data[data.rfind(b"\n", 0, begin) + 1 : begin]
    return (
        not _OPENING.search(before)
        and not before.rstrip().endswith(b"def")
        and data.count(b'"""', 0, begin) % 2 == 0
        and data.count(b"'''", 0, begin) % 2 == 0
    )


_OPENING = re.compile(rb"['\"#]")
_OF_URL = re.compile(rb"[/:?&=]")


def _places(data: bytes, names: Collection[bytes]) -> Iterator[tuple[int, int]]:
    if not names:
        return
    alternatives = b"|".join(re.escape(name) for name in sorted(names))
    for found in re.finditer(rb"(?<![A-Za-z0-9_])(?:" + alternatives + rb")(?![A-Za-z0-9_])", data):
        yield found.span()


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
