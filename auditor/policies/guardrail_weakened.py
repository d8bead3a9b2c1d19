"""A protection of a flag was weakened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from auditor.domain.changes import ChangeKind, RecordedChange
from auditor.domain.findings import Finding, Severity
from auditor.policies._examples import change, on_change
from auditor.policies.base import ChangeContext, finding


@dataclass(frozen=True, slots=True)
class GuardrailWeakened:
    """Without its alarm or validator the next bad deployment goes all the way."""

    code: str = "guardrail-weakened"
    rule: str = (
        "An alarm, a validator or a deletion protection of a flag's configuration was weakened, a deployed version "
        "was deleted, or a value is outside its constraints."
    )
    severity: Severity = Severity.HIGH
    enabled: bool = True

    VALID: ClassVar = (
        on_change("a flag was changed, no protection"),
        on_change(
            "a validation did its work",
            change(kind=ChangeKind.GUARDRAIL, flag=None, summary="validation failed", error="BadRequestException"),
        ),
    )
    INVALID: ClassVar = (
        on_change(
            "the alarms of an environment were removed",
            change(kind=ChangeKind.GUARDRAIL, flag=None, summary="the monitors of environment prod were removed"),
        ),
        on_change(
            "an attribute is outside its constraints",
            change(kind=ChangeKind.GUARDRAIL, summary="version 7: attribute limit is above its maximum 100"),
        ),
    )

    def check(self, change: RecordedChange, context: ChangeContext) -> Iterator[Finding]:  # noqa: ARG002 -- the port's
        """Report a weakened protection."""
        if change.change.kind is ChangeKind.GUARDRAIL and change.change.error is None:
            yield finding(self, change, change.change.summary)
