"""What the body of a function mentions, told from the interpreter's tree without making the scanner's own of it.

Of all functions of a tree few are ever followed. The others need no tree: it is enough to know the names in them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from scanners.languages.python import tree


class UnknownError(Exception):
    """A kind of node that nobody taught."""


@dataclass(slots=True)
class Gathered:
    """The names in a body and what is spelled there, as ``tree.Spelled`` keeps it, and the ``functions`` inside."""

    classes: list[str]
    functions: list[tuple[str, frozenset[str]]]
    mentions: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)
    walrus: set[str] = field(default_factory=set)
    imports: set[str] = field(default_factory=set)
    assigned: set[str] = field(default_factory=set)
    yields: bool = False

    def told(self) -> tree.Spelled:
        """What was gathered."""
        names, others, walrus = frozenset(self.names), frozenset(self.others), frozenset(self.walrus)
        return tree.Spelled(names, others, walrus, frozenset(self.imports), frozenset(self.assigned), self.yields)

    def take(self, nodes: Iterable[ast.AST]) -> None:
        """Gather from statements and expressions; raises UnknownError."""
        waiting: list[Any] = list(nodes)
        while waiting:
            node = waiting.pop()
            kind = type(node)
            if kind is ast.Name:
                self.names.add(node.id)
                self.mentions.add(node.id)
            elif kind is ast.Attribute:
                self.mentions.add(node.attr)
                waiting.append(node.value)
            elif kind is ast.Constant:
                _constant(self, node.value)
            elif kind is ast.Call:
                waiting.append(node.func)
                waiting += node.args
                waiting += node.keywords
            elif node is not None:
                special = _SPECIAL.get(kind)
                if special is not None:
                    special(self, node)
                for name in _parts(kind):
                    part = getattr(node, name)
                    if part.__class__ is list:
                        waiting += part
                    elif part is not None:
                        waiting.append(part)


def _constant(found: Gathered, value: object) -> None:
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if isinstance(value, str) and value.isidentifier():
        found.others.add(value)


def _keyword(found: Gathered, node: ast.keyword) -> None:
    if node.arg is not None:
        found.others.add(node.arg)


def _assigns(found: Gathered, node: ast.Assign | ast.AnnAssign) -> None:
    targets = node.targets if isinstance(node, ast.Assign) else (node.target,)
    found.assigned.update(target.attr for target in targets if isinstance(target, ast.Attribute))


def _import(found: Gathered, node: ast.Import) -> None:
    for alias in node.names:
        found.imports.add(alias.name.split(".", 1)[0])
        found.mentions.update(alias.name.split("."), filter(None, [alias.asname]))


def _from(found: Gathered, node: ast.ImportFrom) -> None:
    module = node.module or ""
    if not node.level:
        found.imports.add(module.split(".", 1)[0])
    found.mentions.update(module.split(".") if module else ())
    for alias in node.names:
        found.mentions.update(filter(None, [alias.name.strip("*"), alias.asname]))


def _handler(found: Gathered, node: ast.ExceptHandler) -> None:
    if node.name is not None:
        found.mentions.add(node.name)
    _only_mentioned(found, node.type)


def _only_mentioned(found: Gathered, node: ast.expr | None) -> None:
    """The scanner's tree has no place for this."""
    inner = Gathered(found.classes, found.functions)
    inner.take([] if node is None else [node])
    found.mentions |= inner.mentions


def _formatted(found: Gathered, node: ast.FormattedValue) -> None:
    _only_mentioned(found, node.format_spec)


def _named(found: Gathered, node: ast.NamedExpr) -> None:
    found.walrus.add(node.target.id)
    found.mentions.add(node.target.id)


def _yield(found: Gathered, _node: ast.AST) -> None:
    found.yields = True


def _function(found: Gathered, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    inner = Gathered(found.classes, found.functions)
    inner.take(node.body)
    mentions = frozenset(inner.mentions)
    found.functions += [(known_as, mentions) for known_as in (node.name, *found.classes[-1:])]
    found.mentions |= mentions
    found.names |= inner.names
    found.others |= inner.others | mentions
    found.walrus |= inner.walrus
    found.imports |= inner.imports
    found.yields = found.yields or inner.yields


def _class(found: Gathered, node: ast.ClassDef) -> None:
    assigned, found.assigned = found.assigned, set()
    found.classes.append(node.name)
    found.take(node.body)
    found.classes.pop()
    found.assigned = assigned


def _parts(kind: type[ast.AST]) -> Sequence[str]:
    found = _PARTS.get(kind)
    if found is None:
        raise UnknownError
    return found


_SPECIAL: dict[type, Any] = {
    ast.keyword: _keyword,
    ast.Assign: _assigns,
    ast.AnnAssign: _assigns,
    ast.Import: _import,
    ast.ImportFrom: _from,
    ast.ExceptHandler: _handler,
    ast.FormattedValue: _formatted,
    ast.NamedExpr: _named,
    ast.Yield: _yield,
    ast.YieldFrom: _yield,
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.ClassDef: _class,
}
# Of a function and a class what belongs to the code around; of an ``arguments`` node all.
_DEFINED = ("decorator_list", "args", "returns")
_PARTS: dict[type[ast.AST], Sequence[str]] = {
    ast.Expr: ("value",),
    ast.Assign: ("targets", "value"),
    ast.AnnAssign: ("target", "annotation", "value"),
    ast.AugAssign: ("target", "value"),
    ast.Return: ("value",),
    ast.Raise: ("exc", "cause"),
    ast.Break: (),
    ast.Continue: (),
    ast.Pass: (),
    ast.Assert: ("test", "msg"),
    ast.Delete: ("targets",),
    ast.Import: (),
    ast.ImportFrom: (),
    ast.Global: (),
    ast.Nonlocal: (),
    ast.If: ("test", "body", "orelse"),
    ast.For: ("target", "iter", "body", "orelse"),
    ast.AsyncFor: ("target", "iter", "body", "orelse"),
    ast.While: ("test", "body", "orelse"),
    ast.Try: ("body", "handlers", "orelse", "finalbody"),
    ast.ExceptHandler: ("body",),
    ast.With: ("items", "body"),
    ast.AsyncWith: ("items", "body"),
    ast.withitem: ("context_expr", "optional_vars"),
    ast.FunctionDef: _DEFINED,
    ast.AsyncFunctionDef: _DEFINED,
    ast.ClassDef: ("decorator_list", "bases", "keywords"),
    ast.arguments: ("posonlyargs", "args", "vararg", "kwonlyargs", "kwarg", "defaults", "kw_defaults"),
    ast.arg: ("annotation",),
    ast.keyword: ("value",),
    ast.JoinedStr: ("values",),
    ast.FormattedValue: ("value",),
    ast.Subscript: ("value", "slice"),
    ast.Slice: ("lower", "upper", "step"),
    ast.BinOp: ("left", "right"),
    ast.BoolOp: ("values",),
    ast.UnaryOp: ("operand",),
    ast.Compare: ("left", "comparators"),
    ast.IfExp: ("test", "body", "orelse"),
    ast.Lambda: ("args", "body"),
    ast.List: ("elts",),
    ast.Tuple: ("elts",),
    ast.Set: ("elts",),
    ast.Starred: ("value",),
    ast.Dict: ("keys", "values"),
    ast.ListComp: ("elt", "generators"),
    ast.SetComp: ("elt", "generators"),
    ast.GeneratorExp: ("elt", "generators"),
    ast.DictComp: ("key", "value", "generators"),
    ast.comprehension: ("target", "iter", "ifs"),
    ast.Await: ("value",),
    ast.Yield: ("value",),
    ast.YieldFrom: ("value",),
    ast.NamedExpr: ("value",),
}
if hasattr(ast, "TryStar"):
    _PARTS[ast.TryStar] = _PARTS[ast.Try]
