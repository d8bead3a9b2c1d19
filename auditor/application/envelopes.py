"""From whatever arrives (a batch, a file, one event) to single events with a checked envelope. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from auditor.application.bounded_json import MAX_BATCH_BYTES, check_size, check_value, loads_bounded
from auditor.application.pieces import pieces
from auditor.domain.errors import MalformedEventError
from auditor.domain.events import RawEvent, ReceivedEvent
from auditor.domain.times import parse_rfc3339

CLOUDTRAIL_CALL = "AWS API Call via CloudTrail"
EXTENSION_CALL = "AppConfig Extension Call"
STREAM_RECORD = "DynamoDB Stream Record"
SCHEDULED = "Scheduled Event"

_SQS = "aws:sqs"
_DYNAMODB = "aws:dynamodb"
# A message may carry a batch, but nobody wraps batches in batches for long.
_MAX_WRAPPING = 3
_MAX_NAME = 256
_ACCOUNT = re.compile(r"\d{12}", re.ASCII)
_REGION = re.compile(r"[a-z]{2,3}(-[a-z]+){1,3}-\d{1,2}", re.ASCII)
_STREAM_ARN = re.compile(r"arn:[a-z-]+:dynamodb:([a-z0-9-]+):(\d{12}):table/[\w.-]{3,255}/stream/.+", re.ASCII)
_STREAM_WRITES = frozenset({"INSERT", "MODIFY", "REMOVE"})
_SEQUENCE = re.compile(r"\d{1,64}", re.ASCII)
# Named so here; nothing that comes over a bus may call itself that.
_OWN_NAMES = (EXTENSION_CALL, STREAM_RECORD)
# Forms without a time of their own get this one unless the receiver says when they came.
_UNDATED = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Part:
    """One event, or what is wrong with it."""

    payload: Mapping[str, Any] | None
    message_id: str | None = None
    error: str | None = None
    text: str | None = None


def unpack(payload: object) -> list[ReceivedEvent]:
    """Return the single events of what the Lambda was handed, in order: one event, a list, or a batch."""
    return _numbered(_checked_parts(payload))


def read_events(text: str) -> list[ReceivedEvent]:
    """Return the single events of a text: one JSON value, an array, JSON Lines, or values one after the other.

    What cannot be understood is one event with its error; it costs its neighbours nothing.
    """
    text = text.removeprefix("\ufeff")
    return _numbered(part for piece in pieces(text) for part in _parts_of_text(piece, None, 0))


def parse_envelope(payload: Mapping[str, Any], received: datetime | None = None) -> RawEvent:
    """Return an event with its envelope checked; raise ``MalformedEventError`` when it is no event.

    ``received`` dates the forms that carry no time of their own (an extension call, an empty scheduled input).
    """
    at = received or _UNDATED
    if not payload:
        return RawEvent("", "aws.events", SCHEDULED, "", "", at, {})
    if _is_stream_record(payload):
        return _stream_event(payload)
    if _is_extension_call(payload):
        return RawEvent(payload["InvocationId"][:_MAX_NAME], "aws.appconfig", EXTENSION_CALL, "", "", at, payload)
    return _eventbridge_event(payload)


def event_keys(raw: RawEvent) -> tuple[str, ...]:
    """Return the keys by which an event is known again; none for a scheduled input without id.

    CloudTrail's own id counts as well, for replays come without the outer one; but only where AWS itself is
    the sender: a custom event must not be able to use up the id of a real one.
    """
    keys = [f"{raw.account}|{raw.region}|{raw.id}"] if raw.id else []
    event_id = raw.detail.get("eventID")
    if raw.detail_type == CLOUDTRAIL_CALL and raw.source.startswith("aws.") and isinstance(event_id, str):
        keys.append(f"cloudtrail|{event_id[:_MAX_NAME]}")
    return tuple(keys)


def _numbered(parts: Iterator[_Part]) -> list[ReceivedEvent]:
    return [
        ReceivedEvent(index, part.payload, part.message_id, part.error, part.text) for index, part in enumerate(parts)
    ]


def _checked_parts(payload: object) -> Iterator[_Part]:
    try:
        check_value(payload)
    except MalformedEventError as error:
        yield _Part(None, error=str(error), text=_text_of(payload))
        return
    yield from _parts(payload, None, 0)


def _parts(value: object, message_id: str | None, wrapping: int) -> Iterator[_Part]:
    """Yield the events in a JSON value: those of a batch, those of a list, or the value itself."""
    if wrapping > _MAX_WRAPPING:
        yield _Part(None, message_id, "batches are wrapped in batches too often", _text_of(value))
    elif isinstance(value, list):
        for item in value:
            yield from _parts(item, message_id, wrapping + 1)
    elif isinstance(value, dict):
        yield from _parts_of_object(value, message_id, wrapping)
    else:
        yield _Part(None, message_id, "an event has to be a JSON object", _text_of(value))


def _parts_of_object(value: dict[str, Any], message_id: str | None, wrapping: int) -> Iterator[_Part]:
    if _is_batch(value):
        yield from _parts(value["Records"], message_id, wrapping)
    elif value.get("eventSource") == _SQS and "body" in value:
        yield from _message_parts(value, wrapping)
    elif _is_stream_record(value):
        yield _Part(value, message_id or _stream_position(value))
    else:
        yield _Part(value, message_id)


def _message_parts(message: dict[str, Any], wrapping: int) -> Iterator[_Part]:
    body, message_id = message["body"], message.get("messageId")
    known_id = message_id if isinstance(message_id, str) else None
    if isinstance(body, str):
        yield from _parts_of_text(body, known_id, wrapping + 1)
    else:
        yield _Part(None, known_id, "the body of the queue message has to be text", _text_of(message))


def _parts_of_text(text: str, message_id: str | None, wrapping: int) -> Iterator[_Part]:
    try:
        value = loads_bounded(text, MAX_BATCH_BYTES)
        if not isinstance(value, list) and not _is_batch(value):
            check_size(text)
    except MalformedEventError as error:
        yield _Part(None, message_id, str(error), _storable(text))
        return
    yield from _parts(value, message_id, wrapping)


def _is_batch(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("Records"), list) and "source" not in value


def _is_stream_record(payload: Mapping[str, Any]) -> bool:
    named = payload.get("eventSource") == _DYNAMODB and isinstance(payload.get("dynamodb"), dict)
    return named and "source" not in payload and "detail-type" not in payload


def _stream_position(record: Mapping[str, Any]) -> str | None:
    """Return the sequence number: what a partial answer to a stream batch has to name."""
    number = record["dynamodb"].get("SequenceNumber")
    return number if isinstance(number, str) else None


def _is_extension_call(payload: Mapping[str, Any]) -> bool:
    invocation, action = payload.get("InvocationId"), payload.get("Type")
    named = isinstance(invocation, str) and isinstance(action, str) and bool(invocation)
    return named and isinstance(payload.get("Application"), dict) and "source" not in payload


def _stream_event(record: Mapping[str, Any]) -> RawEvent:
    written, arn = record["dynamodb"], record.get("eventSourceARN")
    table = _STREAM_ARN.fullmatch(arn) if isinstance(arn, str) else None
    if table is None:
        raise MalformedEventError("the stream record names no table in eventSourceARN")
    region = _matching(record, "awsRegion", _REGION, "an AWS Region")
    if region != table[1]:
        raise MalformedEventError("the stream record's awsRegion is not that of its table")
    if record.get("eventName") not in _STREAM_WRITES:
        raise MalformedEventError(f"the stream record's eventName is none of {', '.join(sorted(_STREAM_WRITES))}")
    if not isinstance(written.get("Keys"), dict) or not written["Keys"]:
        raise MalformedEventError("the stream record names no item in Keys")
    number = written.get("SequenceNumber")
    if not isinstance(number, str) or _SEQUENCE.fullmatch(number) is None:
        raise MalformedEventError("the stream record's SequenceNumber is no number in a text")
    created = _epoch(written.get("ApproximateCreationDateTime"))
    return RawEvent(_text(record, "eventID"), "aws.dynamodb", STREAM_RECORD, table[2], region, created, record)


def _epoch(seconds: object) -> datetime:
    if isinstance(seconds, int | float) and not isinstance(seconds, bool):
        try:
            return datetime.fromtimestamp(seconds, UTC)
        except (ValueError, OverflowError, OSError):
            pass
    raise MalformedEventError("the stream record's ApproximateCreationDateTime is no time")


def _eventbridge_event(payload: Mapping[str, Any]) -> RawEvent:
    if "source" not in payload or "detail-type" not in payload:
        raise MalformedEventError("the object is no EventBridge event (no source, no detail-type) and no known batch")
    if payload["detail-type"] in _OWN_NAMES:
        raise MalformedEventError("no event on a bus is of this detail-type")
    detail, resources = payload.get("detail"), payload.get("resources")
    if not isinstance(detail, dict):
        raise MalformedEventError("the event's detail has to be an object")
    return RawEvent(
        id=_text(payload, "id"),
        source=_text(payload, "source"),
        detail_type=_text(payload, "detail-type"),
        account=_matching(payload, "account", _ACCOUNT, "a 12-digit account"),
        region=_matching(payload, "region", _REGION, "an AWS Region"),
        time=_time(payload),
        detail=detail,
        resources=tuple(r for r in resources if isinstance(r, str)) if isinstance(resources, list) else (),
    )


def _text(payload: Mapping[str, Any], key: str) -> str:
    value = payload.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_NAME:
        raise MalformedEventError(f"the event's {key} has to be a text of 1 to {_MAX_NAME} characters")
    return value


def _matching(payload: Mapping[str, Any], key: str, pattern: re.Pattern[str], what: str) -> str:
    value = payload.get(key)
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise MalformedEventError(f"the event's {key} has to be {what}")
    return value


def _time(payload: Mapping[str, Any]) -> datetime:
    try:
        return parse_rfc3339(_text(payload, "time"))
    except (ValueError, OverflowError):
        raise MalformedEventError("the event's time has to be like 2026-03-01T00:00:00Z") from None


def _text_of(value: object) -> str:
    """Return a value as text for the dead-letter table."""
    try:
        return _storable(json.dumps(value, ensure_ascii=False, default=repr))
    except RecursionError:
        return "(nested too deeply to be kept)"


def _storable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
