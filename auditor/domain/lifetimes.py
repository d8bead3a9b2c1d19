"""How long a flag is meant to live: its declared or conventional type, its end date, its owner. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Generic, NamedTuple, TypeVar

from auditor.domain.flags import FlagId, JsonValue
from auditor.domain.references import Annotation, AnnotationKind
from auditor.domain.wording import count

T = TypeVar("T")


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
    "circuit-breaker": FlagType.KILL_SWITCH,
    "permanent": FlagType.PERMISSION,
    "vip": FlagType.PERMISSION,
    "opt-in": FlagType.PERMISSION,
    "opt-out": FlagType.PERMISSION,
    "open-edx": FlagType.PERMISSION,
}


class Declared(NamedTuple, Generic[T]):
    """What a sign says of a flag, and which sign; ``in_code``: a comment does, which holds as of a scan."""

    what: T
    source: str
    in_code: bool = False


@dataclass(frozen=True, slots=True)
class Lifetime:
    """What is declared of a flag's life; every ``None`` means that nothing declares it.

    ``type_from`` and ``end_from`` say which sign told it. ``short_term`` is AppConfig's mark (``_deprecation``) or that
    of a comment (``short_term_from``), which may come without a date. ``description`` is the flag's own text, or its
    parameter's; empty where there is none. ``tags`` are the store's, each ``name=value``. ``requires`` are the flags
    that it says it depends on. ``ends`` and ``types`` are all that are declared, the first of which counts;
    ``not_before`` are dates before which comments ask to leave it. ``only_in_code`` names those of type, end and mark
    that nothing but a comment tells.
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
    short_term_from: str = "AppConfig"
    ends: tuple[Declared[date], ...] = ()
    types: tuple[Declared[FlagType], ...] = ()
    not_before: tuple[Declared[date], ...] = ()
    only_in_code: frozenset[str] = frozenset()

    def disagrees_on(self, day: date) -> bool:
        """Tell whether some of its end dates have come by a day and others have not."""
        return len({end.what <= day for end in self.ends}) > 1

    def is_over(self, day: date) -> bool:
        """Tell whether the date by which it was to go has come; not where its dates disagree about that."""
        return self.ends_on is not None and self.ends_on <= day and not self.disagrees_on(day)

    @property
    def dates_said(self) -> str:
        """Return its end dates with their signs, for people."""
        return ", ".join(f"{end.what.isoformat()} ({end.source})" for end in self.ends)


@dataclass(frozen=True, slots=True)
class SpecialLifetime:
    """How long flags of a type may live that are in an application or environment, or have a tag, by patterns.

    A ``None`` fits every flag; ``days`` of ``None``: no end.
    """

    type: FlagType
    days: int | None
    application: str | None = None
    environment: str | None = None
    tag: str | None = None

    def concerns(self, flag: FlagId, environments: Iterable[str | None], tags: Iterable[str]) -> bool:
        """Tell whether it holds for a flag in these environments, with these tags (``name=value``)."""
        here = _fits(self.application, (flag.application,)) and _fits(self.environment, environments)
        return here and _fits(self.tag, tags)


def _fits(pattern: str | None, names: Iterable[str | None]) -> bool:
    wanted = None if pattern is None else pattern.lower()
    return wanted is None or any(name is not None and fnmatchcase(name.lower(), wanted) for name in names)


@dataclass(frozen=True, slots=True)
class LifetimeRules:
    """Days by type, which names tell a type, the type of all others (``None``: unknown), and owners by pattern.

    ``special`` are other lifetimes for some flags; the first that fits counts.
    """

    days: Mapping[FlagType, int | None] = field(default_factory=lambda: dict(DEFAULT_LIFETIMES))
    naming: Mapping[str, FlagType] = field(default_factory=lambda: dict(DEFAULT_NAMING))
    default_type: FlagType | None = None
    owners: Sequence[tuple[str, str]] = ()
    special: Sequence[SpecialLifetime] = ()

    def limit(
        self, kind: FlagType, flag: FlagId, environments: Collection[str | None] = (), tags: Collection[str] = ()
    ) -> int | None:
        """Return how many days a flag of this type may live; ``None``: no end."""
        own = (one.days for one in self.special if one.type is kind and one.concerns(flag, environments, tags))
        return next(own, self.days.get(kind))


def lifetime_said(kind: FlagType, limit: int, days: int) -> str:
    """Return that a flag of a type is past its days, counted as they are for this type."""
    if kind is FlagType.OPS:
        return f"an ops flag has to be confirmed every {count(limit, 'day')}; it last changed {count(days, 'day')} ago"
    article = "an" if kind.value[0] in "aeiou" else "a"
    return f"{article} {kind.value} flag may live {count(limit, 'day')}; it is {count(days, 'day')} old"


def flag_type(name: str) -> FlagType:
    """Return the type of this name, also by its usual other names; raise ``ValueError`` when there is none."""
    known = known_type(name)
    if known is None:
        msg = f"{name!r} is no flag type; choose from {', '.join(FlagType)}"
        raise ValueError(msg)
    return known


def lifetime_of(
    flag: FlagId,
    definition: JsonValue,
    metadata: Mapping[str, JsonValue],
    rules: LifetimeRules,
    annotations: Sequence[Annotation] = (),
) -> Lifetime:
    """Gather what a flag's name, AppConfig definition, store metadata, comments and the configuration declare.

    The store's word goes before a comment's, a comment's before what a name means.
    """
    description = _description(definition, metadata)
    types = (*_types_of(description, metadata), *_types_in(annotations))
    kind, type_from = (types[0].what, types[0].source) if types else _type_by_name(flag.key, rules)
    short_term, planned = _deprecation(definition)
    ends = (*_ends_of(planned, description, metadata), *_dates_in(annotations, AnnotationKind.END_DATE))
    ends = ends or tuple(_policy_end(metadata))
    mark = None if short_term else next((one for one in annotations if one.kind is AnnotationKind.MARK), None)
    only = {
        *(("type",) if types and types[0].in_code else ()),
        *(("end",) if ends and ends[0].in_code else ()),
        *(("mark",) if mark is not None else ()),
    }
    owner = _tag(metadata, "owner") or _tag(metadata, "team") or _first(_OWNER, description)
    return Lifetime(
        kind,
        type_from,
        ends[0].what if ends else None,
        ends[0].source if ends else None,
        short_term or mark is not None,
        owner or _owner_in(annotations) or _owner_of(flag, rules),
        description,
        _tags(metadata),
        tuple(_requires(description, metadata)),
        "AppConfig" if mark is None else source_of(mark),
        ends,
        types,
        _dates_in(annotations, AnnotationKind.NOT_BEFORE),
        frozenset(only),
    )


def source_of(annotation: Annotation) -> str:
    """Return how a comment is named as the sign that tells something."""
    return f"the comment at {annotation.path}:{annotation.line}"


def _description(definition: JsonValue, metadata: Mapping[str, JsonValue]) -> str:
    own = definition.get("description") if isinstance(definition, dict) else None
    text = own if isinstance(own, str) else metadata.get("description")
    return text if isinstance(text, str) else ""


def _types_of(description: str, metadata: Mapping[str, JsonValue]) -> Iterator[Declared[FlagType]]:
    for sign, word in _declared(description, metadata):
        known = known_type(word)
        if known is not None:
            yield Declared(known, sign)


def _types_in(annotations: Sequence[Annotation]) -> Iterator[Declared[FlagType]]:
    for one in annotations:
        known = known_type(one.value) if one.kind is AnnotationKind.TYPE else None
        if known is not None:
            yield Declared(known, source_of(one), in_code=True)


def _type_by_name(key: str, rules: LifetimeRules) -> tuple[FlagType | None, str | None]:
    name = key.replace("_", "-").lower()
    for pattern, named in rules.naming.items():
        if fnmatchcase(name, pattern.replace("_", "-").lower()):
            return named, f"its name ({pattern})"
    return rules.default_type, "the configuration" if rules.default_type else None


def _owner_in(annotations: Sequence[Annotation]) -> str | None:
    return next((one.value for one in annotations if one.kind is AnnotationKind.OWNER), None)


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


def known_type(word: str) -> FlagType | None:
    """Return the type of this name, also by its usual other names; ``None`` where there is none."""
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


def _ends_of(planned: date | None, description: str, metadata: Mapping[str, JsonValue]) -> Iterator[Declared[date]]:
    """Yield the end dates that the store declares, the one that counts first."""
    tagged = _date(_tag(metadata, "expires") or _tag(metadata, "remove-by"))
    signs = ((planned, "_deprecation date"), (tagged, "a tag"), (_date(_first(_END, description)), "its description"))
    yield from (Declared(day, sign) for day, sign in signs if day is not None)


def _dates_in(annotations: Sequence[Annotation], kind: AnnotationKind) -> tuple[Declared[date], ...]:
    """Return the dates of this kind that comments name, the latest first."""
    dated = ((_date(one.value), one) for one in annotations if one.kind is kind)
    found = [Declared(day, source_of(one), in_code=True) for day, one in dated if day is not None]
    return tuple(sorted(found, key=lambda one: one.what, reverse=True))


def _policy_end(metadata: Mapping[str, JsonValue]) -> Iterator[Declared[date]]:
    """Yield when the store deletes it by itself, which is no word on when it should go where there is one."""
    expires = metadata.get("expires_at")
    day = _date(expires[:10]) if isinstance(expires, str) else None
    if day is not None:
        yield Declared(day, "its expiration policy")


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
