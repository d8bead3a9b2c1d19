"""A short-term flag is past the date it was to go by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from auditor.domain.findings import Finding, Severity
from auditor.domain.lifetimes import FlagType
from auditor.domain.verdicts import FlagFacts
from auditor.policies._examples import NOON, declared, flag, on_flag
from auditor.policies.base import FlagContext, flag_finding

_TOMORROW = (NOON + timedelta(days=1)).date()


@dataclass(frozen=True, slots=True)
class ExpiredFlag:
    """A date that passes without anybody minding is no date."""

    code: str = "expired-flag"
    rule: str = "A short-term flag is past the date it was to go by."
    severity: Severity = Severity.MEDIUM
    enabled: bool = True

    VALID: ClassVar = (
        on_flag("no date is declared"),
        on_flag("its date is to come", flag(lifetime=declared(ends_on=_TOMORROW))),
        on_flag("short-term without a date, and young", flag(days=40, lifetime=declared(short_term=True))),
        on_flag("gone already", flag(lifetime=declared(ends_on=NOON.date())), gone=True),
    )
    INVALID: ClassVar = (
        on_flag("its date is today", flag(lifetime=declared(ends_on=NOON.date(), end_from="a tag"))),
        on_flag("short-term without a date, and old", flag(days=41, lifetime=declared(short_term=True))),
    )

    def check(self, facts: FlagFacts, context: FlagContext) -> Iterator[Finding]:
        """Report a date that has passed; without a date, a short-term mark older than a release flag may get."""
        life, limit = facts.lifetime, context.lifetimes.days.get(FlagType.RELEASE)
        if context.gone:
            return
        if life.ends_on is not None:
            if life.ends_on <= context.now.date():
                yield flag_finding(self, facts, f"it was to go by {life.ends_on.isoformat()} ({life.end_from})")
        elif life.short_term and facts.created_at is not None and limit is not None:
            age = (context.now - facts.created_at).days
            if age > limit:
                yield flag_finding(self, facts, f"it is marked short-term and {age} days old (allowed: {limit})")
