"""What a policy is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from auditor.domain.changes import RecordedChange
from auditor.domain.findings import Finding, Severity
from auditor.domain.flags import FlagId


class ChangePolicy(Protocol):
    """A rule about one change: a code, a sentence for people, a severity, and a check without input or output."""

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

    def check(self, change: RecordedChange) -> Iterable[Finding]:
        """Yield what is to be said about the change; nothing when it is fine."""
        ...


def finding(policy: ChangePolicy, change: RecordedChange, message: str) -> Finding:
    """Return this policy's finding about a change."""
    about = change.change
    flag = FlagId(about.application or "", about.flag) if about.flag is not None else None
    return Finding(policy.code, policy.severity, message, flag, about.environment, about.key)
