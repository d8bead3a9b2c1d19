"""Things to record, for tests: believable, numbered, and ways to vary them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from auditor.domain.attribution import UNATTRIBUTED, Actor, ActorKind, Attribution, Certainty, Evidence
from auditor.domain.changes import AttributedChange, ChangeKind, FlagChange
from auditor.domain.documents import DocumentRef, Snapshot
from auditor.domain.flags import FlagEntry, FlagId, FlagState, JsonValue
from tests.support import alerts

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PARAMETER = alerts.PARAMETER
OTHER = replace(PARAMETER, name="/shop/prod/features/other")


def at(hours: float) -> datetime:
    """Return the time so many hours after the noon everything here is dated from."""
    return NOON + timedelta(hours=hours)


def change(number: int = 1, **fields: Any) -> FlagChange:
    """Return the update to version ``number``, dated so many hours after noon, with these fields instead."""
    usual: dict[str, Any] = {
        "key": f"key-{number}",
        "cause": f"cause-{number}",
        "version_before": str(number - 1),
        "version_after": str(number),
        "occurred_at": at(number),
    }
    if "occurred_between" in fields:
        usual["occurred_at"] = None
    return alerts.change(**usual | fields)


def between(number: int, start: float | None, end: float, **fields: Any) -> FlagChange:
    """Return a deletion that is only known to lie between so many hours after noon."""
    span = (None if start is None else at(start), at(end))
    return change(number, kind=ChangeKind.DELETED, occurred_between=span, after=None, **fields)


def by(name: str, *, certainty: Certainty = Certainty.CERTAIN, dated: datetime | None = None) -> Attribution:
    """Return an attribution to a person of this name."""
    arn = f"arn:aws:sts::111122223333:assumed-role/ShopAdmin/{name}@example.com"
    actor = Actor(ActorKind.PERSON, name, arn, via="ShopAdmin", session=f"{name}@example.com")
    return Attribution(actor, certainty, (Evidence("cloudtrail", f"{name} called", f"event-{name}"),), dated)


def attributed(made: FlagChange, attribution: Attribution = UNATTRIBUTED) -> AttributedChange:
    """Return a change with an attribution."""
    return AttributedChange(made, attribution)


def entry(value: JsonValue = True, key: str = "new-checkout") -> FlagEntry:
    """Return a flag in a document."""
    return FlagEntry(FlagId("shop", key), "prod", FlagState(value))


def snapshot(number: int, value: JsonValue = True, **fields: Any) -> Snapshot:
    """Return version ``number`` of a document that is one flag."""
    usual: dict[str, Any] = {
        "version": str(number),
        "ordinal": number,
        "modified_at": at(number),
        "modified_by": "arn:aws:iam::111122223333:user/dana",
        "entries": {"": entry(value)},
        "metadata": {"type": "String", "tags": {"owner": "shop"}},
    }
    return Snapshot(**usual | fields)


def document(name: str, **fields: Any) -> DocumentRef:
    """Return another parameter."""
    return replace(PARAMETER, name=name, **fields)
