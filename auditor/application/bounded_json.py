"""JSON from strangers, read within bounds: size, depth, one meaning only."""

from __future__ import annotations

from typing import Any

from auditor.domain.errors import MalformedDocumentError, MalformedEventError
from auditor.domain.values import load_json, refuse_deep, texts

MAX_EVENT_BYTES = 1024 * 1024
# A whole batch: Lambda hands over six megabytes at most.
MAX_BATCH_BYTES = 8 * 1024 * 1024


def loads_bounded(text: str, max_bytes: int = MAX_EVENT_BYTES) -> Any:
    """Return what a JSON text says; raise ``MalformedEventError`` when it is none, too large, too deep or ambiguous.

    Ambiguous is an object that names one key twice: readers differ in which of the two they believe.
    """
    check_size(text, max_bytes)
    try:
        return load_json(text)
    except MalformedDocumentError as error:
        raise MalformedEventError(f"the text cannot be read as JSON: {error}") from None


def check_size(text: str, max_bytes: int = MAX_EVENT_BYTES) -> None:
    """Raise ``MalformedEventError`` when a text is too large, or holds half a character and so is no UTF-8."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise MalformedEventError("the text holds bytes that are not UTF-8") from None
    if size > max_bytes:
        raise MalformedEventError(f"the JSON text is larger than the {max_bytes} bytes that are taken")


def check_value(value: Any) -> None:
    """Raise ``MalformedEventError`` when a value that was read elsewhere goes beyond the same bounds."""
    try:
        refuse_deep(value)
    except MalformedDocumentError as error:
        raise MalformedEventError(f"the event cannot be read: {error}") from None
    for text in texts(value):
        check_size(text, MAX_BATCH_BYTES)
