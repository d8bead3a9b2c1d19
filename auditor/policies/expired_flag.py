"""A short-term flag is past the date it was to go by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from auditor.domain.findings import Finding, Severity
from auditor.domain.lifetimes import FlagType, Lifetime, LifetimeRules, lifetime_of
from auditor.domain.references import Annotation, AnnotationKind
from auditor.domain.verdicts import FlagFacts
from auditor.policies._examples import NOON, declared, flag, on_flag
from auditor.policies.base import FlagContext, flag_finding

_TOMORROW = (NOON + timedelta(days=1)).date()


def _dated(*days: int) -> Lifetime:
    """Return what comments declare that name dates so many days from now."""
    dates = [(NOON + timedelta(days=number)).date().isoformat() for number in days]
    said = [Annotation("shop/flags.py", 3, AnnotationKind.END_DATE, date, f"expires: {date}") for date in dates]
    return lifetime_of(flag().flag, None, {}, LifetimeRules(), said)


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
        on_flag("a comment names a date to come", flag(lifetime=_dated(1))),
    )
    INVALID: ClassVar = (
        on_flag("its date is today", flag(lifetime=declared(ends_on=NOON.date(), end_from="a tag"))),
        on_flag("short-term without a date, and old", flag(days=41, lifetime=declared(short_term=True))),
        on_flag("a comment names a date that has come", flag(lifetime=_dated(-1))),
        on_flag("its dates disagree", flag(lifetime=_dated(-1, 1))),
    )

    def check(self, facts: FlagFacts, context: FlagContext) -> Iterator[Finding]:
        """Report a date that has passed; without a date, a short-term mark older than a release flag may get."""
        life, limit = facts.lifetime, facts.limit(context.lifetimes, FlagType.RELEASE)
        if context.gone:
            return
        if life.disagrees_on(context.now.date()):
            yield flag_finding(self, facts, f"the dates by which it was to go disagree: {life.dates_said}")
        elif life.ends_on is not None:
            if life.ends_on <= context.now.date():
                yield flag_finding(self, facts, f"it was to go by {life.ends_on.isoformat()} ({life.end_from})")
        elif life.short_term and facts.created_at is not None and limit is not None:
            age = (context.now - facts.created_at).days
            if age > limit:
                who = life.short_term_from
                yield flag_finding(self, facts, f"{who} marks it short-term; it is {age} days old (allowed: {limit})")
