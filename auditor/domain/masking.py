"""Hiding secrets in values: what may be read but not shown leaves the adapter as a mark, at most with a fingerprint."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeGuard

from auditor.domain.credentials import MASK, looks_like_credential, mask_text
from auditor.domain.errors import ConfigurationError
from auditor.domain.flags import JsonValue
from auditor.domain.secret_names import Secrecy, hides_text, is_collection, is_password, secrecy
from auditor.domain.values import children, refuse_deep

__all__ = [
    "MASKED_INCOMPARABLE",
    "Fingerprint",
    "hides",
    "is_masked",
    "key_id",
    "keyed_fingerprint",
    "mask_text",
    "mask_value",
]

Fingerprint = Callable[[str], str]

# A value nobody could read (SecureString), or one hidden without a fingerprint key. Never to be changed in place.
MASKED_INCOMPARABLE: dict[str, JsonValue] = {"masked": True, "comparable": False}

_COMPARABLE = {"masked", "comparable", "fingerprint"}

# Members that hold a flag's value rather than a field of it: they keep the name of what they belong to.
_CARRIERS = frozenset({"default", "value", "values", "when_match", "current", "previous", "data", "plain", "text"})
_SHORTEST_KEY = 16
# A password of digits is one; a limit or a version is not.
_SHORTEST_NUMERIC_PASSWORD = 100_000


def is_masked(value: JsonValue) -> TypeGuard[dict[str, JsonValue]]:
    """Tell whether a value is a mark that stands for a hidden one."""
    if not isinstance(value, dict) or value.get("masked") is not True:
        return False
    if value.get("comparable") is False:
        return len(value) == len(MASKED_INCOMPARABLE)
    return value.keys() == _COMPARABLE and value["comparable"] is True and isinstance(value["fingerprint"], str)


def hides(value: JsonValue) -> bool:
    """Tell whether something is hidden in a value that cannot be compared with what was there before."""
    if is_masked(value):
        return not value["comparable"]
    return any(hides(child) for child in children(value))


def mask_value(value: JsonValue, *, field_name: str | None, fingerprint: Fingerprint | None) -> JsonValue:
    """Return a copy of a value with every credential in it replaced by a mark; keys that look like one as well.

    A text is hidden when it looks like a credential, or when the name of its field says that one stands there.
    ``field_name`` names the whole value (the flag's key); ``None`` says nothing. Without ``fingerprint`` a mark is not
    comparable. Raise ``MalformedDocumentError`` for a value nested too deep to be looked through.
    """
    refuse_deep(value)
    return _Masker(fingerprint).mask(value, _Place.named(field_name))


def keyed_fingerprint(key: bytes) -> Fingerprint:
    """Return what tells same from changed without telling the value: HMAC-SHA256 under a key, behind the key's id.

    Fingerprints of different keys have different ids and say nothing about each other: that is how a rotated key
    ends comparability. Raise ``ConfigurationError`` for a key under 16 bytes.
    """
    if len(key) < _SHORTEST_KEY:
        raise ConfigurationError(f"a fingerprint key needs at least {_SHORTEST_KEY} bytes of randomness")
    name = key_id(key)

    def fingerprint(text: str) -> str:
        digest = hmac.digest(key, b"flagtrail value\0" + text.encode("utf-8", "surrogatepass"), hashlib.sha256)
        return f"{name}:{digest[:16].hex()}"

    return fingerprint


def key_id(key: bytes) -> str:
    """Return the public name of a fingerprint key, from which nobody gets the key."""
    return hmac.digest(key, b"flagtrail key id", hashlib.sha256)[:4].hex()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in a value we are: what the names above say of the texts here."""

    said: Secrecy
    password: bool = False
    collection: bool = False

    @classmethod
    def named(cls, name: str | None) -> _Place:
        return cls(secrecy(name), is_password(name), is_collection(name))

    def below(self, key: str) -> _Place:
        own = _Place.named(key)
        if self.collection:
            return _Place(max(own.said, Secrecy.SECRET), own.password, collection=True)
        return self if key in _CARRIERS and self.said > own.said else own


@dataclass(frozen=True, slots=True)
class _Masker:
    fingerprint: Fingerprint | None

    def mask(self, value: JsonValue, place: _Place) -> JsonValue:
        if isinstance(value, dict):
            # Somebody may write a mark by hand, and a secret into it.
            genuine = is_masked(value) and not looks_like_credential(str(value.get("fingerprint")))
            return value if genuine else self._object(value, place)
        if isinstance(value, list):
            return [self.mask(element, place) for element in value]
        if isinstance(value, str):
            secret = hides_text(place.said, value) or looks_like_credential(value)
            return self._mark(value) if secret else value
        if isinstance(value, int) and place.password and value >= _SHORTEST_NUMERIC_PASSWORD:
            return self._mark(str(value))
        return value

    def _object(self, value: dict[str, JsonValue], place: _Place) -> dict[str, JsonValue]:
        shown: dict[str, JsonValue] = {}
        named = _named_by_neighbour(value)
        for key, member in value.items():
            below = named if named is not None and key == "value" else place.below(key)
            shown[self._key(key, shown)] = self.mask(member, below)
        return shown

    def _key(self, key: str, taken: dict[str, JsonValue]) -> str:
        if not looks_like_credential(key):
            return key
        shown = f"{MASK} {self.fingerprint(key)}" if self.fingerprint else MASK
        return shown if shown not in taken else f"{shown} {len(taken) + 1}"

    def _mark(self, text: str) -> JsonValue:
        if self.fingerprint is None:
            return dict(MASKED_INCOMPARABLE)
        return {"masked": True, "comparable": True, "fingerprint": self.fingerprint(text)}


def _named_by_neighbour(value: dict[str, JsonValue]) -> _Place | None:
    """Return the place of ``value`` in pairs such as ``{"name": "DB_PASSWORD", "value": ...}``."""
    for neighbour in ("name", "key"):
        name = value.get(neighbour)
        if isinstance(name, str) and secrecy(name) is not Secrecy.OPEN:
            return _Place.named(name)
    return None
