"""DynamoDB items: how their attributes become values, how their keys name documents, and which flag one is."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import unquote

from auditor.adapters.sources._reach import Reach
from auditor.domain.attribution import Actor, ActorKind, Attribution, CallTarget, Certainty, Evidence
from auditor.domain.credentials import looks_like_credential
from auditor.domain.documents import DocumentRef
from auditor.domain.errors import MalformedEventError
from auditor.domain.flags import FlagEntry, FlagId, FlagState, JsonValue
from auditor.domain.masking import Fingerprint, mask_value
from auditor.domain.templates import PathTemplate

Item = Mapping[str, Any]
"""An item as DynamoDB writes it: attributes by name, each a type and its value."""

# What would end or part a key in a document's name; all else stays readable.
_RESERVED = re.compile(r"[%&=:\x00-\x1f]")
_MAX_ACTOR = 256


@dataclass(frozen=True, slots=True)
class TableWatch:
    """Items of a table whose attributes fit templates: each is one flag.

    ``actor`` is an attribute in which the application says who wrote (``None``: it does not).
    """

    table: str
    keys: tuple[tuple[str, PathTemplate], ...]
    reach: Reach = Reach()  # noqa: RUF009 -- frozen
    actor: str | None = None

    def flag_of(self, said: Mapping[str, JsonValue]) -> tuple[FlagId, str | None] | None:
        """Return the flag and environment that attributes tell, or ``None`` when they do not fit."""
        found: dict[str, str] = {}
        for attribute, template in self.keys:
            value = said.get(attribute)
            told = template.match(_words(value)) if isinstance(value, str | int | float) else None
            if told is None:
                return None
            found.update(told)
        if "flag" not in found:
            return None
        return FlagId(found.get("application", ""), found["flag"]), found.get("environment")

    def entries(self, item: Item, key: Mapping[str, Any], fingerprint: Fingerprint | None) -> dict[str, FlagEntry]:
        """Return the flag an item is; nothing when it is none. Credentials in it are hidden."""
        said = {name: plain(value) for name, value in item.items()}
        named = self.flag_of(said)
        if named is None:
            return {}
        flag, environment = named
        silent = {*key, *(attribute for attribute, _ in self.keys), self.actor}
        value: JsonValue = {name: member for name, member in said.items() if name not in silent}
        shown = mask_value(value, field_name=flag.key, fingerprint=fingerprint)
        return {"": FlagEntry(flag, environment, FlagState(shown))}

    def claimed_actor(self, item: Item) -> Attribution | None:
        """Return whom the application names as the writer: its own claim, so likely at best."""
        told = plain(item[self.actor]) if self.actor is not None and self.actor in item else None
        if not isinstance(told, str) or not 0 < len(told) <= _MAX_ACTOR or looks_like_credential(told):
            return None
        evidence = Evidence("dynamodb item", f"the application wrote {told} into {self.actor}")
        return Attribution(Actor(ActorKind.PERSON, told), Certainty.LIKELY, (evidence,))


@dataclass(frozen=True, slots=True)
class ItemRef:
    """A watched item by its primary key."""

    document: DocumentRef
    watch: TableWatch
    key: Mapping[str, Any]

    def target(self) -> CallTarget:
        """Return the item as what a call worked on."""
        named = self.watch.flag_of({name: plain(value) for name, value in self.key.items()})
        flag, environment = named if named is not None else (None, None)
        return CallTarget(document=self.document, flag=flag, environment_name=environment)


def name_of(table: str, key: Mapping[str, Any]) -> str:
    """Return the name of an item's document; numbers and bytes say what they are, texts need not."""
    return f"{table}/{'&'.join(_part(attribute, key[attribute]) for attribute in sorted(key))}"


def key_of(document: DocumentRef) -> tuple[str, dict[str, Any]]:
    """Return table and primary key of a document."""
    table, _, rest = document.name.partition("/")
    key: dict[str, Any] = {}
    for part in rest.split("&"):
        name, _, value = part.partition("=")
        attribute, _, kind = name.partition(":")
        text = unquote(value)
        key[unquote(attribute)] = {"B": base64.b64decode(text)} if kind == "B" else {kind or "S": text}
    return table, key


def typed(value: Any) -> dict[str, Any]:
    """Return a key's value as CloudTrail writes it in DynamoDB's own form."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise MalformedEventError("the DynamoDB record's key holds what no key can be")
    return {"S": value} if isinstance(value, str) else {"N": str(value)}


def plain(value: Any) -> JsonValue:
    """Return an attribute's value as JSON; numbers that JSON cannot hold exactly stay text, sets are sorted lists.

    Raise ``MalformedEventError`` for what is no attribute value.
    """
    if not isinstance(value, dict) or len(value) != 1:
        raise MalformedEventError("an attribute of the DynamoDB item has no value that is understood")
    ((kind, held),) = value.items()
    read = _READERS.get(kind)
    if read is None:
        raise MalformedEventError("an attribute of the DynamoDB item has a type that is not known")
    try:
        told: JsonValue = read(held)
    except (TypeError, ValueError, AttributeError, RecursionError):
        raise MalformedEventError("an attribute of the DynamoDB item is not of the type it says") from None
    return told


def _part(attribute: str, value: Any) -> str:
    if not isinstance(value, dict) or len(value) != 1:
        raise MalformedEventError("the DynamoDB item's key is not understood")
    ((kind, held),) = value.items()
    text = _base64(held) if kind == "B" else held
    if kind not in {"S", "N", "B"} or not isinstance(text, str):
        raise MalformedEventError("the DynamoDB item's key is no text, number or bytes")
    typed_name = _quoted(attribute) if kind == "S" else f"{_quoted(attribute)}:{kind}"
    return f"{typed_name}={_quoted(text)}"


def _quoted(text: str) -> str:
    return _RESERVED.sub(lambda found: f"%{ord(found[0]):02X}", text)


def _words(value: JsonValue) -> str:
    return value if isinstance(value, str) else str(value)


def _number(text: Any) -> JsonValue:
    if not isinstance(text, str):
        raise TypeError
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError from None
    if not number.is_finite():
        raise ValueError
    if number == number.to_integral_value() and abs(number.adjusted()) <= 40:  # noqa: PLR2004 -- DynamoDB has 38 digits
        return int(number)
    near = float(number)
    return near if Decimal(repr(near)) == number else text


def _base64(held: Any) -> str:
    return base64.b64encode(held).decode() if isinstance(held, bytes) else str(held)


def _text(held: Any) -> str:
    if not isinstance(held, str):
        raise TypeError
    # Half of a UTF-16 pair cannot be kept by any database.
    return held.encode("utf-8", "backslashreplace").decode()


def _boolean(held: Any) -> bool:
    if not isinstance(held, bool):
        raise TypeError
    return held


def _sorted(held: Any, read: Any) -> JsonValue:
    members: list[Any] = [read(member) for member in held]
    return sorted(members, key=lambda member: (isinstance(member, str), member))


def _map(held: Mapping[str, Any]) -> JsonValue:
    return {name: plain(member) for name, member in held.items()}


_READERS: Mapping[str, Any] = {
    "S": _text,
    "N": _number,
    "B": _base64,
    "BOOL": _boolean,
    "NULL": lambda _: None,
    "M": _map,
    "L": lambda held: [plain(member) for member in held],
    "SS": lambda held: _sorted(held, _text),
    "NS": lambda held: _sorted(held, _number),
    "BS": lambda held: _sorted(held, _base64),
}
