"""A flag lives longer than flags of its type may."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from auditor.domain.findings import Finding, Severity
from auditor.domain.lifetimes import FlagType, lifetime_said
from auditor.domain.verdicts import FlagFacts
from auditor.policies._examples import NOON, ago, declared, flag, on_flag
from auditor.policies.base import FlagContext, flag_finding

_RELEASE = declared(type=FlagType.RELEASE)


@dataclass(frozen=True, slots=True)
class PastLifetime:
    """How long each type may live stands under ``[stale.lifetimes]``, for some flags under ``[[stale.lifetime]]``."""

    code: str = "past-lifetime"
    rule: str = "A flag is older than flags of its type may get, or nobody confirmed an ops flag by a change."
    severity: Severity = Severity.MEDIUM
    enabled: bool = True

    VALID: ClassVar = (
        on_flag("an ops flag in its 90 days", flag(days=90)),
        on_flag("an ops flag that a change confirmed", flag(days=400, changed_at=ago(90))),
        on_flag("nothing tells its type", flag(days=900, lifetime=declared(type=None))),
        on_flag("a kill switch stays", flag(days=900, lifetime=declared(type=FlagType.KILL_SWITCH))),
        on_flag(
            "it has a date of its own", flag(days=41, lifetime=declared(type=FlagType.RELEASE, ends_on=NOON.date()))
        ),
        on_flag("nothing dates it", flag(lifetime=_RELEASE, created_at=None)),
    )
    INVALID: ClassVar = (
        on_flag("a release flag of 41 days", flag(days=41, lifetime=_RELEASE)),
        on_flag("an ops flag that nobody confirmed", flag(days=91, changed_at=ago(91))),
    )

    def check(self, facts: FlagFacts, context: FlagContext) -> Iterator[Finding]:
        """Report a flag past its type's days; a flag with a date of its own is judged by that."""
        life = facts.lifetime
        limit = facts.limit(context.lifetimes, life.type) if life.type is not None else None
        begun = facts.counted_from(life.type)
        if context.gone or limit is None or begun is None or life.ends_on is not None or life.type is None:
            return
        days = (context.now - begun).days
        if days > limit:
            yield flag_finding(self, facts, lifetime_said(life.type, limit, days))
