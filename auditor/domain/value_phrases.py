"""Differences of values in words: secrets, switches, shares of users."""

from __future__ import annotations

from collections.abc import Sequence

from auditor.domain.changes import DiffEntry
from auditor.domain.flags import JsonValue
from auditor.domain.masking import is_masked
from auditor.domain.phrasing import (
    Phrase,
    States,
    Tokens,
    Weight,
    done,
    element_label,
    field_name,
    label,
    plainly,
    words_of,
)
from auditor.domain.wording import NOT_SHOWN, show, show_number

_SWITCHES = frozenset({"enabled", "active", "on", "isEnabled", "is_enabled"})
_SHARE_WORDS = frozenset({"rollout", "percentage", "percent", "pct"})


def secret(entry: DiffEntry, way: Tokens, states: States) -> Phrase | None:
    """Word a change of a hidden value, of which nothing but its fingerprint is known."""
    old, new = entry.before, entry.after
    if not (is_masked(old) or is_masked(new)):
        return None
    if entry.op == "replace" and not (is_masked(old) and is_masked(new)):
        return Phrase(Weight.VALUE, _half_hidden(entry, label(way, states)))
    name = f"secret {label(way, states)}" if len(way) > 1 else "secret"
    if entry.op == "replace" and _key_of(old) != _key_of(new):
        return Phrase(Weight.VALUE, f"{name} written under another fingerprint key (cannot tell whether it changed)")
    return Phrase(Weight.VALUE, f"{name} {done(entry)} ({NOT_SHOWN})")


def _half_hidden(entry: DiffEntry, name: str) -> str:
    if is_masked(entry.before):
        return f"{name} now {show(entry.after)} (was a secret, not shown)"
    return f"{name} {show(entry.before)} → a secret ({NOT_SHOWN})"


def _key_of(mark: JsonValue) -> str:
    fingerprint = mark.get("fingerprint") if isinstance(mark, dict) else None
    return str(fingerprint).partition(":")[0]


def switch(entry: DiffEntry, way: Tokens, states: States) -> Phrase | None:
    """Word a boolean that is the flag's own, a variant's or a Powertools default."""
    if way[0] != "value" or not isinstance(entry.after, bool) or not isinstance(entry.before, bool | None):
        return None
    word = "enabled" if entry.after else "disabled"
    match way[1:]:
        case () if entry.before is not None:
            return Phrase(Weight.SWITCH, word)
        case (name,) if name in _SWITCHES:
            return Phrase(Weight.SWITCH, word)
        case ("default",) if entry.op == "replace":
            return Phrase(Weight.SWITCH, f"{word} by default")
        case ("_variants", _, "enabled"):
            return Phrase(Weight.RULE, f"rule {element_label(way[:3], states)} {word}")
        case _:
            return None


def share(entry: DiffEntry, way: Tokens, states: States) -> Phrase | None:
    """Word a number whose name says that it is a share of users."""
    words = words_of(way[-1] if len(way) > 1 else states.flag or "")
    numbers = [part for part in (entry.before, entry.after) if part is not None]
    if way[0] != "value" or not numbers or not all(map(_is_number, numbers)):
        return None
    if words[-1:] == ["weight"]:
        return Phrase(Weight.ROLLOUT, plainly(label(way, states), entry, None))
    if _SHARE_WORDS.isdisjoint(words):
        return None
    shown = _percentages(numbers)
    return Phrase(Weight.ROLLOUT, _moved(_share_name(way, states), entry, shown))


def value(entry: DiffEntry, way: Tokens, states: States) -> Phrase:
    """Word any other difference by what was and what is."""
    if len(way) == 1 and entry.op == "replace" and None in (entry.before, entry.after):
        op = "add" if entry.before is None else "remove"
        entry = DiffEntry(op, entry.path, entry.before, entry.after)
    return Phrase(Weight.VALUE, plainly(label(way, states), entry, field_name(way, states)))


def _share_name(way: Tokens, states: States) -> str:
    return f"{label(way[:-1], states)}.rollout" if len(way) > len(("value", "rollout")) else "rollout"


def _percentages(numbers: Sequence[JsonValue]) -> list[str]:
    """Return shares as shown; fractions of one count as such only when one of them plainly is a fraction."""
    plain = [number for number in numbers if isinstance(number, int | float)]
    fractions = all(0 <= n <= 1 for n in plain) and any(0 < n < 1 for n in plain)
    return [f"{show_number(round(n * 100, 6) if fractions else n)}%" for n in plain]


def _moved(name: str, entry: DiffEntry, shown: Sequence[str]) -> str:
    if len(shown) > 1:
        return f"{name} {shown[0]} → {shown[1]}"
    return f"{name} set to {shown[0]}" if entry.after is not None else f"{name} removed (was {shown[0]})"


def _is_number(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
