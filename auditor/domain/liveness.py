"""What is live: from AppConfig deployments to changes of what users get, per environment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from auditor.domain.changes import ChangeKind, DeploymentInfo, Detection, FlagChange
from auditor.domain.diffing import diff, differs
from auditor.domain.documents import Deployment, DocumentRef, EnvironmentRef, Snapshot
from auditor.domain.flags import FlagEntry, FlagState
from auditor.domain.sentences import summarize
from auditor.domain.untouched import is_same_in

SnapshotOf = Callable[[DocumentRef, str], Snapshot | None]


class End(StrEnum):
    """How a deployment, or what it put live, ended."""

    COMPLETED = "completed"
    ROLLED_BACK = "rolled_back"
    REVERTED = "reverted"


@dataclass(frozen=True, slots=True)
class Transition:
    """A moment at which an environment's live version of one profile changed, or a try at it was taken back.

    ``shown`` is what users had or began to get, ``live`` what they get from now on; ``None``: no version.
    """

    deployment: Deployment
    end: End
    at: datetime
    shown: str | None
    live: str | None


def cause_of(environment: EnvironmentRef, number: int, end: End) -> str:
    """Return the cause that groups the changes of one deployment's end."""
    env = environment
    return f"deployment|{env.account}|{env.region}|{env.application_id}|{env.environment_id}|{number}|{end}"


def thread_of(cause: str) -> str | None:
    """Return what all causes of one deployment have in common, or ``None`` where no deployment is one."""
    kind, *parts = cause.split("|")
    return cause.rpartition("|")[0] if kind == "deployment" and len(parts) == _CAUSE_PARTS else None


def environment_of(change: FlagChange) -> EnvironmentRef | None:
    """Return the environment whose deployment made a change, or ``None`` where no deployment did."""
    kind, *parts = change.cause.split("|")
    if kind != "deployment" or len(parts) != _CAUSE_PARTS:
        return None
    return EnvironmentRef(*parts[:4])


_CAUSE_PARTS = 6


def transitions(deployments: Sequence[Deployment]) -> Iterator[Transition]:
    """Yield what became live in one environment, in the order of time; all deployments known must be given.

    A deployment that never completed leaves live what was live; a reverted one gives back what it had replaced.
    The latest deployment is not always the live one.
    """
    live: dict[DocumentRef, str | None] = {}
    replaced: dict[int, str | None] = {}
    for at, deployment, end in sorted(_ends(deployments), key=lambda e: (e[0], e[1].number, e[2])):
        before = live.get(deployment.profile)
        if end is End.COMPLETED:
            replaced[deployment.number] = before
            live[deployment.profile] = deployment.version
            yield Transition(deployment, end, at, before, deployment.version)
        elif end is End.ROLLED_BACK:
            yield Transition(deployment, end, at, deployment.version, before)
        else:
            live[deployment.profile] = replaced.get(deployment.number)
            yield Transition(deployment, end, at, deployment.version, replaced.get(deployment.number))


def live_version(deployments: Sequence[Deployment], profile: DocumentRef) -> str | None:
    """Return which version of a profile is live in an environment, of which all deployments known must be given."""
    mine = [transition for transition in transitions(deployments) if transition.deployment.profile == profile]
    return mine[-1].live if mine else None


def _ends(deployments: Sequence[Deployment]) -> Iterator[tuple[datetime, Deployment, End]]:
    for deployment in deployments:
        if deployment.completed_at is not None:
            yield deployment.completed_at, deployment, End.COMPLETED
        if deployment.ended_at is not None and deployment.state in ("ROLLED_BACK", "REVERTED"):
            yield (
                deployment.ended_at,
                deployment,
                End.REVERTED if deployment.completed_at else End.ROLLED_BACK,
            )


@dataclass(frozen=True, slots=True)
class DeploymentDetecting:
    """How deployments came to be read; those before ``first_hinted`` are back-fill where nothing was reconciled."""

    by: Detection
    new_is_backfill: bool
    first_hinted: int | None = None

    def of(self, deployment: Deployment) -> Detection:
        """Tell how one deployment was detected."""
        if not self.new_is_backfill:
            return self.by
        if self.by is Detection.EVENT and self.first_hinted is not None and deployment.number >= self.first_hinted:
            return Detection.EVENT
        return Detection.BACKFILL


def live_changes(
    deployments: Sequence[Deployment],
    fresh: frozenset[int],
    snapshot_of: SnapshotOf,
    detecting: DeploymentDetecting,
) -> Iterator[FlagChange]:
    """Yield one change per flag whose live state differs, for the deployments numbered in ``fresh``.

    A version that the record does not hold has no flags to compare: it gives no change here, its gap stands in the
    record.
    """
    for transition in transitions(deployments):
        if transition.deployment.number in fresh:
            yield from _changes_of(transition, snapshot_of, detecting)


def brought(
    deployments: Sequence[Deployment],
    deployment: Deployment,
    snapshot_of: SnapshotOf,
    detecting: DeploymentDetecting,
) -> Iterator[FlagChange]:
    """Yield the change to each flag that a deployment brings when it completes, whether it did or not."""
    # The newest time there is: all others are over by then, or not live yet.
    over = deployment.completed_at or datetime.max.replace(tzinfo=UTC)
    whole = replace(deployment, state="COMPLETE", completed_at=over, ended_at=None)
    others = [one for one in deployments if one.number != deployment.number]
    return live_changes([*others, whole], frozenset({deployment.number}), snapshot_of, detecting)


def _changes_of(
    transition: Transition, snapshot_of: SnapshotOf, detecting: DeploymentDetecting
) -> Iterator[FlagChange]:
    deployment = transition.deployment
    if transition.shown == transition.live:
        return  # deployed once more
    shown = _entries(transition.shown, deployment.profile, snapshot_of)
    live = _entries(transition.live, deployment.profile, snapshot_of)
    if shown is None or live is None:
        return
    kind = ChangeKind.DEPLOYED if transition.end is End.COMPLETED else ChangeKind.ROLLED_BACK
    for path in sorted(shown.keys() | live.keys()):
        before, after = shown.get(path), live.get(path)
        if not _differs(before, after) or _is_known_same(path, transition, snapshot_of):
            continue
        yield _change(transition, path, kind, before, after, detecting.of(deployment))


def _entries(version: str | None, profile: DocumentRef, snapshot_of: SnapshotOf) -> Mapping[str, FlagEntry] | None:
    if version is None:
        return {}
    snapshot = snapshot_of(profile, version)
    return None if snapshot is None else snapshot.entries


def _is_known_same(path: str, transition: Transition, snapshot_of: SnapshotOf) -> bool:
    """Tell whether a flag is the same in both versions although a hidden value in it cannot be compared."""
    if transition.shown is None or transition.live is None:
        return False
    return is_same_in(path, transition.deployment.profile, transition.shown, transition.live, snapshot_of)


def _differs(before: FlagEntry | None, after: FlagEntry | None) -> bool:
    if before is None or after is None:
        return before is not after
    return differs(before.state, after.state)


def _change(
    transition: Transition,
    path: str,
    kind: ChangeKind,
    before: FlagEntry | None,
    after: FlagEntry | None,
    detected_by: Detection,
) -> FlagChange:
    deployment, env = transition.deployment, transition.deployment.environment
    flag = (after or before or _nothing()).flag
    old: FlagState | None = before.state if before is not None else None
    new: FlagState | None = after.state if after is not None else None
    entries = diff(old, new)
    info = DeploymentInfo(deployment.number, deployment.state, deployment.steps)
    reason = deployment.cause if kind is ChangeKind.ROLLED_BACK else deployment.description
    return FlagChange(
        key=(
            f"appconfig|{env.account}|{env.region}|{env.application_id}|{env.environment_id}|"
            f"{deployment.number}|{transition.end}|{deployment.profile.name}|{path}"
        ),
        cause=cause_of(env, deployment.number, transition.end),
        kind=kind,
        document=deployment.profile,
        life=None,
        application=flag.application,
        flag=flag.key,
        environment=deployment.environment_name,
        path=path,
        version_before=transition.shown,
        version_after=transition.live,
        occurred_at=transition.at,
        occurred_between=None,
        before=old,
        after=new,
        diff=entries,
        summary=summarize(
            kind=kind,
            flag=flag.key,
            application=flag.application,
            environment=deployment.environment_name,
            before=old,
            after=new,
            diff=entries,
            version_before=transition.shown,
            version_after=transition.live,
            reason=reason,
            deployment=info,
        ),
        detected_by=detected_by,
        reason=reason,
        deployment=info,
    )


def _nothing() -> FlagEntry:
    msg = "a change needs a state before or after"
    raise ValueError(msg)
