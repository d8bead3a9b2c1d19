"""Alerts: what waits in the outbox for a channel, and what a channel answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from auditor.domain.changes import RecordedChange
from auditor.domain.findings import Finding
from auditor.domain.flags import JsonValue
from auditor.domain.references import Reference


class AlertKind(StrEnum):
    """What a message is about.

    ``CHANGE``: one cause, told at once; of a deployment from its start on. ``REPLY``: a stage that a deployment
    reached, in the thread of its message. ``DIGEST``: changes found late. ``SUMMARY``: a first run's back-fill.
    ``UPDATE``: an already sent change message learns more (the person). ``REPORT``: the weekly report. ``TROUBLE``:
    Flagtrail itself needs somebody. ``TEST``: a marked test.
    """

    CHANGE = "change"
    REPLY = "reply"
    DIGEST = "digest"
    SUMMARY = "summary"
    UPDATE = "update"
    REPORT = "report"
    TROUBLE = "trouble"
    TEST = "test"


class AlertState(StrEnum):
    """Where an alert stands on its way to its channel."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    UNKNOWN = "unknown"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Burst:
    """What changes have in common that one act may have made: ``key``, and happening ``within`` so long of another."""

    key: str
    at: datetime
    within: timedelta


@dataclass(frozen=True, slots=True)
class NewAlert:
    """An alert to put into the outbox: idempotent by ``key``; ``change_keys`` are the natural keys of what it tells.

    ``facts`` carries what no change row holds (counts of a back-fill, a report's link); never a secret.
    ``not_before`` holds an alert back (``None``: at once). ``route`` names the channel that carries it (``None``: the
    one that carries all that no route takes). An alert with a ``burst`` may become part of a recent one. ``thread`` is
    the key of the alert in whose thread it stands; its own key: it heads one, and takes in what comes later.
    """

    key: str
    kind: AlertKind
    cause: str
    change_keys: tuple[str, ...] = ()
    facts: tuple[tuple[str, JsonValue], ...] = ()
    not_before: datetime | None = None
    route: str | None = None
    burst: Burst | None = None
    thread: str | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """An alert that heads a thread, as it stands: its key, what it carries, and which way it goes."""

    key: str
    facts: tuple[tuple[str, JsonValue], ...]
    route: str | None


@dataclass(frozen=True, slots=True)
class Alert:
    """A claimed alert with everything a message needs, read from the record at the moment of sending.

    ``references`` holds the code references of the flags it tells of; ``None`` means that no scan is known, which is
    not the same as no reference. ``sent_as`` is the channel's id of the message that an ``UPDATE`` edits, or that was
    sent before this alert grew.
    ``superseded`` holds, by change id, later changes of the same flag and environment: reverting would undo them.
    ``former`` maps a change's id to the metadata of the version before it, for the command that puts it back.
    ``titles`` maps a document's name to what people call it, where the name is made of ids.
    ``thread`` is the channel's id of the message in whose thread it stands. ``commit`` is that of the scanned code,
    where one repository was scanned.
    """

    id: int
    key: str
    kind: AlertKind
    cause: str
    attempt: int
    created_at: datetime
    changes: tuple[RecordedChange, ...]
    findings: tuple[Finding, ...] = ()
    references: tuple[Reference, ...] | None = None
    facts: tuple[tuple[str, JsonValue], ...] = ()
    sent_as: str | None = None
    superseded: tuple[str, ...] = ()
    former: Mapping[str, Mapping[str, JsonValue]] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    thread: str | None = None
    commit: str | None = None


class DeliveryOutcome(StrEnum):
    """What became of one attempt to send."""

    SENT = "sent"
    LATER = "later"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a channel answered: its id for the message, or when to try again, or why not.

    ``LATER``: not accepted now, try at ``not_before`` (``None``: the outbox's own back-off). ``REFUSED``: will never be
    accepted as it is. ``UNKNOWN``: it may have arrived; look before sending again.
    """

    outcome: DeliveryOutcome
    message_id: str | None = None
    not_before: datetime | None = None
    error: str | None = None
