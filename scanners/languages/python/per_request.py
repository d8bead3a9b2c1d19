"""Reads that ask the store anew for every request, where the form of the code around them is plain.

A read counts where a function that plainly serves requests calls an AWS client itself, without any condition before
it: a client of boto3 keeps nothing. A helper in between, or a condition, may be a cache, and is left alone.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from auditor.domain.references import EVERY_REQUEST, Reference, ReferenceKind

_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
_Place = tuple[int, int]

# Methods of clients with the argument that they cannot do without; a client takes arguments by name only.
_CALLS = {
    "get_parameter": "Name",
    "get_parameters": "Names",
    "get_parameters_by_path": "Path",
    "get_item": "Key",
    "batch_get_item": "RequestItems",
    "get_object": "Key",
    "get_configuration": "Configuration",
}
_ROUTES = frozenset({"route", "api_route", "get", "post", "put", "patch", "delete", "head", "options", "websocket"})
_VERBS = frozenset({"get", "post", "put", "patch", "delete"})
_BRANCHES = (ast.If, ast.While, ast.IfExp, ast.Try, ast.ExceptHandler, ast.match_case, ast.BoolOp)


def marked(references: Iterable[Reference], read: Callable[[str], bytes | None]) -> list[Reference]:
    """Return the references, those on every request with a step that says so; ``read`` gives a file's bytes."""
    found = list(references)
    places: dict[str, list[int]] = defaultdict(list)
    for number, one in enumerate(found):
        if one.kind is ReferenceKind.READ and one.path.endswith(".py") and _is_call(one):
            places[one.path].append(number)
    for path, numbers in places.items():
        served = _served(read(path))
        for number in numbers:
            one = found[number]
            by = next((name for begin, end, name in served if begin <= (one.line, one.column) <= end), None)
            if by is not None:
                found[number] = replace(one, resolution=(*one.resolution, f"{EVERY_REQUEST}, in {by}"))
    return found


def _is_call(reference: Reference) -> bool:
    """Tell whether the read itself is a call of one of the methods, not of something that passes the key on."""
    return bool(reference.resolution) and reference.resolution[0].rpartition(".")[2] in _CALLS


def _served(data: bytes | None) -> list[tuple[_Place, _Place, str]]:
    """Return where in a file a client is called for every request, from and to, and in which function."""
    if data is None:
        return []
    try:
        tree = ast.parse(data)
        return [found for function, is_method in _functions(tree) for found in _calls(function, is_method=is_method)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []  # what this Python cannot parse is left alone


def _functions(tree: ast.Module) -> Iterator[tuple[_Function, bool]]:
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, _Function):
                yield child, isinstance(node, ast.ClassDef)


def _calls(function: _Function, *, is_method: bool) -> Iterator[tuple[_Place, _Place, str]]:
    if not _serves(function, is_method=is_method) or any(_is_cache(one) for one in function.decorator_list):
        return
    for node in _always(function.body):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.args:
            wanted = _CALLS.get(node.func.attr)
            if wanted is not None and any(keyword.arg == wanted for keyword in node.keywords):
                yield _begin(node), _end(node), function.name


def _always(nodes: Sequence[ast.AST]) -> Iterator[ast.AST]:
    """Yield what is evaluated whenever the function is called; of a branch that is its test."""
    for node in nodes:
        yield node
        if isinstance(node, (*_BRANCHES, ast.Lambda, ast.ClassDef, *_Function.__args__)):
            test = getattr(node, "test", None)
            inner = [test] if isinstance(test, ast.AST) else list(getattr(node, "values", ()))[:1]
            if isinstance(node, ast.Try):
                inner = list(node.body)
        elif isinstance(node, ast.For | ast.AsyncFor):
            inner = [node.iter]
        else:
            inner = list(ast.iter_child_nodes(node))
        yield from _always(inner)
        if isinstance(node, ast.Return):
            return


def _serves(function: _Function, *, is_method: bool) -> bool:
    """Tell whether a function plainly serves requests: a Lambda handler, a route, a view."""
    names = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
    if any(_is_route(one) for one in function.decorator_list) or names[:2] == ["event", "context"]:
        return True
    if is_method:
        return function.name in _VERBS and names[1:2] == ["request"]
    return names[:1] == ["request"]


def _is_route(decorator: ast.expr) -> bool:
    return (
        isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Attribute)
        and decorator.func.attr in _ROUTES
        and bool(decorator.args)
    )


def _is_cache(decorator: ast.expr) -> bool:
    name = ast.unparse(decorator).lower()
    return "cache" in name or "memo" in name


def _begin(node: ast.expr) -> _Place:
    return node.lineno, node.col_offset + 1


def _end(node: ast.expr) -> _Place:
    return node.end_lineno or node.lineno, (node.end_col_offset or node.col_offset) + 1
