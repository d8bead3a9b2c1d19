"""When a job runs, and after how long without success somebody has to look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

_GRACE = timedelta(minutes=10)
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
# About the longest wait between two slots of a cron line, by the first of these fields that says something: the month,
# the day of the month, that of the week, the hour.
_WAITS = ((3, 366 * _DAY), (2, 31 * _DAY), (4, 7 * _DAY), (1, _DAY))


@dataclass(frozen=True, slots=True)
class When:
    """When a job runs: ``every`` so long, or by a five-field ``cron`` line in UTC; exactly one is set."""

    every: timedelta | None = None
    cron: str | None = None

    def patience(self) -> timedelta:
        """Return how long a job may be without success: three intervals, or the longest wait of its cron line."""
        if self.every is not None:
            return 3 * self.every + _GRACE
        fields = (self.cron or "").split()
        wait = next((wait for place, wait in _WAITS if fields[place] != "*"), _HOUR)
        return wait + _HOUR + _GRACE
