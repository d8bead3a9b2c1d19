"""A production flag was changed when nobody is there to see what it does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time
from typing import ClassVar

from auditor.domain.changes import ChangeKind, RecordedChange
from auditor.domain.findings import Finding, Severity
from auditor.domain.hours import WEEKDAYS, WorkingHours
from auditor.policies._examples import change, on_change
from auditor.policies.base import PRODUCTION, ChangeContext, finding, fits, option

_HOUR = 60


@dataclass(frozen=True, slots=True)
class OutOfHours:
    """A change at night is an emergency, a machine, or somebody who should be asked."""

    code: str = "out-of-hours"
    rule: str = "A production flag was changed outside of working hours."
    severity: Severity = Severity.MEDIUM
    enabled: bool = False
    environments: tuple[str, ...] = option(PRODUCTION, "The environments that count, by patterns.")
    begin: time = option(time(8), "When work begins.")
    end: time = option(time(18), "When work ends.")
    days: tuple[str, ...] = option(WEEKDAYS[:5], "The days of work.", WEEKDAYS)
    timezone: str = option("UTC", "Where these hours hold.")

    VALID: ClassVar = (
        on_change("Wednesday noon"),
        on_change("at night in staging", change(environment="staging", minutes=9 * _HOUR)),
        on_change("an expiry by the clock", change(kind=ChangeKind.EXPIRED, minutes=9 * _HOUR)),
        on_change("19:30 in UTC is the afternoon there", change(minutes=450), options={"timezone": "America/New_York"}),
    )
    INVALID: ClassVar = (
        on_change("Wednesday at 21:00", change(minutes=9 * _HOUR)),
        on_change("Saturday noon", change(minutes=3 * 24 * _HOUR)),
        on_change("at noon, where that is the night", options={"timezone": "Asia/Tokyo"}),
    )

    @property
    def hours(self) -> WorkingHours:
        """Return the hours as they are configured; the history's page goes by them, too."""
        return WorkingHours(self.begin, self.end, self.days, self.timezone)

    def check(self, change: RecordedChange, context: ChangeContext) -> Iterator[Finding]:  # noqa: ARG002 -- the port's
        """Report a dated change outside of the hours; what nothing dates is left alone."""
        about, when = change.change, change.occurred_at
        if when is None or about.kind.is_attempt or about.kind is ChangeKind.EXPIRED:
            return
        if not fits(self.environments, about.environment):
            return
        if not self.hours.cover(when):
            local = self.hours.local(when)
            yield finding(self, change, f"changed on {local:%A at %H:%M} ({self.timezone}), outside of working hours")
