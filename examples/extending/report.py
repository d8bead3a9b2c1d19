"""A report: which team owns how many flags, and how many of them can go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from auditor.domain.verdicts import Judgement, Verdict
from reports.render import write


@dataclass(frozen=True, slots=True)
class OwnersInput:
    """What the report is made of."""

    judgements: Sequence[Judgement]
    now: datetime


def render(data: OwnersInput, out: Path) -> None:
    """Write the report."""
    write("owners.html.j2", view(data), out)


def view(data: OwnersInput) -> Mapping[str, object]:
    """Return everything the template shows: the most flags that can go come first."""
    owned = Counter(_owner(judgement) for judgement in data.judgements)
    removable = Counter(_owner(judgement) for judgement in data.judgements if judgement.verdict is Verdict.REMOVE)
    rows = [(owner, flags, removable[owner]) for owner, flags in owned.items()]
    return {"title": "Flags by owner", "now": data.now, "rows": sorted(rows, key=lambda row: (-row[2], row[0]))}


def _owner(judgement: Judgement) -> str:
    return judgement.facts.lifetime.owner or "no owner known"
