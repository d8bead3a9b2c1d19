"""Ed25519 keys in files: the private one only its owner can read, the public one goes to whoever verifies."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from auditor.domain.errors import ConfigurationError, UsageError
from auditor.domain.ledger.checkpoint import PublicKey

_PRIVATE = 0o600


@dataclass(frozen=True, slots=True)
class LocalSigner:
    """A private key in a file of this machine."""

    key: PublicKey
    private: Ed25519PrivateKey

    def sign(self, message: bytes) -> bytes:
        """Return the Ed25519 signature of a message."""
        return self.private.sign(message)


def make_key(name: str, private: Path, public: Path) -> PublicKey:
    """Make a key, write it to a file that only its owner can read, and its public half beside it; never over a file."""
    made = Ed25519PrivateKey.generate()
    key = PublicKey(name, made.public_key().public_bytes_raw())
    _write_new(private, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), _PRIVATE)
    _write_new(public, f"{key.to_text()}\n".encode(), 0o644)
    return key


def publish_key(name: str, private: Path, public: Path) -> PublicKey:
    """Write the public half of a key that is there, for a log of this name; never over a file."""
    key = local_signer(name, private).key
    _write_new(public, f"{key.to_text()}\n".encode(), 0o644)
    return key


def local_signer(name: str, path: Path) -> LocalSigner:
    """Read a private key; raise ``ConfigurationError`` when others can read it, or it is no Ed25519 key."""
    text = _read_private(path)
    try:
        private = load_pem_private_key(text, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(f"{path} holds no Ed25519 key; `flagtrail key` makes one") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise ConfigurationError(f"{path} holds no Ed25519 key; `flagtrail key` makes one")
    return LocalSigner(PublicKey(name, private.public_key().public_bytes_raw()), private)


def read_public_key(path: Path) -> PublicKey:
    """Read a public key's file; raise ``UsageError`` when there is none, ``CheckpointError`` when it is no key."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UsageError(f"the public key {path} cannot be read: {reason}") from error
    return PublicKey.from_text(text)


def ed25519_fits(key: bytes, signature: bytes, message: bytes) -> bool:
    """Tell whether this is the key's signature of the message."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _read_private(path: Path) -> bytes:
    """Read a file that nobody but its owner may read."""
    try:
        mode = path.stat().st_mode
        text = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"the key {path} cannot be read: {error.strerror}; `flagtrail key` makes one"
        ) from error
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigurationError(f"others can read the key {path}; make it its owner's alone: chmod 600 {path}")
    return text


def _write_new(path: Path, content: bytes, mode: int) -> None:
    """Write a file that is not there yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError as error:
        raise UsageError(f"{path} is there already; a key is never written over another, remove it first") from error
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
