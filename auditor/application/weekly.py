"""The weekly report's message: how many flags can go, and where the page is. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from auditor.domain.alerts import AlertKind, NewAlert
from auditor.domain.flags import JsonValue
from auditor.domain.verdicts import Judgement, Verdict

_NAMED = 20


def weekly_alert(judgements: Sequence[Judgement], page: str, now: datetime) -> NewAlert:
    """Return the one message of a week; asking twice in a week gives the same one."""
    year, week, _ = now.astimezone(UTC).isocalendar()
    key = f"report|{year}-W{week:02d}"
    removable = [str(j.facts.flag) for j in judgements if j.verdict is Verdict.REMOVE]
    named: list[JsonValue] = list(removable[:_NAMED])
    facts: tuple[tuple[str, JsonValue], ...] = (
        ("flags", len(judgements)),
        ("remove", len(removable)),
        ("unknown", sum(j.verdict is Verdict.UNKNOWN for j in judgements)),
        ("keep", sum(j.verdict is Verdict.KEEP for j in judgements)),
        ("named", named),
        ("page", page),
    )
    return NewAlert(key, AlertKind.REPORT, key, facts=facts)
