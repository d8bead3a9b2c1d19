"""The account's root user changed a flag."""

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
class RootChange:
    """Root has no person behind it in the record and no limits."""

    code: str = "root-change"
    rule: str = "A flag was changed with the account's root user."
    severity: Severity = Severity.HIGH
    enabled: bool = True

    VALID: ClassVar = (
        on_change("a person changed it"),
        on_change("root was denied", change(kind=ChangeKind.DENIED, by=actor(ActorKind.ROOT))),
    )
    INVALID: ClassVar = (on_change("root changed it", change(by=actor(ActorKind.ROOT))),)

    def check(self, change: RecordedChange, context: ChangeContext) -> Iterator[Finding]:  # noqa: ARG002 -- the port's
        """Report a change by root; an attempt is reported as what it is elsewhere."""
        if change.attribution.actor.kind is ActorKind.ROOT and not change.change.kind.is_attempt:
            yield finding(self, change, f"changed with the root user of account {change.change.document.account}")
