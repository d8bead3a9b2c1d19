"""The handler against the floor: an event from its batch to the committed change and alert, against one raw insert.

The source parses real events and reads from memory, so that AWS is not measured. Each event is a write of another
parameter; a batch holds ten, as the queue hands them over. The floor inserts a finished row of the same table,
one commit a row, in turns in the same run.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from auditor.adapters.aws import AwsClients
from auditor.adapters.sources.parameter_store import ParameterStoreSource
from auditor.adapters.storage.change_log import columns
from auditor.application.envelopes import unpack
from auditor.application.ingest import Ingest
from auditor.application.ports import HistoryQuery, Scope
from auditor.application.recording import Recorder
from auditor.bootstrap import SystemClock
from auditor.domain.changes import change_id
from auditor.domain.documents import DocumentListing, DocumentReading, DocumentRef, HeldDocument, Snapshot
from auditor.domain.events import Notices, RawEvent
from auditor.domain.flags import FlagEntry, FlagId, FlagState
from auditor.settings import DEFAULT_SOURCES
from benchmarks.bench_record_path import change, rate, sqlite_pair

ACCOUNT, REGION = "111122223333", "eu-central-1"
START = datetime(2026, 3, 2, tzinfo=UTC)
BATCH = 10
WANTED = 0.05


@dataclass(slots=True)
class InMemory:
    """Parameter Store with its histories in memory: ``writes`` holds when each version of a parameter was written."""

    real: ParameterStoreSource
    writes: dict[str, list[datetime]] = field(default_factory=dict)
    name: str = "ssm"
    trail_calls: tuple[str, ...] = ()

    def parse(self, event: RawEvent) -> Notices:
        """Return what the event tells, as in production."""
        return self.real.parse(event)

    def scopes(self) -> Sequence[Scope]:
        """Return the only account."""
        return (Scope(self.name, ACCOUNT, REGION, ""),)

    def watches_document(self, held: HeldDocument) -> bool:
        """Tell whether a held document is one that was written here."""
        return held.document.name in self.writes

    def list_documents(self, scope: Scope) -> Iterator[DocumentListing]:  # noqa: ARG002 -- the port's signature
        """Yield nothing: events lead to the documents."""
        yield from ()

    def listed_at(self, scope: Scope) -> datetime | None:  # noqa: ARG002 -- the port's signature
        """Return nothing: nothing is listed."""
        return None

    def read(self, document: DocumentRef, held: HeldDocument | None) -> DocumentReading:
        """Read the versions beyond the held one."""
        written = self.writes[document.name]
        after = 0 if held is None or held.ordinal is None else held.ordinal
        news = tuple(snapshot(document, number, written[number - 1]) for number in range(after + 1, len(written) + 1))
        return DocumentReading(document, exists=True, read_at=written[-1], snapshots=news)


def snapshot(document: DocumentRef, number: int, at: datetime) -> Snapshot:
    """Return one version of a rollout."""
    key = document.name.rpartition("/")[2]
    value = FlagState({"enabled": True, "rollout": number % 100, "regions": ["eu-central-1", "us-east-1"]})
    author = f"arn:aws:iam::{ACCOUNT}:user/person-{number % 50}"
    return Snapshot(str(number), number, at, author, {"": FlagEntry(FlagId("shop", key), "prod", value)})


def batch(source: InMemory, first: int, documents: int) -> dict[str, Any]:
    """Write ten parameters and return the batch of their events."""
    records = []
    for number in range(first, first + BATCH):
        name, at = f"/shop/prod/features/flag-{number % documents}", START + timedelta(seconds=number)
        source.writes.setdefault(name, []).append(at)
        body = json.dumps(event(number, name, at))
        records.append({"messageId": f"m-{number}", "eventSource": "aws:sqs", "body": body})
    return {"Records": records}


def event(number: int, name: str, at: datetime) -> dict[str, Any]:
    """Return what EventBridge says of a write."""
    return {
        "version": "0",
        "id": f"{number:08x}-0000-0000-0000-000000000000",
        "detail-type": "Parameter Store Change",
        "source": "aws.ssm",
        "account": ACCOUNT,
        "time": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{name}"],
        "detail": {"name": name, "type": "String", "operation": "Update"},
    }


def main() -> None:
    """Print the median ratio of paired rounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=400, help="events a round")
    parser.add_argument("--rounds", type=int, default=6, help="pairs of rounds, of which the first is dropped")
    options = parser.parse_args()
    tables = [table for table in DEFAULT_SOURCES if table.kind == "ssm"]
    source = InMemory(ParameterStoreSource.from_settings(AwsClients(region=REGION), tables, None))
    pairs = []
    with sqlite_pair() as (database, floor):
        ingest = Ingest(Recorder(database.unit_of_work, {"ssm": source}, SystemClock()))
        for start in range(0, options.events * options.rounds, options.events):
            batches = [batch(source, first, options.events) for first in range(start, start + options.events, BATCH)]
            rows = [
                columns(change_id(one.change.key), one, START)
                for one in map(change, range(start, start + options.events))
            ]
            product = BATCH * rate(batches, lambda one: take(ingest, one))
            pairs.append((product, rate(rows, floor)))
        with database.reader() as uow:
            assert sum(1 for _ in uow.changes.query(HistoryQuery())) == options.events * options.rounds
    product, raw = (statistics.median(rates) for rates in zip(*pairs[1:], strict=True))
    ratio = statistics.median(product / raw for product, raw in pairs[1:])
    print(
        f"sqlite      handler     {product:7,.0f}/s   raw insert {raw:7,.0f}/s   ratio {ratio:.2f}"
        f"   (wanted: at least {WANTED})"
    )


def take(ingest: Ingest, one: dict[str, Any]) -> None:
    """Take a batch as the function does."""
    assert ingest.run(unpack(one)).recorded == BATCH


if __name__ == "__main__":
    main()
