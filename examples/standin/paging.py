"""Pages of a list, and the opaque tokens that lead to the next."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from typing import Any, TypeVar

from examples.standin.errors import AwsError

T = TypeVar("T")


def page(
    items: Sequence[T], *, size: int, token: str | None, query: Any, error: AwsError
) -> tuple[list[T], str | None]:
    """Return one page and the token of the next, None after the last; a token of another query is refused."""
    start = 0 if token is None else _position(token, query, error)
    end = start + size
    return list(items[start:end]), (_token(end, query) if end < len(items) else None)


def _token(position: int, query: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps([position, _mark(query)]).encode()).decode()


def _position(token: str, query: Any, error: AwsError) -> int:
    try:
        position, mark = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (binascii.Error, ValueError, TypeError):
        raise error from None
    if mark != _mark(query) or not isinstance(position, int):
        raise error
    return position


def _mark(query: Any) -> str:
    return hashlib.sha256(json.dumps(query, sort_keys=True, default=str).encode()).hexdigest()[:16]
