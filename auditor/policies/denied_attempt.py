"""Somebody tried to change a flag and was not allowed to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from auditor.domain.changes import ChangeKind, RecordedChange
from auditor.domain.findings import Finding, Severity
from auditor.policies.base import finding


@dataclass(frozen=True, slots=True)
class DeniedAttempt:
    """A denied call is worth a look: a wrong role, or somebody trying doors."""

    code: str = "denied-attempt"
    rule: str = "An attempt to change a flag was denied."
    severity: Severity = Severity.MEDIUM

    def check(self, change: RecordedChange) -> Iterator[Finding]:
        """Report a denied call."""
        if change.change.kind is ChangeKind.DENIED:
            who = change.attribution.actor.name or "somebody who is not named"
            yield finding(self, change, f"{who} tried {change.change.reason or 'a write'} and was denied")
