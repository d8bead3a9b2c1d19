"""How long a flag is meant to live: its declared or conventional type, its end date, its owner. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fnmatch import fnmatchcase

from auditor.domain.flags import FlagId, JsonValue


class FlagType(StrEnum):
    """What a flag is for, in the field's usual words."""

    RELEASE = "release"
    EXPERIMENT = "experiment"
    OPS = "ops"
    PERMISSION = "permission"
    KILL_SWITCH = "kill-switch"


DEFAULT_LIFETIMES: Mapping[FlagType, int | None] = {
    FlagType.RELEASE: 40,
    FlagType.EXPERIMENT: 40,
    FlagType.OPS: 90,
    FlagType.PERMISSION: None,
    FlagType.KILL_SWITCH: None,
}
"""Days a flag of each type may live; ``None``: no end. Those of Unleash, with ops flags re-confirmed every 90 days."""

DEFAULT_NAMING: Mapping[str, FlagType] = {
    "release-*": FlagType.RELEASE,
    "rollout-*": FlagType.RELEASE,
    "temp-*": FlagType.RELEASE,
    "tmp-*": FlagType.RELEASE,
    "temporary-*": FlagType.RELEASE,
    "migrate-*": FlagType.RELEASE,
    "migration-*": FlagType.RELEASE,
    "*-migration": FlagType.RELEASE,
    "*-rollout": FlagType.RELEASE,
    "exp-*": FlagType.EXPERIMENT,
    "experiment-*": FlagType.EXPERIMENT,
    "*-experiment": FlagType.EXPERIMENT,
    "ab-*": FlagType.EXPERIMENT,
    "ops-*": FlagType.OPS,
    "kill-*": FlagType.KILL_SWITCH,
    "*-kill-switch": FlagType.KILL_SWITCH,
    "kill-switch": FlagType.KILL_SWITCH,
    "permission-*": FlagType.PERMISSION,
    "entitlement-*": FlagType.PERMISSION,
}
"""Names that tell a flag's type; ``_`` counts as ``-``."""

_TYPE = re.compile(r"(?i)\b(?:type|flag[-_ ]?type|lifecycle)\s*[=:]\s*([a-z][a-z_-]*)")
_BRACKETED = re.compile(r"(?i)\[(release|experiment|ops|permission|kill[-_ ]?switch|temporary|short-term)\]")
_OWNER = re.compile(r"(?i)\bowner\s*[=:]\s*([^\s,;]+)")
_END = re.compile(r"(?i)\b(?:remove|removal|expires?|until|sunset|delete|ends?)\D{0,12}(\d{4}-\d{2}-\d{2})")
_REQUIRES = re.compile(r"(?i)\b(?:requires|depends[- ]on|prerequisites?)\s*[=:]\s*([\w./-]+(?:\s*,\s*[\w./-]+)*)")
_WORDS: Mapping[str, FlagType] = {
    "temporary": FlagType.RELEASE,
    "temp": FlagType.RELEASE,
    "short-term": FlagType.RELEASE,
    "operational": FlagType.OPS,
    "killswitch": FlagType.KILL_SWITCH,
}


@dataclass(frozen=True, slots=True)
class Lifetime:
    """What is declared of a flag's life; every ``None`` means that nothing declares it.

    ``type_from`` and ``end_from`` say which sign told it. ``short_term`` is AppConfig's mark (``_deprecation``), which
    may come without a date. ``description`` is the flag's own text, or its parameter's; empty where there is none.
    ``tags`` are the store's, each ``name=value``. ``requires`` are the flags that it says it depends on.
    """

    type: FlagType | None = None
    type_from: str | None = None
    ends_on: date | None = None
    end_from: str | None = None
    short_term: bool = False
    owner: str | None = None
    description: str = ""
    tags: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LifetimeRules:
    """Days by type, which names tell a type, the type of all others (``None``: unknown), and owners by pattern."""

    days: Mapping[FlagType, int | None] = field(default_factory=lambda: dict(DEFAULT_LIFETIMES))
    naming: Mapping[str, FlagType] = field(default_factory=lambda: dict(DEFAULT_NAMING))
    default_type: FlagType | None = None
    owners: Sequence[tuple[str, str]] = ()


def flag_type(name: str) -> FlagType:
    """Return the type of this name, also by its usual other names; raise ``ValueError`` when there is none."""
    known = _known_type(name)
    if known is None:
        msg = f"{name!r} is no flag type; choose from {', '.join(FlagType)}"
        raise ValueError(msg)
    return known


def lifetime_of(
    flag: FlagId, definition: JsonValue, metadata: Mapping[str, JsonValue], rules: LifetimeRules
) -> Lifetime:
    """Gather what a flag's name, AppConfig definition, store metadata and the configuration declare of its life."""
    description = _description(definition, metadata)
    kind, type_from = _type_of(flag.key, description, metadata, rules)
    short_term, planned = _deprecation(definition)
    ends_on, end_from = planned, "_deprecation date" if planned else None
    if ends_on is None:
        ends_on, end_from = _end_of(description, metadata)
    owner = _tag(metadata, "owner") or _tag(metadata, "team") or _first(_OWNER, description) or _owner_of(flag, rules)
    tags, requires = _tags(metadata), tuple(_requires(description, metadata))
    return Lifetime(kind, type_from, ends_on, end_from, short_term, owner, description, tags, requires)


def _description(definition: JsonValue, metadata: Mapping[str, JsonValue]) -> str:
    own = definition.get("description") if isinstance(definition, dict) else None
    text = own if isinstance(own, str) else metadata.get("description")
    return text if isinstance(text, str) else ""


def _type_of(
    key: str, description: str, metadata: Mapping[str, JsonValue], rules: LifetimeRules
) -> tuple[FlagType | None, str | None]:
    for sign, word in _declared(description, metadata):
        known = _known_type(word)
        if known is not None:
            return known, sign
    name = key.replace("_", "-").lower()
    for pattern, named in rules.naming.items():
        if fnmatchcase(name, pattern.replace("_", "-").lower()):
            return named, f"its name ({pattern})"
    return rules.default_type, "the configuration" if rules.default_type else None


def _owner_of(flag: FlagId, rules: LifetimeRules) -> str | None:
    return next((owner for pattern, owner in rules.owners if fnmatchcase(str(flag), pattern)), None)


def _declared(description: str, metadata: Mapping[str, JsonValue]) -> Iterator[tuple[str, str]]:
    for name in ("flag-type", "type", "lifecycle"):
        tagged = _tag(metadata, name)
        if tagged:
            yield f"tag {name}", tagged
    for pattern in (_TYPE, _BRACKETED):
        found = _first(pattern, description)
        if found:
            yield "its description", found


def _known_type(word: str) -> FlagType | None:
    name = word.strip().lower().replace("_", "-").replace(" ", "-")
    try:
        return FlagType(name)
    except ValueError:
        return _WORDS.get(name)


def _deprecation(definition: JsonValue) -> tuple[bool, date | None]:
    """Read AppConfig's short-term mark; its date is optional."""
    mark = definition.get("_deprecation") if isinstance(definition, dict) else None
    if not isinstance(mark, dict):
        return False, None
    return mark.get("status") == "planned", _date(mark.get("date"))


def _end_of(description: str, metadata: Mapping[str, JsonValue]) -> tuple[date | None, str | None]:
    tagged = _date(_tag(metadata, "expires") or _tag(metadata, "remove-by"))
    if tagged is not None:
        return tagged, "a tag"
    described = _date(_first(_END, description))
    if described is not None:
        return described, "its description"
    expires = metadata.get("expires_at")
    policy = _date(expires[:10]) if isinstance(expires, str) else None
    return policy, "its expiration policy" if policy else None


def _requires(description: str, metadata: Mapping[str, JsonValue]) -> Iterator[str]:
    """Yield the names of the flags that a flag's tags or description say it depends on."""
    told = (_tag(metadata, "requires"), _tag(metadata, "depends-on"), _first(_REQUIRES, description))
    for text in told:
        yield from re.split(r"[,\s]+", text.strip()) if text else ()


def _tags(metadata: Mapping[str, JsonValue]) -> tuple[str, ...]:
    tags = metadata.get("tags")
    if not isinstance(tags, dict):
        return ()
    return tuple(f"{name}={value}" for name, value in sorted(tags.items()) if isinstance(value, str))


def _tag(metadata: Mapping[str, JsonValue], name: str) -> str | None:
    tags = metadata.get("tags")
    value = tags.get(name) if isinstance(tags, dict) else None
    return value if isinstance(value, str) and value else None


def _first(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.search(text)
    return found.group(1) if found else None


def _date(text: JsonValue) -> date | None:
    if not isinstance(text, str):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
