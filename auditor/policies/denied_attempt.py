"""Somebody tried to change a flag and was not allowed to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from auditor.domain.attribution import ActorKind
from auditor.domain.changes import ChangeKind, RecordedChange
from auditor.domain.findings import Finding, Severity
from auditor.policies._examples import actor, change, on_change
from auditor.policies.base import ChangeContext, finding


@dataclass(frozen=True, slots=True)
class DeniedAttempt:
    """A denied call is worth a look: a wrong role, or somebody trying doors."""

    code: str = "denied-attempt"
    rule: str = "An attempt to change a flag was denied."
    severity: Severity = Severity.MEDIUM
    enabled: bool = True

    VALID: ClassVar = (
        on_change("a change that was allowed"),
        on_change("a call that failed for another reason", change(kind=ChangeKind.FAILED, reason="PutParameter")),
    )
    INVALID: ClassVar = (
        on_change("a person was denied", change(kind=ChangeKind.DENIED, reason="PutParameter")),
        on_change("nobody known was denied", change(kind=ChangeKind.DENIED, by=actor(ActorKind.UNKNOWN))),
    )

    def check(self, change: RecordedChange, context: ChangeContext) -> Iterator[Finding]:  # noqa: ARG002 -- the port's
        """Report a denied call."""
        if change.change.kind is ChangeKind.DENIED:
            who = change.attribution.actor.name or "somebody who is not named"
            yield finding(self, change, f"{who} tried {change.change.reason or 'a write'} and was denied")
