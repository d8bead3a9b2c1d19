"""What a module makes known by name, by a tree that is quick to make; for modules of which nothing else is asked."""

from __future__ import annotations

from collections.abc import Iterator

import tree_sitter_python
from tree_sitter import Language, Node, Parser

from scanners.languages.python.exports import Exports

_LANGUAGE = Language(tree_sitter_python.language())
_BRANCHES = frozenset({"if_statement", "try_statement"})
_ARMS = frozenset({"elif_clause", "else_clause", "except_clause", "except_group_clause"})


def outline(data: bytes) -> Exports:
    """The names at the top of a module."""
    own: set[str] = set()
    taken: dict[str, tuple[int, str, str]] = {}
    stars: list[tuple[int, str]] = []
    for node in _top(Parser(_LANGUAGE).parse(data).root_node):
        if node.type == "import_from_statement":
            _import(node, taken, stars)
        else:
            own.update(_own(node))
    return Exports(frozenset(own), taken, tuple(stars))


def _top(root: Node) -> Iterator[Node]:
    """The statements of a module, branches included, in order."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.type in {"module", "block"}:
            waiting += reversed(node.named_children)
        elif node.type in _BRANCHES | _ARMS:
            waiting += [one for one in reversed(node.named_children) if one.type == "block" or one.type in _ARMS]
        else:
            yield node


def _own(node: Node) -> Iterator[str]:
    if node.type == "decorated_definition":
        node = node.child_by_field_name("definition") or node
    if node.type in {"function_definition", "class_definition"}:
        yield _text(node.child_by_field_name("name"))
    elif node.type == "expression_statement" and node.named_children:
        assigned: Node | None = node.named_children[0]
        while assigned is not None and assigned.type == "assignment":
            left = assigned.child_by_field_name("left")
            if left is not None and left.type == "identifier":
                yield _text(left)
            assigned = assigned.child_by_field_name("right")
    elif node.type == "type_alias_statement" and node.named_children:
        yield _text(node.named_children[0]).partition("[")[0]


def _import(node: Node, taken: dict[str, tuple[int, str, str]], stars: list[tuple[int, str]]) -> None:
    source = _text(node.child_by_field_name("module_name"))
    module = source.lstrip(". \t")
    level = source[: len(source) - len(module)].count(".")
    if any(child.type == "wildcard_import" for child in node.named_children):
        stars.append((level, module))
    for name in node.children_by_field_name("name"):
        if name.type == "aliased_import":
            whole, local = _text(name.child_by_field_name("name")), _text(name.child_by_field_name("alias"))
        else:
            whole = local = _text(name)
        taken[local] = (level, module, whole)


def _text(node: Node | None) -> str:
    return "" if node is None or node.text is None else node.text.decode("utf-8", errors="replace")
