"""Joining CloudTrail calls with changes: who did this very change, never who did a similar one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from auditor.domain.attribution import (
    Actor,
    ActorKind,
    ApiCall,
    Attribution,
    CallOutcome,
    CallTarget,
    Certainty,
    Evidence,
)
from auditor.domain.changes import ChangeKind, FlagChange
from auditor.domain.documents import Deployment
from auditor.domain.liveness import End, cause_of

# CloudTrail rounds down to whole seconds; the store dates the version within moments of the call.
JOIN_TOLERANCE = timedelta(seconds=5)

_WRITES = frozenset({"PutParameter", "CreateHostedConfigurationVersion"})
_REMOVALS = frozenset({"DeleteParameter", "DeleteParameters", "DeleteConfigurationProfile", "DeleteApplication"})
_LABELLINGS = frozenset({"LabelParameterVersion", "UnlabelParameterVersion"})
# Stores whose calls and writes have no number in common: key and time have to do.
TIMED_STORES = frozenset({"dynamodb", "s3"})
_TIMED_TOLERANCE = timedelta(seconds=2)
# How long a request may take: between its record and what it wrote.
_REQUEST_TOLERANCE = timedelta(minutes=15)
_MAY_WRITE_OR_REMOVE = ("Batch", "Transact", "Execute")
_REMOVED = (ChangeKind.DELETED, ChangeKind.EXPIRED)


def attributions_for(
    change: FlagChange, calls: Sequence[ApiCall], requests: Collection[str] = ()
) -> Iterator[Attribution]:
    """Yield what each call that made this change says of its actor; all calls about its document must be given.

    AppConfig answers a call that brings nothing new with the version it has: of several calls that name one version,
    the earliest made it. Where a store gives its writes no number that calls tell as well, the nearest in time counts,
    and none where two people come into question. ``requests`` are ids of requests that the store's own events name.
    """
    if change.document.source in TIMED_STORES:
        yield from _nearest(change, calls, requests)
        return
    made = [
        call
        for call in calls
        if call.outcome not in (CallOutcome.DENIED, CallOutcome.FAILED)
        and any(_made(call, target, change) for target in call.targets)
    ]
    if change.document.source == "appconfig":
        made = sorted(made, key=lambda call: call.at)[:1]
    yield from (_joined(call) for call in made)


def may_have_made(call: ApiCall, change: FlagChange) -> bool:
    """Tell whether a call to such a store comes into question for a change at all, by its time or its request."""
    near = change.occurred_at is not None and abs(call.at - change.occurred_at) <= _REQUEST_TOLERANCE
    return near or _names(call, change, ()) or _distance(call, change) is not None


def _nearest(change: FlagChange, calls: Sequence[ApiCall], requests: Collection[str]) -> Iterator[Attribution]:
    """Yield the one call that can have made a write; those with the write's own version or request go first."""
    if change.kind is ChangeKind.EXPIRED:
        return
    named = [c for c in _succeeded(calls) if _names(c, change, requests)]
    if named:
        yield from map(_joined, named)
        return
    near = [(distance, c) for c in _succeeded(calls) if (distance := _distance(c, change)) is not None]
    closest = [c for distance, c in near if distance == min(d for d, _ in near)]
    if closest and len({c.attribution.actor for c in closest}) == 1:
        likely = min(closest[0].attribution.certainty, Certainty.LIKELY, key=_rank)
        yield replace(_joined(closest[0]), certainty=likely)


def _succeeded(calls: Sequence[ApiCall]) -> Iterator[ApiCall]:
    return (call for call in calls if call.outcome not in (CallOutcome.DENIED, CallOutcome.FAILED))


def _names(call: ApiCall, change: FlagChange, requests: Collection[str]) -> bool:
    """Tell whether a call is the very one: its answer has the change's version, or it is the request told."""
    if any(name == "request_id" and value in requests for name, value in call.details):
        return any(target.document == change.document for target in call.targets)
    version = change.version_after
    return version is not None and any(t.document == change.document and t.version == version for t in call.targets)


def _distance(call: ApiCall, change: FlagChange) -> timedelta | None:
    """Return how far in time a call is from a change, ``None`` when it cannot have made it."""
    if not any(t.document == change.document and t.version is None for t in call.targets):
        return None
    removed = change.kind is ChangeKind.DELETED
    if removed != call.name.startswith("Delete") and not call.name.startswith(_MAY_WRITE_OR_REMOVE):
        return None
    if change.occurred_at is None:
        return None  # of several writes between two looks the one known call need not be the last
    distance = abs(call.at - change.occurred_at)
    return distance if distance <= _TIMED_TOLERANCE else None


def _rank(certainty: Certainty) -> int:
    return (Certainty.NONE, Certainty.LIKELY, Certainty.CERTAIN).index(certainty)


def _made(call: ApiCall, target: CallTarget, change: FlagChange) -> bool:
    if change.deployment is not None:
        return _made_deployment(call, target, change)
    if target.document != change.document:
        return False
    if call.name in _WRITES:
        return _wrote(call, target, change)
    if call.name in _REMOVALS:
        return change.kind in _REMOVED and change.version_after is None and _same_time(call, change)
    if call.name in _LABELLINGS:
        return _labelled(call, target, change)
    return False


def _made_deployment(call: ApiCall, target: CallTarget, change: FlagChange) -> bool:
    if target.environment is None or change.deployment is None:
        return False
    if target.deployment_number != change.deployment.number:
        return False
    if change.cause not in {cause_of(target.environment, target.deployment_number, end) for end in End}:
        return False
    wanted = "StartDeployment" if change.kind is ChangeKind.DEPLOYED else "StopDeployment"
    return call.name == wanted


def _wrote(call: ApiCall, target: CallTarget, change: FlagChange) -> bool:
    if change.kind in (ChangeKind.LABEL_MOVED, ChangeKind.EXPIRED) or target.version != change.version_after:
        return False
    if change.document.source == "appconfig":
        # A flag that bears an earlier date was changed by a version before this one, which nobody could read.
        return change.occurred_at is None or call.at <= change.occurred_at + JOIN_TOLERANCE
    # The versions of a parameter restart with each life, so the time must agree as well.
    return _same_time(call, change)


def _labelled(call: ApiCall, target: CallTarget, change: FlagChange) -> bool:
    if change.kind is not ChangeKind.LABEL_MOVED or target.label != change.label:
        return False
    removed = call.name == "UnlabelParameterVersion"
    version = change.version_before if removed else change.version_after
    agrees = target.version is None or target.version == version
    return agrees and removed == (change.version_after is None) and _same_time(call, change)


def _same_time(call: ApiCall, change: FlagChange) -> bool:
    if change.occurred_at is not None:
        return abs(call.at - change.occurred_at) <= JOIN_TOLERANCE
    if change.occurred_between is None:
        return False
    after, before = change.occurred_between
    return (after is None or call.at >= after - JOIN_TOLERANCE) and call.at <= before + JOIN_TOLERANCE


def _joined(call: ApiCall) -> Attribution:
    """Return the call's attribution with the call itself as evidence; it dates the change as well."""
    return replace(call.attribution, occurred_at=call.at)


def rollback_attribution(deployment: Deployment) -> Attribution | None:
    """Return who rolled a deployment back where AppConfig says that no person did, else ``None``."""
    if deployment.triggered_by in (None, "USER"):
        return None
    if deployment.triggered_by == "CLOUDWATCH_ALARM":
        alarm = alarm_name(deployment.cause or "")
        text = (
            f"AppConfig rolled back because of CloudWatch alarm {alarm}" if alarm else "a CloudWatch alarm rolled back"
        )
        actor = Actor(ActorKind.SERVICE, "appconfig.amazonaws.com", via=f"alarm {alarm}" if alarm else "alarm")
    else:
        text = f"AppConfig rolled back by itself ({deployment.triggered_by})"
        actor = Actor(ActorKind.SERVICE, "appconfig.amazonaws.com")
    evidence = Evidence("appconfig event log", text, id=f"deployment {deployment.number}", at=deployment.ended_at)
    return Attribution(actor, Certainty.CERTAIN, (evidence,))


def alarm_name(text: str) -> str | None:
    """Return the alarm's name out of a text that holds its ARN, or ``None``."""
    _, found, rest = text.partition(":alarm:")
    if not found:
        return None
    return rest.split()[0].rstrip(".,;)") if rest.split() else None
