"""Changes as events of the Open Cybersecurity Schema Framework, for tools that read those.

Entity Management (class 3004) of OCSF 1.3: somebody created, updated or deleted a managed entity, here a flag.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auditor.domain.attribution import ActorKind
from auditor.domain.changes import ChangeKind, RecordedChange
from auditor.domain.flags import FlagId
from auditor.domain.times import to_micros

SCHEMA = "1.3.0"
_CATEGORY, _CLASS = 3, 3004
_CREATE, _UPDATE, _DELETE, _OTHER = 1, 3, 4, 99
_ACTIVITIES: Mapping[ChangeKind, tuple[int, str]] = {
    ChangeKind.CREATED: (_CREATE, "Create"),
    ChangeKind.UPDATED: (_UPDATE, "Update"),
    ChangeKind.SAVED: (_UPDATE, "Update"),
    ChangeKind.DEPLOYED: (_UPDATE, "Update"),
    ChangeKind.ROLLED_BACK: (_UPDATE, "Update"),
    ChangeKind.DELETED: (_DELETE, "Delete"),
    ChangeKind.EXPIRED: (_DELETE, "Delete"),
}
_SUCCESS, _FAILURE = (1, "Success"), (2, "Failure")
_INFORMATIONAL, _MEDIUM = (1, "Informational"), (3, "Medium")
_USER_TYPES: Mapping[ActorKind, tuple[int, str]] = {
    ActorKind.PERSON: (1, "User"),
    ActorKind.ROOT: (2, "Admin"),
    ActorKind.SERVICE: (3, "System"),
    ActorKind.UNKNOWN: (0, "Unknown"),
}
_OTHER_USER = (99, "Other")


def ocsf_event(recorded: RecordedChange) -> dict[str, Any]:
    """Return a recorded change as an OCSF event; its history row stands whole under ``unmapped``."""
    change = recorded.change
    activity, activity_name = _ACTIVITIES.get(change.kind, (_OTHER, change.kind.value))
    status, status_name = _FAILURE if change.kind.is_attempt else _SUCCESS
    weighty = change.kind.is_attempt or change.kind is ChangeKind.GUARDRAIL
    severity, severity_name = _MEDIUM if weighty else _INFORMATIONAL
    flag = str(FlagId(change.application or "", change.flag)) if change.flag else None
    return _without_nothing(
        {
            "activity_id": activity,
            "activity_name": activity_name,
            "category_uid": _CATEGORY,
            "category_name": "Identity & Access Management",
            "class_uid": _CLASS,
            "class_name": "Entity Management",
            "type_uid": _CLASS * 100 + activity,
            "severity_id": severity,
            "severity": severity_name,
            "status_id": status,
            "status": status_name,
            "status_detail": change.error,
            "time": _millis(recorded),
            "message": change.summary,
            "metadata": {
                "version": SCHEMA,
                "uid": recorded.id,
                "logged_time": to_micros(recorded.recorded_at) // 1000,
                "product": {"name": "Flagtrail", "vendor_name": "Flagtrail"},
                "profiles": ["cloud"],
            },
            "cloud": {
                "provider": "AWS",
                "region": change.document.region,
                "account": {"uid": change.document.account},
            },
            "actor": _actor(recorded),
            "src_endpoint": _endpoint(recorded.attribution.actor.source_ip),
            "entity": _without_nothing(
                {
                    "name": flag or change.document.name,
                    "type": "feature flag",
                    "uid": change.document.name,
                    "version": change.version_after,
                }
            ),
            "unmapped": recorded.to_json(),
        }
    )


def _millis(recorded: RecordedChange) -> int:
    """Return when it occurred; of an interval, its end."""
    at = recorded.occurred_at
    if at is None:
        at = recorded.change.occurred_between[1] if recorded.change.occurred_between else recorded.recorded_at
    return to_micros(at) // 1000


def _actor(recorded: RecordedChange) -> dict[str, Any]:
    actor = recorded.attribution.actor
    kind, kind_name = _USER_TYPES.get(actor.kind, _OTHER_USER)
    user = {"name": actor.name or "unknown", "uid": actor.arn, "type_id": kind, "type": kind_name}
    session = {"uid": actor.session, "issuer": actor.via} if actor.session else None
    return _without_nothing({"user": _without_nothing(user), "session": session and _without_nothing(session)})


def _endpoint(address: str | None) -> dict[str, str] | None:
    """Return where a call came from: an address, or the name of an AWS service."""
    if address is None:
        return None
    return {"svc_name": address} if address.endswith(".amazonaws.com") else {"ip": address}


def _without_nothing(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
