"""Entries of the log: what exactly is hashed, and how an entry is authenticated by who wrote it."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from auditor.domain.ledger.merkle import leaf_hash


@dataclass(frozen=True, slots=True)
class Entry:
    """A recorded row: its kind (change, attribution, gap, reconcile), its number among them, its stored bytes."""

    kind: str
    number: int
    body: bytes

    @property
    def name(self) -> str:
        """Return what the entry is called where a person reads of it."""
        return f"{self.kind} {self.number}"

    def content(self) -> bytes:
        """Return the bytes that are hashed: the row's name, which a body does not hold, and its body."""
        return content_of(self.kind, self.number, self.body)


def content_of(kind: str, number: int, body: bytes) -> bytes:
    """Return the bytes that are hashed for the row of this name with this body."""
    return b"%s %d\n%s" % (kind.encode(), number, body)


@dataclass(frozen=True, slots=True)
class SealedEntry:
    """An entry at its place in the log, as it is found there when somebody verifies.

    ``body`` is ``None`` where the row is gone. ``fault`` says how the row differs from its own body in what the product
    finds or shows it by; ``mac`` is the proof of who wrote it, where one was kept.
    """

    index: int
    kind: str
    number: int
    hash: bytes
    body: bytes | None
    mac: bytes | None = None
    fault: str | None = None

    @property
    def name(self) -> str:
        """Return what the entry is called where a person reads of it."""
        return f"{self.kind} {self.number}"

    def leaf(self) -> bytes | None:
        """Return the hash its content has, or ``None`` where there is none."""
        return None if self.body is None else leaf_hash(content_of(self.kind, self.number, self.body))


def entry_mac(key: bytes, content: bytes) -> bytes:
    """Return what only the holder of the key can have made for this content."""
    return hmac.digest(key, content, "sha256")


def mac_fits(key: bytes, content: bytes, mac: bytes | None) -> bool:
    """Tell whether the holder of the key wrote this content; nothing fits where nothing was kept."""
    return mac is not None and hmac.compare_digest(entry_mac(key, content), mac)
