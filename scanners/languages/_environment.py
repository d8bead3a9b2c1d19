"""Environment variables and settings that documents give values, in the forms that deployments use."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from scanners.keytext import KeyText
from scanners.languages._findings import Findings
from scanners.languages._trees import Mapping, Node, Scalar, Sequence

_HOLDERS = frozenset(
    {
        "env",
        "environment",
        "environmentvariables",
        "environment_variables",
        "environment-variables",
        "env_vars",
        "envvars",
        "env-variables",
        "variables",
        "build_args",
        "args",
        "data",
        "stringdata",
        "config",
        "runtimeenvironmentvariables",
    }
)
_NAME = re.compile(r"[A-Za-z_][\w.-]*")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_LOOSE = frozenset({"data", "stringdata", "config", "args", "variables"})
# What the Serverless framework fills with a parameter's value.
SERVERLESS = re.compile(r"\$\{ssm(?:\([^)]*\))?:(?P<name>(?:[^}~,$]|\$\{[^}]*\})+)(?:~\w+)?[^}]*\}")
_SCOPES = frozenset({"env", "variables", "environment"})
_PAIRS = (("name", "value"), ("Name", "Value"), ("key", "value"), ("Key", "Value"))


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable, where its name stands, and the node that gives its value."""

    name: str
    at: int
    value: Node


def variables_of(trail: tuple[str, ...], node: Node) -> Iterator[Variable]:
    """The variables that a node gives values, by the name of what holds it."""
    if not trail or trail[-1].lower() not in _HOLDERS:
        return
    loose = trail[-1].lower() in _LOOSE
    if isinstance(node, Mapping):
        pairs = list(_named_pair(node))
        yield from pairs
        for key, value in node.pairs:
            if not pairs and (_VARIABLE if loose else _NAME).fullmatch(key.text):
                yield Variable(key.text, key.at, value)
    elif isinstance(node, Sequence):
        for item in node.items:
            if isinstance(item, Scalar):
                yield from _assignment(item)


def scripts(roots: list[Node], names: frozenset[str]) -> Iterator[tuple[Scalar, list[Variable]]]:
    """Every script of a document, by the names that hold scripts, with the variables that are set around it."""
    seen: set[int] = set()
    stack: list[tuple[str, Node, tuple[Variable, ...]]] = [("", root, ()) for root in reversed(roots)]
    while stack:
        name, node, around = stack.pop()
        if isinstance(node, Scalar):
            if name in names:
                yield node, list(around)
            continue
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, Sequence):
            stack += [(name, item, around) for item in reversed(node.items)]
            continue
        inner = (*around, *_set_beside(node))
        stack += [(key.text.lower(), value, inner) for key, value in reversed(node.pairs)]


def _set_beside(node: Mapping) -> Iterator[Variable]:
    for key, value in node.pairs:
        if key.text.lower() in _SCOPES:
            yield from variables_of((key.text,), value)
            if isinstance(value, Mapping):
                yield from _set_beside(value)


def _named_pair(node: Mapping) -> Iterator[Variable]:
    for name, value in _PAIRS:
        named, given = node.get(name), node.get(value)
        if isinstance(named, Scalar) and given is not None and _NAME.fullmatch(named.text):
            yield Variable(named.text, named.at, given)


def _assignment(item: Scalar) -> Iterator[Variable]:
    name, equals, value = item.text.partition("=")
    if equals and _NAME.fullmatch(name):
        quotes = 1 if item.style else 0
        begin = item.begin + quotes + len(name) + 1
        held = Scalar(value.strip("\"'"), begin, item.end - quotes, "", item.document)
        yield Variable(name, item.at, held)


def bind(findings: Findings, variable: Variable, texts: Callable[[Node], tuple[KeyText, ...]]) -> None:
    """Report a variable that holds a key or is a flag, and hand it on to those that read it."""
    value = variable.value
    begin = value.at
    for text in texts(value):
        findings.bound(variable.name, text, begin, "an environment variable", variable.at)
    if not texts(value):
        findings.bound(variable.name, KeyText((None,)), begin, "an environment variable", variable.at)


def plain_texts(node: Node) -> tuple[KeyText, ...]:
    """The text of a scalar, with the references in it that others fill in as unknown parts."""
    if not isinstance(node, Scalar):
        return ()
    read = SERVERLESS.fullmatch(node.text.strip())
    return (with_holes(read["name"] if read is not None else node.text),)


_HOLE = re.compile(r"\$\{\{[^}]*\}\}|\$\{[^}]*\}|\$\([^)]*\)|\{\{[^}]*\}\}|\$[A-Za-z_]\w*")


def with_holes(text: str) -> KeyText:
    """A text in which ``${...}`` and its kin are unknown."""
    parts: list[str | None] = []
    position = 0
    for found in _HOLE.finditer(text):
        parts += [text[position : found.start()], None]
        position = found.end()
    return KeyText.of([*parts, text[position:]])
