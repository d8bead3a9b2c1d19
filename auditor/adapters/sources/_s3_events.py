"""What S3's events and CloudTrail's data events tell: that an object changed, and who asked for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus

from auditor.adapters.actors.cloudtrail import CallRecord, read_call
from auditor.adapters.sources._s3_objects import FlagObject
from auditor.domain.attribution import CallOutcome
from auditor.domain.errors import MalformedEventError
from auditor.domain.events import DocumentHint, Notices, Operation, RawEvent

CREATED = "Object Created"
DELETED = "Object Deleted"

Find = Callable[[str, str, str, str], FlagObject | None]
"""Returns the watched object of a bucket with this key in an account and Region, or ``None``."""

_LIFECYCLE = "s3.amazonaws.com"
_MARKED = "Delete Marker Created"
_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}")
_WRITES = frozenset({"PutObject", "CopyObject", "CompleteMultipartUpload", "DeleteObject", "DeleteObjects"})
_ARN = re.compile(r"arn:[a-z-]+:s3:::([^/]+)/(.+)")


def parse_object_event(event: RawEvent, find: Find) -> Notices:
    """Return what an object's event tells; the requester in it is an account or a service, never a person."""
    bucket, thing = _member(event.detail, "bucket").get("name"), _member(event.detail, "object")
    key = thing.get("key")
    if not isinstance(bucket, str) or not isinstance(key, str) or not key:
        raise MalformedEventError("the S3 event names no object")
    version, request = _text(thing, "version-id"), _text(event.detail, "request-id")
    operation, reason = _operation(event)
    if operation is not Operation.TOUCHED and event.detail.get("deletion-type") not in {None, _MARKED}:
        version = None  # of a version that is gone for good; what is there now has to be looked up
    hints = tuple(
        DocumentHint(found.document, event.time, operation, reason, version, request=request)
        for found in _objects(find, bucket, key, event)
    )
    return Notices(hints=hints)


def _objects(find: Find, bucket: str, key: str, event: RawEvent) -> Iterator[FlagObject]:
    """Yield the objects meant: whether keys arrive encoded as in a URL is not documented, so both are looked at."""
    spellings = [key, unquote_plus(key)] if _ENCODED.search(key) else [key]
    for spelling in dict.fromkeys(spellings):
        found = find(bucket, spelling, event.account, event.region)
        if found is not None:
            yield found


def _operation(event: RawEvent) -> tuple[Operation, str | None]:
    if event.detail_type == CREATED:
        return Operation.TOUCHED, None
    if event.detail.get("requester") == _LIFECYCLE:
        return Operation.EXPIRED, "a lifecycle rule of the bucket ended it"
    return Operation.DELETED, None


def parse_data_event(event: RawEvent, find: Find) -> Notices:
    """Return who wrote or deleted a watched object, as evidence."""
    record = read_call(event)
    if record is None or record.name not in _WRITES:
        return Notices()
    found = list(_named(record, find))
    if not found:
        return Notices()
    version = record.answered("x-amz-version-id")
    named = version if isinstance(version, str) and len(found) == 1 and not record.requested("versionId") else None
    targets = tuple(one.target(named) for one in found)
    return Notices(calls=(record.call(record.refused or CallOutcome.SUCCEEDED, targets),))


def _named(record: CallRecord, find: Find) -> Iterator[FlagObject]:
    """Yield the watched objects a call names: by its parameters, else by the resources, or by what was denied."""
    bucket, key = record.requested("bucketName"), record.requested("key")
    pairs = [(bucket, key)] if bucket is not None and key is not None else []
    if not pairs:
        arns = [*record.resources, *([record.denied_resource] if record.denied_resource else [])]
        pairs = [(named[1], named[2]) for arn in arns if (named := _ARN.fullmatch(arn)) is not None]
    unique = {
        found.document: found
        for named_bucket, named_key in pairs
        if (found := find(named_bucket, named_key, record.account, record.region)) is not None
    }
    yield from unique.values()


def _member(detail: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    member = detail.get(key)
    if not isinstance(member, dict):
        raise MalformedEventError(f"the S3 event has no {key}")
    return member


def _text(detail: Mapping[str, Any], key: str) -> str | None:
    value = detail.get(key)
    return value if isinstance(value, str) and value else None
