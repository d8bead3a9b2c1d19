"""A diff in words: one short phrase a difference, the weightiest first."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from auditor.domain.changes import DiffEntry
from auditor.domain.definition_phrases import definition, deprecation
from auditor.domain.list_phrases import ListEdits, list_phrases
from auditor.domain.masking import is_masked
from auditor.domain.phrasing import Phrase, States, Tokens, Weight, field_name, label
from auditor.domain.pointers import tokens
from auditor.domain.rule_phrases import named_rule, variant
from auditor.domain.value_phrases import secret, share, switch, value

Rule = Callable[[DiffEntry, Tokens, States], "Phrase | list[Phrase] | None"]

# The first that knows a difference words it; the last knows every one.
_RULES: tuple[Rule, ...] = (secret, switch, variant, share, named_rule, deprecation, definition, value)


def phrases_of(entries: Iterable[DiffEntry], states: States) -> list[Phrase]:
    """Return what a diff says, each thing once, the weightiest first."""
    edits: dict[Tokens, ListEdits] = {}
    found: list[Phrase] = []
    for entry in entries:
        way = tokens(entry.path)
        if _edits_list(entry, way, states):
            edits.setdefault(way[:-1], ListEdits()).add(entry)
        else:
            found.extend(_worded(entry, way, states))
    for way, edit in edits.items():
        found.extend(_list_worded(edit, way, states))
    return sorted(dict.fromkeys(found), key=lambda phrase: phrase.weight)


def _edits_list(entry: DiffEntry, way: Tokens, states: States) -> bool:
    """Tell whether an entry is about an element as a whole: it came, went, or is another one now."""
    if not way or not way[-1].isdecimal() or is_masked(entry.before) or is_masked(entry.after):
        return False
    return not states.known or isinstance(states.at(way[:-1]), list)


def _worded(entry: DiffEntry, way: Tokens, states: States) -> list[Phrase]:
    worded = next(found for rule in _RULES if (found := rule(entry, way, states)) is not None)
    return [worded] if isinstance(worded, Phrase) else worded


def _list_worded(edit: ListEdits, way: Tokens, states: States) -> list[Phrase]:
    name, words = field_name(way, states), label(way, states)
    told = list_phrases(edit, name, words, states.was_at(way), states.at(way))
    return [Phrase(Weight.RULE if is_rule else Weight.VALUE, text) for is_rule, text in told]
