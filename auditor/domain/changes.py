"""Changes: what the record is made of."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from auditor.domain.attribution import UNATTRIBUTED, Attribution
from auditor.domain.documents import DeploymentStep, DocumentRef
from auditor.domain.flags import FlagState, JsonValue
from auditor.domain.times import rfc3339

_ID_DIGITS = 20


def change_id(key: str) -> str:
    """Return the id of the change with this natural key, the same whenever it is recorded."""
    return "c" + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:_ID_DIGITS]


class ChangeKind(StrEnum):
    """The kinds of the record; ``DENIED`` and ``FAILED`` are attempts and never alter a state."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    EXPIRED = "expired"
    LABEL_MOVED = "label_moved"
    SAVED = "saved"
    DEPLOYED = "deployed"
    ROLLED_BACK = "rolled_back"
    GUARDRAIL = "guardrail"
    DENIED = "denied"
    FAILED = "failed"

    @property
    def is_attempt(self) -> bool:
        """Tell whether nothing changed because the call was refused or failed."""
        return self in (ChangeKind.DENIED, ChangeKind.FAILED)


class Detection(StrEnum):
    """How a change came to the record."""

    EVENT = "event"
    RECONCILE = "reconcile"
    BACKFILL = "backfill"


@dataclass(frozen=True, slots=True)
class DiffEntry:
    """One difference: RFC 6902 operation (add, remove, replace), JSON Pointer into the state, both values."""

    op: str
    path: str
    before: JsonValue = None
    after: JsonValue = None

    def to_json(self) -> dict[str, JsonValue]:
        """Return the entry as history rows show it."""
        return {"op": self.op, "path": self.path, "before": self.before, "after": self.after}


@dataclass(frozen=True, slots=True)
class DeploymentInfo:
    """The deployment a change came with: its number, final state and steps."""

    number: int
    state: str
    steps: tuple[DeploymentStep, ...] = ()

    def to_json(self) -> dict[str, JsonValue]:
        """Return the deployment as history rows show it."""
        steps: list[JsonValue] = [{"at": rfc3339(s.at), "percentage": s.percentage} for s in self.steps]
        return {"number": self.number, "state": self.state, "steps": steps}


@dataclass(frozen=True, slots=True)
class FlagChange:
    """One change of one flag, before it is recorded.

    ``key`` is the natural key that makes recording it idempotent. ``cause`` groups what one act did (one saved version,
    one deployment's end, one call): one cause gives one message. ``application`` and ``flag`` are ``None`` only
    where an attempt or a guardrail names none. Exactly one of ``occurred_at`` and ``occurred_between`` is set; the
    first bound of ``occurred_between`` may be ``None`` when nothing limits it. ``label`` is set for label moves only.
    """

    key: str
    cause: str
    kind: ChangeKind
    document: DocumentRef
    life: int | None
    application: str | None
    flag: str | None
    environment: str | None
    path: str
    version_before: str | None
    version_after: str | None
    occurred_at: datetime | None
    occurred_between: tuple[datetime | None, datetime] | None
    before: FlagState | None
    after: FlagState | None
    diff: tuple[DiffEntry, ...]
    summary: str
    detected_by: Detection
    reason: str | None = None
    deployment: DeploymentInfo | None = None
    error: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class AttributedChange:
    """A change with what is known of its actor when it is recorded."""

    change: FlagChange
    attribution: Attribution = UNATTRIBUTED


@dataclass(frozen=True, slots=True)
class RecordedChange:
    """A change as the record holds it: numbered, never edited, joined with the best attribution known."""

    id: str
    seq: int
    recorded_at: datetime
    change: FlagChange
    attribution: Attribution

    @property
    def occurred_at(self) -> datetime | None:
        """Return when it happened: as the store dated it, else as attributed evidence dated it later."""
        return self.change.occurred_at or self.attribution.occurred_at

    def to_json(self) -> dict[str, JsonValue]:
        """Return the history row of contract form."""
        c = self.change
        between: JsonValue = None
        if self.occurred_at is None and c.occurred_between is not None:
            after, before = c.occurred_between
            between = [None if after is None else rfc3339(after), rfc3339(before)]
        row: dict[str, JsonValue] = {
            "id": self.id,
            "seq": self.seq,
            "kind": c.kind.value,
            "application": c.application,
            "environment": c.environment,
            "flag": c.flag,
            "source": c.document.source,
            "account": c.document.account,
            "region": c.document.region,
            "document": c.document.name,
            "life": c.life,
            "version_before": c.version_before,
            "version_after": c.version_after,
            "occurred_at": None if self.occurred_at is None else rfc3339(self.occurred_at),
            "occurred_between": between,
            "recorded_at": rfc3339(self.recorded_at),
            "before": None if c.before is None else c.before.to_json(),
            "after": None if c.after is None else c.after.to_json(),
            "diff": [entry.to_json() for entry in c.diff],
            "summary": c.summary,
            "actor": self.attribution.actor.to_json(),
            "attribution": {
                "certainty": self.attribution.certainty.value,
                "evidence": [e.to_json() for e in self.attribution.evidence],
            },
            "reason": c.reason,
            "detected_by": c.detected_by.value,
        }
        if c.deployment is not None:
            row["deployment"] = c.deployment.to_json()
        if c.error is not None:
            row["error"] = c.error
        if c.label is not None:
            row["label"] = c.label
        return row


class GapClass(StrEnum):
    """A named version that cannot be read, or an interval in which nobody could have noticed a change."""

    VERSION = "version"
    INTERVAL = "interval"


@dataclass(frozen=True, slots=True)
class Gap:
    """Something the record cannot vouch for: ``first`` and ``last`` are versions or RFC 3339 times, inclusive."""

    gap_class: GapClass
    document: DocumentRef
    life: int
    first: str
    last: str
    reason: str

    def to_json(self) -> dict[str, JsonValue]:
        """Return the gap in contract form."""
        return {
            "class": self.gap_class.value,
            "document": self.document.name,
            "source": self.document.source,
            "account": self.document.account,
            "region": self.document.region,
            "life": self.life,
            "from": self.first,
            "to": self.last,
            "reason": self.reason,
        }
