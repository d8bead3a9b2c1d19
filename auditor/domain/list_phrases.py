"""What came into a list, what left it, and what only moved, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from auditor.domain.changes import DiffEntry
from auditor.domain.diffing import IDENTITIES
from auditor.domain.flags import JsonValue
from auditor.domain.masking import is_masked
from auditor.domain.people import PeopleChange, is_people, people_change
from auditor.domain.pointers import tokens
from auditor.domain.sameness import Sameness
from auditor.domain.wording import count, show_elements, show_name, show_text

_NOUNS = {"_variants": "variant", "rules": "rule", "conditions": "condition"}
Told = tuple[bool, str]


@dataclass(slots=True)
class ListEdits:
    """What a diff does to the elements of one list: each with its place."""

    gained: list[tuple[int, JsonValue]] = field(default_factory=list)
    lost: list[tuple[int, JsonValue]] = field(default_factory=list)

    def add(self, entry: DiffEntry) -> None:
        """Take in an operation on an element."""
        index = int(tokens(entry.path)[-1])
        if entry.op != "remove":
            self.gained.append((index, entry.after))
        if entry.op != "add":
            self.lost.insert(0, (index, entry.before))


def name_of(element: JsonValue) -> str | None:
    """Return the name an element of a list goes by, or ``None``."""
    if not isinstance(element, dict):
        return None
    name = next((element[key] for key in reversed(IDENTITIES) if isinstance(element.get(key), str)), None)
    return name if isinstance(name, str) else None


def list_phrases(
    edits: ListEdits, own_name: str | None, label: str, before: JsonValue, after: JsonValue
) -> Iterator[Told]:
    """Yield what happened to a list, each with whether it is about rules.

    ``own_name`` is what names the list, ``label`` the list in words; ``before`` and ``after`` are the whole lists where
    they are known.
    """
    elements = [element for _, element in edits.gained + edits.lost]
    if all(name_of(element) is not None for element in elements):
        yield from _named(edits, own_name)
        return
    whole = next(part for part in (after, before, elements) if isinstance(part, list) and part)
    if is_people(whole, own_name) or is_people(elements, own_name):
        yield False, _people(edits, label, before, after)
    elif any(isinstance(element, dict | list) for element in elements):
        yield False, _counted(edits, label)
    else:
        yield False, _gained_and_lost(edits, label)


def _named(edits: ListEdits, own_name: str | None) -> Iterator[Told]:
    same = Sameness()
    lost = {name_of(element): element for _, element in edits.lost}
    for index, element in edits.gained:
        name = name_of(element)
        if name in lost:
            changed = " and changed" if same(lost.pop(name)) != same(element) else ""
            yield True, f"{_noun(element, own_name)} moved to position {index + 1}{changed}"
        else:
            yield True, f"{_noun(element, own_name)} added"
    for element in lost.values():
        yield True, f"{_noun(element, own_name)} removed"


def _noun(element: JsonValue, own_name: str | None) -> str:
    noun = _NOUNS.get(own_name or "", "entry")
    if isinstance(element, dict) and "rule" in element:
        noun = "rule"
    return f"{noun} {show_name(name_of(element) or '')}"


def _people(edits: ListEdits, label: str, before: JsonValue, after: JsonValue) -> str:
    if isinstance(before, list) and isinstance(after, list):
        change = people_change(before, after)
    else:
        gained, lost = ([element for _, element in side] for side in (edits.gained, edits.lost))
        change = PeopleChange(0, 0, len(gained), len(lost))
    told = [f"gained {count(change.added, 'person', 'people')}"] if change.added else []
    told += [f"lost {change.removed if told else count(change.removed, 'person', 'people')}"] if change.removed else []
    total = f" (now {change.after})" if change.after else ""
    return f"{label} {', '.join(told) or 'in another order'}{total}"


def _counted(edits: ListEdits, label: str) -> str:
    told = [f"{count(len(edits.gained), 'entry', 'entries')} added"] if edits.gained else []
    told += [f"{count(len(edits.lost), 'entry', 'entries')} removed"] if edits.lost else []
    return f"{label}: {', '.join(told)}"


def _gained_and_lost(edits: ListEdits, label: str) -> str:
    same = Sameness()
    gained = [element for _, element in edits.gained if not is_masked(element)]
    lost = [element for _, element in edits.lost if not is_masked(element)]
    if sorted(map(same, gained)) == sorted(map(same, lost)):
        return f"order of {show_text(label)} changed"
    told = [f"gained {show_elements(gained)}"] if gained else []
    told += [f"lost {show_elements(lost)}"] if lost else []
    return f"{label} {', '.join(told)}"
