"""A protection of a flag was weakened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from auditor.domain.changes import ChangeKind, RecordedChange
from auditor.domain.findings import Finding, Severity
from auditor.policies.base import finding


@dataclass(frozen=True, slots=True)
class GuardrailWeakened:
    """Without its alarm or validator the next bad deployment goes all the way."""

    code: str = "guardrail-weakened"
    rule: str = "An alarm, a validator or a deletion protection of a flag's configuration was weakened."
    severity: Severity = Severity.HIGH

    def check(self, change: RecordedChange) -> Iterator[Finding]:
        """Report a weakened protection."""
        if change.change.kind is ChangeKind.GUARDRAIL:
            yield finding(self, change, change.change.summary)
