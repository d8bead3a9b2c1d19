"""Nobody has touched a flag for a year."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from auditor.domain.findings import Finding, Severity
from auditor.domain.verdicts import FlagFacts
from auditor.policies._examples import flag, on_flag
from auditor.policies.base import FlagContext, flag_finding, option


@dataclass(frozen=True, slots=True)
class UnconfirmedFlag:
    """Somebody should say once a year that a flag is still meant to be as it is."""

    code: str = "unconfirmed-flag"
    rule: str = "Nobody has changed a flag for a year; confirm that it is still meant to be as it is."
    severity: Severity = Severity.LOW
    enabled: bool = True
    after: timedelta = option(timedelta(days=365), "How long a flag may be without a change.")

    VALID: ClassVar = (
        on_flag("changed this year", flag(days=364)),
        on_flag("nothing dates it", flag(changed_at=None)),
        on_flag("gone", flag(days=900), gone=True),
    )
    INVALID: ClassVar = (on_flag("untouched for a year", flag(days=365)),)

    def check(self, facts: FlagFacts, context: FlagContext) -> Iterator[Finding]:
        """Report a flag whose last change is that long ago."""
        if facts.changed_at is not None and not context.gone and context.now - facts.changed_at >= self.after:
            days = (context.now - facts.changed_at).days
            yield flag_finding(self, facts, f"nobody has changed it for {days} days; is it still meant to be so?")
