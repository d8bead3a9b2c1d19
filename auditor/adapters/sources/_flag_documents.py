"""Documents that hold flags: AppConfig's feature flags and Powertools' rules, known by their shape."""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from auditor.adapters.sources._structured import load_document, value_at
from auditor.domain.errors import ConfigurationError, MalformedDocumentError
from auditor.domain.flags import FlagState, JsonValue
from auditor.domain.masking import Fingerprint, hides, mask_text, mask_value
from auditor.domain.pointers import escape
from auditor.domain.times import parse_rfc3339
from auditor.domain.untouched import same_as

JsonObject = dict[str, JsonValue]

# AppConfig writes these into both halves of a flag; they say when, not what.
_STAMPS = ("_createdAt", "_updatedAt")
_HALVES = frozenset({"version", "flags", "values"})
_POWERTOOLS_FIELDS = frozenset({"default", "boolean_type", "rules", "description"})
# Powertools finds its flags by an expression; in practice they are a few keys down.
_MAX_ENVELOPE = 4


@dataclass(frozen=True, slots=True)
class FoundFlag:
    """A flag in a document: its key, what it says, and when it was last updated (``None``: not told).

    ``seal`` tells in this process whether it is the very same as another, where its state cannot: a hidden value that
    is not comparable is in it. ``None`` where the state itself tells. It is never kept.
    """

    key: str
    state: FlagState
    updated_at: datetime | None = None
    seal: bytes | None = None


@dataclass(frozen=True, slots=True)
class FlagDocument:
    """The flags of a document by their path in it."""

    flags: Mapping[str, FoundFlag] = field(default_factory=dict)

    @property
    def sealed(self) -> bool:
        """Tell whether only a look at the former version tells which flags are still the same."""
        return any(flag.seal is not None for flag in self.flags.values())

    def same_as(self, version: str, former: FlagDocument) -> dict[str, JsonValue]:
        """Return the metadata that says which flags with hidden values are as ``version`` of the document has them."""
        sealed = {path: flag.seal for path, flag in former.flags.items() if flag.seal is not None}
        unchanged = (path for path, flag in self.flags.items() if flag.seal and flag.seal == sealed.get(path))
        return same_as(version, unchanged)


def read_feature_flags(content: JsonValue, fingerprint: Fingerprint | None) -> FlagDocument:
    """Read a feature-flag profile's content; raise ``MalformedDocumentError`` when it is none."""
    if not _is_feature_flags(content):
        raise MalformedDocumentError("it is no AWS.AppConfig.FeatureFlags document")
    definitions, values = _half(content, "flags"), _half(content, "values")
    return FlagDocument(
        {
            f"/{escape(mask_text(key))}": _feature_flag(key, definitions, values, fingerprint)
            for key in dict.fromkeys([*definitions, *values])
        }
    )


def recognise(content: JsonValue, fingerprint: Fingerprint | None) -> FlagDocument | None:
    """Read a freeform document that plainly holds flags; ``None`` when it is something else."""
    if _is_feature_flags(content) and isinstance(content, dict) and _HALVES & content.keys() > {"version"}:
        return read_feature_flags(content, fingerprint)
    flags = {path: read_flag(key, flag, fingerprint) for path, key, flag in _powertools_flags(content, "", 0)}
    return FlagDocument(flags) if flags else None


def read_members(value: JsonValue, pointer: str, fingerprint: Fingerprint | None) -> FlagDocument:
    """Read the flags of an object that stands at a pointer; raise ``MalformedDocumentError`` when it is none.

    What plainly holds flags is read as that; otherwise each member of the object is a flag, whatever it says.
    """
    if not isinstance(value, dict):
        raise MalformedDocumentError(f"there is no object at {pointer or 'its root'}")
    known = recognise(value, fingerprint)
    if known is not None:
        return FlagDocument({pointer + path: flag for path, flag in known.flags.items()})
    members = {f"{pointer}/{escape(mask_text(key))}": (key, member) for key, member in value.items()}
    return FlagDocument({path: read_flag(key, member, fingerprint) for path, (key, member) in members.items()})


def read_freeform(
    raw: bytes, fingerprint: Fingerprint | None, *, pointer: str | None = None, content_type: str = ""
) -> FlagDocument | None:
    """Read freeform content, JSON or YAML; ``None`` when it holds no flags.

    With ``pointer`` the members of the object there are the flags; without, only what plainly holds flags does. What
    people say the content is need not be so: JSON first, where they do not say YAML. Raise ``MalformedDocumentError``
    for content that is neither.
    """
    broken = MalformedDocumentError("it is neither JSON nor YAML")
    for yaml in (True,) if "yaml" in content_type else (False, True):
        try:
            content = load_document(raw, yaml=yaml)
        except MalformedDocumentError as error:
            broken = error
            continue
        except ConfigurationError:
            continue  # without PyYAML only JSON is read
        if pointer is None:
            return recognise(content, fingerprint)
        there, value = value_at(content, pointer)
        return read_members(value, pointer, fingerprint) if there and isinstance(value, dict) else None
    raise broken


def _is_feature_flags(content: JsonValue) -> bool:
    if not isinstance(content, dict) or not content.keys() <= _HALVES or content.get("version") != "1":
        return False
    return all(isinstance(content.get(half, {}), dict) for half in ("flags", "values"))


def _half(content: JsonValue, name: str) -> JsonObject:
    half = content.get(name) if isinstance(content, dict) else None
    return half if isinstance(half, dict) else {}


def _feature_flag(key: str, definitions: JsonObject, values: JsonObject, fingerprint: Fingerprint | None) -> FoundFlag:
    definition, value = definitions.get(key), values.get(key)
    state = FlagState(
        value=mask_value(_unstamped(value), field_name=key, fingerprint=fingerprint),
        definition=mask_value(_unstamped(definition), field_name=None, fingerprint=fingerprint),
        has_value=key in values,
    )
    raw: JsonValue = [_unstamped(value), _unstamped(definition), key in values]
    updates = [moment for half in (definition, value) if (moment := _updated_at(half)) is not None]
    return FoundFlag(mask_text(key), state, max(updates, default=None), _seal(raw, state))


def read_flag(key: str, value: JsonValue, fingerprint: Fingerprint | None) -> FoundFlag:
    """Read a value that is one flag's."""
    state = FlagState(mask_value(value, field_name=key, fingerprint=fingerprint))
    return FoundFlag(mask_text(key), state, seal=_seal(value, state))


def _seal(raw: JsonValue, state: FlagState) -> bytes | None:
    if not (hides(state.value) or hides(state.definition)):
        return None
    text = json.dumps(raw, sort_keys=True)
    return hmac.digest(_process_key(), text.encode("utf-8", "surrogatepass"), "sha256")


@cache
def _process_key() -> bytes:
    """Return a key that nobody else has and that ends with the process."""
    return secrets.token_bytes(32)


def _unstamped(half: JsonValue) -> JsonValue:
    if not isinstance(half, dict):
        return half
    return {name: member for name, member in half.items() if name not in _STAMPS}


def _updated_at(half: JsonValue) -> datetime | None:
    stamp = half.get("_updatedAt") if isinstance(half, dict) else None
    try:
        return parse_rfc3339(stamp) if isinstance(stamp, str) else None
    except (ValueError, OverflowError):
        return None


def _powertools_flags(content: JsonValue, path: str, depth: int) -> Iterator[tuple[str, str, JsonValue]]:
    """Yield path, key and entry of each Powertools flag: of this object, or of those inside it."""
    if not isinstance(content, dict) or depth > _MAX_ENVELOPE:
        return
    if content and all(_is_powertools_flag(member) for member in content.values()):
        yield from ((f"{path}/{escape(mask_text(key))}", mask_text(key), flag) for key, flag in content.items())
        return
    for key, member in content.items():
        yield from _powertools_flags(member, f"{path}/{escape(mask_text(key))}", depth + 1)


def _is_powertools_flag(entry: JsonValue) -> bool:
    if not isinstance(entry, dict) or "default" not in entry or not entry.keys() <= _POWERTOOLS_FIELDS:
        return False
    typed = isinstance(entry["default"], bool) or entry.get("boolean_type") is False
    rules = entry.get("rules")
    ruled = rules is None or (isinstance(rules, dict) and all(map(_is_rule, rules.values())))
    return typed and ruled


def _is_rule(rule: JsonValue) -> bool:
    return isinstance(rule, dict) and "when_match" in rule and isinstance(rule.get("conditions"), list)
