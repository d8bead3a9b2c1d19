"""What is taken out of the log: all of it, some of it, or one change with all that was learnt of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from auditor.application.ports import HistoryQuery, Ledger, SealedLog, UnitOfWork
from auditor.application.verifying import ProvenEntry
from auditor.domain.ledger.entries import SealedEntry
from auditor.domain.ledger.merkle import Tree, inclusion_proof
from auditor.domain.ledger.places import Places
from auditor.domain.retention import Act
from auditor.domain.times import parse_rfc3339


@dataclass(frozen=True, slots=True)
class Selection:
    """Which entries: changes of these ids and what was learnt of them; gaps and reconciles recorded in this time."""

    change_ids: Collection[str]
    since: datetime | None = None
    until: datetime | None = None
    let_go: Places = field(default_factory=Places)

    def holds(self, entry: SealedEntry) -> bool:
        """Tell whether an entry belongs to it; one that cannot be read does, so that nobody overlooks it."""
        if entry.body is None:
            return entry.index not in self.let_go
        try:
            body = json.loads(entry.body)
            if entry.kind == "retention" and body["act"] == Act.NEW_LOG:
                return True  # it says whose the checkpoints of a former log are
            if entry.kind in ("change", "attribution"):
                return body["id" if entry.kind == "change" else "change"] in self.change_ids
            recorded = parse_rfc3339(body["recorded_at"])
        except (ValueError, KeyError, TypeError):
            return True
        after_since = self.since is None or recorded >= self.since
        return after_since and (self.until is None or recorded <= self.until)


def selected(uow: UnitOfWork, since: datetime | None, until: datetime | None) -> Selection:
    """Return what occurred between two times, as history matches them."""
    query = HistoryQuery(since=since, until=until)
    return Selection(frozenset(change.id for change in uow.changes.query(query)), since, until, let_go(uow))


def let_go(uow: UnitOfWork) -> Places:
    """Return the places of the log whose rows were let go."""
    places = Places()
    for decision in uow.retention.all():
        places |= decision.entries
    return places


def whole_log(log: SealedLog) -> Iterator[ProvenEntry]:
    """Yield every entry; all of them together are their own proof."""
    return (ProvenEntry(entry, None) for entry in log.entries())


def proven(
    entries: Iterable[SealedEntry], ledger: Ledger, tree_size: int, selection: Selection | None = None
) -> Iterator[ProvenEntry]:
    """Yield the entries (the selected ones), each with its way to the root of the log of ``tree_size`` entries.

    An entry that is newer than that has none.
    """
    tree = Tree(ledger.hashes(0, tree_size))
    for entry in entries:
        if selection is None or selection.holds(entry):
            inside = entry.index < tree_size
            proof = tuple(inclusion_proof(entry.index, tree_size, tree.subtree)) if inside else None
            yield ProvenEntry(entry, proof)
