"""Which events were taken, what could not be understood, and what waits for a readable store."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from auditor.adapters.storage.packing import pack_json
from auditor.adapters.storage.session import Session, chunks
from auditor.adapters.storage.tables import dead_letters, deferred_events, taken_events
from auditor.adapters.storage.texts import digest
from auditor.application.bounded_json import MAX_EVENT_BYTES
from auditor.domain.credentials import mask_beginning, mask_text
from auditor.domain.events import Outcome
from auditor.domain.times import to_micros


@dataclass(frozen=True, slots=True)
class SqlInbox:
    """The inbox in three tables: taken events, dead letters, deferred events."""

    session: Session

    def taken(self, keys: Sequence[str]) -> bool:
        """Tell whether any of these event keys was taken before (a deferred event is not taken)."""
        return any(
            self.session.first(select(taken_events.c.key).where(taken_events.c.key.in_(some)).limit(1))
            for some in chunks(keys)
        )

    def take(self, keys: Sequence[str], outcome: Outcome, at: datetime) -> None:
        """Remember the event's keys and outcome, and settle a deferred event of these keys; twice changes nothing."""
        rows = [{"key": key, "outcome": outcome.value, "taken_us": to_micros(at)} for key in keys]
        self.session.keep_all(taken_events, rows)
        if rows:
            deferred = update(deferred_events).where(deferred_events.c.digest == _digest(keys))
            self.session.run(deferred.where(deferred_events.c.settled_us.is_(None)).values(settled_us=to_micros(at)))

    def reject(self, text: str, error: str, at: datetime, message_id: str | None) -> None:
        """Keep what cannot be understood in the dead-letter table, credential-looking text masked.

        Of a text that is longer than any event the beginning is kept.
        """
        row = {"message_id": message_id, "text": mask_beginning(text, MAX_EVENT_BYTES), "error": mask_text(error)}
        self.session.add(dead_letters, row | {"recorded_us": to_micros(at)})

    def defer(self, keys: Sequence[str], payload: Mapping[str, Any], document: str, error: str, at: datetime) -> None:
        """Keep an understood event whole until the store can be read; deferring it again only updates the error."""
        row = {
            "digest": _digest(keys),
            "keys": pack_json(list(keys)),
            "payload": pack_json(payload),
            "document": document,
            "error": error,
            "deferred_us": to_micros(at),
            "settled_us": None,
        }
        if not self.session.keep(deferred_events, row):
            again = update(deferred_events).where(deferred_events.c.digest == row["digest"])
            self.session.run(again.values(error=error, settled_us=None))

    def deferred(self) -> Sequence[tuple[int, Mapping[str, Any]]]:
        """Return the waiting events with their row ids, oldest first."""
        table = deferred_events.c
        waiting = select(table.seq, table.payload).where(table.settled_us.is_(None)).order_by(table.seq)
        return [(row.seq, json.loads(row.payload)) for row in self.session.rows(waiting)]

    def settle(self, row: int, at: datetime) -> None:
        """Mark a deferred event as done."""
        done = update(deferred_events).where(deferred_events.c.seq == row)
        self.session.run(done.values(settled_us=to_micros(at)))


def _digest(keys: Sequence[str]) -> str:
    return digest(*sorted(keys))
