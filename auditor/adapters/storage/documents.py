"""Documents and their versions: cursors that move, versions that stay."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Row, Select, and_, func, select, update

from auditor.adapters.storage.packing import pack_json, pack_map, unpack_map
from auditor.adapters.storage.people import SqlPeople
from auditor.adapters.storage.session import Session, chunks
from auditor.adapters.storage.tables import documents, versions
from auditor.application.ports import Scope
from auditor.domain.documents import DocumentRef, HeldDocument, Snapshot
from auditor.domain.flags import FlagEntry, JsonValue
from auditor.domain.people import PSEUDONYM
from auditor.domain.times import from_micros, to_micros

# Under this name a version keeps its value exactly as the store had it.
_TEXT = "text"


@dataclass(frozen=True, slots=True)
class SqlDocumentStore:
    """The cursor of every document, and every version held.

    ``people`` has the names of those whom flags list: rows hold pseudonyms, and what is read has the names again, for
    comparing with what the store says.
    """

    session: Session
    people: SqlPeople

    def held(self, document: DocumentRef) -> HeldDocument | None:
        """Return the cursor of a document, or ``None`` when it was never held."""
        row = self.session.first(_cursors().where(_is(document)))
        return None if row is None else self._cursor(row)

    def held_in(self, scope: Scope) -> Mapping[DocumentRef, HeldDocument]:
        """Return the cursors of all documents held of one source in one account and Region."""
        table = documents.c
        within = _cursors().where(
            table.source == scope.source, table.account == scope.account, table.region == scope.region
        )
        cursors = [self._cursor(row) for row in self.session.rows(within.order_by(table.id))]
        return {cursor.document: cursor for cursor in cursors}

    def version(self, document: DocumentRef, version: str, life: int | None = None) -> Snapshot | None:
        """Return one held version (of the newest life that has it, unless ``life`` is given), or ``None``."""
        found = (
            select(versions)
            .join(documents, documents.c.id == versions.c.document_id)
            .where(_is(document), versions.c.version == version)
            .order_by(versions.c.life.desc())
            .limit(1)
        )
        if life is not None:
            found = found.where(versions.c.life == life)
        row = self.session.first(found)
        return None if row is None else self._snapshot(row)

    def since(self, document: DocumentRef, moment: datetime) -> tuple[int, Snapshot] | None:
        """Return the first held version written at this moment or later, in any life, with its life, or ``None``."""
        later = (
            select(versions)
            .join(documents, documents.c.id == versions.c.document_id)
            .where(_is(document), versions.c.modified_us >= to_micros(moment))
            .order_by(versions.c.modified_us, versions.c.id)
            .limit(1)
        )
        row = self.session.first(later)
        return None if row is None else (row.life, self._snapshot(row))

    def metadata(
        self, wanted: Collection[DocumentRef], as_of: datetime | None = None
    ) -> Mapping[DocumentRef, Mapping[str, JsonValue]]:
        """Return the metadata of the newest version held (``as_of``: by then) of each that has one."""
        rank = func.row_number().over(
            partition_by=versions.c.document_id,
            order_by=(versions.c.life.desc(), versions.c.ordinal.desc().nulls_last(), versions.c.id.desc()),
        )
        ranked = select(versions.c.id, versions.c.document_id, rank.label("rank"))
        if as_of is not None:
            ranked = ranked.where(versions.c.held_us <= to_micros(as_of))
        found: dict[DocumentRef, Mapping[str, JsonValue]] = {}
        for place, some in _by_place(wanted):
            own = select(documents.c.id).where(*place, documents.c.name_key.in_([document.name for document in some]))
            newest = ranked.where(versions.c.document_id.in_(own)).subquery()
            rows = (
                select(
                    documents.c.source, documents.c.account, documents.c.region, documents.c.name, versions.c.metadata
                )
                .join(newest, newest.c.document_id == documents.c.id)
                .join(versions, versions.c.id == newest.c.id)
                .where(newest.c.rank == 1)
            )
            for row in self.session.rows(rows):
                found[DocumentRef(row.source, row.account, row.region, row.name)] = json.loads(row.metadata)
        return found

    def hold(self, document: DocumentRef, life: int, snapshots: Sequence[Snapshot], at: datetime) -> None:
        """Hold versions; holding one twice changes nothing."""
        row = self._row(document, life, at)
        concealed = map(self._concealed, snapshots)
        self.session.keep_all(versions, [_version(row.id, life, snapshot, at) for snapshot in concealed])
        if life >= row.life:
            self._point_at_newest(row.id, life)

    def checked(
        self,
        document: DocumentRef,
        life: int,
        at: datetime,
        *,
        alive: bool,
        labels: Mapping[str, str],
        title: str | None,
    ) -> None:
        """Remember that the document was read at ``at``, in which life, whether it exists and which labels it has."""
        row = self._row(document, life, at)
        if life < row.life:
            return  # a look that took long: the record knows a later life by now
        told: dict[str, Any] = {"alive": alive, "labels": pack_json(dict(labels)), "checked_us": to_micros(at)}
        if title is not None:
            told["title"] = title
        self.session.run(update(documents).where(documents.c.id == row.id).values(told))
        if life > row.life:
            self._point_at_newest(row.id, life)

    def confirmed(self, seen: Sequence[DocumentRef], at: datetime) -> None:
        """Remember that these held documents were seen at ``at`` to say what is held."""
        for place, some in _by_place(seen):
            older = update(documents).where(*place, documents.c.name_key.in_([document.name for document in some]))
            older = older.where(documents.c.checked_us < to_micros(at))
            self.session.run(older.values(checked_us=to_micros(at)))

    def _concealed(self, snapshot: Snapshot) -> Snapshot:
        """Return a version without the names of people; its text as a whole names them as well."""
        entries = self.people.conceal_entries(snapshot.entries)
        if entries is snapshot.entries:
            return snapshot
        metadata = {name: told for name, told in snapshot.metadata.items() if name != _TEXT}
        return replace(snapshot, entries=entries, metadata=metadata)

    def _cursor(self, row: Row[Any]) -> HeldDocument:
        held = _cursor(row)
        if row.entries is None or PSEUDONYM not in row.entries:
            return held
        return replace(held, entries=self.people.reveal_entries(held.entries))

    def _snapshot(self, row: Row[Any]) -> Snapshot:
        snapshot = _snapshot(row)
        if PSEUDONYM not in row.entries:
            return snapshot
        return replace(snapshot, entries=self.people.reveal_entries(snapshot.entries))

    def _row(self, document: DocumentRef, life: int, at: datetime) -> Row[Any]:
        find = select(documents.c.id, documents.c.life).where(_is(document))
        row = self.session.first(find)
        if row is None:
            self.session.keep(documents, _new(document, life, at))
            row = self.session.first(find)
        if row is None:  # pragma: no cover - nothing deletes documents
            raise AssertionError(document)
        return row

    def _point_at_newest(self, document_id: int, life: int) -> None:
        """Let the cursor stand at the newest version of this life: by its ordinal, else as the last one held."""
        newest = (
            select(versions.c.id)
            .where(versions.c.document_id == document_id, versions.c.life == life)
            .order_by(versions.c.ordinal.desc().nulls_last(), versions.c.id.desc())
            .limit(1)
            .scalar_subquery()
        )
        self.session.run(update(documents).where(documents.c.id == document_id).values(life=life, version_id=newest))


def _by_place(wanted: Iterable[DocumentRef]) -> Iterator[tuple[Sequence[Any], Sequence[DocumentRef]]]:
    """Yield documents of one source, account and Region, no more than a statement may name, and what they share."""
    for (source, account, region), some in groupby(sorted(wanted), key=lambda d: (d.source, d.account, d.region)):
        place = (documents.c.source == source, documents.c.account == account, documents.c.region == region)
        for part in chunks(some):
            yield place, part


def _is(document: DocumentRef) -> Any:
    table = documents.c
    return and_(
        table.source == document.source,
        table.account == document.account,
        table.region == document.region,
        table.name_key == document.name,
    )


def _cursors() -> Select[Any]:
    wanted = (versions.c.version, versions.c.ordinal, versions.c.modified_us, versions.c.entries, versions.c.metadata)
    return select(documents, *wanted).outerjoin(versions, versions.c.id == documents.c.version_id)


def _cursor(row: Row[Any]) -> HeldDocument:
    return HeldDocument(
        document=DocumentRef(row.source, row.account, row.region, row.name),
        life=row.life,
        version=row.version,
        ordinal=row.ordinal,
        modified_at=None if row.modified_us is None else from_micros(row.modified_us),
        entries={} if row.entries is None else unpack_map(FlagEntry, row.entries),
        labels=json.loads(row.labels),
        alive=row.alive,
        checked_at=from_micros(row.checked_us),
        title=row.title,
        metadata={} if row.metadata is None else json.loads(row.metadata),
    )


def _new(document: DocumentRef, life: int, at: datetime) -> dict[str, Any]:
    return {
        "source": document.source,
        "account": document.account,
        "region": document.region,
        "name_key": document.name,
        "name": document.name,
        "life": life,
        "alive": True,
        "labels": "{}",
        "title": None,
        "checked_us": to_micros(at),
        "version_id": None,
    }


def _version(document_id: int, life: int, snapshot: Snapshot, at: datetime) -> dict[str, Any]:
    return {
        "document_id": document_id,
        "life": life,
        "version": snapshot.version,
        "ordinal": snapshot.ordinal,
        "modified_us": None if snapshot.modified_at is None else to_micros(snapshot.modified_at),
        "modified_by": snapshot.modified_by,
        "entries": pack_map(FlagEntry, snapshot.entries),
        "metadata": pack_json(dict(snapshot.metadata)),
        "held_us": to_micros(at),
    }


def _snapshot(row: Row[Any]) -> Snapshot:
    return Snapshot(
        version=row.version,
        ordinal=row.ordinal,
        modified_at=None if row.modified_us is None else from_micros(row.modified_us),
        modified_by=row.modified_by,
        entries=unpack_map(FlagEntry, row.entries),
        metadata=json.loads(row.metadata),
    )
