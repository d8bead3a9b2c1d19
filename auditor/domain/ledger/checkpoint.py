"""Checkpoints: a log's size and root as text that somebody signs (C2SP tlog-checkpoint in a C2SP signed-note).

::

    flagtrail.example.com/shop
    1207
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — flagtrail.example.com/shop Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurm...
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from auditor.domain.errors import FlagtrailError
from auditor.domain.ledger.merkle import EMPTY_ROOT, HASH_SIZE

ED25519 = b"\x01"
KEY_SIZE = 32
SIGNATURE_SIZE = 64
LONGEST_NOTE = 4096
_ID_SIZE = 4
_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]{1,200}")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_MARK = "— "

Verify = Callable[[bytes, bytes, bytes], bool]
"""Tells whether, by this public key, this signature is one of this message."""
Sign = Callable[[bytes], bytes]


class CheckpointError(FlagtrailError):
    """A checkpoint cannot be believed."""


class AlteredCheckpointError(CheckpointError):
    """A checkpoint is not what was signed: it cannot be read, or a known key's signature does not fit its text."""


class UnknownSignerError(CheckpointError):
    """No known key signed a checkpoint, so nobody can say whether it is right."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Who signs a log: the name of the signer and the Ed25519 key's 32 bytes."""

    name: str
    raw: bytes

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise CheckpointError(f"{self.name!r} cannot name a log: no spaces, no plus sign, at most 200 characters")
        if len(self.raw) != KEY_SIZE:
            raise CheckpointError(f"an Ed25519 key has {KEY_SIZE} bytes, not {len(self.raw)}")

    @property
    def id(self) -> bytes:
        """Return the four bytes that a signature names its key by."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.raw).digest()[:_ID_SIZE]

    def to_text(self) -> str:
        """Return the key as one line: name, id and key."""
        return f"{self.name}+{self.id.hex()}+{_base64(ED25519 + self.raw)}"

    @classmethod
    def from_text(cls, text: str) -> PublicKey:
        """Read a key's line; raise ``CheckpointError`` when it is none, or its id is not that of its key."""
        parts = text.strip().split("+", 2)
        raw = _bytes(parts[2]) if len(parts) == 3 else None  # noqa: PLR2004
        if raw is None or raw[:1] != ED25519:
            raise CheckpointError("this is no public key; its line is NAME+ID+KEY, as `flagtrail key` writes it")
        key = cls(parts[0], raw[1:])
        if key.id.hex() != parts[1]:
            raise CheckpointError(f"the public key of {key.name} does not fit its own id {parts[1]}; it was altered")
        return key


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a signer says of a log: its origin, how many entries it has, and their root."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.origin):
            raise AlteredCheckpointError(f"{self.origin!r} is no origin of a log")
        if self.size < 0 or len(self.root) != HASH_SIZE or (self.size == 0 and self.root != EMPTY_ROOT):
            raise AlteredCheckpointError(f"a log of {self.size} entries has no such root")

    def text(self) -> str:
        """Return what is signed."""
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"

    def signed(self, key: PublicKey, sign: Sign) -> str:
        """Return the signed note."""
        text = self.text()
        return f"{text}\n{_MARK}{key.name} {_base64(key.id + sign(text.encode()))}\n"


def open_note(note: str, keys: Sequence[PublicKey], verify: Verify) -> Checkpoint:
    """Return the checkpoint in a signed note, once a known key's signature fits.

    Raise ``AlteredCheckpointError`` when the note cannot be read or a known key's signature does not fit, and
    ``UnknownSignerError`` when no known key signed it. Signatures of others are passed over.
    """
    text, signatures = _parted(note)
    checkpoint = _read(text)
    known = {(key.name, key.id): key for key in keys}
    fitting = 0
    for name, blob in signatures:
        key = known.get((name, blob[:_ID_SIZE]))
        if key is None:
            continue
        signature = blob[_ID_SIZE:]
        if key.name != checkpoint.origin or len(signature) != SIGNATURE_SIZE or not _fits(verify, key, signature, text):
            raise AlteredCheckpointError(f"the signature of {name} does not fit the checkpoint: it was altered")
        fitting += 1
    if not fitting:
        who = ", ".join(sorted({name for name, _ in signatures}))
        raise UnknownSignerError(f"the checkpoint is signed by another key ({who}), not by the one that is known")
    return checkpoint


def claimed(note: str) -> Checkpoint | None:
    """Return what a note says, whoever signed it: nothing to believe; ``None`` where it cannot be read."""
    try:
        return _read(_parted(note)[0])
    except CheckpointError:
        return None


def _fits(verify: Verify, key: PublicKey, signature: bytes, text: str) -> bool:
    return verify(key.raw, signature, text.encode())


def _parted(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """Return a note's text and its signatures."""
    text, gap, lines = note.rpartition("\n\n")
    if not gap or len(note.encode("utf-8", "replace")) > LONGEST_NOTE or not lines.endswith("\n"):
        raise AlteredCheckpointError("this is no signed checkpoint")
    signatures = [_signature(line) for line in lines[:-1].split("\n")]
    return text + "\n", signatures


def _signature(line: str) -> tuple[str, bytes]:
    name, _, encoded = line.removeprefix(_MARK).partition(" ")
    blob = _bytes(encoded)
    if not line.startswith(_MARK) or not _NAME.fullmatch(name) or blob is None or len(blob) <= _ID_SIZE:
        raise AlteredCheckpointError("a signature of the checkpoint cannot be read")
    return name, blob


def _read(text: str) -> Checkpoint:
    """Return what a note's text says; lines behind the third are extensions, which nobody here writes."""
    lines = text.split("\n")
    root = _bytes(lines[2]) if len(lines) == 4 else None  # noqa: PLR2004
    if root is None or not _SIZE.fullmatch(lines[1]):
        raise AlteredCheckpointError("the text of the checkpoint is not origin, size and root")
    return Checkpoint(lines[0], int(lines[1]), root)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _bytes(text: str) -> bytes | None:
    """Read base64 in its one canonical spelling; ``None`` for anything else."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return value if _base64(value) == text else None
