"""JSON Pointers (RFC 6901): how a place inside a document is written."""

from __future__ import annotations


def escape(token: str) -> str:
    """Return a key as it stands in a pointer."""
    return token.replace("~", "~0").replace("/", "~1")


def tokens(pointer: str) -> tuple[str, ...]:
    """Return the keys and indexes of a pointer; none for the whole document."""
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:])
