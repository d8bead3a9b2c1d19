"""What was let go and what must not be: decisions as sealed rows, and the rows that a decision takes away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Table, and_, delete, exists, select

from auditor.adapters.storage import standing
from auditor.adapters.storage.bodies import read_retention, retention_body
from auditor.adapters.storage.projections import Context, fault_of, plain
from auditor.adapters.storage.session import Session, chunks
from auditor.adapters.storage.tables import (
    alert_changes,
    alert_ways,
    alerts,
    attributions,
    call_targets,
    calls,
    changes,
    dead_letters,
    deferred_events,
    documents,
    entry_macs,
    findings,
    job_slots,
    leaves,
    log_head,
    reconciles,
    retentions,
    signals,
    taken_events,
    versions,
)
from auditor.adapters.storage.texts import digest, stored
from auditor.application.ports import OldEntry
from auditor.domain.alerts import AlertState
from auditor.domain.ledger.entries import content_of
from auditor.domain.ledger.merkle import leaf_hash
from auditor.domain.retention import Decision
from auditor.domain.times import to_micros

_WAITING = (AlertState.PENDING.value, AlertState.SENDING.value, AlertState.UNKNOWN.value)
_SETTLED = (AlertState.SENT.value, AlertState.DEAD.value)
# Stores that number versions by themselves: what is held of an old one serves only to put it back.
_NUMBERED = ("ssm", "dynamodb")


@dataclass(frozen=True, slots=True)
class SqlRetentionLog:
    """Decisions in a table of their own, sealed like everything that is recorded."""

    session: Session

    def add(self, decision: Decision) -> bool:
        """Record a decision; return False when just this one is recorded already."""
        body = retention_body(decision)
        row = {"digest": digest(body.decode()), "recorded_us": to_micros(decision.at), "body": body}
        seq = self.session.number(retentions, row)
        if seq is None:
            return False
        self.session.seal_later("retention", seq, body)
        return True

    def all(self, as_of: datetime | None = None) -> Sequence[Decision]:
        """Return the decisions, oldest first."""
        recorded = select(retentions.c.body).order_by(retentions.c.recorded_us, retentions.c.seq)
        if as_of is not None:
            recorded = recorded.where(retentions.c.recorded_us <= to_micros(as_of))
        return [read_retention(stored(row.body)) for row in self.session.rows(recorded)]

    def standing_changes(self) -> frozenset[int]:
        """Return the numbers of the changes that say what is so now; they are never let go."""
        return frozenset(standing.standing_numbers(self.session))

    def old_changes(self, before: datetime, size: int, after: int, limit: int) -> Sequence[Sequence[OldEntry]]:
        """Return changes that were recorded before then, each with all that was learnt of it, by their numbers.

        Only those that stand, with all that was learnt, in the first ``size`` places of the log, and whose alerts do
        not wait. ``after`` is the number to continue behind.
        """
        told = exists(
            select(1)
            .select_from(alert_changes)
            .join(alerts, alerts.c.id == alert_changes.c.alert_id)
            .where(alert_changes.c.change_id == changes.c.id, alerts.c.state.in_(_WAITING))
        )
        sealed = and_(leaves.c.entry == "change", leaves.c.entry_seq == changes.c.seq, leaves.c.position < size)
        found = (
            select(changes.c.seq, leaves.c.position, leaves.c.hash)
            .join(leaves, sealed)
            .where(changes.c.seq > after, changes.c.recorded_us < to_micros(before), ~told)
            .order_by(changes.c.seq)
            .limit(limit)
        )
        places = self.session.rows(found)
        rows = self._rows(changes, [place.seq for place in places])
        learnt = self._learnt(list(rows), size)
        return [
            [_old("change", place, rows[place.seq]), *(_old("attribution", one, one) for one in learnt[place.seq])]
            for place in places
            if all(one.position is not None for one in learnt[place.seq])
        ]

    def old_reconciles(self, before: datetime, size: int, limit: int) -> Sequence[OldEntry]:
        """Return reconciles that ended before then and are not the newest of what they compared."""
        newer = reconciles.alias()
        same = [newer.c[name] == reconciles.c[name] for name in ("source", "account", "region", "fingerprint")]
        superseded = exists(select(1).where(*same, newer.c.seq > reconciles.c.seq))
        sealed = and_(leaves.c.entry == "reconcile", leaves.c.entry_seq == reconciles.c.seq, leaves.c.position < size)
        found = select(reconciles.c.seq, leaves.c.position, leaves.c.hash, reconciles.c.body).join(leaves, sealed)
        old = found.where(reconciles.c.recorded_us < to_micros(before), superseded).order_by(reconciles.c.seq)
        return [_old("reconcile", row, row) for row in self.session.rows(old.limit(limit))]

    def remove(self, entries: Sequence[OldEntry]) -> None:
        """Take the rows of these entries away, and what was only there for them; their places in the log stay."""
        numbers = {
            kind: [entry.number for entry in entries if entry.kind == kind]
            for kind in ("change", "attribution", "reconcile")
        }
        # Whoever seals keeps the numbers of what stands: not at the same time.
        self.session.rows(select(log_head.c.id).with_for_update())
        stood = standing.documents_of(self.session, numbers["change"])
        ids = [entry.change_id for entry in entries if entry.change_id is not None]
        for some in chunks(ids):
            self.session.run(delete(findings).where(findings.c.change_id.in_(some)))
            self.session.run(delete(alert_changes).where(alert_changes.c.change_id.in_(some)))
        for kind, table in (("attribution", attributions), ("change", changes), ("reconcile", reconciles)):
            for page in chunks(numbers[kind]):
                self.session.run(delete(table).where(table.c.seq.in_(page)))
                written = and_(entry_macs.c.entry == kind, entry_macs.c.entry_seq.in_(page))
                self.session.run(delete(entry_macs).where(written))
        standing.renew(self.session, stood)

    def remove_beside(self, before: datetime) -> None:
        """Take away what lies beside the log and is older: calls, signals, settled alerts, runs, old versions."""
        old = to_micros(before)
        gone = select(calls.c.seq).where(calls.c.recorded_us < old)
        empty = ~exists(select(1).where(alert_changes.c.alert_id == alerts.c.id))
        settled = select(alerts.c.id).where(alerts.c.state.in_(_SETTLED), alerts.c.created_us < old, empty)
        newest = select(documents.c.version_id).where(documents.c.version_id.is_not(None))
        numbered = select(documents.c.id).where(documents.c.source.in_(_NUMBERED))
        for statement in (
            delete(call_targets).where(call_targets.c.call_seq.in_(gone)),
            delete(calls).where(calls.c.recorded_us < old),
            delete(signals).where(signals.c.recorded_us < old),
            delete(alert_ways).where(alert_ways.c.alert_id.in_(settled)),
            delete(alerts).where(alerts.c.id.in_(settled)),
            delete(taken_events).where(taken_events.c.taken_us < old),
            delete(dead_letters).where(dead_letters.c.recorded_us < old),
            delete(deferred_events).where(deferred_events.c.settled_us < old),
            delete(job_slots).where(job_slots.c.claimed_us < old),
            delete(versions).where(
                versions.c.held_us < old, versions.c.id.not_in(newest), versions.c.document_id.in_(numbered)
            ),
        ):
            self.session.run(statement)

    def _rows(self, table: Table, numbers: Sequence[int]) -> dict[int, Row[Any]]:
        found: dict[int, Row[Any]] = {}
        for some in chunks(numbers):
            found |= {row.seq: row for row in self.session.rows(select(*plain(table)).where(table.c.seq.in_(some)))}
        return found

    def _learnt(self, numbers: Sequence[int], size: int) -> Mapping[int, list[Row[Any]]]:
        """Return what was learnt of these changes; what is not sealed yet has no place."""
        found: dict[int, list[Row[Any]]] = {number: [] for number in numbers}
        table = attributions.c
        sealed = and_(leaves.c.entry == "attribution", leaves.c.entry_seq == table.seq, leaves.c.position < size)
        for some in chunks(numbers):
            learnt = select(table.seq, table.change_seq, table.body, leaves.c.position, leaves.c.hash)
            learnt = learnt.outerjoin(leaves, sealed).where(table.change_seq.in_(some)).order_by(table.seq)
            for row in self.session.rows(learnt):
                found[row.change_seq].append(row)
        return found


def _old(kind: str, place: Row[Any], row: Row[Any]) -> OldEntry:
    """Return an entry that may be let go, with what is wrong with it: nothing may cover that up."""
    intact = place.hash is None or leaf_hash(content_of(kind, row.seq, stored(row.body))) == stored(place.hash)
    fault = None if intact else "its body is not what was sealed"
    if kind != "change":
        return OldEntry(place.position, kind, row.seq, fault=fault)
    return OldEntry(
        place.position, kind, row.seq, row.id, row.application, row.flag, fault or fault_of(kind, row, Context())
    )
