"""The weekly stale-flag report: what can go, what is not known, what stays; each with its evidence."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from auditor.domain.flags import JsonValue
from auditor.domain.references import Certainty, Reference
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
from reports.bars import bars
from reports.links import code_link
from reports.render import write

_SHOWN_REFERENCES = 12
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

    ``rules`` are those that the verdicts were found by.
    """

    judgements: Sequence[Judgement]
    references: Sequence[Reference]
    now: datetime
    commit: str | None = None
    code_url: str | None = None
    rules: StaleRules = _DEFAULT_RULES


@dataclass(frozen=True, slots=True)
class Place:
    """One reference as the page shows it."""

    text: str
    kind: str
    possible: bool
    link: str | None


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
    winning: Sequence[tuple[str, JsonValue]]
    places: Sequence[Place]
    more_places: int
    changed_at: datetime | None
    changed_by: str | None
    next_step: str


def render(data: StaleInput, out: Path) -> None:
    """Write the report."""
    write("stale.html.j2", view(data), out)


def view(data: StaleInput) -> Mapping[str, object]:
    """Return everything the template shows; it decides nothing."""
    shown = rows(data)
    counts = {verdict: sum(j.verdict is verdict for j in data.judgements) for verdict in Verdict}
    return {
        "title": "Stale feature flags",
        "now": data.now,
        "total": len(shown),
        "counts": [(v.value, _HEADINGS[v], counts[v], _share(counts[v], len(shown))) for v in _ORDER],
        "groups": [(v.value, _HEADINGS[v], [r for r in shown if r.verdict == v.value]) for v in _ORDER],
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


def rows(data: StaleInput) -> list[Row]:
    """Return the flags as pages show them."""
    by_flag: dict[str, list[Reference]] = defaultdict(list)
    for reference in data.references:
        by_flag[reference.flag.name or reference.flag.key].append(reference)
    return [_row(number, j, by_flag, data) for number, j in enumerate(data.judgements, start=1)]


def _rules(data: StaleInput) -> list[tuple[str, str]]:
    """Return the code and the sentence of every rule that the page names, with the thresholds it was judged by."""
    said = {rule.code: rule.said(data.rules) for rule in (*REMOVAL_RULES, *KEEPING_RULES)} | dict(OTHERWISE)
    named = {reason.code for judgement in data.judgements for reason in judgement.reasons}
    return [(code, sentence) for code, sentence in said.items() if code in named]


def _share(count: int, total: int) -> float:
    return round(100 * count / total, 1) if total else 0.0


def _owners(judgements: Sequence[Judgement]) -> list[tuple[str, int, float]]:
    """Return how many flags each owner could remove, most first."""
    removable = [j for j in judgements if j.verdict is Verdict.REMOVE]
    return bars(Counter(j.facts.lifetime.owner or "no owner known" for j in removable))


def _row(number: int, judgement: Judgement, by_flag: Mapping[str, list[Reference]], data: StaleInput) -> Row:
    facts = judgement.facts
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
        winning=[(name, value) for name, value in judgement.winning_value.items() if value is not None],
        places=[_place(reference, data) for reference in references[:_SHOWN_REFERENCES]],
        more_places=max(0, len(references) - _SHOWN_REFERENCES),
        changed_at=facts.changed_at,
        changed_by=facts.changed_by,
        next_step=_UNREFERENCED
        if judgement.verdict is Verdict.REMOVE and "unreferenced" in codes
        else _NEXT_STEP[judgement.verdict],
    )


def _place(reference: Reference, data: StaleInput) -> Place:
    return Place(
        text=f"{reference.path}:{reference.line}",
        kind=reference.kind.value,
        possible=reference.certainty is Certainty.POSSIBLE,
        link=code_link(data.code_url, reference, data.commit),
    )
