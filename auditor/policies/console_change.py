"""Somebody changed a production flag by hand in the console."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from auditor.domain.changes import ChangeKind, RecordedChange
from auditor.domain.findings import Finding, Severity
from auditor.policies._examples import change, on_change
from auditor.policies.base import PRODUCTION, ChangeContext, finding, fits, option


@dataclass(frozen=True, slots=True)
class ConsoleChange:
    """What is clicked together leaves no code review and no way to do it again."""

    code: str = "console-change"
    rule: str = "A production flag was changed by hand in the AWS console."
    severity: Severity = Severity.MEDIUM
    enabled: bool = True
    environments: tuple[str, ...] = option(PRODUCTION, "The environments that count, by patterns.")

    VALID: ClassVar = (
        on_change("by the command line", from_console=False),
        on_change("nothing tells from where", from_console=None),
        on_change("in staging", change(environment="staging"), from_console=True),
        on_change("a denied click", change(kind=ChangeKind.DENIED), from_console=True),
    )
    INVALID: ClassVar = (on_change("clicked in production", from_console=True),)

    def check(self, change: RecordedChange, context: ChangeContext) -> Iterator[Finding]:
        """Report a change that CloudTrail says came from the console; where nothing tells, nothing is said."""
        about = change.change
        if context.from_console and not about.kind.is_attempt and fits(self.environments, about.environment):
            who = change.attribution.actor.name or "somebody"
            yield finding(self, change, f"{who} changed it by hand in the console, in {about.environment}")
