"""What a policy is, what it may know, and which of them look at which flag."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, Generic, Protocol, TypeVar

from auditor.domain.changes import RecordedChange
from auditor.domain.findings import Finding, Severity
from auditor.domain.flags import FlagId
from auditor.domain.lifetimes import FlagType, LifetimeRules
from auditor.domain.references import Reference
from auditor.domain.verdicts import FlagFacts

PRODUCTION = ("prod", "production", "live", "prd")
"""The usual names of production."""

_OPTION = "flagtrail.option"


@dataclass(frozen=True, slots=True)
class Freeze:
    """A declared time in which flags are left alone; empty ``environments`` and ``applications`` mean all."""

    name: str
    begins: datetime
    ends: datetime
    environments: tuple[str, ...] = ()
    applications: tuple[str, ...] = ()

    def covers(self, moment: datetime, application: str | None, environment: str | None) -> bool:
        """Tell whether a change at this time and place falls into the freeze."""
        here = fits(self.environments, environment) and fits(self.applications, application)
        return here and self.begins <= moment <= self.ends


@dataclass(frozen=True, slots=True)
class ChangeContext:
    """What a policy may know besides the change itself, gathered once for all policies.

    ``references`` are the places in code that name the flag (``None``: never scanned, or not asked because the flag
    is still there). ``earlier`` are the changes of the same flag in the same place before this one, newest first, of
    the last days. ``from_console`` is ``None`` where nothing tells. ``freezes`` are all that are declared.
    ``alarms`` are those that guard the flag's environment and were in alarm when it changed.
    """

    now: datetime
    references: tuple[Reference, ...] | None = None
    earlier: tuple[RecordedChange, ...] = ()
    from_console: bool | None = None
    freezes: tuple[Freeze, ...] = ()
    alarms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FlagContext:
    """What a policy may know of a flag besides its facts.

    ``places`` are the places in code that name it (``None``: never scanned). ``gone`` is True for a flag that exists
    nowhere any more.
    """

    now: datetime
    places: tuple[Reference, ...] | None = None
    lifetimes: LifetimeRules = field(default_factory=LifetimeRules)
    gone: bool = False


class Policy(Protocol):
    """What every policy has: a code, a rule as a sentence, a severity, and whether it is switched on."""

    @property
    def code(self) -> str:
        """Return the policy's name in outputs and configuration."""
        ...

    @property
    def rule(self) -> str:
        """Return the rule as one sentence for people."""
        ...

    @property
    def severity(self) -> Severity:
        """Return how bad a finding of this policy is."""
        ...

    @property
    def enabled(self) -> bool:
        """Tell whether it is switched on."""
        ...


class ChangePolicy(Policy, Protocol):
    """A rule about one change; it looks when the change is recorded, and again when its actor becomes known."""

    def check(self, change: RecordedChange, context: ChangeContext) -> Iterable[Finding]:
        """Yield what is to be said about the change, without input or output; nothing when it is fine."""
        ...


class FlagPolicy(Policy, Protocol):
    """A rule about one flag as it stands; it looks when the week is reported."""

    def check(self, facts: FlagFacts, context: FlagContext) -> Iterable[Finding]:
        """Yield what is to be said about the flag, without input or output; nothing when it is fine."""
        ...


P = TypeVar("P", bound=Policy)


@dataclass(frozen=True, slots=True)
class Traits:
    """What is declared of a flag that thresholds may depend on: its type and its tags, each ``name=value``."""

    type: FlagType | None = None
    tags: tuple[str, ...] = ()


_NO_TRAITS = Traits()


@dataclass(frozen=True, slots=True)
class Override(Generic[P]):
    """A policy with other thresholds for some flags; a ``None`` fits every flag, patterns may have ``*``."""

    policy: P
    application: str | None = None
    environment: str | None = None
    type: FlagType | None = None
    tag: str | None = None

    def concerns(self, application: str | None, environments: Sequence[str | None], traits: Traits) -> bool:
        """Tell whether these are thresholds for a flag like that."""
        if self.type is not None and self.type is not traits.type:
            return False
        if self.tag is not None and not any(fits((self.tag,), tag) for tag in traits.tags):
            return False
        if self.application is not None and not fits((self.application,), application):
            return False
        return self.environment is None or any(fits((self.environment,), name) for name in environments)


@dataclass(frozen=True, slots=True)
class Rulebook(Generic[P]):
    """All policies of one kind, each with what is different for some flags; the first override that fits counts."""

    policies: tuple[P, ...]
    overrides: tuple[Override[P], ...] = ()

    @property
    def by_traits(self) -> bool:
        """Tell whether any threshold depends on what is declared of a flag."""
        return any(override.type is not None or override.tag is not None for override in self.overrides)

    def choose(
        self, application: str | None, environments: Sequence[str | None], traits: Traits = _NO_TRAITS
    ) -> Iterator[P]:
        """Yield the policies that look at such a flag, with the thresholds for it."""
        for policy in self.policies:
            own = (o for o in self.overrides if o.policy.code == policy.code)
            special = next((o.policy for o in own if o.concerns(application, environments, traits)), policy)
            if special.enabled:
                yield special

    def only(self, policy: P) -> Rulebook[P]:
        """Return the rules of this policy alone, switched on for every flag."""
        on = tuple(replace(o, policy=_switched_on(o.policy)) for o in self.overrides if o.policy.code == policy.code)
        return Rulebook((_switched_on(policy),), on)


def _switched_on(policy: P) -> P:
    on: Any = policy
    changed: P = replace(on, enabled=True)
    return changed


@dataclass(frozen=True, slots=True)
class Option:
    """One threshold of a policy: the field it sets, its default, what it means, and the words it may be made of."""

    name: str
    default: Any
    doc: str
    choices: tuple[str, ...] = ()


def option(default: Any, doc: str, choices: tuple[str, ...] = ()) -> Any:
    """Return a field that the configuration may set; the type of its default says how it is written."""
    return field(default=default, metadata={_OPTION: (doc, choices)})


def options_of(policy: Any) -> list[Option]:
    """Return the thresholds of a policy, in their order."""
    return [
        Option(item.name, item.default, *item.metadata[_OPTION])
        for item in fields(policy)
        if _OPTION in item.metadata and item.default is not MISSING
    ]


def fits(patterns: Sequence[str], name: str | None) -> bool:
    """Tell whether a name fits one of the patterns, whatever the case; no pattern at all fits every name."""
    if not patterns:
        return True
    return name is not None and any(fnmatchcase(name.lower(), pattern.lower()) for pattern in patterns)


def finding(policy: Policy, change: RecordedChange, message: str) -> Finding:
    """Return this policy's finding about a change."""
    about = change.change
    flag = FlagId(about.application or "", about.flag) if about.flag is not None else None
    return Finding(policy.code, policy.severity, message, flag, about.environment, about.key)


def flag_finding(policy: Policy, facts: FlagFacts, message: str, environment: str | None = None) -> Finding:
    """Return this policy's finding about a flag."""
    return Finding(policy.code, policy.severity, message, facts.flag, environment)


def names_of_places(places: Sequence[Reference], most: int = 5) -> str:
    """Return where in code that is, the rest counted."""
    named = list(dict.fromkeys(f"{place.path}:{place.line}" for place in places))
    shown = named[:most]
    rest = len(named) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest > 0 else "")
