"""How values and names stand in a sentence: short, on one line, without anything that is not meant to be read."""

from __future__ import annotations

import json
import re
import unicodedata

from auditor.domain.flags import JsonValue
from auditor.domain.masking import is_masked, mask_text
from auditor.domain.people import is_people, people_change, people_view

VALUE_LENGTH = 40
ELEMENTS_SHOWN = 3
NOT_SHOWN = "value not shown"

_MEMBERS_SHOWN = 4
_BARE = re.compile(r"[\w.@:/+#%-]+")
# Control, format (bidirectional overrides, zero width), surrogate, private, unassigned, line and paragraph ends.
_UNREADABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def one_line(text: str) -> str:
    """Return a text on one line, with every unreadable character and run of blanks as one blank."""
    readable = "".join(" " if unicodedata.category(c) in _UNREADABLE else c for c in text)
    return " ".join(readable.split())


def shorten(text: str, length: int) -> str:
    """Return a text of at most this many characters, an ellipsis where it was cut."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def show_text(text: str, length: int = VALUE_LENGTH) -> str:
    """Return a text as a sentence shows it, credentials hidden."""
    # Cut generously first: cleaning megabytes to show forty characters helps nobody.
    return shorten(one_line(mask_text(text[: 100 * length])), length)


def show_name(name: str) -> str:
    """Return somebody's own name for a rule or an element, set apart from the sentence."""
    return f"“{show_text(name)}”"


def show(value: JsonValue, field_name: str | None = None) -> str:
    """Return a value as a sentence shows it: people as a count, long things by their size, nothing hidden."""
    if is_masked(value):
        return f"({NOT_SHOWN})"
    if isinstance(value, str):
        text = show_text(value)
        return text if _BARE.fullmatch(text) else f'"{text}"'
    if isinstance(value, list):
        return _show_list(value, field_name)
    if isinstance(value, dict):
        return _show_object(value, field_name)
    return json.dumps(value) if isinstance(value, bool | None) else show_number(value)


def show_number(number: float) -> str:
    """Return a number without a fraction that says nothing."""
    if not isinstance(number, int) and number.is_integer() and abs(number) < 2**53:
        number = int(number)
    return shorten(repr(number), VALUE_LENGTH)


def show_elements(elements: list[JsonValue]) -> str:
    """Return some elements of a list by name, the rest by number."""
    shown = ", ".join(show(element) for element in elements[:ELEMENTS_SHOWN])
    more = len(elements) - ELEMENTS_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def _show_list(value: list[JsonValue], field_name: str | None) -> str:
    if is_people(value, field_name):
        return count(people_change([], value).after, "person", "people")
    if any(isinstance(element, dict | list) for element in value) or len(value) > ELEMENTS_SHOWN:
        return count(len(value), "entry", "entries")
    return f"[{show_elements(value)}]"


def _show_object(value: dict[str, JsonValue], field_name: str | None) -> str:
    flat = all(not isinstance(member, dict | list) or is_masked(member) for member in value.values())
    if flat and len(value) <= _MEMBERS_SHOWN:
        hidden = {key: "…" if is_masked(member) else member for key, member in value.items()}
        text = show_text(json.dumps(people_view(hidden, field_name=field_name), ensure_ascii=False), VALUE_LENGTH + 1)
        if len(text) <= VALUE_LENGTH:
            return text
    return count(len(value), "field")
