"""Which channel tells of a change, and whether it may now: by what it is about, quiet hours and a budget. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

from auditor.domain.changes import ChangeKind, RecordedChange
from auditor.domain.findings import Severity

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SEVERITIES = list(Severity)
_DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Quiet:
    """When a channel is left in peace: from ``begin`` to ``end`` each day, which may pass midnight, and whole days."""

    begin: time | None = None
    end: time | None = None
    days: tuple[str, ...] = ()
    timezone: str = "UTC"

    def until(self, now: datetime) -> datetime | None:
        """Return when it is over, or ``None`` when it is not quiet now."""
        moment = now.astimezone(ZoneInfo(self.timezone))
        for _ in range(2 * len(_DAYS)):
            end = self._end(moment)
            if end is None:
                break
            moment = end
        return moment.astimezone(UTC) if moment > now else None

    def _end(self, moment: datetime) -> datetime | None:
        """Return when the quiet that holds at a local moment ends next, or ``None`` when none holds."""
        midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        if _DAYS[moment.weekday()] in self.days:
            return midnight + _DAY
        if self.begin is None or self.end is None or self.begin == self.end:
            return None
        clock = moment.time()
        over = midnight.replace(hour=self.end.hour, minute=self.end.minute)
        if self.begin < self.end:
            return over if self.begin <= clock < self.end else None
        if clock >= self.begin:
            return over + _DAY
        return over if clock < self.end else None


@dataclass(frozen=True, slots=True)
class Destination:
    """A channel with what it is spared; ``name`` is ``None`` for the one that carries all that no route takes.

    ``budget`` is how many messages an hour it takes before changes are collected. What is at least as bad as
    ``urgent`` is told at once all the same.
    """

    name: str | None = None
    quiet: Quiet = Quiet()
    budget: int | None = None
    urgent: Severity = Severity.CRITICAL

    def held_until(self, now: datetime, recent: int, worst: Severity | None) -> tuple[str, datetime] | None:
        """Return why a message now has to wait and until when; ``recent`` counts those of this hour."""
        if worst is not None and _SEVERITIES.index(worst) >= _SEVERITIES.index(self.urgent):
            return None
        quiet = self.quiet.until(now)
        if quiet is not None:
            return "quiet", quiet
        if self.budget is not None and recent >= self.budget:
            return "budget", hour_of(now) + HOUR
        return None


EVERYTHING = Destination()


@dataclass(frozen=True, slots=True)
class Route:
    """Which changes a channel tells of: all that fit what is given; patterns may have ``*``.

    ``severity`` is the least a policy has to have found.
    """

    channel: str
    application: str | None = None
    environment: str | None = None
    owner: str | None = None
    severity: Severity | None = None
    kinds: tuple[ChangeKind, ...] = ()

    def takes(self, change: RecordedChange, owner: str | None, worst: Severity | None) -> bool:
        """Tell whether a change goes this way."""
        about = change.change
        if self.kinds and about.kind not in self.kinds:
            return False
        if self.severity is not None and (worst is None or _rank(worst) < _rank(self.severity)):
            return False
        pairs = ((self.application, about.application), (self.environment, about.environment), (self.owner, owner))
        return all(pattern is None or _fits(pattern, name) for pattern, name in pairs)


@dataclass(frozen=True, slots=True)
class Routing:
    """The routes, of which the first that takes a change counts, and the channels they lead to.

    Writes to the documents ``untold`` are recorded, and nobody is told of them.
    """

    routes: tuple[Route, ...] = ()
    destinations: Mapping[str, Destination] = field(default_factory=dict)
    fallback: Destination = EVERYTHING
    group_within: timedelta = timedelta(seconds=30)
    untold: frozenset[str] = frozenset()

    def destination(self, change: RecordedChange, owner: str | None, worst: Severity | None) -> Destination:
        """Return the one channel that tells of a change."""
        for route in self.routes:
            if route.takes(change, owner, worst):
                return self.destinations.get(route.channel, self.fallback)
        return self.fallback

    def way_of_owner(self, owner: str) -> str | None:
        """Return the channel of the first route that asks for this owner; ``None``: the usual one."""
        route = next((r for r in self.routes if r.owner is not None and _fits(r.owner, owner)), None)
        return None if route is None else self.destinations.get(route.channel, self.fallback).name

    @property
    def by_owner(self) -> bool:
        """Tell whether any route asks for the owner."""
        return any(route.owner is not None for route in self.routes)


def worst_of(severities: list[Severity]) -> Severity | None:
    """Return the worst of these, ``None`` of none."""
    return max(severities, key=_rank, default=None)


def hour_of(moment: datetime) -> datetime:
    """Return the beginning of the hour, by which budgets are counted."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _rank(severity: Severity) -> int:
    return _SEVERITIES.index(severity)


def _fits(pattern: str, name: str | None) -> bool:
    return name is not None and fnmatchcase(name.lower(), pattern.lower())
