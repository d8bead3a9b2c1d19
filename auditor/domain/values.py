"""What a store's text means: JSON where it is JSON, a boolean where it says so, else the text itself."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, Literal, NoReturn

from auditor.domain.errors import MalformedDocumentError
from auditor.domain.flags import JsonValue

# Deeper than any flag, and shallow enough for every part that walks values by recursion.
MAX_DEPTH = 100

_BOOLEANS = {"true": True, "false": False}
# Half of a UTF-16 pair: JSON can spell it, but neither UTF-8 nor a database can hold it.
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def parse_value(text: str, *, kind: Literal["String", "StringList"]) -> JsonValue:
    """Return what a parameter's text says; whatever is not JSON stays the text it is, so this never fails.

    Text counts as JSON only where nothing is lost by reading it: an object with a doubled key, ``NaN``, a
    number beyond a float's range or nesting deeper than ``MAX_DEPTH`` stays a string, as the store gave it.
    """
    if kind == "StringList":
        return list(text.split(","))
    said = _BOOLEANS.get(text.strip().lower())
    if said is not None:
        return said
    try:
        return load_json(text)
    except MalformedDocumentError:
        return text


def load_json(text: str) -> JsonValue:
    """Read JSON strictly; raise ``MalformedDocumentError`` with a sentence that quotes nothing of it."""
    try:
        value: JsonValue = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_float,
            parse_int=_int,
        )
    except RecursionError:
        raise MalformedDocumentError(_too_deep()) from None
    except json.JSONDecodeError as error:
        # Its own text is safe, its ``doc`` is not: leave it behind.
        raise MalformedDocumentError(f"no JSON: {error.msg} in line {error.lineno}") from None
    refuse_deep(value)
    if _LONE_SURROGATE.search(text) or ("\\u" in text and any(map(_LONE_SURROGATE.search, texts(value)))):
        raise MalformedDocumentError("a text in it holds half a character (a lone surrogate)")
    return value


def refuse_deep(value: JsonValue) -> None:
    """Raise ``MalformedDocumentError`` when lists and objects are nested deeper than ``MAX_DEPTH``."""
    level: list[JsonValue] = [value]
    for _ in range(MAX_DEPTH):
        level = [child for item in level for child in children(item) if isinstance(child, dict | list)]
        if not level:
            return
    raise MalformedDocumentError(_too_deep())


def children(value: JsonValue) -> list[JsonValue]:
    """Return what a list or an object holds directly; nothing for anything else."""
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def texts(value: JsonValue) -> Iterator[str]:
    """Yield every text in a value, keys included, in no promised order."""
    waiting: list[JsonValue] = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            yield from item
        waiting.extend(children(item))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        # Readers disagree about which of the two counts, so neither may be dropped silently.
        raise MalformedDocumentError("an object in it has the same key twice")
    return found


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise MalformedDocumentError("a number in it is too large")
    return number


def _int(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        # Python refuses integers of thousands of digits, because converting them takes quadratic time.
        raise MalformedDocumentError("a number in it has too many digits") from None


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedDocumentError(f"{name} is not JSON")


def _too_deep() -> str:
    return f"it is nested deeper than {MAX_DEPTH} levels"
