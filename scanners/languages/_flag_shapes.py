"""Flag documents, known by their shape alone: which of their keys are flags, and of which stores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from scanners.languages._trees import Mapping, Node, Scalar, Sequence

_STORES = frozenset({"appconfig"})
_PERHAPS = frozenset({"s3", "dynamodb", "openfeature"})
_HALVES = frozenset({"version", "flags", "values", "$schema"})
_POWERTOOLS_FIELDS = frozenset({"default", "boolean_type", "rules", "description"})
_FLAGD_FIELDS = frozenset({"state", "variants", "defaultVariant", "targeting"})
_DEPTH = 6


@dataclass(frozen=True, slots=True)
class Shape:
    """A form of flag document: for people, the stores it surely serves, and those it may serve."""

    name: str
    sure: frozenset[str] = _STORES
    perhaps: frozenset[str] = _PERHAPS
    certain: bool = True


_APPCONFIG = Shape("an AppConfig feature-flag document")
_POWERTOOLS = Shape("a Powertools flag document")
_RETRIEVED = Shape("a flag document as AppConfig gives it")
_FLAGD = Shape("a flagd document", frozenset({"openfeature"}), frozenset())
_LAUNCHDARKLY = Shape("a LaunchDarkly data file", frozenset({"launchdarkly"}), frozenset())


@dataclass(slots=True)
class Recogniser:
    """Tells flag documents in one tree from everything else; remembers what it has looked at."""

    _plain: dict[tuple[int, int], Any] = field(default_factory=dict)

    def keys(self, node: Mapping, *, root: bool) -> tuple[Shape, list[Scalar]] | None:
        """The shape of a mapping and its keys that are flags; None when it is no flag document."""
        plain = self._value(node, _DEPTH)
        found = shape_of(plain, root=root)
        if found is None:
            return None
        shape, halves = found
        return shape, [key for half in halves for key in _keys_below(node, half)]

    def _value(self, node: Node, depth: int) -> Any:
        """The plain value of a node, cut off at a depth; sequences only say that they are some."""
        if isinstance(node, Scalar):
            truth = node.truth
            return truth if truth is not None else _Number(node.text) if node.is_number else node.text
        if isinstance(node, Sequence) or depth == 0:
            return [] if isinstance(node, Sequence) else {}
        held = self._plain.get((id(node), depth))
        if held is None:
            held = {}
            self._plain[id(node), depth] = held
            held |= {key.text: self._value(value, depth - 1) for key, value in node.pairs}
        return held


class _Number(str):
    """A number as it is spelled."""

    __slots__ = ()


def _keys_below(node: Mapping, half: str | None) -> Iterator[Scalar]:
    for key, value in node.pairs:
        if half is None:
            yield key
        elif key.text == half and isinstance(value, Mapping):
            yield from (inner for inner, _ in value.pairs)


def shape_of(content: object, *, root: bool) -> tuple[Shape, tuple[str | None, ...]] | None:
    """The shape of a parsed document, and under which of its keys the flags stand (None: it holds them itself)."""
    if not isinstance(content, dict) or not content:
        return None
    for shape, halves, fits in _SHAPES:
        if fits(content) and (root or shape is not _RETRIEVED):
            return shape, halves
    return None


def keys_of(content: object, depth: int = 4, *, root: bool = True) -> Iterator[str]:
    """The keys of the flags in a parsed document of a known shape, an envelope around it or not."""
    if not isinstance(content, dict):
        return
    found = shape_of(content, root=root)
    if found is not None:
        for half in found[1]:
            inner = content if half is None else content.get(half)
            yield from (str(key) for key in (inner if isinstance(inner, dict) else ()))
    elif depth > 0:
        for value in content.values():
            yield from keys_of(value, depth - 1, root=False)


def _is_appconfig(content: dict[str, Any]) -> bool:
    halves = [content[name] for name in ("flags", "values") if name in content]
    if not content.keys() <= _HALVES or not halves or not all(isinstance(half, dict) for half in halves):
        return False
    return str(content.get("version", "")) == "1" or len(halves) > 1


def _is_powertools(content: dict[str, Any]) -> bool:
    return all(_is_powertools_flag(value) for value in content.values())


def _is_powertools_flag(entry: object) -> bool:
    if not isinstance(entry, dict) or "default" not in entry or not entry.keys() <= _POWERTOOLS_FIELDS:
        return False
    rules = entry.get("rules") or {}
    typed = isinstance(entry["default"], bool) or entry.get("boolean_type") is False or bool(rules)
    return typed and isinstance(rules, dict) and all(map(_is_rule, rules.values()))


def _is_rule(rule: object) -> bool:
    return isinstance(rule, dict) and "when_match" in rule and isinstance(rule.get("conditions"), list)


def _is_retrieved(content: dict[str, Any]) -> bool:
    return all(isinstance(value, dict) and isinstance(value.get("enabled"), bool) for value in content.values())


def _is_flagd(content: dict[str, Any]) -> bool:
    flags = content.get("flags")
    if not isinstance(flags, dict) or not flags:
        return False
    return all(isinstance(flag, dict) and len(_FLAGD_FIELDS & flag.keys()) > 1 for flag in flags.values())


def _is_launchdarkly(content: dict[str, Any]) -> bool:
    if isinstance(content.get("flagValues"), dict):
        return True
    flags = content.get("flags")
    if not isinstance(flags, dict) or not flags:
        return False
    return all(isinstance(flag, dict) and "variations" in flag for flag in flags.values())


_Fits = Callable[[dict[str, Any]], bool]
_SHAPES: tuple[tuple[Shape, tuple[str | None, ...], _Fits], ...] = (
    (_FLAGD, ("flags",), _is_flagd),
    (_LAUNCHDARKLY, ("flags", "flagValues"), _is_launchdarkly),
    (_APPCONFIG, ("flags", "values"), _is_appconfig),
    (_POWERTOOLS, (None,), _is_powertools),
    (_RETRIEVED, (None,), _is_retrieved),
)
