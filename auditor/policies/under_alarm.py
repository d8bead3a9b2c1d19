"""A production flag was changed while an alarm that guards it was firing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from auditor.domain.changes import ChangeKind, RecordedChange
from auditor.domain.findings import Finding, Severity
from auditor.policies._examples import change, on_change
from auditor.policies.base import PRODUCTION, ChangeContext, finding, fits, option

_FIRING = ("checkout-errors",)
_CURES = (ChangeKind.ROLLED_BACK, ChangeKind.SAVED)


@dataclass(frozen=True, slots=True)
class UnderAlarm:
    """In an incident a change is either the cure or the next cause; somebody should know that it was made."""

    code: str = "under-alarm"
    rule: str = "A production flag was changed while an alarm that guards it was firing."
    severity: Severity = Severity.HIGH
    enabled: bool = True
    environments: tuple[str, ...] = option(PRODUCTION, "What counts as production, as patterns.")

    VALID: ClassVar = (
        on_change("no alarm fires"),
        on_change("in an environment that does not count", change(environment="staging"), alarms=_FIRING),
        on_change("what the alarm rolled back", change(kind=ChangeKind.ROLLED_BACK), alarms=_FIRING),
        on_change("saved, which changes nothing yet", change(kind=ChangeKind.SAVED), alarms=_FIRING),
        on_change("an attempt that was denied", change(kind=ChangeKind.DENIED), alarms=_FIRING),
    )
    INVALID: ClassVar = (
        on_change("a parameter", alarms=_FIRING),
        on_change("a deployment", change(kind=ChangeKind.DEPLOYED), alarms=("checkout-errors", "latency")),
        on_change("deleted", change(kind=ChangeKind.DELETED), alarms=_FIRING),
    )

    def check(self, change: RecordedChange, context: ChangeContext) -> Iterator[Finding]:
        """Report a change of what users get, by the names of the alarms that were firing."""
        about = change.change
        if about.kind.is_attempt or about.kind in _CURES or not context.alarms:
            return
        if fits(self.environments, about.environment):
            plural = "s" if len(context.alarms) > 1 else ""
            yield finding(self, change, f"changed while alarm{plural} {', '.join(context.alarms)} fired")
