"""Flags kept as items of DynamoDB tables: streams tell each write whole, a look at the table only the present."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from auditor.adapters.actors.beside import is_beside, parse_beside
from auditor.adapters.actors.cloudtrail import DETAIL_TYPE as CLOUDTRAIL
from auditor.adapters.aws import AwsClients, NotInStoreError, answered_at, answering, utc_now
from auditor.adapters.sources._dynamodb_events import find_item, parse_data_event, parse_record
from auditor.adapters.sources._dynamodb_items import Item, ItemRef, TableWatch, key_of
from auditor.adapters.sources._listing import ListingTimes
from auditor.adapters.sources._reach import Reach, scopes
from auditor.application.envelopes import STREAM_RECORD
from auditor.application.ports import Scope
from auditor.domain.documents import (
    DocumentListing,
    DocumentReading,
    DocumentRef,
    HeldDocument,
    Snapshot,
    Uncovered,
)
from auditor.domain.errors import MalformedEventError, StoreUnreadableError
from auditor.domain.events import Notices, RawEvent
from auditor.domain.flags import FlagEntry
from auditor.domain.masking import Fingerprint
from auditor.domain.templates import PathTemplate
from auditor.domain.times import rfc3339

if TYPE_CHECKING:
    from auditor.settings import SourceSettings

_NO_VERSIONS = "the table keeps no versions; writes between the two looks, if any, can no longer be read"


@dataclass(frozen=True, slots=True)
class DynamoDbSource:
    """Items whose keys fit templates: each is a document with one flag, and only its stream numbers its writes."""

    clients: AwsClients
    watches: Sequence[TableWatch]
    fingerprint: Fingerprint | None = None
    now: Callable[[], datetime] = utc_now
    name: str = "dynamodb"
    _keys: dict[tuple[str, str, str], tuple[str, ...]] = field(default_factory=dict)
    _times: ListingTimes = field(default_factory=ListingTimes)

    @classmethod
    def from_settings(
        cls, clients: AwsClients, tables: Iterable[SourceSettings], fingerprint: Fingerprint | None
    ) -> DynamoDbSource:
        """Build the source of all its tables; raise ``ConfigurationError`` for a key that is no template."""
        watches = [
            TableWatch(
                table=t.table or "",
                keys=tuple((attribute, PathTemplate.parse(text)) for attribute, text in t.keys),
                reach=Reach(t.accounts, t.regions),
                actor=t.actor,
            )
            for t in tables
        ]
        return cls(clients, tuple(watches), fingerprint)

    def parse(self, event: RawEvent) -> Notices:
        """Return what a stream record or a data event tells of a watched item; empty when it tells nothing of one."""
        if is_beside(event):
            return parse_beside(event)
        if event.source != "aws.dynamodb":
            return Notices()
        if event.detail_type == STREAM_RECORD:
            return parse_record(event, self._find, self.fingerprint)
        if event.detail_type == CLOUDTRAIL:
            return parse_data_event(event, self._find, self.watches)
        return Notices()

    @property
    def trail_calls(self) -> tuple[str, ...]:
        """Return the names of its writes that CloudTrail's event history keeps: none, they are data events."""
        return ()

    def scopes(self) -> tuple[Scope, ...]:
        """Return the accounts and Regions to reconcile; raise ``StoreUnreadableError`` when they cannot be told."""
        texts = ((w.reach, (w.table, *(f"{name}={template}" for name, template in w.keys))) for w in self.watches)
        return scopes(self.name, self.clients, texts)

    def watches_document(self, held: HeldDocument) -> bool:
        """Tell whether a held document is one of those watched here."""
        document = held.document
        table, key = key_of(document)
        return self._find(table, key, document.account, document.region) is not None

    def list_documents(self, scope: Scope) -> Iterator[DocumentListing]:
        """Yield every watched item with its flags: a table tells nothing shorter of what has changed."""
        self._times.begin(scope)
        tables = {w.table for w in self.watches if w.reach.covers(scope.account, scope.region)}
        for table in sorted(tables):
            keys = self._key_attributes(table, scope.account, scope.region)
            for item, read_at in self._scan(table, scope):
                found = self._find(table, {name: item[name] for name in keys}, scope.account, scope.region)
                entries = {} if found is None else self._entries(found, item)
                if found is not None and entries:
                    yield DocumentListing(found.document, None, None, entries=entries, read_at=read_at)

    def listed_at(self, scope: Scope) -> datetime | None:
        """Return when the newest listing there was first answered, by the store's clock."""
        return self._times.of(scope)

    def read(self, document: DocumentRef, held: HeldDocument | None) -> DocumentReading:
        """Read an item as it is now; the table knows nothing of how it came to be.

        Raise ``StoreUnreadableError`` when DynamoDB gives no answer, or the item is not watched.
        """
        table, key = key_of(document)
        found = self._find(table, key, document.account, document.region)
        if found is None:
            raise StoreUnreadableError(f"{document.name} is in no table or fits no key of the watched ones any more")
        client = self.clients.dynamodb(document.account, document.region)
        with _asking("GetItem", table, document.account, document.region):
            answer = client.get_item(TableName=table, Key=key, ConsistentRead=True)
        read_at = answered_at(answer, self.now())
        item = answer.get("Item")
        entries = {} if item is None else self._entries(found, item)
        if not entries:
            return DocumentReading(document, exists=False, read_at=read_at, unversioned=True)
        return _reading(document, held, entries, read_at)

    def _find(self, table: str, key: Mapping[str, Any], account: str, region: str) -> ItemRef | None:
        return find_item(self.name, self.watches, table, key, account, region)

    def _entries(self, found: ItemRef, item: Item) -> dict[str, FlagEntry]:
        try:
            return found.watch.entries(item, found.key, self.fingerprint)
        except MalformedEventError as error:
            raise StoreUnreadableError(f"{found.document.name}: {error}") from None

    def _scan(self, table: str, scope: Scope) -> Iterator[tuple[Item, datetime]]:
        pages = self.clients.dynamodb(scope.account, scope.region).get_paginator("scan")
        with _asking("Scan", table, scope.account, scope.region):
            for page in pages.paginate(TableName=table):
                read_at = answered_at(page, self.now())
                self._times.answered(scope, read_at)
                yield from ((item, read_at) for item in page["Items"])

    def _key_attributes(self, table: str, account: str, region: str) -> tuple[str, ...]:
        """Return the attributes of a table's primary key, which never change."""
        place = (account, region, table)
        if place not in self._keys:
            with _asking("DescribeTable", table, account, region):
                answer = self.clients.dynamodb(account, region).describe_table(TableName=table)
            self._keys[place] = tuple(part["AttributeName"] for part in answer["Table"]["KeySchema"])
        return self._keys[place]


def _reading(
    document: DocumentRef, held: HeldDocument | None, entries: Mapping[str, FlagEntry], read_at: datetime
) -> DocumentReading:
    alive = held is not None and held.alive
    same = held is not None and alive and entries == held.entries
    snapshot = Snapshot(f"seen {rfc3339(read_at)} {_digest(entries)}", None, None, None, entries)
    return DocumentReading(
        document,
        exists=True,
        read_at=read_at,
        snapshots=() if same else (snapshot,),
        fresh_life=held is not None and not alive,
        unversioned=True,
        uncovered=()
        if held is None or not alive or same
        else (Uncovered(held.seen_by(read_at) or read_at, read_at, _NO_VERSIONS),),
    )


def _digest(entries: Mapping[str, FlagEntry]) -> str:
    said = json.dumps([entry.state.to_json() for entry in entries.values()], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:12]


@contextmanager
def _asking(call: str, table: str, account: str, region: str) -> Iterator[None]:
    """Turn what a call raises into errors with a sentence; that a table is not there is one too."""
    try:
        with answering(f"dynamodb:{call}", f"table {table}", account, region):
            yield
    except NotInStoreError as error:
        # A mistyped name must not look as if every flag had been deleted.
        raise StoreUnreadableError(f"{error}; correct table in flagtrail.toml, or take the source out") from None
