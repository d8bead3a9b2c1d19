"""Differences of rules in words: AppConfig's variants, Powertools' rules by name."""

from __future__ import annotations

import re

from auditor.domain.changes import DiffEntry
from auditor.domain.flags import JsonValue
from auditor.domain.people import names_person
from auditor.domain.phrasing import (
    Phrase,
    States,
    Tokens,
    Weight,
    done,
    element_label,
    field_name,
    plainly,
    rest_label,
)
from auditor.domain.wording import show, show_name, show_number, show_text

_SPLIT = re.compile(r"\bpct::(\d{1,3}(?:\.\d{1,9})?)(?![\d.])")


def variant(entry: DiffEntry, way: Tokens, states: States) -> Phrase | None:
    """Word a difference inside a variant; a split by another percentage is a rollout."""
    if way[:2] != ("value", "_variants") or len(way) <= len(("value", "_variants", "0")):
        return None
    name = element_label(way[:3], states)
    if way[3:] == ("rule",):
        return _condition(entry, name)
    start = 4 if way[3] == "attributeValues" and len(way) > len(way[:4]) else 3
    return Phrase(
        Weight.RULE, f"rule {name}: {plainly(rest_label(way, start, states), entry, field_name(way, states))}"
    )


def _condition(entry: DiffEntry, name: str) -> Phrase:
    old, new = (part if isinstance(part, str) else "" for part in (entry.before, entry.after))
    shares = [_SPLIT.findall(part) for part in (old, new)]
    if all(len(share) == 1 for share in shares) and _SPLIT.sub("", old) == _SPLIT.sub("", new):
        first, second = (show_number(float(share[0])) for share in shares)
        return Phrase(Weight.ROLLOUT, f"rollout {first}% → {second}% for {name}")
    if not old or not new:
        return Phrase(Weight.RULE, f"rule {name} {'given a condition' if new else 'made unconditional'}")
    if names_person(old) or names_person(new):
        return Phrase(Weight.RULE, f"rule {name} changed")
    return Phrase(Weight.RULE, f"rule {name} changed: {show_text(old)} → {show_text(new)}")


def named_rule(entry: DiffEntry, way: Tokens, states: States) -> Phrase | list[Phrase] | None:
    """Word the rules of a Powertools flag, which stand in an object by name."""
    if way[:2] != ("value", "rules") or isinstance(states.at(way[:2]), list):
        return None
    if len(way) == len(("value", "rules")):
        return _all_rules(entry)
    name = show_name(way[2])
    if len(way) == len(("value", "rules", "name")):
        return Phrase(Weight.RULE, f"rule {name} {done(entry)}")
    return _inside_rule(entry, way, name, states)


def _all_rules(entry: DiffEntry) -> list[Phrase] | None:
    rules = entry.after if entry.op == "add" else entry.before
    if entry.op == "replace" or not isinstance(rules, dict):
        return None
    return [Phrase(Weight.RULE, f"rule {show_name(name)} {done(entry)}") for name in rules]


def _inside_rule(entry: DiffEntry, way: Tokens, name: str, states: States) -> Phrase:
    match way[3:]:
        case ("when_match",) if entry.op == "replace":
            given = f"now gives {show(entry.after)} (was {show(entry.before)})"
            return Phrase(Weight.RULE, f"rule {name} {given}")
        case ("conditions", _, "value", ("BASE" | "START" | "END")):
            return _range(name, way[:-1], states)
        case _:
            return Phrase(
                Weight.RULE, f"rule {name}: {plainly(rest_label(way, 3, states), entry, field_name(way, states))}"
            )


def _range(name: str, way: Tokens, states: States) -> Phrase:
    old, new = (_range_share(look(way)) for look in (states.was_at, states.at))
    if old is None or new is None or old == new:
        return Phrase(Weight.RULE, f"rule {name}: another range of users")
    return Phrase(Weight.ROLLOUT, f"rollout {old} → {new} for {name}")


def _range_share(span: JsonValue) -> str | None:
    if not isinstance(span, dict):
        return None
    base, start, end = (span.get(key) for key in ("BASE", "START", "END"))
    if not isinstance(base, int) or not isinstance(start, int) or not isinstance(end, int) or base <= 0:
        return None
    return f"{show_number(round((end - start + 1) * 100 / base, 2))}%"
