"""A deployment put a change before all users in one step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from auditor.domain.changes import ChangeKind, RecordedChange
from auditor.domain.findings import Finding, Severity
from auditor.policies._examples import change, deployed, on_change
from auditor.policies.base import PRODUCTION, ChangeContext, finding, fits, option

_ALL = 100


@dataclass(frozen=True, slots=True)
class AllAtOnce:
    """A step by step deployment gives an alarm the time to stop it."""

    code: str = "all-at-once"
    rule: str = "A deployment to production reached everybody in one step."
    severity: Severity = Severity.MEDIUM
    enabled: bool = True
    environments: tuple[str, ...] = option(PRODUCTION, "The environments that count, by patterns.")

    VALID: ClassVar = (
        on_change("a parameter has no steps"),
        on_change("by steps", deployed(20, 60, 100)),
        on_change("in staging", deployed(100, environment="staging")),
        on_change("the steps are not known", deployed()),
        on_change(
            "taken back at once", change(kind=ChangeKind.ROLLED_BACK, deployment=deployed(100).change.deployment)
        ),
    )
    INVALID: ClassVar = (on_change("everybody at once", deployed(100)),)

    def check(self, change: RecordedChange, context: ChangeContext) -> Iterator[Finding]:  # noqa: ARG002 -- the port's
        """Report a completed deployment whose first known step was everybody."""
        about = change.change
        if about.kind is not ChangeKind.DEPLOYED or about.deployment is None or not about.deployment.steps:
            return
        if about.deployment.steps[0].percentage >= _ALL and fits(self.environments, about.environment):
            yield finding(self, change, f"deployment {about.deployment.number} reached everybody in one step")
