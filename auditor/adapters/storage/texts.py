"""Texts on their way into columns: what every database can hold, index and search."""

from __future__ import annotations

import hashlib
import unicodedata

# A b-tree entry of PostgreSQL ends at 2,704 bytes, and an index may hold more than one text.
INDEXABLE_BYTES = 640
_HASHED = 32


def clean(text: str) -> str:
    """Return the text with NUL and lone surrogates written as escapes: PostgreSQL and UTF-8 hold neither."""
    if text.isascii() and "\x00" not in text:
        return text
    return text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\u0000")


def stored(value: object) -> bytes:
    """Return the bytes a column holds; SQLite lets anybody write anything else there, which is no entry's bytes."""
    if isinstance(value, bytes | memoryview):
        return bytes(value)
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else b""


def worded(value: object) -> str:
    """Return the text a column holds; what is none, as somebody wrote it there, cannot be mistaken for one."""
    return value if isinstance(value, str) else repr(value)


def clip(text: str) -> str:
    """Return the text, or where it is too long for an index its beginning and a hash; equal texts stay equal."""
    text = clean(text)
    if len(text) * 4 <= INDEXABLE_BYTES:
        return text
    raw = text.encode()
    if len(raw) <= INDEXABLE_BYTES:
        return text
    beginning = raw[: INDEXABLE_BYTES - _HASHED - 4].decode("utf-8", "ignore")
    return f"{beginning}…{hashlib.sha256(raw).hexdigest()[:_HASHED]}"


def fold(text: str) -> str:
    """Return the text as a search without case compares it, in every script and however accents are composed."""
    if text.isascii():
        return clean(text.lower())
    return clean(unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold()))


def digest(*parts: str) -> str:
    """Return a text that stands for these parts in a unique column; the parts cannot run into each other."""
    return _hash(parts).hex()[:40]


def number(*parts: str) -> int:
    """Return a signed 64-bit number that finds rows by these parts; what it finds is compared once more."""
    return int.from_bytes(_hash(parts)[:8], "big", signed=True)


def _hash(parts: tuple[str, ...]) -> bytes:
    joined = "".join(part.replace("\\", "\\\\").replace("\x00", "\\0") + "\x00" for part in parts)
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).digest()
