"""The change history for security: who touched what, when and how we know, with what nobody can vouch for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from auditor.application.wording import is_long, whole_text
from auditor.domain.changes import DeploymentInfo, DiffEntry, Gap, RecordedChange
from auditor.domain.flags import JsonValue
from auditor.domain.hours import WorkingHours
from auditor.domain.sentences import describe_diff
from auditor.domain.times import rfc3339
from auditor.domain.wording import count
from reports.bars import bars
from reports.formats import PAGES, Document, marked_down, table, write_document
from reports.render import moment, write

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_HOURS = 24
_CELL = 22
_SHADES = 5


@dataclass(frozen=True, slots=True)
class HistoryInput:
    """What the report is made of; ``changes`` gives the rows anew each time it is called, newest first."""

    changes: Callable[[], Iterable[RecordedChange]]
    gaps: Sequence[Gap]
    now: datetime
    since: datetime | None = None
    until: datetime | None = None
    filters: Sequence[tuple[str, str]] = ()
    ledger: Ledger | None = None
    hours: WorkingHours = field(default_factory=WorkingHours)


@dataclass(frozen=True, slots=True)
class Ledger:
    """What checking the sealed log gave: intact, tampered with or not checked, in words; and the newest checkpoint."""

    answer: str
    words: Sequence[str]
    checkpoint: str | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """One hour of the heat map."""

    x: int
    y: int
    count: int
    shade: int
    label: str


@dataclass(frozen=True, slots=True)
class Row:
    """One change as the page shows it."""

    anchor: str
    id: str
    when: str
    kind: str
    attempt: bool
    flag: str
    environment: str
    place: str
    summary: str
    diff: Sequence[str]
    whole: str
    actor: str
    actor_kind: str
    how: str
    detected_by: str
    error: str | None
    notable: Sequence[str]
    rollout: str


@dataclass(slots=True)
class _Counts:
    """What one pass over the rows counts."""

    total: int = 0
    attempts: int = 0
    unattributed: int = 0
    out_of_hours: int = 0
    actors: Counter[str] = field(default_factory=Counter)
    routes: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    hours: Counter[tuple[int, int]] = field(default_factory=Counter)
    first: datetime | None = None
    last: datetime | None = None


def render(data: HistoryInput, out: Path) -> None:
    """Write the report, streaming its rows: a page, or what the file's name asks for."""
    if out.suffix.lower() in PAGES:
        write("history.html.j2", view(data), out)
    else:
        write_document(document(data), out)


def document(data: HistoryInput) -> Document:
    """Return the report as data, for other forms than a page."""
    ledger = data.ledger
    facts: dict[str, JsonValue] = {
        "as_of": rfc3339(data.now),
        "since": None if data.since is None else rfc3339(data.since),
        "until": None if data.until is None else rfc3339(data.until),
        "filters": dict(data.filters),
        "gaps": [gap.to_json() for gap in data.gaps],
        "sealed_log": None
        if ledger is None
        else {"answer": ledger.answer, "words": list(ledger.words), "checkpoint": ledger.checkpoint},
    }
    return Document(facts, "changes", lambda: (one.to_json() for one in data.changes()), lambda: _lines(data))


def _lines(data: HistoryInput) -> Iterator[str]:
    yield "# Flag change history"
    yield ""
    yield f"As known at {moment(data.now)}, from {moment(data.since)} to {moment(data.until)}."
    for heading, notable in (("Look at these first", True), ("Every change, newest first", False)):
        yield from ("", f"## {heading}", "")
        columns = ("When (UTC)", "Flag", "Environment", "Kind", "What", "Who", "Remarks")
        yield from table(columns, map(_line_of, _rows(data.changes(), data.hours, only_notable=notable)))
    yield from ("", "## What the record cannot vouch for", "")
    gaps = ((gap.gap_class, gap.document.name, gap.first, gap.last, gap.reason) for gap in data.gaps)
    yield from table(("Class", "Document", "From", "To", "Reason"), gaps)
    if data.ledger is not None:
        yield from ("", "## The sealed log", "", *map(marked_down, (data.ledger.answer, *data.ledger.words)))


def _line_of(row: Row) -> tuple[str, ...]:
    return row.when, row.flag, row.environment, row.kind, row.summary, row.actor, ", ".join(row.notable)


def view(data: HistoryInput) -> Mapping[str, object]:
    """Return everything the template shows; the rows are made while the page is written."""
    counts = _count(data.changes(), data.hours)
    return {
        "title": "Flag change history",
        "now": data.now,
        "since": data.since or counts.first,
        "until": data.until or counts.last,
        "filters": data.filters,
        "counts": counts,
        "cells": _cells(counts.hours),
        "days": _DAYS,
        "hours": range(0, _HOURS, 3),
        "cell": _CELL,
        "actors": bars(counts.actors),
        "routes": bars(counts.routes),
        "kinds": bars(counts.kinds),
        "ledger": data.ledger,
        "gaps": data.gaps,
        "version_gaps": sum(gap.gap_class == "version" for gap in data.gaps),
        "working_hours": str(data.hours),
        "notable": _rows(data.changes(), data.hours, only_notable=True),
        "rows": _rows(data.changes(), data.hours),
    }


def _count(changes: Iterable[RecordedChange], working: WorkingHours) -> _Counts:
    counts = _Counts()
    for item in changes:
        counts.total += 1
        counts.attempts += item.change.kind.is_attempt
        counts.unattributed += not item.attribution.attributed
        counts.actors[_actor(item)] += 1
        counts.routes[route(item)] += 1
        counts.kinds[item.change.kind.value.replace("_", " ")] += 1
        when = item.occurred_at
        if when is None:
            continue
        when = when.astimezone(UTC)
        counts.hours[when.weekday(), when.hour] += 1
        counts.out_of_hours += not working.cover(when)
        counts.first = when if counts.first is None or when < counts.first else counts.first
        counts.last = when if counts.last is None or when > counts.last else counts.last
    return counts


# As it is said of a call; no name in AWS has a blank in it.
_FROM_CONSOLE = ", from the console"


def route(item: RecordedChange) -> str:
    """Say by which way a change came: the console, a pipeline, a service, a role, or not known."""
    actor = item.attribution.actor
    if any(_FROM_CONSOLE in evidence.text for evidence in item.attribution.evidence):
        return "console"
    return {"unknown": "not known", "person": "person, by API"}.get(actor.kind.value, actor.kind.value)


def _cells(hours: Counter[tuple[int, int]]) -> list[Cell]:
    most = max(hours.values(), default=0)
    return [
        Cell(
            x=hour * _CELL,
            y=weekday * _CELL,
            count=hours[weekday, hour],
            shade=0 if not hours[weekday, hour] else 1 + (hours[weekday, hour] * (_SHADES - 1)) // max(most, 1),
            label=f"{_DAYS[weekday]} {hour:02d}:00 to {hour:02d}:59 UTC: {count(hours[weekday, hour], 'change')}",
        )
        for weekday in range(len(_DAYS))
        for hour in range(_HOURS)
    ]


def rows(changes: Iterable[RecordedChange], hours: WorkingHours) -> Iterator[Row]:
    """Yield changes as pages show them."""
    return _rows(changes, hours)


def _rows(changes: Iterable[RecordedChange], hours: WorkingHours, *, only_notable: bool = False) -> Iterator[Row]:
    for item in changes:
        why = _notable(item, hours)
        if only_notable and not why:
            continue
        yield _row(item, why, prefix="notable" if only_notable else "")


def _notable(item: RecordedChange, hours: WorkingHours) -> list[str]:
    """Return why a reviewer should look at a change first."""
    why = []
    if not item.attribution.attributed:
        why.append("unattributed")
    if item.attribution.actor.kind.value == "root":
        why.append("root user")
    if item.change.kind.value in ("denied", "guardrail"):
        why.append(item.change.kind.value)
    if item.occurred_at is not None and not hours.cover(item.occurred_at):
        why.append("out of hours")
    return why


def _row(item: RecordedChange, why: Sequence[str], prefix: str) -> Row:
    change = item.change
    return Row(
        anchor=f"{prefix}-{item.seq}" if prefix else item.id,
        id=item.id,
        when=_when(item),
        kind=change.kind.value.replace("_", " "),
        attempt=change.kind.is_attempt,
        flag=f"{change.application}/{change.flag}" if change.flag and change.application else change.flag or "-",
        environment=change.environment or "-",
        place=f"{change.document.source} {change.document.name} in {change.document.account} {change.document.region}",
        summary=change.summary,
        diff=describe_diff(change.diff, before=change.before, after=change.after),
        whole="\n".join(text for entry in change.diff for text in _whole(entry)),
        actor=_actor(item),
        actor_kind=item.attribution.actor.kind.value,
        how="; ".join(evidence.text for evidence in item.attribution.evidence) or "no evidence names anybody",
        detected_by=change.detected_by.value,
        error=change.error,
        notable=why,
        rollout=_rollout(change.deployment),
    )


def _whole(entry: DiffEntry) -> Iterator[str]:
    """Yield the values that messages cut, whole, with where each stands."""
    path = entry.path or "the whole flag"
    sides = (("before", entry.before, entry.op != "add"), ("after", entry.after, entry.op != "remove"))
    for side, value, there in sides:
        if there and is_long(value):
            yield f"{path} {side}: {whole_text(value)}"


def _rollout(deployment: DeploymentInfo | None) -> str:
    """Say when a deployment reached which share, or nothing where there is none."""
    if deployment is None:
        return ""
    steps = ", ".join(f"{step.percentage:g} % at {step.at.astimezone(UTC):%H:%M:%S}" for step in deployment.steps)
    return f"deployment {deployment.number}, {deployment.state.lower().replace('_', ' ')}" + (
        f": {steps}" if steps else ""
    )


def _actor(item: RecordedChange) -> str:
    actor = item.attribution.actor
    if actor.name is None:
        return "unattributed"
    return f"{actor.name} ({actor.session})" if actor.session and actor.session != actor.name else actor.name


def _when(item: RecordedChange) -> str:
    """Return when it happened, or between which times."""
    if item.occurred_at is not None:
        return item.occurred_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    if item.change.occurred_between is None:
        return "not dated"
    after, before = (t and t.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") for t in item.change.occurred_between)
    return f"between {after or 'the beginning'} and {before}"
