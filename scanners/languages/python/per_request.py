"""Reads that ask the store anew for every request, where the form of the code around them is plain.

A read counts where a function that plainly serves requests calls an AWS client whenever it runs, itself or through
functions of the repository, as far as the scan followed them: a client of boto3 keeps nothing. What may keep an answer
is left alone: a condition, a way out before the call, a decorator that caches, a library that does.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Protocol, TypeAlias

from auditor.domain.references import EVERY_REQUEST, FlagSpec, Reference, ReferenceKind

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
# Functions of Powertools that keep what they got, unless they are told not to.
_KEEPING = frozenset({"get_app_config", "get_parameters_by_name"})
_ROUTES = frozenset({"route", "api_route", "get", "post", "put", "patch", "delete", "head", "options", "websocket"})
_VERBS = frozenset({"get", "post", "put", "patch", "delete"})
_BRANCHES = (ast.If, ast.While, ast.IfExp, ast.Try, ast.ExceptHandler, ast.match_case, ast.BoolOp)


def asking(references: Iterable[Reference]) -> dict[Key, Reference]:
    """The reads that may ask the store, by place."""
    return {(one.flag, one.path, one.line): one for one in references if _may_ask(one)}


def marked(references: Iterable[Reference], inner: Inner, code: Code) -> list[Reference]:
    """Return the references, those on every request with a step that says so; ``inner`` are all reads that may ask."""
    found = list(references)
    for number, one in enumerate(found):
        by = code.served(one, inner) if _may_ask(one) else None
        if by is not None:
            found[number] = replace(one, resolution=(*one.resolution, f"{EVERY_REQUEST}, in {by}"))
    return found


def _may_ask(reference: Reference) -> bool:
    """Tell whether a reference is a read by one of the methods, or by what passes a key on to one, or fixes it."""
    if reference.kind is not ReferenceKind.READ or not reference.path.endswith(".py"):
        return False
    steps = reference.resolution
    asked = steps[0].rpartition(".")[2] if steps else ""
    return asked in _CALLS or asked in _KEEPING or _asked_at(reference) is not None


def _asked_at(reference: Reference) -> tuple[str, int] | None:
    """Return where a wrapper asks for the flag that it fixes, at a place that uses it."""
    told = next((found for step in reference.resolution if (found := _ASKED_AT.search(step))), None)
    return None if told is None else (told["path"], int(told["line"]))


_PASSED = re.compile(r"^passed to (?P<name>\S+) at (?P<path>.+):(?P<line>\d+)$")
_ASKED_AT = re.compile(r" is asked for at (?P<path>.+):(?P<line>\d+)$")
Key = tuple[FlagSpec, str, int]


class Inner(Protocol):
    """Reads by flag, file and line."""

    def get(self, key: Key, /) -> Reference | None:
        """The read at a place, or None."""


_MOST_WRAPPERS = 8
_BLANK = rb"(?:[\s\\]|#[^\r\n]*[\r\n])*"
# Whatever ``_serves`` may say yes to begins like one of these.
_SERVING = re.compile(
    rb"\bdef\s(?:[^(]*)\(" + _BLANK + rb"(?:request|event)\b"
    rb"|\bdef[\s\\]+(?:" + "|".join(sorted(_VERBS)).encode() + rb")\b"
    rb"|@" + _BLANK + rb"\("
    rb"|@[^\r\n]*?\.[\s\\]*(?:" + "|".join(sorted(_ROUTES)).encode() + rb")[\s\\]*\("
)
# A syntax tree takes some forty times the memory of its file.
_MOST_HELD = 24


@dataclass(slots=True)
class Code:
    """Files as they are asked for, the last few held; what this Python cannot parse is left alone.

    ``seen`` are those that were asked for.
    """

    read: Callable[[str], bytes | None]
    seen: set[str] = field(default_factory=set)
    modules: dict[str, ast.Module] = field(default_factory=dict)
    serving: dict[str, bool] = field(default_factory=dict)
    functions: dict[str, list[_Function]] = field(default_factory=dict)
    imports: dict[str, list[str]] = field(default_factory=dict)

    def served(self, one: Reference, inner: Inner) -> str | None:
        """Return the function that serves requests and always comes by this read, which no cache stands before."""
        place = (one.line, one.column)
        for function, is_method in _around(self._module(one.path), one.line) if self._may_serve(one.path) else ():
            if _covers(function, place) and _serves(function, is_method=is_method) and not _is_cached(function):
                calls = [node for node in _always(function.body, _guards(function)) if isinstance(node, ast.Call)]
                if any(self._asks(call, one, inner) for call in calls if _covers(call, place)):
                    return function.name
        return None

    def _asks(self, call: ast.Call, one: Reference, inner: Inner, depth: int = _MOST_WRAPPERS) -> bool:
        """Tell whether a call that holds a reference asks a client whenever it is made."""
        place = (one.line, one.column)
        passed = [found for step in one.resolution if (found := _PASSED.match(step))]
        fixed = _asked_at(one)
        if fixed is not None:
            other = inner.get((one.flag, *fixed))
            within = self._enclosing(*fixed)
            if depth == 0 or other is None or within is None or not _covers(call.func, place):
                return False
            return _called(call) == within.name and any(
                self._asks(deeper, other, inner, depth - 1)
                for deeper in _calls_always(within)
                if _covers(deeper, (other.line, other.column))
            )
        if not passed:
            return _is_client_call(call)
        if _called(call) != passed[-1]["name"] or _covers(call.func, place):
            return False
        for step, outer in pairwise(passed):
            within = self._enclosing(step["path"], int(step["line"]))
            if within is None or within.name != outer["name"]:
                return False
            if not any(_called(node) == step["name"] for node in _calls_always(within)):
                return False
        return self._asks_itself(passed[0]["name"], passed[0]["path"])

    def _asks_itself(self, name: str, path: str) -> bool:
        """Tell whether every function of this name that a file may mean, and that asks a client, always does."""
        meant = [
            function
            for file in (path, *self._imported(path))
            for function in self._functions(file)
            if function.name == name and any(_is_client_call(node) for node in ast.walk(function))
        ]
        return bool(meant) and all(any(map(_is_client_call, _calls_always(one))) for one in meant)

    def _enclosing(self, path: str, line: int) -> _Function | None:
        """Return the innermost function that a line stands in."""
        around = [one for one, _ in _around(self._module(path), line)]
        return max(around, key=lambda one: one.lineno, default=None)

    def _may_serve(self, path: str) -> bool:
        """Tell from its bytes whether a file may hold a function that serves requests."""
        self.seen.add(path)
        if path not in self.serving:
            data = self.read(path)
            self.serving[path] = data is not None and _SERVING.search(data) is not None
        return self.serving[path]

    def _module(self, path: str) -> ast.Module:
        self.seen.add(path)
        if path not in self.modules:
            if len(self.modules) >= _MOST_HELD:
                oldest = next(iter(self.modules))
                for held in (self.modules, self.functions, self.imports):
                    held.pop(oldest, None)
            data = self.read(path)
            try:
                self.modules[path] = ast.parse(data) if data is not None else ast.Module([], [])
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                self.modules[path] = ast.Module([], [])
        return self.modules[path]

    def _functions(self, path: str) -> list[_Function]:
        """Return all functions of a file."""
        self.seen.add(path)
        if path not in self.functions:
            self.functions[path] = [one for one in ast.walk(self._module(path)) if isinstance(one, _Function)]
        return self.functions[path]

    def _imported(self, path: str) -> list[str]:
        """Return the files of the repository that a file may import."""
        self.seen.add(path)
        if path not in self.imports:
            self.imports[path] = list(_imports(self._module(path), path))
        return self.imports[path]


def _imports(tree: ast.Module, path: str) -> Iterator[str]:
    """Yield where the modules that a file imports may lie: below any folder above it."""
    folders = PurePosixPath(path).parents
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            above = [folders[node.level - 1]] if 0 < node.level <= len(folders) else [] if node.level else folders
            base = (node.module or "").replace(".", "/")
            names = [base, *(f"{base}/{one.name}".lstrip("/") for one in node.names)]
        elif isinstance(node, ast.Import):
            above, names = folders, [one.name.replace(".", "/") for one in node.names]
        else:
            continue
        yield from (str(folder / f"{name}{end}") for folder in above for name in names if name for end in _ENDS)


_ENDS = (".py", "/__init__.py")


def _around(tree: ast.Module, line: int) -> list[tuple[_Function, bool]]:
    """Return the functions that a line stands in, outermost first, and whether each is a method."""
    found = []
    waiting: list[ast.AST] = [tree]
    for node in waiting:
        for child in ast.iter_child_nodes(node):
            first: int | None = getattr(child, "lineno", None)
            if first is not None and not first <= line <= (getattr(child, "end_lineno", None) or first):
                continue
            waiting.append(child)
            if isinstance(child, _Function):
                found.append((child, isinstance(node, ast.ClassDef)))
    return found


def _calls_always(function: _Function) -> Iterator[ast.Call]:
    """Yield the calls that a helper makes whenever it is called, none where it may keep what it got."""
    if not _is_cached(function):
        yield from (node for node in _always(function.body, frozenset()) if isinstance(node, ast.Call))


def _is_client_call(node: ast.AST) -> bool:
    """Tell whether a call asks the store whenever it is made: a client's, or one that is told to keep nothing."""
    if not isinstance(node, ast.Call):
        return False
    if any(_keeps_nothing(keyword) for keyword in node.keywords):
        return _called(node) in _CALLS or _called(node) in _KEEPING
    if not isinstance(node.func, ast.Attribute) or node.args:
        return False
    wanted = _CALLS.get(node.func.attr)
    return wanted is not None and any(keyword.arg == wanted for keyword in node.keywords)


def _keeps_nothing(keyword: ast.keyword) -> bool:
    """Tell whether an argument switches the cache of Powertools off."""
    if not isinstance(keyword.value, ast.Constant):
        return False
    value = keyword.value.value
    return (keyword.arg == "force_fetch" and value is True) or (keyword.arg == "max_age" and value == 0)


def _called(call: ast.Call) -> str | None:
    """Return the last part of the name of what is called."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else None


def _always(nodes: Sequence[ast.AST], asked: frozenset[str]) -> Iterator[ast.AST]:
    """Yield what is evaluated whenever the function is called; of a branch that is its test.

    What stands behind a way out is not; a way out by a condition on one of ``asked`` apart.
    """
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
        yield from _always(inner, asked)
        if isinstance(node, ast.Return) or _may_leave(node, asked):
            return


def _may_leave(node: ast.AST, asked: frozenset[str]) -> bool:
    """Tell whether a statement is a way out, unless it only turns away what is asked wrongly."""
    if not isinstance(
        node, ast.If | ast.Try | ast.For | ast.AsyncFor | ast.While | ast.Match | ast.With | ast.AsyncWith
    ):
        return False
    if isinstance(node, ast.If) and any(isinstance(one, ast.Name) and one.id in asked for one in ast.walk(node.test)):
        return False
    return any(isinstance(one, ast.Return) for one in ast.walk(node))


def _guards(function: _Function) -> frozenset[str]:
    """Return the names of what a function is asked with."""
    return frozenset(one.arg for one in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs))


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


def _is_cached(function: _Function) -> bool:
    """Tell whether a decorator may keep what a function gives."""
    names = [ast.unparse(one).lower() for one in function.decorator_list]
    return any("cache" in name or "memo" in name for name in names)


def _covers(node: ast.expr | _Function, place: _Place) -> bool:
    end = node.end_lineno or node.lineno, (node.end_col_offset or node.col_offset) + 1
    return (node.lineno, node.col_offset + 1) <= place <= end
