"""Lists of people in a flag: shown as counts, so that nobody's name stands where it need not."""

from __future__ import annotations

import re
from dataclasses import dataclass

from auditor.domain.flags import JsonValue
from auditor.domain.sameness import Sameness

_EMAIL = re.compile(r"[^\s@<>\"',;()]+@[^\s@<>\"',;()]+\.[^\s@<>\"',;()]+")
_PERSON = re.compile(
    r"[^\s@]+@[^\s@]+\.[^\s@]+"
    r"|(?:user|usr|cus|customer|member|tenant|acct|account|employee|person)[-_:#|][\w-]+"
    r"|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_PEOPLE_WORDS = (
    "user users userid userids uid uids email emails mail mails member members person persons people "
    "customer customers tenant tenants employee employees tester testers subscriber subscribers"
)
_PEOPLE = frozenset(_PEOPLE_WORDS.split())


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
    words = {word.lower() for word in _WORDS.findall(field_name or "")}
    flat = all(isinstance(element, str | int) and not isinstance(element, bool) for element in value)
    return flat and not words.isdisjoint(_PEOPLE)


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


def _name_for(key: str, above: str | None, value: dict[str, JsonValue]) -> str | None:
    """Return what names a member: its key, or in a condition (``key``, ``value``) what the condition is about."""
    about = value.get("key")
    if key == "value":
        return about if isinstance(about, str) else above
    return key
