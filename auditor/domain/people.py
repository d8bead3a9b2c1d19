"""Lists of people in a flag: shown as counts, so that nobody's name stands where it need not.

What is recorded of a person is a pseudonym, ``person#`` and random digits; the name stands beside the record, where it
can be erased while everything that was recorded stays as it is. E-mail addresses in the rules of variants are people
as well.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from auditor.domain.changes import DiffEntry
from auditor.domain.flags import FlagState, JsonValue
from auditor.domain.pointers import tokens
from auditor.domain.sameness import Sameness
from auditor.domain.values import children

_EMAIL = re.compile(r"[^\s@<>\"',;()]+@[^\s@<>\"',;()]+\.[^\s@<>\"',;()]+")
_PERSON = re.compile(
    r"[^\s@]+@[^\s@]+\.[^\s@]+"
    # An id has a digit somewhere; "user-search" is a feature.
    r"|(?:user|usr|cus|customer|member|tenant|acct|account|employee|person)[-_:#|](?=[\w-]*\d)[\w-]+"
    r"|person(?:#|:erased-)[0-9a-f]{20}"
    r"|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_PEOPLE_WORDS = (
    "user users userid userids uid uids email emails mail mails member members person persons people "
    "customer customers tenant tenants employee employees tester testers subscriber subscribers "
    "username usernames account accounts"
)
_KEPT_WORDS = "id ids key keys name names list allowlist denylist whitelist blacklist address addresses"
_KEPT_AS = frozenset(_KEPT_WORDS.split())
_PEOPLE = frozenset(_PEOPLE_WORDS.split())


PSEUDONYM = "person#"
"""How every pseudonym begins, behind it 20 digits."""

_PSEUDONYM = re.compile(PSEUDONYM + r"[0-9a-f]{20}")
# What stands for an erased person where names are allowed; of such a list it is still told that it is one.
_ERASED = "person:erased-"
_ERASED_PERSON = re.compile(_ERASED + r"([0-9a-f]{20})")
_RULE = "rule"
_SOMEBODY = "(a person)"

Walk = tuple[Callable[[list[JsonValue]], JsonValue], Callable[[str], str]]
"""What becomes of a list of people, and of a rule's text."""


@dataclass(frozen=True, slots=True)
class PeopleChange:
    """How a list of people changed, in numbers only."""

    before: int
    after: int
    added: int
    removed: int


def is_people(value: JsonValue, field_name: str | None = None) -> bool:
    """Tell whether a value is a list of people: e-mail addresses or ids, or anything flat in a field that says so."""
    if not isinstance(value, list) or not value:
        return False
    if all(isinstance(element, str) and _PERSON.fullmatch(element) for element in value):
        return True
    flat = all(isinstance(element, str | int) and not isinstance(element, bool) for element in value)
    return flat and _says_people(field_name or "")


def _says_people(name: str) -> bool:
    """Tell whether a name says that people stand there: its last word does, what only says how it is kept aside."""
    words = [word.lower() for word in _WORDS.findall(name)]
    while len(words) > 1 and words[-1] in _KEPT_AS:
        words.pop()
    return bool(words) and words[-1] in _PEOPLE


def names_person(text: str) -> bool:
    """Tell whether an e-mail address stands in a text."""
    return _EMAIL.search(text) is not None


def people_change(before: list[JsonValue], after: list[JsonValue]) -> PeopleChange:
    """Return how many people were added to and removed from a list; being listed twice counts once."""
    same = Sameness()
    old, new = {same(person) for person in before}, {same(person) for person in after}
    return PeopleChange(len(old), len(new), len(new - old), len(old - new))


def people_view(value: JsonValue, *, field_name: str | None = None) -> JsonValue:
    """Return a copy for display with every list of people replaced by ``{"people": how many}``."""
    if is_people(value, field_name):
        return {"people": people_change([], value if isinstance(value, list) else []).after}
    if isinstance(value, list):
        return [people_view(element, field_name=field_name) for element in value]
    if isinstance(value, dict):
        return {key: people_view(member, field_name=_name_for(key, field_name, value)) for key, member in value.items()}
    return value


def lacks_people(value: JsonValue) -> bool:
    """Tell whether a value as it is shown has counts, or nobody's name, where the store has people."""
    if isinstance(value, str):
        return _ERASED in value or _SOMEBODY in value
    if isinstance(value, dict) and value.keys() == {"people"} and isinstance(value["people"], int):
        return True
    return any(map(lacks_people, children(value)))


def names_in(state: FlagState | None, flag: str | None) -> Iterator[JsonValue]:
    """Yield every person that a state of the flag with this key names, erased ones left out."""
    found: list[JsonValue] = []

    def people(listed: list[JsonValue]) -> JsonValue:
        found.extend(one for one in listed if _erased_pseudonym(one) is None)
        return None

    def rule(text: str) -> str:
        found.extend(_EMAIL.findall(text))
        return text

    _of_state(state, (people, rule), flag)
    yield from found


def lists_people(state: FlagState | None, flag: str | None) -> bool:
    """Tell whether a state of the flag with this key has anything to conceal."""
    found: list[object] = []

    def people(listed: list[JsonValue]) -> JsonValue:
        found.append(listed)
        return None

    def rule(text: str) -> str:
        found.extend([text] if _EMAIL.search(text) or _ERASED in text else ())
        return text

    _of_state(state, (people, rule), flag)
    return bool(found)


def conceal(state: FlagState | None, pseudonyms: Mapping[str, str], flag: str | None) -> FlagState | None:
    """Return a state with a pseudonym for each person, by the ``key_of`` each that ``names_in`` yields."""

    def person(one: JsonValue) -> str:
        return _erased_pseudonym(one) or pseudonyms[key_of(one)]

    def rule(text: str) -> str:
        text = _EMAIL.sub(lambda found: pseudonyms[key_of(found[0])], text)
        return _ERASED_PERSON.sub(lambda found: PSEUDONYM + found[1], text)

    return _of_state(state, (lambda listed: [person(one) for one in listed], rule), flag)


def key_of(person: JsonValue) -> str:
    """Return what a person is told apart by: a number is another one than the same digits as a text."""
    return json.dumps(person, ensure_ascii=False)


def reveal(state: FlagState | None, names: Mapping[str, JsonValue]) -> FlagState | None:
    """Return a state with the names in place of the pseudonyms; one without a name was erased, and says so."""

    def named(one: JsonValue) -> JsonValue:
        if not isinstance(one, str) or not _PSEUDONYM.fullmatch(one):
            return one
        return names.get(one, _ERASED + one.removeprefix(PSEUDONYM))

    def rule(text: str) -> str:
        return _PSEUDONYM.sub(lambda found: str(named(found[0])), text)

    return _of_state(state, (lambda listed: [named(one) for one in listed], rule))


def pseudonyms_in(state: FlagState | None) -> Iterator[str]:
    """Yield the pseudonyms in a recorded state."""
    found: list[str] = []

    def people(listed: list[JsonValue]) -> JsonValue:
        found.extend(one for one in listed if isinstance(one, str) and _PSEUDONYM.fullmatch(one))
        return None

    def rule(text: str) -> str:
        found.extend(_PSEUDONYM.findall(text))
        return text

    _of_state(state, (people, rule))
    yield from found


def counted(state: FlagState | None) -> FlagState | None:
    """Return a recorded state as it is shown: every list of people as ``{"people": how many}``, nobody in a rule."""

    def people(listed: list[JsonValue]) -> JsonValue:
        return {"people": people_change([], listed).after}

    return _of_state(state, (people, lambda text: _PSEUDONYM.sub(_SOMEBODY, text)))


def counted_diff(
    entries: Sequence[DiffEntry], before: FlagState | None, after: FlagState | None
) -> tuple[DiffEntry, ...]:
    """Return a recorded diff as it is shown: one entry for each list of people, with how many came and went."""
    shown: list[DiffEntry] = []
    lists: dict[str, list[DiffEntry]] = {}
    for entry in entries:
        if _is_list_of_people(entry.before) and _is_list_of_people(entry.after):
            change = people_change(_listed(entry.before), _listed(entry.after))
            told: JsonValue = {"people": change.after, "added": change.added, "removed": change.removed}
            shown.append(replace(entry, before={"people": change.before}, after=told))
        elif _is_pseudonym(entry.before) or _is_pseudonym(entry.after):
            path = entry.path.rpartition("/")[0]
            if path not in lists:
                shown.append(DiffEntry("replace", path))
            lists.setdefault(path, []).append(entry)
        else:
            shown.append(replace(entry, before=_counted_value(entry, "before"), after=_counted_value(entry, "after")))
    return tuple(
        _list_entry(entry.path, lists[entry.path], before, after) if entry.path in lists else entry for entry in shown
    )


def _list_entry(path: str, edits: Sequence[DiffEntry], before: FlagState | None, after: FlagState | None) -> DiffEntry:
    was, now = (_list_at(path, state) for state in (before, after))
    if was is not None and now is not None:
        change = people_change(was, now)
    else:
        # The list stands elsewhere in one of the states, behind elements that came or went.
        came = {edit.after for edit in edits if isinstance(edit.after, str)}
        went = {edit.before for edit in edits if isinstance(edit.before, str)}
        total = people_change([], now or []).after
        added, removed = len(came - went), len(went - came)
        change = PeopleChange(max(total - added + removed, 0), total, added, removed)
    told: JsonValue = {"people": change.after, "added": change.added, "removed": change.removed}
    return DiffEntry("replace", path, {"people": change.before}, told)


def _list_at(path: str, state: FlagState | None) -> list[JsonValue] | None:
    """Return the list of people that stands at a place, an empty one included; ``None`` where none does."""
    value: JsonValue = {} if state is None else state.to_json()
    for token in tokens(path):
        if isinstance(value, dict):
            value = value.get(token)
        elif isinstance(value, list) and token.isdecimal() and int(token) < len(value):
            value = value[int(token)]
        else:
            return None
    return value if isinstance(value, list) and all(map(_is_pseudonym, value)) else None


def _counted_value(entry: DiffEntry, side: str) -> JsonValue:
    value: JsonValue = getattr(entry, side)
    named = counted(FlagState({tokens(entry.path)[-1]: value}) if tokens(entry.path) else FlagState(value))
    shown = named.value if named is not None else None
    return next(iter(shown.values())) if isinstance(shown, dict) and tokens(entry.path) else shown


def _is_pseudonym(value: JsonValue) -> bool:
    return isinstance(value, str) and _PSEUDONYM.fullmatch(value) is not None


def _is_list_of_people(value: JsonValue) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_pseudonym, value))


def _listed(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []


def _erased_pseudonym(person: JsonValue) -> str | None:
    found = _ERASED_PERSON.fullmatch(person) if isinstance(person, str) else None
    return None if found is None else PSEUDONYM + found[1]


def _of_state(state: FlagState | None, walk: Walk, flag: str | None = None) -> FlagState | None:
    if state is None:
        return None
    value = _walked(state.value, flag, walk)
    return replace(state, value=value, definition=_walked(state.definition, None, walk))


def _walked(value: JsonValue, name: str | None, walk: Walk) -> JsonValue:
    people, rule = walk
    if isinstance(value, list):
        return people(value) if is_people(value, name) else [_walked(element, name, walk) for element in value]
    if isinstance(value, dict):
        return {key: _walked(member, _name_for(key, name, value), walk) for key, member in value.items()}
    return rule(value) if isinstance(value, str) and name == _RULE else value


def _name_for(key: str, above: str | None, value: dict[str, JsonValue]) -> str | None:
    """Return what names a member: its key, or in a condition (``key``, ``value``) what the condition is about."""
    about = value.get("key")
    if key == "value":
        return about if isinstance(about, str) else above
    return key
