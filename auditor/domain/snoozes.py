"""Snoozes: a bounded time for which somebody, for a reason, lets a flag be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from auditor.domain.flags import FlagId, JsonValue
from auditor.domain.times import rfc3339


@dataclass(frozen=True, slots=True)
class Snooze:
    """A flag is left alone until then: who said so, when, and why."""

    flag: FlagId
    until: datetime
    reason: str
    by: str
    at: datetime

    def is_active(self, now: datetime) -> bool:
        """Tell whether it still holds."""
        return now <= self.until

    def to_json(self, times: int, now: datetime) -> dict[str, JsonValue]:
        """Return the snooze for outputs; ``times`` is how often the flag was snoozed up to it."""
        return {
            "until": rfc3339(self.until),
            "reason": self.reason,
            "by": self.by,
            "at": rfc3339(self.at),
            "times": times,
            "active": self.is_active(now),
        }
