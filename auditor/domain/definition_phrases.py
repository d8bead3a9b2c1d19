"""Differences of AppConfig definitions in words: deadlines first, then what only describes."""

from __future__ import annotations

from auditor.domain.changes import DiffEntry
from auditor.domain.phrasing import Phrase, States, Tokens, Weight, done, plainly, rest_label
from auditor.domain.wording import show, show_name


def deprecation(entry: DiffEntry, way: Tokens, _states: States) -> Phrase | list[Phrase] | None:
    """Word the mark "short-term", which may carry a date."""
    if way[:2] != ("definition", "_deprecation"):
        return None
    if len(way) > len(("definition", "_deprecation")):
        return _deadline(entry) if way[2] == "date" else None
    old, new = (part if isinstance(part, dict) else None for part in (entry.before, entry.after))
    if new is None:
        return Phrase(Weight.DEADLINE, "no longer marked short-term")
    marked = [Phrase(Weight.DEADLINE, "marked short-term")] if old is None else []
    dated = [_deadline(DiffEntry("add", entry.path, after=new["date"]))] if "date" in new else []
    return marked + dated


def definition(entry: DiffEntry, way: Tokens, states: States) -> Phrase | None:
    """Word any other difference of a definition."""
    if way[0] != "definition":
        return None
    return Phrase(Weight.DESCRIPTION, _worded(entry, way, states))


def _deadline(entry: DiffEntry) -> Phrase:
    if entry.op == "remove":
        return Phrase(Weight.DEADLINE, f"deprecation date removed (was {show(entry.before)})")
    was = f" (was {show(entry.before)})" if entry.op == "replace" else ""
    return Phrase(Weight.DEADLINE, f"deprecation date set to {show(entry.after)}{was}")


def _worded(entry: DiffEntry, way: Tokens, states: States) -> str:
    match way[1:]:
        case () | ("description",):
            return f"{way[-1]} {done(entry)}"
        case ("name",) if entry.op == "replace":
            return f"renamed {show(entry.before)} → {show(entry.after)}"
        case ("attributes", name):
            return f"attribute {show_name(name)} {done(entry)}"
        case ("attributes", name, "constraints", _, *_):
            return f"constraint of attribute {show_name(name)}: {plainly(rest_label(way, 4, states), entry, None)}"
        case _:
            return f"definition {plainly(rest_label(way, 1, states), entry, None)}"
