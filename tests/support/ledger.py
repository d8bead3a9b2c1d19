"""A sealed, signed and anchored record for tests, and what it takes to verify it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from auditor.adapters.ledger.directory import DirectoryAnchor
from auditor.adapters.ledger.keys import LocalSigner, ed25519_fits
from auditor.adapters.storage import Database
from auditor.application.sealing import Anchor, SealReport, Vouch, seal_and_sign
from auditor.application.verifying import Note, Verdict, verify
from auditor.domain.ledger.checkpoint import PublicKey

ORIGIN = "flagtrail.test/shop"
MAC_KEY = b"only those who record have this"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNER = LocalSigner(PublicKey(ORIGIN, PRIVATE.public_key().public_bytes_raw()), PRIVATE)
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))


class Present:
    """The clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True)
class Ledger:
    """A record's ledger with its anchor in a folder."""

    database: Database
    folder: Path
    more: Sequence[Anchor] = ()

    @cached_property
    def anchor(self) -> DirectoryAnchor:
        return DirectoryAnchor(self.folder)

    @property
    def vouch(self) -> Vouch:
        return Vouch(self.database.unit_of_work, SIGNER, ed25519_fits, [self.anchor, *self.more], Present())

    def seal(self) -> SealReport:
        """Seal, sign and anchor."""
        return seal_and_sign(self.database.unit_of_work, self.vouch)

    def verify(self, *, mac_key: bytes | None = None, notes: Sequence[str] | None = None) -> Verdict:
        """Verify with the public key and the anchored checkpoints."""
        anchored = self.anchor.notes() if notes is None else notes
        outside = [Note(text, "the anchor") for text in anchored]
        with self.database.reader() as uow:
            return verify(uow.sealed, outside, [SIGNER.key], ed25519_fits, datetime.now(UTC), mac_key=mac_key)
