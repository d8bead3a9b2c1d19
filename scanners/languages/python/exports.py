"""What a module makes known by name, told from its text without following it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from scanners.languages.python import tree


class Exports(NamedTuple):
    """Names a module defines itself, names it takes from others, and the modules it takes all names from."""

    own: frozenset[str]
    taken: dict[str, tuple[int, str, str]]
    stars: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Stars:
    """Modules that all names are taken from, in order, by the names they have; ``whole`` may have any name."""

    order: dict[str, int]
    named: dict[str, frozenset[str]]
    whole: frozenset[str]

    @classmethod
    def of(cls, held: Iterable[tuple[str, Exports | None]]) -> Stars:
        """These modules, with what each makes known."""
        modules = dict(held)
        named: dict[str, set[str]] = {}
        for path, found in modules.items():
            for name in (*found.own, *found.taken) if found is not None else ():
                named.setdefault(name, set()).add(path)
        whole = frozenset(path for path, found in modules.items() if found is None or found.stars)
        order = {path: number for number, path in enumerate(modules)}
        return cls(order, {name: frozenset(paths) for name, paths in named.items()}, whole)

    def having(self, name: str) -> list[str]:
        """The modules that have a name, or may."""
        return sorted(self.whole | self.named.get(name, frozenset()), key=self.order.__getitem__)


def exports(module: tree.Module) -> Exports:
    """The names at the top of a module."""
    own: set[str] = set()
    taken: dict[str, tuple[int, str, str]] = {}
    stars: list[tuple[int, str]] = []
    for statement in _top(module.body):
        if isinstance(statement, tree.Def | tree.Class):
            own.add(statement.name)
        elif isinstance(statement, tree.Assign):
            own.update(target.id for target in statement.targets if isinstance(target, tree.Name))
        elif isinstance(statement, tree.Declare) and isinstance(statement.target, tree.Name):
            own.add(statement.target.id)
        elif isinstance(statement, tree.From):
            for name, local in statement.names:
                if name == "*":
                    stars.append((statement.level, statement.module))
                else:
                    taken[local] = (statement.level, statement.module, name)
    return Exports(frozenset(own), taken, tuple(stars))


def _top(block: tree.Block) -> Iterator[tree.Stmt]:
    """The statements of a block, branches included."""
    for statement in block:
        yield statement
        if isinstance(statement, tree.If):
            for _, body in statement.arms:
                yield from _top(body)
            yield from _top(statement.orelse)
        elif isinstance(statement, tree.Try):
            for body in (statement.body, *(body for _, body in statement.handlers), statement.orelse):
                yield from _top(body)


def libraries(module: tree.Module) -> frozenset[str]:
    """The first names of all that a file imports from outside of its package, wherever in the file."""
    found: set[str] = set()
    waiting: list[object] = [*module.body]
    while waiting:
        part = waiting.pop()
        if isinstance(part, tree.Import) or (isinstance(part, tree.From) and not part.level):
            found.add(part.module.split(".", 1)[0])
        elif isinstance(part, tree.Def | tree.Class):
            body = part.body
            if isinstance(body, tree.Folded):
                found |= body.spelled.imports
            else:
                waiting += body
        elif isinstance(part, tree.If | tree.Try | tree.With | tree.For | tree.While) or type(part) is tuple:
            waiting += part
    return frozenset(found)
