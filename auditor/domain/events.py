"""Events as received, and what an event alone tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from auditor.domain.attribution import UNATTRIBUTED, ApiCall, Attribution
from auditor.domain.documents import DocumentRef, EnvironmentRef
from auditor.domain.flags import FlagEntry


@dataclass(frozen=True, slots=True)
class RawEvent:
    """An EventBridge event with its envelope checked and its detail not yet read."""

    id: str
    source: str
    detail_type: str
    account: str
    region: str
    time: datetime
    detail: Mapping[str, Any]
    resources: tuple[str, ...] = ()


class Operation(StrEnum):
    """What a hint says was done to a document; ``TOUCHED`` where it does not say."""

    TOUCHED = "touched"
    DELETED = "deleted"
    EXPIRED = "expired"
    LABELLED = "labelled"


@dataclass(frozen=True, slots=True)
class DocumentHint:
    """This document may have changed at about this time; read it.

    ``version`` and ``label`` narrow it where the event tells them; ``reason`` is the store's word for why (an expiry
    policy). ``request`` is the id of the request behind it, where the store tells.
    """

    document: DocumentRef
    at: datetime
    operation: Operation = Operation.TOUCHED
    reason: str | None = None
    version: str | None = None
    label: str | None = None
    request: str | None = None


@dataclass(frozen=True, slots=True)
class DocumentImage:
    """One write of a document, told whole by its store: no look at the store is needed, or would tell as much.

    ``sequence`` is the store's number of the write, in digits: of two writes of one document the later has the
    higher. ``before`` and ``after`` are the document's flags, ``None`` where it did not exist. ``expired`` is True
    where the store itself removed it. ``attribution`` is what the event itself tells of who wrote.
    """

    document: DocumentRef
    at: datetime
    sequence: str
    before: Mapping[str, FlagEntry] | None
    after: Mapping[str, FlagEntry] | None
    expired: bool = False
    attribution: Attribution = UNATTRIBUTED


@dataclass(frozen=True, slots=True)
class DeploymentHint:
    """This environment has a deployment that moved; read it. ``number`` is ``None`` when the event does not say."""

    environment: EnvironmentRef
    at: datetime
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Signal:
    """Evidence that announces no change (a policy's NoChange notice, a failed validation, an alarm), kept.

    ``about`` names what it speaks of where that is no document (an alarm, a deployment), ``group`` what it belongs to
    (the execution of a pipeline).
    """

    document: DocumentRef | None
    at: datetime
    code: str
    text: str
    about: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Guards:
    """All alarms, by their ARNs, that guarded an AppConfig environment at a time; empty: none did.

    ``name`` is ``application/environment``, ``None`` where the event tells ids only.
    """

    environment: EnvironmentRef
    at: datetime
    alarms: frozenset[str]
    name: str | None = None


@dataclass(frozen=True, slots=True)
class GuardrailHint:
    """A call weakened a protection, or one had to act: in words, on which environment or document.

    ``measure`` names what the call counted (monitors, validators) and ``left`` how many there are now: it weakened
    something only if there were more before, which the record may know. ``deleted_version`` is a version that cannot
    be gone back to any more: that matters only if it was deployed. ``alarm`` is an alarm that was silenced, by its ARN:
    that matters only if it guards something. ``error`` is set where a validation refused the call.
    """

    call_event_id: str
    at: datetime
    text: str
    document: DocumentRef | None = None
    environment: EnvironmentRef | None = None
    environment_name: str | None = None
    application_id: str | None = None
    measure: str | None = None
    left: int = 0
    deleted_version: str | None = None
    alarm: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Notices:
    """All that one event tells; empty when it concerns nothing watched."""

    hints: tuple[DocumentHint, ...] = ()
    deployments: tuple[DeploymentHint, ...] = ()
    calls: tuple[ApiCall, ...] = ()
    signals: tuple[Signal, ...] = ()
    guardrails: tuple[GuardrailHint, ...] = ()
    images: tuple[DocumentImage, ...] = ()
    guards: tuple[Guards, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether the event says anything about a watched document."""
        told = (self.hints, self.deployments, self.calls, self.signals, self.guardrails, self.images, self.guards)
        return any(told)


def merged(parts: Sequence[Notices]) -> Notices:
    """Return what several sources tell of one event."""
    return Notices(
        hints=tuple(h for part in parts for h in part.hints),
        deployments=tuple(d for part in parts for d in part.deployments),
        calls=tuple(c for part in parts for c in part.calls),
        signals=tuple(s for part in parts for s in part.signals),
        guardrails=tuple(g for part in parts for g in part.guardrails),
        images=tuple(i for part in parts for i in part.images),
        guards=tuple(g for part in parts for g in part.guards),
    )


class Outcome(StrEnum):
    """What became of one event."""

    RECORDED = "recorded"
    NOTED = "noted"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"
    ATTEMPT = "attempt"
    REJECTED = "rejected"
    DEFERRED = "deferred"


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """One event out of whatever batch it came in: its place, its payload, or why it is none.

    ``message_id`` is SQS's or the stream record's id. ``payload`` is ``None`` exactly when ``error`` says what is
    wrong; ``text`` then holds what arrived, for the dead-letter table.
    """

    index: int
    payload: Mapping[str, Any] | None
    message_id: str | None = None
    error: str | None = None
    text: str | None = None
