"""The flag page: one flag's whole life, newest first, with its states and the code that reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from auditor.domain.changes import RecordedChange
from auditor.domain.verdicts import Judgement
from reports import history, stale
from reports.render import write


@dataclass(frozen=True, slots=True)
class FlagInput:
    """What the page is made of: one flag's verdict, its changes newest first, and what the stale report is made of."""

    judgement: Judgement
    changes: Sequence[RecordedChange]
    stale: stale.StaleInput


def render(data: FlagInput, out: Path) -> None:
    """Write the page."""
    write("flag.html.j2", view(data), out)


def view(data: FlagInput) -> Mapping[str, object]:
    """Return everything the template shows."""
    alone = replace(data.stale, judgements=[data.judgement])
    return {
        "title": str(data.judgement.facts.flag),
        "now": data.stale.now,
        "flag": stale.rows(alone)[0],
        "rows": list(history.rows(data.changes)),
    }
