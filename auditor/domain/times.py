"""Times: aware, in UTC, RFC 3339 outside and integer microseconds inside the record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def rfc3339(moment: datetime) -> str:
    """Return an aware datetime as RFC 3339 in UTC with a Z, fractions of a second only where there are any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_rfc3339(text: str) -> datetime:
    """Read an RFC 3339 time as an aware UTC datetime; raise ``ValueError`` when it is none or has no offset."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        msg = f"{text!r} has no UTC offset; write it like 2026-03-01T00:00:00Z"
        raise ValueError(msg)
    return moment.astimezone(UTC)


def to_micros(moment: datetime) -> int:
    """Return microseconds since the Unix epoch, exactly."""
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the aware UTC datetime of a number of microseconds since the Unix epoch."""
    return _EPOCH + timedelta(microseconds=micros)
