"""Working hours: when a change is expected, in whose time zone. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """The days of work, and when it begins and ends there, in a time zone."""

    begin: time = time(8)
    end: time = time(18)
    days: tuple[str, ...] = WEEKDAYS[:5]
    timezone: str = "UTC"

    def local(self, moment: datetime) -> datetime:
        """Return a moment as clocks show it there."""
        return moment.astimezone(ZoneInfo(self.timezone))

    def cover(self, moment: datetime) -> bool:
        """Tell whether a moment lies within them."""
        local = self.local(moment)
        return WEEKDAYS[local.weekday()] in self.days and self.begin <= local.time() < self.end

    def __str__(self) -> str:
        """Return them for people, such as ``mon, tue 08:00 to 18:00 (UTC)``."""
        days = "mon to fri" if self.days == WEEKDAYS[:5] else ", ".join(self.days)
        return f"{days} {self.begin:%H:%M} to {self.end:%H:%M} ({self.timezone})"
