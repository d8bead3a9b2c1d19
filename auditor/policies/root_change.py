"""The account's root user changed a flag."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from auditor.domain.attribution import ActorKind
from auditor.domain.changes import RecordedChange
from auditor.domain.findings import Finding, Severity
from auditor.policies.base import finding


@dataclass(frozen=True, slots=True)
class RootChange:
    """Root has no person behind it in the record and no limits."""

    code: str = "root-change"
    rule: str = "A flag was changed with the account's root user."
    severity: Severity = Severity.HIGH

    def check(self, change: RecordedChange) -> Iterator[Finding]:
        """Report a change by root; an attempt is reported as what it is elsewhere."""
        if change.attribution.actor.kind is ActorKind.ROOT and not change.change.kind.is_attempt:
            yield finding(self, change, f"changed with the root user of account {change.change.document.account}")
