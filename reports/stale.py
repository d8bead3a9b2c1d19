"""The weekly stale-flag report: what can go, what is not known, what stays; each with its evidence."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path

from auditor.domain.code_links import code_link
from auditor.domain.findings import Finding
from auditor.domain.flags import FlagId, JsonValue
from auditor.domain.lives import Life, Moment, Year
from auditor.domain.references import Annotation, Certainty, Reference
from auditor.domain.times import rfc3339
from auditor.domain.verdicts import (
    KEEPING_RULES,
    MISSING,
    OTHERWISE,
    REMOVAL_RULES,
    Judgement,
    Reason,
    StaleRules,
    Verdict,
)
from auditor.domain.wording import count
from reports.bars import bars
from reports.charts import HEIGHT, WIDTH, Lane, change_of, lane, trend
from reports.formats import PAGES, Document, Remark, table, write_document
from reports.render import day, moment, write

_SHOWN_REFERENCES = 12
_NO_LIFE = Life()
# What these policies say, the reasons of the verdict say already.
_SAID_BY_REASONS = frozenset({"expired-flag", "past-lifetime", "unreferenced-flag"})
_DEFAULT_RULES = StaleRules()

_NEXT_STEP = {
    Verdict.REMOVE: "Remove the code that reads it, keep what the winning value gives, then delete it in the store.",
    Verdict.UNKNOWN: "Find out what is listed as not known before anybody removes it.",
    Verdict.KEEP: "Nothing to do.",
}
_UNREFERENCED = "No code is left to change: delete it in the store."


@dataclass(frozen=True, slots=True)
class StaleInput:
    """What the report is made of: ``commit`` is that of the scanned code, ``code_url`` a template for links.

    ``rules`` are those that the verdicts were found by, ``year`` the last 52 weeks, ``findings`` what the policies say
    about each flag.
    """

    judgements: Sequence[Judgement]
    references: Sequence[Reference]
    now: datetime
    commit: str | None = None
    code_url: str | None = None
    rules: StaleRules = _DEFAULT_RULES
    year: Year | None = None
    findings: Mapping[FlagId, Sequence[Finding]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """One reference as the page shows it, or a comment and what it says."""

    text: str
    kind: str
    possible: bool
    link: str | None
    said: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One flag as the page shows it."""

    anchor: str
    name: str
    verdict: str
    owner: str | None
    age_days: int | None
    reasons: Sequence[Reason]
    missing: Sequence[str]
    evidence: Sequence[tuple[str, JsonValue, datetime | None]]
    environments: Sequence[tuple[str, str, datetime | None]]
    lanes: Sequence[Lane]
    recent: Sequence[Moment]
    findings: Sequence[Finding]
    snoozed: str | None
    worth: str
    winning: Sequence[tuple[str, JsonValue]]
    places: Sequence[Place]
    more_places: int
    changed_at: datetime | None
    changed_by: str | None
    next_step: str


def render(data: StaleInput, out: Path) -> None:
    """Write the report: a page, or what the file's name asks for."""
    if out.suffix.lower() in PAGES:
        write("stale.html.j2", view(data), out)
    else:
        write_document(document(data), out)


def view(data: StaleInput) -> Mapping[str, object]:
    """Return everything the template shows; it decides nothing. The flags are made while the page is written."""
    total = len(data.judgements)
    counts = {verdict: sum(j.verdict is verdict for j in data.judgements) for verdict in Verdict}
    return {
        "title": "Stale feature flags",
        "now": data.now,
        "total": total,
        "counts": [(v.value, _HEADINGS[v], counts[v], _since_last_week(v, counts[v], data.year)) for v in _ORDER],
        "moved": _moved(total, data.year),
        "trend": trend(data.year.points) if data.year is not None else None,
        "trend_size": (WIDTH, HEIGHT),
        "year_since": data.year.since if data.year is not None else None,
        "groups": _groups(data),
        "owners": _owners(data.judgements),
        "rules": _rules(data),
        "missing": [
            (signal, MISSING[signal]) for signal in MISSING if any(signal in j.missing for j in data.judgements)
        ],
        "scanned_at": min((j.facts.references.scanned_at for j in data.judgements if j.facts.references), default=None),
    }


_ORDER = (Verdict.REMOVE, Verdict.UNKNOWN, Verdict.KEEP)
_HEADINGS = {
    Verdict.REMOVE: "Can go",
    Verdict.UNKNOWN: "Not known",
    Verdict.KEEP: "Stays",
}


def rows(data: StaleInput) -> Iterator[Row]:
    """Yield the flags as pages show them, those whose removal is worth most first."""
    by_flag = _references_of(data)
    return (_row(number, j, by_flag, data) for number, j in enumerate(_ranked(data), start=1))


def _ranked(data: StaleInput) -> list[Judgement]:
    return sorted(data.judgements, key=lambda j: (-worth_of(j), str(j.facts.flag)))


def _references_of(data: StaleInput) -> Mapping[str, list[Reference]]:
    by_flag: dict[str, list[Reference]] = defaultdict(list)
    for reference in data.references:
        by_flag[reference.flag.name or reference.flag.key].append(reference)
    return by_flag


def worth_of(judgement: Judgement) -> int:
    """Return what a removal is worth, for sorting: the flag and each place that goes with it, times its age in days."""
    facts = judgement.facts.references
    places = 0 if facts is None else facts.in_code + facts.in_tests + facts.certain.get("define", 0)
    return (1 + places) * (1 + (judgement.age_days or 0))


Team = tuple[str | None, int, Iterator[Row]]


def _groups(data: StaleInput) -> list[tuple[str, str, list[Team]]]:
    """Return by verdict, and in it by who owns the flags, how many there are and their rows, worth most first.

    Flags without owner come last.
    """
    by_flag = _references_of(data)
    teams: dict[Verdict, dict[str | None, list[tuple[int, Judgement]]]] = {v: defaultdict(list) for v in _ORDER}
    for number, judgement in enumerate(_ranked(data), start=1):
        teams[judgement.verdict][judgement.facts.lifetime.owner].append((number, judgement))
    return [
        (
            verdict.value,
            _HEADINGS[verdict],
            [
                (owner, len(mine), _rows_of(mine, by_flag, data))
                for owner, mine in sorted(own.items(), key=lambda team: (team[0] is None, team[0] or ""))
            ],
        )
        for verdict, own in teams.items()
    ]


def _rows_of(
    mine: Sequence[tuple[int, Judgement]], by_flag: Mapping[str, list[Reference]], data: StaleInput
) -> Iterator[Row]:
    return (_row(number, judgement, by_flag, data) for number, judgement in mine)


def _since_last_week(verdict: Verdict, now: int, year: Year | None) -> str:
    return "" if year is None else change_of(now, year.points[-2].counts.get(verdict, 0))


def _moved(now: int, year: Year | None) -> str:
    return "" if year is None else change_of(now, year.points[-2].total)


def _rules(data: StaleInput) -> list[tuple[str, str]]:
    """Return the code and the sentence of every rule that the page names, with the thresholds it was judged by."""
    said = {rule.code: rule.said(data.rules) for rule in (*REMOVAL_RULES, *KEEPING_RULES)} | dict(OTHERWISE)
    named = {reason.code for judgement in data.judgements for reason in judgement.reasons}
    return [(code, sentence) for code, sentence in said.items() if code in named]


def _owners(judgements: Sequence[Judgement]) -> list[tuple[str, int, float]]:
    """Return how many flags each owner could remove, most first."""
    removable = [j for j in judgements if j.verdict is Verdict.REMOVE]
    return bars(Counter(j.facts.lifetime.owner or "no owner known" for j in removable))


def _row(number: int, judgement: Judgement, by_flag: Mapping[str, list[Reference]], data: StaleInput) -> Row:
    facts = judgement.facts
    life = data.year.lives.get(facts.flag, _NO_LIFE) if data.year is not None else _NO_LIFE
    references = sorted(by_flag.get(str(facts.flag), ()), key=lambda r: (r.kind.rank, r.path, r.line))
    states = {s.signal.removeprefix("state in "): s for s in judgement.evidence if s.signal.startswith("state in ")}
    codes = {reason.code for reason in judgement.reasons}
    return Row(
        anchor=f"flag-{number}",
        name=str(facts.flag),
        verdict=judgement.verdict.value,
        owner=facts.lifetime.owner,
        age_days=judgement.age_days,
        reasons=judgement.reasons,
        missing=judgement.missing,
        evidence=[(s.signal, s.value, s.as_of) for s in judgement.evidence if not s.signal.startswith("state in ")],
        environments=[(name, str(s.value), s.as_of) for name, s in states.items()],
        lanes=list(_lanes(life, data)),
        recent=list(life.recent),
        findings=[one for one in data.findings.get(facts.flag, ()) if one.code not in _SAID_BY_REASONS],
        snoozed=_snoozed(judgement),
        worth=_worth(judgement),
        winning=[(name, value) for name, value in judgement.winning_value.items() if value is not None],
        places=[
            *(_place(reference, data) for reference in references[:_SHOWN_REFERENCES]),
            *_comments(facts.annotations, data),
        ],
        more_places=max(0, len(references) - _SHOWN_REFERENCES),
        changed_at=facts.changed_at,
        changed_by=facts.changed_by,
        next_step=_UNREFERENCED
        if judgement.verdict is Verdict.REMOVE and "unreferenced" in codes
        else _NEXT_STEP[judgement.verdict],
    )


def _lanes(life: Life, data: StaleInput) -> Iterator[Lane]:
    if data.year is not None:
        for name, spans in sorted(life.spans.items(), key=lambda item: item[0] or ""):
            yield lane(name or "-", spans, data.year.since, data.now)


def _worth(judgement: Judgement) -> str:
    """Say what goes with a flag, or nothing where that is not known."""
    facts = judgement.facts.references
    if facts is None:
        return ""
    return f"{count(facts.in_code, 'place')} in code and {facts.in_tests} in tests"


def _snoozed(judgement: Judgement) -> str | None:
    """Say until when somebody lets the flag be, and how often that was so."""
    snooze = judgement.snoozed
    if snooze is None:
        return None
    times = "" if snooze["times"] == 1 else f", {snooze['times']} times by now"
    return f"until {str(snooze['until'])[:10]} by {snooze['by']}{times}: {snooze['reason']}"


def _place(reference: Reference, data: StaleInput) -> Place:
    return Place(
        text=f"{reference.path}:{reference.line}",
        kind=reference.kind.value,
        possible=reference.certainty is Certainty.POSSIBLE,
        link=code_link(data.code_url, reference, data.commit),
    )


def _comments(annotations: Sequence[Annotation], data: StaleInput) -> Iterator[Place]:
    """Yield the comments that say something of the flag's life, each once."""
    by_place = {(one.path, one.line): one for one in annotations}
    for one in islice(by_place.values(), _SHOWN_REFERENCES):
        link = code_link(data.code_url, one, data.commit)
        yield Place(f"{one.path}:{one.line}", "comment", possible=False, link=link, said=one.text)


def document(data: StaleInput) -> Document:
    """Return the report as data, for other forms than a page."""
    ranked = _ranked(data)
    facts: dict[str, JsonValue] = {
        "as_of": rfc3339(data.now),
        "flags_in_all": len(ranked),
        **{v.value: sum(j.verdict is v for j in ranked) for v in _ORDER},
        "weeks": [
            {"at": rfc3339(point.at), **{v.value: point.counts.get(v, 0) for v in _ORDER}}
            for point in (data.year.points if data.year is not None else ())
        ],
    }
    return Document(
        facts,
        "flags",
        lambda: (_record(judgement, data) for judgement in ranked),
        lambda: _lines(ranked, data),
        lambda: _remarks(ranked, data),
    )


def _record(judgement: Judgement, data: StaleInput) -> dict[str, JsonValue]:
    row = {**judgement.to_json(), "snoozed": dict(judgement.snoozed) if judgement.snoozed is not None else None}
    return {**row, "findings": [finding.to_json() for finding in data.findings.get(judgement.facts.flag, ())]}


def _lines(ranked: Sequence[Judgement], data: StaleInput) -> Iterator[str]:
    yield "# Stale feature flags"
    yield ""
    said = (f"{sum(j.verdict is v for j in ranked)} {_HEADINGS[v].lower()}" for v in _ORDER)
    yield f"{count(len(ranked), 'flag')} as known at {moment(data.now)}: {', '.join(said)}."
    for verdict in _ORDER:
        mine = [j for j in ranked if j.verdict is verdict]
        yield from ("", f"## {_HEADINGS[verdict]} ({len(mine)})", "")
        if mine:
            columns = ("Flag", "Owner", "Days old", "Why", "Not known", "Last change")
            yield from table(columns, (_cells(judgement) for judgement in mine))
        else:
            yield "None."


def _cells(judgement: Judgement) -> Iterator[object]:
    facts = judgement.facts
    yield facts.flag
    yield facts.lifetime.owner or "no owner known"
    yield "-" if judgement.age_days is None else judgement.age_days
    yield "; ".join(reason.text for reason in judgement.reasons)
    yield ", ".join(judgement.missing) or "-"
    yield f"{day(facts.changed_at)}, {facts.changed_by or 'unattributed'}"


def _remarks(ranked: Sequence[Judgement], data: StaleInput) -> Iterator[Remark]:
    """Yield a remark at each place in code that names a flag which can go."""
    said = {rule.code: rule.said(data.rules) for rule in REMOVAL_RULES}
    by_flag = _references_of(data)
    for judgement in ranked:
        if judgement.verdict is not Verdict.REMOVE:
            continue
        first = next(reason for reason in judgement.reasons if reason.code in said)
        text = f"{judgement.facts.flag} can go: {'; '.join(reason.text for reason in judgement.reasons)}"
        for place in sorted(by_flag.get(str(judgement.facts.flag), ()), key=lambda r: (r.path, r.line, r.column)):
            yield Remark(first.code, said[first.code], text, place)
