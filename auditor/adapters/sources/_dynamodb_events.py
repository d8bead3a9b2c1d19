"""What DynamoDB's stream records and CloudTrail's data events tell: the one has the values, the other the people."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from auditor.adapters.actors.cloudtrail import CallRecord, read_call
from auditor.adapters.sources._dynamodb_items import ItemRef, TableWatch, name_of, plain, typed
from auditor.domain.attribution import UNATTRIBUTED, Actor, ActorKind, Attribution, CallOutcome, Certainty, Evidence
from auditor.domain.documents import DocumentRef
from auditor.domain.events import DocumentHint, DocumentImage, Notices, Operation, RawEvent
from auditor.domain.masking import Fingerprint

Find = Callable[[str, Mapping[str, Any], str, str], ItemRef | None]
"""Returns the watched item of a table with this primary key in an account and Region, or ``None``."""

_TABLE = re.compile(r":table/([^/]+)/stream/")
_TTL = "dynamodb.amazonaws.com"
_WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem"})
_TRANSACTION = ("put", "update", "delete")
# A literal that CloudTrail left readable behind a key attribute in PartiQL.
_CONDITION = re.compile(r"""["']?([\w.-]+)["']?\s*=\s*'((?:[^']|'')*)'""")
_STATEMENT = re.compile(r"""\b(?:INTO|UPDATE|FROM)\s+["']?([\w.-]+)["']?""", re.IGNORECASE)


def parse_record(event: RawEvent, find: Find, fingerprint: Fingerprint | None) -> Notices:
    """Return the write that a stream record tells whole; only a hint where the stream leaves an image out."""
    written, arn = event.detail["dynamodb"], str(event.detail.get("eventSourceARN"))
    table = _TABLE.search(arn)
    item = None if table is None else find(table[1], written["Keys"], event.account, event.region)
    if item is None:
        return Notices()
    name, old, new = event.detail["eventName"], written.get("OldImage"), written.get("NewImage")
    expired = name == "REMOVE" and _by_time_to_live(event.detail)
    if (name != "INSERT" and not isinstance(old, dict)) or (name != "REMOVE" and not isinstance(new, dict)):
        return Notices(hints=(_hint(event, item, name, expired=expired),))
    watch, key = item.watch, item.key
    before = watch.entries(old, key, fingerprint) if name != "INSERT" else None
    after = watch.entries(new, key, fingerprint) if name != "REMOVE" else None
    if not before and not after:
        return Notices()
    who = _time_to_live(event) if expired else watch.claimed_actor(new) if new else None
    image = DocumentImage(
        document=item.document,
        at=event.time,
        sequence=written["SequenceNumber"],
        before=before or None,
        after=after or None,
        expired=expired,
        attribution=who or UNATTRIBUTED,
    )
    return Notices(images=(image,))


def _hint(event: RawEvent, item: ItemRef, name: str, *, expired: bool) -> DocumentHint:
    removal = Operation.EXPIRED if expired else Operation.DELETED
    return DocumentHint(item.document, event.time, removal if name == "REMOVE" else Operation.TOUCHED)


def _by_time_to_live(record: Mapping[str, Any]) -> bool:
    """Tell whether DynamoDB itself removed the item: the only writes whose records name somebody."""
    identity = record.get("userIdentity")
    return isinstance(identity, dict) and (identity.get("type"), identity.get("principalId")) == ("Service", _TTL)


def _time_to_live(event: RawEvent) -> Attribution:
    evidence = Evidence("dynamodb stream", "the item's time to live was over", id=event.id, at=event.time)
    return Attribution(Actor(ActorKind.SERVICE, _TTL, via="time to live"), Certainty.CERTAIN, (evidence,))


def parse_data_event(event: RawEvent, find: Find, watches: Sequence[TableWatch]) -> Notices:
    """Return who called, as evidence: no data event has a value, so none of them is a change."""
    record = read_call(event)
    if record is None:
        return Notices()
    items = list(_items(record, find, watches))
    if not items:
        return Notices()
    outcome = record.refused or CallOutcome.SUCCEEDED
    unique = {item.document: item.target() for item in items}
    return Notices(calls=(record.call(outcome, tuple(unique.values())),))


def _items(record: CallRecord, find: Find, watches: Sequence[TableWatch]) -> Iterator[ItemRef]:
    """Yield the watched items that a call wrote, as far as CloudTrail names them."""
    for table, key in _keys(record, watches):
        item = find(table, {attribute: typed(value) for attribute, value in key.items()}, record.account, record.region)
        if item is not None:
            yield item


def _keys(record: CallRecord, watches: Sequence[TableWatch]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    request = record.request
    if record.name in _WRITES:
        yield from _named(request)
    for member in _objects(request.get("transactItems")):
        for action in _TRANSACTION:
            yield from _named(member.get(action))
    items = request.get("requestItems")
    for table, requests in items.items() if isinstance(items, dict) else ():
        for one in _objects(requests):
            for action in ("putRequest", "deleteRequest"):
                part = one.get(action)
                yield from _named({"tableName": table, **part}) if isinstance(part, dict) else ()
    for statement in _statements(request):
        yield from _in_statement(statement, watches)


def _named(part: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield table and key of a single write; a table may be named by its ARN."""
    if not isinstance(part, dict):
        return
    table, key = part.get("tableName"), part.get("key")
    if isinstance(table, str) and isinstance(key, dict) and key:
        yield table.rpartition("/")[2], key


def _statements(request: Mapping[str, Any]) -> Iterator[str]:
    members = [request, *_objects(request.get("statements")), *_objects(request.get("transactStatements"))]
    for member in members:
        statement = member.get("statement")
        if isinstance(statement, str):
            yield statement


def _in_statement(statement: str, watches: Sequence[TableWatch]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield table and key of a PartiQL write where CloudTrail left the key's literals readable."""
    table = _STATEMENT.search(statement)
    literals = {name: value.replace("''", "'") for name, value in _CONDITION.findall(statement)}
    for watch in watches:
        key = {name: literals.get(name, "***") for name, _ in watch.keys}
        if table is not None and watch.table == table[1] and not any("***" in value for value in key.values()):
            yield watch.table, key


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [member for member in value if isinstance(member, dict)] if isinstance(value, list) else []


def find_item(
    source: str, watches: Sequence[TableWatch], table: str, key: Mapping[str, Any], account: str, region: str
) -> ItemRef | None:
    """Return a watched item by its primary key, or ``None`` when its table or its key is not watched."""
    for watch in watches:
        if watch.table == table and watch.reach.covers(account, region):
            document = DocumentRef(source, account, region, name_of(table, key))
            if _may_fit(watch, key):
                return ItemRef(document, watch, key)
    return None


def _may_fit(watch: TableWatch, key: Mapping[str, Any]) -> bool:
    """Tell whether a primary key fits the templates, as far as the attributes of the templates are in it."""
    for attribute, template in watch.keys:
        value = plain(key[attribute]) if attribute in key else None
        if attribute in key and template.match(str(value)) is None:
            return False
    return True
