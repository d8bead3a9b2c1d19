"""The canonical bytes of recorded rows: what history shows, what a ledger seals, and how it is read back.

A body holds texts, whole numbers, booleans and null under ASCII keys, and nothing else: in that domain Python's own
encoder writes what RFC 8785 asks for (a test holds it against ``rfc8785``). Whatever a store's users made (values,
diffs, deployment steps) goes in as JSON *text*, because RFC 8785 has no form for big integers and alters floats.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from auditor.application.ports import Scope
from auditor.domain.attribution import Actor, ActorKind, Attribution, Certainty, Evidence
from auditor.domain.changes import (
    AttributedChange,
    ChangeKind,
    DeploymentInfo,
    Detection,
    DiffEntry,
    FlagChange,
    Gap,
    GapClass,
    RecordedChange,
)
from auditor.domain.documents import DeploymentStep, DocumentRef
from auditor.domain.flags import FlagId, FlagState
from auditor.domain.ledger.places import Places
from auditor.domain.retention import Act, Decision, FormerLog
from auditor.domain.snoozes import Snooze
from auditor.domain.times import parse_rfc3339, rfc3339

FORMAT = 1
_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode
_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def canonical(body: Mapping[str, Any]) -> bytes:
    """Return the RFC 8785 bytes of a body; a lone surrogate, which has none, becomes a JSON escape."""
    return _encode(body).encode("utf-8", "backslashreplace")


def change_body(change_id: str, recorded: AttributedChange, at: datetime) -> bytes:
    """Return the bytes of a change as it is recorded at ``at``, with the attribution known then."""
    c = recorded.change
    return canonical(
        {
            "type": "change",
            "v": FORMAT,
            "id": change_id,
            "key": c.key,
            "cause": c.cause,
            "kind": c.kind.value,
            "application": c.application,
            "environment": c.environment,
            "flag": c.flag,
            **_document(c.document),
            "life": c.life,
            "path": c.path,
            "version_before": c.version_before,
            "version_after": c.version_after,
            "occurred_at": _time(c.occurred_at),
            "occurred_between": None if c.occurred_between is None else [_time(t) for t in c.occurred_between],
            "recorded_at": rfc3339(at),
            "before": _state(c.before),
            "after": _state(c.after),
            "diff": _text([entry.to_json() for entry in c.diff]),
            "summary": c.summary,
            "reason": c.reason,
            "detected_by": c.detected_by.value,
            "deployment": None if c.deployment is None else _text(c.deployment.to_json()),
            "error": c.error,
            "label": c.label,
            **_attribution(recorded.attribution),
        },
    )


def read_change(seq: int, body: bytes) -> RecordedChange:
    """Read a change back, with the attribution it was recorded with."""
    row = json.loads(body)
    between = row["occurred_between"]
    change = FlagChange(
        key=row["key"],
        cause=row["cause"],
        kind=ChangeKind(row["kind"]),
        document=_read_document(row),
        life=row["life"],
        application=row["application"],
        flag=row["flag"],
        environment=row["environment"],
        path=row["path"],
        version_before=row["version_before"],
        version_after=row["version_after"],
        occurred_at=_read_time(row["occurred_at"]),
        occurred_between=None if between is None else (_read_time(between[0]), parse_rfc3339(between[1])),
        before=_read_state(row["before"]),
        after=_read_state(row["after"]),
        diff=tuple([DiffEntry(**entry) for entry in json.loads(row["diff"])]),
        summary=row["summary"],
        detected_by=Detection(row["detected_by"]),
        reason=row["reason"],
        deployment=_read_deployment(row["deployment"]),
        error=row["error"],
        label=row["label"],
    )
    return RecordedChange(row["id"], seq, parse_rfc3339(row["recorded_at"]), change, _read_attribution(row))


def attribution_body(change_id: str, attribution: Attribution, at: datetime) -> bytes:
    """Return the bytes of an attribution learnt at ``at``."""
    head = {"type": "attribution", "v": FORMAT, "change": change_id, "recorded_at": rfc3339(at)}
    return canonical(head | _attribution(attribution))


def read_attribution(body: bytes) -> Attribution:
    """Read an attribution back."""
    return _read_attribution(json.loads(body))


def gap_body(gap: Gap, at: datetime) -> bytes:
    """Return the bytes of a gap noticed at ``at``."""
    return canonical(
        {
            "type": "gap",
            "v": FORMAT,
            "class": gap.gap_class.value,
            **_document(gap.document),
            "life": gap.life,
            "from": gap.first,
            "to": gap.last,
            "reason": gap.reason,
            "recorded_at": rfc3339(at),
        },
    )


def read_gap(body: bytes) -> Gap:
    """Read a gap back."""
    row = json.loads(body)
    return Gap(GapClass(row["class"]), _read_document(row), row["life"], row["from"], row["to"], row["reason"])


def snooze_body(snooze: Snooze) -> bytes:
    """Return the bytes of a snooze."""
    return canonical(
        {
            "type": "snooze",
            "v": FORMAT,
            "application": snooze.flag.application,
            "flag": snooze.flag.key,
            "until": rfc3339(snooze.until),
            "reason": snooze.reason,
            "by": snooze.by,
            "recorded_at": rfc3339(snooze.at),
        },
    )


def read_snooze(body: bytes) -> Snooze:
    """Read a snooze back."""
    row = json.loads(body)
    flag = FlagId(row["application"], row["flag"])
    until, at = parse_rfc3339(row["until"]), parse_rfc3339(row["recorded_at"])
    return Snooze(flag, until, row["reason"], row["by"], at)


def retention_body(decision: Decision) -> bytes:
    """Return the bytes of a decision about what the record keeps."""
    former = decision.former
    given_up = {"former": {"key": former.key, "checkpoint": former.checkpoint, "kept": former.kept}} if former else {}
    return canonical(
        {
            "type": "retention",
            "v": FORMAT,
            "act": decision.act.value,
            "name": decision.name,
            "application": decision.application,
            "flag": decision.flag,
            "before": _time(decision.before),
            "entries": str(decision.entries),
            "reason": decision.reason,
            "by": decision.by,
            "recorded_at": rfc3339(decision.at),
            **given_up,
        },
    )


def read_retention(body: bytes) -> Decision:
    """Read a decision back."""
    row = json.loads(body)
    return Decision(
        Act(row["act"]),
        row["reason"],
        row["by"],
        parse_rfc3339(row["recorded_at"]),
        row["name"],
        row["application"],
        row["flag"],
        _read_time(row["before"]),
        Places.parse(row["entries"]),
        FormerLog(**row["former"]) if "former" in row else None,
    )


def reconcile_body(scope: Scope, counts: Mapping[str, int], at: datetime) -> bytes:
    """Return the bytes of a reconcile completed at ``at``."""
    return canonical(
        {
            "type": "reconcile",
            "v": FORMAT,
            "source": scope.source,
            "account": scope.account,
            "region": scope.region,
            "fingerprint": scope.fingerprint,
            "counts": dict(counts),
            "recorded_at": rfc3339(at),
        },
    )


def read_counts(body: bytes) -> dict[str, int]:
    """Read the counts of a reconcile back."""
    counts: dict[str, int] = json.loads(body)["counts"]
    return counts


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)


def _read_time(text: str | None) -> datetime | None:
    return None if text is None else parse_rfc3339(text)


def _document(document: DocumentRef) -> dict[str, str]:
    return {
        "source": document.source,
        "account": document.account,
        "region": document.region,
        "document": document.name,
    }


def _read_document(row: Mapping[str, Any]) -> DocumentRef:
    return DocumentRef(row["source"], row["account"], row["region"], row["document"])


def _state(state: FlagState | None) -> str | None:
    if state is None:
        return None
    shown = state.to_json()
    return _text(shown if state.has_value else shown | {"has_value": False})


def _read_state(text: str | None) -> FlagState | None:
    return None if text is None else FlagState(**json.loads(text))


def _attribution(attribution: Attribution) -> dict[str, Any]:
    return {
        "actor": attribution.actor.to_json(),
        "attribution": {
            "certainty": attribution.certainty.value,
            "evidence": [evidence.to_json() for evidence in attribution.evidence],
            "occurred_at": _time(attribution.occurred_at),
        },
    }


def _read_attribution(row: Mapping[str, Any]) -> Attribution:
    actor, known = row["actor"], row["attribution"]
    return Attribution(
        Actor(**actor | {"kind": ActorKind(actor["kind"])}),
        Certainty(known["certainty"]),
        tuple([Evidence(**piece | {"at": _read_time(piece["at"])}) for piece in known["evidence"]]),
        _read_time(known["occurred_at"]),
    )


def _read_deployment(text: str | None) -> DeploymentInfo | None:
    if text is None:
        return None
    row = json.loads(text)
    steps = [DeploymentStep(parse_rfc3339(step["at"]), step["percentage"]) for step in row["steps"]]
    return DeploymentInfo(row["number"], row["state"], tuple(steps))
