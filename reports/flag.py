"""The flag page: one flag's whole life on one timeline, newest first, with its states and the code that reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from auditor.domain.changes import ChangeKind, RecordedChange
from auditor.domain.flags import JsonValue
from auditor.domain.hours import WorkingHours
from auditor.domain.lives import Scanned, Span
from auditor.domain.readings import Position, read_state
from auditor.domain.sightings import SHORT
from auditor.domain.times import rfc3339
from auditor.domain.verdicts import Judgement
from auditor.domain.wording import count
from reports import history, stale
from reports.charts import Lane, Mark, lane, marks
from reports.formats import PAGES, Document, marked_down, table, write_document
from reports.render import moment, write

_MOST_PLACES = 5
_GONE = (ChangeKind.DELETED, ChangeKind.EXPIRED)


@dataclass(frozen=True, slots=True)
class FlagInput:
    """What the page is made of: one flag's verdict, its changes newest first, and what the stale report is made of.

    ``scans`` are those that found other places in code than the one before, newest first.
    """

    judgement: Judgement
    changes: Sequence[RecordedChange]
    stale: stale.StaleInput
    scans: Sequence[Scanned] = ()
    hours: WorkingHours = field(default_factory=WorkingHours)


@dataclass(frozen=True, slots=True)
class Code:
    """What a scan found that the one before had not found, or had."""

    when: str
    summary: str
    came: Sequence[str]
    went: Sequence[str]


@dataclass(frozen=True, slots=True)
class Timeline:
    """A life on one line: states by environment, marks for changes and for scans, and between which times."""

    lanes: Sequence[Lane]
    changes: Sequence[Mark]
    scans: Sequence[Mark]
    begin: datetime
    end: datetime


def render(data: FlagInput, out: Path) -> None:
    """Write the report: a page, or what the file's name asks for."""
    if out.suffix.lower() in PAGES:
        write("flag.html.j2", view(data), out)
    else:
        write_document(document(data), out)


def document(data: FlagInput) -> Document:
    """Return the report as data, for other forms than a page."""
    alone = replace(data.stale, judgements=[data.judgement])
    facts: dict[str, JsonValue] = {
        "as_of": rfc3339(data.stale.now),
        "verdict": data.judgement.to_json(),
        "code": [
            {
                "scanned_at": rfc3339(scan.at),
                "commit": scan.commit,
                "complete": scan.complete,
                "places": list[JsonValue](sorted(scan.places)),
            }
            for scan in data.scans
        ],
    }
    remarks = stale.document(alone).remarks
    return Document(facts, "changes", lambda: (one.to_json() for one in data.changes), lambda: _lines(data), remarks)


def _lines(data: FlagInput) -> Iterator[str]:
    yield f"# {marked_down(data.judgement.facts.flag)}"
    yield from ("", f"{data.judgement.verdict.value}, as known at {moment(data.stale.now)}:", "")
    yield from (f"- {marked_down(reason.text)}" for reason in data.judgement.reasons)
    yield from ("", "## Its life, newest first", "")
    entries = (_cells(entry) for entry in _entries(data))
    yield from table(("When (UTC)", "Environment", "Kind", "What", "Who"), entries)


def _cells(entry: history.Row | Code) -> tuple[str, ...]:
    if isinstance(entry, Code):
        return entry.when, "", "scan", entry.summary, ""
    return entry.when, entry.environment, entry.kind, entry.summary, entry.actor


def view(data: FlagInput) -> Mapping[str, object]:
    """Return everything the template shows."""
    alone = replace(data.stale, judgements=[data.judgement], year=None)
    return {
        "title": str(data.judgement.facts.flag),
        "now": data.stale.now,
        "flag": next(stale.rows(alone)),
        "timeline": timeline(data),
        "entries": list(_entries(data)),
        "changes": len(data.changes),
    }


def timeline(data: FlagInput) -> Timeline | None:
    """Return the flag's life as lanes and marks, or ``None`` where nothing in it is dated."""
    dated = [(when, one) for one in reversed(data.changes) if (when := one.occurred_at) is not None]
    if not dated:
        return None
    begin, end = dated[0][0], data.stale.now
    lanes = [lane(name or "-", spans, begin, end) for name, spans in sorted(_spans(dated).items(), key=_by_name)]
    told = [(when, f"{moment(when)}: {one.change.summary}", one.change.kind.value) for when, one in dated]
    found = [(scan.at, f"{moment(scan.at)}: {count(len(scan.places), 'place')} in code", "scan") for scan in data.scans]
    return Timeline(lanes, marks(told, begin, end), marks(found, begin, end), begin, end)


def _by_name(item: tuple[str | None, object]) -> str:
    return item[0] or ""


def _spans(dated: Sequence[tuple[datetime, RecordedChange]]) -> dict[str | None, list[Span]]:
    spans: dict[str | None, list[Span]] = {}
    for when, one in dated:
        about = one.change
        if about.kind.is_attempt or about.kind in (ChangeKind.SAVED, ChangeKind.LABEL_MOVED, ChangeKind.GUARDRAIL):
            continue
        gone = about.kind in _GONE or about.after is None
        position = Position.ABSENT if gone else read_state(about.after).position
        own = spans.setdefault(about.environment, [])
        if not own or own[-1].position is not position:
            own.append(Span(when, position))
    return spans


def _entries(data: FlagInput) -> Iterator[history.Row | Code]:
    """Yield changes and what scans found, newest first."""
    codes = [(scan.at, _code(scan, former)) for scan, former in pairwise([*data.scans, None]) if scan is not None]
    for one in data.changes:
        while codes and one.occurred_at is not None and codes[0][0] >= one.occurred_at:
            yield codes.pop(0)[1]
        yield next(history.rows([one], data.hours))
    yield from (code for _, code in codes)


def _code(scan: Scanned, former: Scanned | None) -> Code:
    before = former.places if former is not None else frozenset()
    came, went = sorted(scan.places - before), sorted(before - scan.places)
    gone = "went" if scan.complete else "not seen, but not every file was read"
    summary = f"{count(len(scan.places), 'place')} in code name it: {len(came)} came, {len(went)} {gone}"
    if former is None:
        summary = f"First scanned: {count(len(scan.places), 'place')} in code name it"
    if scan.commit is not None:
        summary += f" (commit {scan.commit[:SHORT]})"
    return Code(moment(scan.at), summary, came[:_MOST_PLACES], went[:_MOST_PLACES])
