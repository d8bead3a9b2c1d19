"""The flag page: one flag's whole life, newest first, with its states and the code that reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from auditor.domain.changes import RecordedChange
from auditor.domain.references import Reference
from auditor.domain.verdicts import Judgement
from reports import history, stale
from reports.render import write


@dataclass(frozen=True, slots=True)
class FlagInput:
    """What the page is made of: one flag's verdict, its changes newest first, and its references."""

    judgement: Judgement
    changes: Sequence[RecordedChange]
    references: Sequence[Reference]
    now: datetime
    commit: str | None = None
    code_url: str | None = None


def render(data: FlagInput, out: Path) -> None:
    """Write the page."""
    write("flag.html.j2", view(data), out)


def view(data: FlagInput) -> Mapping[str, object]:
    """Return everything the template shows."""
    verdicts = stale.StaleInput([data.judgement], data.references, data.now, data.commit, data.code_url)
    return {
        "title": str(data.judgement.facts.flag),
        "now": data.now,
        "flag": stale.rows(verdicts)[0],
        "rows": list(history.rows(data.changes)),
    }
