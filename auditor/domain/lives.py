"""The last year of flags: how many there were each week by verdict, and what each of them was set to. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from auditor.domain.flags import FlagId
from auditor.domain.readings import Position
from auditor.domain.verdicts import Verdict

RECENT = 3
"""How many of a flag's last changes are kept."""


@dataclass(frozen=True, slots=True)
class Point:
    """How many flags there were at a moment, by what could be done with them; how many could go of each owner."""

    at: datetime
    counts: Mapping[Verdict, int]
    could_go: Mapping[str | None, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Return how many there were."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Span:
    """From when a flag was in a position in one environment, until the next span begins; ``None``: before the year."""

    since: datetime | None
    position: Position


@dataclass(frozen=True, slots=True)
class Moment:
    """One change in a line: when, what, and who (``None``: unattributed)."""

    at: datetime | None
    text: str
    who: str | None


@dataclass(slots=True)
class Life:
    """A flag's last year: what it was set to in each environment, and its last changes, newest first."""

    spans: dict[str | None, list[Span]] = field(default_factory=dict)
    recent: deque[Moment] = field(default_factory=lambda: deque(maxlen=RECENT))


@dataclass(frozen=True, slots=True)
class Year:
    """The weeks, oldest first, the last one being now, and the life of each flag."""

    points: tuple[Point, ...]
    lives: Mapping[FlagId, Life]
    since: datetime


@dataclass(frozen=True, slots=True)
class Scanned:
    """The places in code that surely name a flag, as a scan of a commit found them; did it read every file?"""

    at: datetime
    places: frozenset[str]
    commit: str | None = None
    complete: bool = True
