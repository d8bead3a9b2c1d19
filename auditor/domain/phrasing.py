"""What phrases about differences are made of: how much they weigh, and how places in a state are named."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from auditor.domain.changes import DiffEntry
from auditor.domain.flags import FlagState, JsonValue
from auditor.domain.list_phrases import name_of
from auditor.domain.wording import show, show_name, show_text

Tokens = tuple[str, ...]

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


class Weight(IntEnum):
    """What a reader wants to know first."""

    SWITCH = 0
    ROLLOUT = 1
    RULE = 2
    DEADLINE = 3
    VALUE = 4
    DESCRIPTION = 5


@dataclass(frozen=True, slots=True)
class Phrase:
    """A difference in words."""

    weight: Weight
    text: str


@dataclass(frozen=True, slots=True)
class States:
    """The states a diff is about, to name elements by; empty where they are not known."""

    before: dict[str, JsonValue]
    after: dict[str, JsonValue]
    flag: str | None = None

    @classmethod
    def of(cls, before: FlagState | None, after: FlagState | None, flag: str | None = None) -> States:
        """Return the states in their recorded form."""
        return cls(before.to_json() if before else {}, after.to_json() if after else {}, flag)

    @property
    def known(self) -> bool:
        """Tell whether there is anything to look names up in."""
        return bool(self.before or self.after)

    def at(self, way: Sequence[str]) -> JsonValue:
        """Return what stands at a place after the change, ``None`` when nothing is known of it."""
        return _look_up(self.after, way)

    def was_at(self, way: Sequence[str]) -> JsonValue:
        """Return what stood at a place before the change, ``None`` when nothing is known of it."""
        return _look_up(self.before, way)


def label(way: Sequence[str], states: States) -> str:
    """Return a place in words: the names on the way to it below ``value``, elements of lists by their own names."""
    names = [element_label(way[:depth], states) for depth in range(2, len(way) + 1)]
    return ".".join(names) or ("list" if isinstance(states.at(way), list) else str(way[0]))


def element_label(way: Sequence[str], states: States) -> str:
    """Return the last name on a way in words: an element's own name, its number where it has none, or the key."""
    token, holder = way[-1], states.at(way[:-1])
    if isinstance(holder, list) or (not states.known and token.isdecimal()):
        name = name_of(states.at(way))
        return show_name(name) if name is not None else f"#{int(token) + 1}"
    return show_text(token) or '""'


def field_name(way: Sequence[str], states: States) -> str | None:
    """Return what names the value at a place: its key, in a condition what it is about, else the flag's own key."""
    if len(way) <= 1:
        return states.flag
    holders = (look(way[:-1]) for look in (states.at, states.was_at))
    about = next((holder.get("key") for holder in holders if isinstance(holder, dict)), None)
    return about if way[-1] == "value" and isinstance(about, str) else str(way[-1])


def rest_label(way: Sequence[str], start: int, states: States) -> str:
    """Return the names on a way from a place on."""
    return ".".join(element_label(way[:depth], states) for depth in range(start + 1, len(way) + 1))


def words_of(name: str) -> list[str]:
    """Return the words a name in camel or snake case is made of, in lower case."""
    return [word.lower() for word in _WORDS.findall(name)]


def plainly(name: str, entry: DiffEntry, field_name: str | None) -> str:
    """Word a difference by what was and what is."""
    old, new = show(entry.before, field_name), show(entry.after, field_name)
    if entry.op == "remove":
        return f"{name} removed (was {old})"
    if entry.op == "add":
        return f"{name} set to {new}"
    return f"{name} {old} → {new}" if old != new else f"{name} changed"


def done(entry: DiffEntry) -> str:
    """Return what an operation did, in one word."""
    return {"add": "added", "remove": "removed"}.get(entry.op, "changed")


def _look_up(value: JsonValue, way: Sequence[str]) -> JsonValue:
    for token in way:
        if isinstance(value, dict):
            value = value.get(token)
        elif isinstance(value, list) and token.isdecimal() and int(token) < len(value):
            value = value[int(token)]
        else:
            return None
    return value
