"""A record over one account of the stand-in: events in, rows out, as an operator sees them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from auditor import bootstrap
from auditor.application.envelopes import unpack
from auditor.application.ingest import Ingest, IngestReport
from auditor.application.ports import HistoryQuery
from auditor.application.reconcile import Reconcile, ReconcileReport
from auditor.settings import Settings, SourceSettings
from tests.support.stores import KEYS

SAMPLES = Path(__file__).resolve().parents[1] / "events"
TABLE = SourceSettings("dynamodb", "dynamodb", table="feature-flags", keys=tuple(KEYS.items()))


def sample(name: str) -> dict[str, Any]:
    """Return one captured event."""
    read: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text())
    return read


@dataclass(slots=True)
class Record:
    """A record and the way into it; AWS is found by the environment."""

    path: Path
    sources: tuple[SourceSettings, ...]
    application: bootstrap.Application = field(init=False)

    def __post_init__(self) -> None:
        settings = Settings(database_url=f"sqlite:///{self.path / 'record.db'}", sources=self.sources)
        self.application = bootstrap.application(settings)

    def take(self, *events: Any) -> IngestReport:
        """Ingest one batch."""
        return Ingest(self.application.recorder).run(unpack(list(events)))

    def outcomes(self, *events: Any) -> list[str]:
        """Ingest one batch and return what became of each event."""
        return [outcome.value for outcome in self.take(*events).outcomes]

    def reconcile(self) -> ReconcileReport:
        """Compare the stores with the record."""
        report = Reconcile(self.application.recorder).run()
        assert report.errors == ()
        return report

    def rows(self) -> list[dict[str, Any]]:
        """Return the history, oldest first."""
        with self.application.record.unit_of_work() as uow:
            found: Iterable[Any] = list(uow.changes.query(HistoryQuery()))
        return sorted((dict(item.to_json()) for item in found), key=lambda row: row["seq"])

    def told(self, *names: str) -> list[tuple[Any, ...]]:
        """Return some members of each row, ``actor`` being its name."""
        return [tuple(row[n]["name"] if n == "actor" else row[n] for n in names) for row in self.rows()]

    def gaps(self) -> list[dict[str, Any]]:
        """Return the gaps."""
        with self.application.record.unit_of_work() as uow:
            return [dict(gap.to_json()) for gap in uow.gaps.all()]
