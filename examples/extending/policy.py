"""A policy: a rollout that goes up by too much in one step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from auditor.domain.changes import RecordedChange
from auditor.domain.findings import Finding, Severity
from auditor.domain.flags import FlagState
from auditor.domain.readings import read_state
from auditor.policies._examples import change, on_change
from auditor.policies.base import PRODUCTION, ChangeContext, finding, fits, option


def _at(share: int) -> FlagState:
    return FlagState({"enabled": True, "rollout": share})


@dataclass(frozen=True, slots=True)
class BigStep:
    """A rollout in small steps shows a fault to few; a leap shows it to many."""

    code: str = "big-step"
    rule: str = "A rollout went up by more than is allowed in one step."
    severity: Severity = Severity.MEDIUM
    enabled: bool = True
    environments: tuple[str, ...] = option(PRODUCTION, "The environments that count, by patterns.")
    most: int = option(50, "How many percentage points one step may have.")

    VALID: ClassVar = (
        on_change("10% to 50%", change(before=_at(10), after=_at(50))),
        on_change("back from 90% to 10%", change(before=_at(90), after=_at(10))),
        on_change("in staging", change(before=_at(10), after=_at(90), environment="staging")),
        on_change("created", change(before=None, after=_at(90))),
    )
    INVALID: ClassVar = (
        on_change("10% to 90%", change(before=_at(10), after=_at(90))),
        on_change("10% to 30%, where 10 are allowed", change(before=_at(10), after=_at(30)), options={"most": 10}),
    )

    def check(self, change: RecordedChange, context: ChangeContext) -> Iterator[Finding]:  # noqa: ARG002 -- the port's
        """Report a leap between two known shares."""
        about = change.change
        before, after = read_state(about.before).share, read_state(about.after).share
        if before is None or after is None or not fits(self.environments, about.environment):
            return
        if after - before > self.most:
            yield finding(self, change, f"the rollout went from {before:g}% to {after:g}% in one step")
