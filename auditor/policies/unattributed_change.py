"""Nobody is named for a change, and nobody will be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from auditor.domain.attribution import ActorKind
from auditor.domain.changes import ChangeKind, Detection, RecordedChange
from auditor.domain.findings import Finding, Severity
from auditor.policies._examples import NOON, actor, change, on_change
from auditor.policies.base import ChangeContext, finding

_NOBODY = actor(ActorKind.UNKNOWN)


@dataclass(frozen=True, slots=True)
class UnattributedChange:
    """CloudTrail names people minutes later; whoever is not named by then needs looking for."""

    code: str = "unattributed-change"
    rule: str = "A flag was changed and nobody is named for it, even after the configured wait."
    severity: Severity = Severity.HIGH
    enabled: bool = True
    after: timedelta = timedelta(minutes=30)

    VALID: ClassVar = (
        on_change("somebody is named", now=NOON + timedelta(days=1)),
        on_change("it is too early to say", change(by=_NOBODY), now=NOON + timedelta(minutes=29)),
        on_change("an expiry has nobody", change(by=_NOBODY, kind=ChangeKind.EXPIRED), now=NOON + timedelta(days=1)),
        on_change(
            "the past, filled in", change(by=_NOBODY, detected_by=Detection.BACKFILL), now=NOON + timedelta(days=1)
        ),
    )
    INVALID: ClassVar = (on_change("nobody after the wait", change(by=_NOBODY), now=NOON + timedelta(minutes=30)),)

    def check(self, change: RecordedChange, context: ChangeContext) -> Iterator[Finding]:
        """Report a change that is still unattributed when the wait since its recording is over."""
        about = change.change
        if change.attribution.attributed or about.kind is ChangeKind.EXPIRED or about.kind.is_attempt:
            return
        if about.detected_by is not Detection.BACKFILL and context.now - change.recorded_at >= self.after:
            minutes = int(self.after.total_seconds() // 60)
            yield finding(self, change, f"nobody is named for it {minutes} minutes after it was recorded")
