"""How far a deployment is, as messages about it tell: from its start through its steps to its end. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

from auditor.domain.changes import FlagChange, change_id
from auditor.domain.documents import Deployment
from auditor.domain.flags import JsonValue
from auditor.domain.joining import alarm_name
from auditor.domain.times import parse_rfc3339, rfc3339

RUNNING = frozenset({"DEPLOYING", "BAKING", "VALIDATING", "ROLLING_BACK"})
"""AppConfig's words for a deployment that is not over."""

_TAKEN_BACK = frozenset({"ROLLING_BACK", "ROLLED_BACK", "REVERTED"})
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Progress:
    """One look at a deployment: what it is, what it brings, how far it is, and who began it.

    ``coming`` holds a sentence for each flag that it changes, ``live`` the version that it replaces, ``steps`` when
    which share of the targets was reached. ``changes`` are the first of those that are recorded once it is live: flag
    and id. Times are RFC 3339, so that a look can be kept as JSON.
    """

    number: int
    application: str
    environment: str
    profile: str
    account: str
    region: str
    application_id: str
    environment_id: str
    version: str
    live: str | None
    state: str
    coming: tuple[str, ...]
    steps: tuple[tuple[str, float], ...] = ()
    growth: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    ended_at: str | None = None
    cause: str | None = None
    who: str | None = None
    changes: tuple[tuple[str, str], ...] = ()

    @property
    def running(self) -> bool:
        """Tell whether it is not over."""
        return self.state in RUNNING

    @property
    def taken_back(self) -> bool:
        """Tell whether it was, or is being, taken back."""
        return self.state in _TAKEN_BACK

    @property
    def share(self) -> float | None:
        """Return the share of targets that it reached, in percent."""
        return self.steps[-1][1] if self.steps else None

    def to_json(self) -> dict[str, JsonValue]:
        """Return it for keeping."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """Return what was kept."""
        steps = tuple((at, share) for at, share in kept["steps"])
        changes = tuple((flag, named) for flag, named in kept.get("changes", ()))
        return cls(**{**kept, "coming": tuple(kept["coming"]), "steps": steps, "changes": changes})


def progress_of(
    deployment: Deployment, changes: Sequence[FlagChange], coming: Sequence[str], who: str | None
) -> Progress:
    """Return a look at a deployment; ``changes`` are those it brings, at least one."""
    env = deployment.environment
    return Progress(
        number=deployment.number,
        application=deployment.application,
        environment=deployment.environment_name,
        profile=deployment.profile_name,
        account=env.account,
        region=env.region,
        application_id=env.application_id,
        environment_id=env.environment_id,
        version=deployment.version,
        live=changes[0].version_before,
        state=deployment.state,
        coming=tuple(coming),
        steps=tuple((rfc3339(step.at), step.percentage) for step in deployment.steps),
        growth=deployment.growth,
        started_at=_moment(deployment.started_at),
        completed_at=_moment(deployment.completed_at),
        ended_at=_moment(deployment.ended_at),
        cause=deployment.cause,
        who=who,
        changes=tuple((one.flag, change_id(one.key)) for one in changes[:_MOST_NAMED] if one.flag is not None),
    )


def news(before: Progress | None, now: Progress) -> Iterator[str]:
    """Yield a sentence for each stage that was reached since an earlier look; without one only where it stands now."""
    known = frozenset((before or now).steps)
    fresh = [f"{share:g} % of targets at {_clock(at)}" for at, share in now.steps if (at, share) not in known]
    if fresh:
        yield f"Reached {', '.join(fresh)}."
    if before is None or before.state != now.state:
        yield from _stage(now)


def _stage(now: Progress) -> Iterator[str]:
    place = now.environment
    if now.state == "BAKING":
        yield f"All targets in {place} have it; AppConfig watches the alarms before it calls it complete."
    elif now.state == "COMPLETE":
        yield f"Complete in {place}{_at(now.completed_at)}."
    elif now.state == "ROLLING_BACK":
        yield f"Being taken back in {place}{_why(now)}."
    elif now.state == "ROLLED_BACK":
        yield f"Rolled back in {place}{_at(now.ended_at)}{_why(now)}."
    elif now.state == "REVERTED":
        yield f"Reverted in {place}{_at(now.ended_at)}{_why(now)}."


def _why(now: Progress) -> str:
    alarm = alarm_name(now.cause or "")
    if alarm is not None:
        return f" by alarm {alarm}"
    return f": {now.cause}" if now.cause else ""


def _at(moment: str | None) -> str:
    return "" if moment is None else f" at {_clock(moment)}"


def _clock(moment: str) -> str:
    return f"{parse_rfc3339(moment):%H:%M:%S} UTC"


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
