"""Which statements of a module have to do with which of its names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from scanners.languages.python import tree


class Bindings(NamedTuple):
    """The numbers of the statements that give each name what it stands for, and of those that take all names."""

    of: dict[str, tuple[int, ...]]
    stars: tuple[int, ...]


def bindings(body: tree.Block) -> Bindings:
    """What the statements at the top of a module bind, branches included, or put into what a name holds."""
    found: dict[str, list[int]] = {}
    stars: list[int] = []
    made = {name for statement in body for name in _made_by_calls(statement)}
    for number, statement in enumerate(body):
        if isinstance(statement, tree.Do) and not made.isdisjoint(_bound(statement)):
            continue
        for name in dict.fromkeys(_bound(statement)):
            if name == "*":
                stars.append(number)
            else:
                found.setdefault(name, []).append(number)
    return Bindings({name: tuple(numbers) for name, numbers in found.items()}, tuple(stars))


def _made_by_calls(statement: tree.Stmt) -> Iterator[str]:
    """The names of objects: what a module puts into one by its methods is seldom what it is asked for elsewhere."""
    if isinstance(statement, tree.Assign) and isinstance(statement.value, tree.Call):
        func = statement.value.func
        if not isinstance(func, tree.Name) or func.id not in _CONTAINERS:
            yield from (target.id for target in statement.targets if isinstance(target, tree.Name))


_CONTAINERS = frozenset({"dict", "list", "set", "defaultdict", "OrderedDict", "Counter", "deque", "ChainMap"})


def _bound(statement: tree.Stmt) -> Iterator[str]:
    if isinstance(statement, tree.Def | tree.Class):
        yield statement.name
    elif isinstance(statement, tree.Assign):
        for target in statement.targets:
            yield from _roots(target)
    elif isinstance(statement, tree.Declare | tree.Augment):
        yield from _roots(statement.target)
    elif isinstance(statement, tree.Do | tree.Delete):
        for value in statement.values:
            yield from _roots(value)
    elif isinstance(statement, tree.Import):
        yield statement.name if statement.name is not None else statement.module.split(".")[0]
    elif isinstance(statement, tree.From):
        yield from (name if name == "*" else local for name, local in statement.names)
    else:
        yield from _of_compound(statement)


def _of_compound(statement: tree.Stmt) -> Iterator[str]:
    blocks: list[tree.Block] = []
    if isinstance(statement, tree.If):
        blocks = [*(body for _, body in statement.arms), statement.orelse]
    elif isinstance(statement, tree.For | tree.While):
        blocks = [statement.body, statement.orelse]
        yield from _roots(statement.target) if isinstance(statement, tree.For) else ()
    elif isinstance(statement, tree.Try):
        blocks = [statement.body, *(body for _, body in statement.handlers), statement.orelse, statement.final]
    elif isinstance(statement, tree.With):
        blocks = [statement.body]
        for _, target in statement.items:
            yield from _roots(target) if target is not None else ()
    elif isinstance(statement, tree.Match):
        blocks = [body for _, _, body in statement.cases]
    for block in blocks:
        for inner in block:
            yield from _bound(inner)


def _roots(expr: tree.Expr) -> Iterator[str]:
    """The names that an assignment, or a call of a method, changes."""
    if isinstance(expr, tree.Items):
        for value in expr.values:
            yield from _roots(value)
    elif isinstance(expr, tree.Walrus):
        yield expr.name
    elif isinstance(expr, tree.Star | tree.Sub | tree.Attr):
        yield from _roots(expr.value)
    elif isinstance(expr, tree.Call):
        yield from _roots(expr.func) if isinstance(expr.func, tree.Attr) else ()
    elif isinstance(expr, tree.Name):
        yield expr.id


def attributes_assigned(body: tree.Block) -> frozenset[str]:
    """The attributes that statements assign to something."""
    found: set[str] = set()
    waiting: list[object] = [*body]
    while waiting:
        part = waiting.pop()
        if isinstance(part, tree.Assign):
            found |= {target.name for target in part.targets if isinstance(target, tree.Attr)}
        elif isinstance(part, tree.Declare):
            found |= {part.target.name} if isinstance(part.target, tree.Attr) else set()
        elif isinstance(part, tuple) and not isinstance(part, tree.Def | tree.Class | _EXPRESSIONS):
            waiting += part
    return frozenset(found)


_EXPRESSIONS = tree.Call | tree.Attr | tree.Name | tree.Str | tree.Dict | tree.Items | tree.Binary | tree.Joined
