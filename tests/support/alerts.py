"""Changes and alerts for tests: believable ones, and ways to vary them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from auditor.domain.alerts import Alert, AlertKind
from auditor.domain.attribution import Actor, ActorKind, Attribution, Certainty, Evidence
from auditor.domain.changes import (
    ChangeKind,
    DeploymentInfo,
    Detection,
    DiffEntry,
    FlagChange,
    RecordedChange,
)
from auditor.domain.documents import DeploymentStep, DocumentRef
from auditor.domain.flags import FlagState
from auditor.domain.references import FlagSpec, Reference, ReferenceKind

AT = datetime(2026, 3, 2, 9, 15, 4, tzinfo=UTC)
PARAMETER = DocumentRef("ssm", "111122223333", "eu-central-1", "/shop/prod/features/new-checkout")
PROFILE = DocumentRef("appconfig", "111122223333", "eu-central-1", "abc1234/def5678")
DANA = Attribution(
    Actor(
        ActorKind.PERSON,
        "dana@example.com",
        arn="arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_ShopAdmin_0123456789abcdef/dana@example.com",
        via="ShopAdmin",
        source_ip="198.51.100.7",
    ),
    Certainty.CERTAIN,
    (Evidence("ssm", "Parameter Store names this identity for version 4", at=AT),),
)


def change(**fields: Any) -> FlagChange:
    """Return an SSM update, with these fields instead."""
    usual: dict[str, Any] = {
        "key": "ssm|111122223333|eu-central-1|/shop/prod/features/new-checkout|1|4||updated",
        "cause": f"version|{PARAMETER}|1|4",
        "kind": ChangeKind.UPDATED,
        "document": PARAMETER,
        "life": 1,
        "application": "shop",
        "flag": "new-checkout",
        "environment": "prod",
        "path": "",
        "version_before": "3",
        "version_after": "4",
        "occurred_at": AT,
        "occurred_between": None,
        "before": FlagState(False),
        "after": FlagState(True),
        "diff": (DiffEntry("replace", "/value", False, True),),
        "summary": "enabled in prod",
        "detected_by": Detection.EVENT,
    }
    return FlagChange(**{**usual, **fields})


def recorded(*, number: int = 1, attribution: Attribution = DANA, **fields: Any) -> RecordedChange:
    """Return a recorded change; ``number`` tells it from others."""
    identity = f"c{number:020x}"
    return RecordedChange(identity, number, AT + timedelta(seconds=9), change(**fields), attribution)


def deployed(*, number: int = 1, state: str = "COMPLETE", **fields: Any) -> RecordedChange:
    """Return the change of one flag by an AppConfig deployment."""
    steps = (DeploymentStep(AT - timedelta(minutes=10), 50.0), DeploymentStep(AT, 100.0))
    usual: dict[str, Any] = {
        "key": f"appconfig|111122223333|eu-central-1|abc1234|env9876|7|completed|abc1234/def5678|/flag-{number}",
        "cause": "deployment|111122223333|eu-central-1|abc1234|env9876|7|completed",
        "kind": ChangeKind.DEPLOYED,
        "document": PROFILE,
        "life": None,
        "flag": f"flag-{number}",
        "path": f"/flag-{number}",
        "version_before": "2",
        "version_after": "3",
        "deployment": DeploymentInfo(7, state, steps),
        "diff": (DiffEntry("replace", "/value/enabled", False, True),),
        "before": FlagState({"enabled": False}, {"name": "Flag"}),
        "after": FlagState({"enabled": True}, {"name": "Flag"}),
        "summary": "deployed version 3 to prod: enabled",
    }
    return recorded(number=number, **{**usual, **fields})


def alert(*changes: RecordedChange, kind: AlertKind = AlertKind.CHANGE, **fields: Any) -> Alert:
    """Return a claimed alert of these changes (one SSM update unless any are given)."""
    told = changes or ((recorded(),) if kind in (AlertKind.CHANGE, AlertKind.UPDATE, AlertKind.DIGEST) else ())
    cause = told[0].change.cause if told else kind.value
    usual: dict[str, Any] = {
        "id": 1,
        "key": f"{kind.value}|{cause}",
        "kind": kind,
        "cause": cause,
        "attempt": 1,
        "created_at": AT + timedelta(seconds=9),
        "changes": told,
    }
    return Alert(**{**usual, **fields})


def reference(path: str = "shop/checkout.py", line: int = 12, **fields: Any) -> Reference:
    """Return a place in code."""
    usual: dict[str, Any] = {"kind": ReferenceKind.READ, "flag": FlagSpec("new-checkout", "ssm"), "column": 5}
    return Reference(path=path, line=line, **{**usual, **fields})


def unattributed(found: RecordedChange) -> RecordedChange:
    """Return the change with nobody named."""
    return replace(found, attribution=Attribution(Actor(ActorKind.UNKNOWN, None), Certainty.NONE))
