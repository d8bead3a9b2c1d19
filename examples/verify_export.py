"""Verify an export of Flagtrail without Flagtrail: ``python verify_export.py DIR --public-key key.pub``.

A second verifier, written from docs/ledger.md alone; it needs Python and the cryptography library and nothing else.
Ends with status 0 when the export is what was signed, 1 when it was tampered with, 2 when that could not be checked.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import hashlib
import json
import re
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

Key = tuple[str, bytes, bytes]  # origin, id, the key's 32 bytes


class TamperedError(Exception):
    """Something is not what was signed."""


class UncheckedError(Exception):
    """There is nothing signed to hold the export against."""


def sha256(data: bytes) -> bytes:
    """Return the SHA-256 of some bytes."""
    return hashlib.sha256(data).digest()


def root(leaves: list[bytes]) -> bytes:
    """Return the root over leaf hashes, level by level: an odd node out rises to the next one."""
    level = leaves or [sha256(b"")]
    while len(level) > 1:
        pairs = [sha256(b"\x01" + level[at] + level[at + 1]) for at in range(0, len(level) - 1, 2)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0]


def root_by_proof(place: int, size: int, leaf: bytes, proof: list[bytes]) -> bytes:
    """Return the root that a proof leads to: down the tree to the leaf first, then up again with the hashes."""
    sides = []
    start, end = 0, size
    while end - start > 1:
        half = 1
        while half * 2 < end - start:
            half *= 2
        right = place >= start + half
        sides.append(right)
        start, end = (start + half, end) if right else (start, start + half)
    if len(sides) != len(proof):
        raise TamperedError(f"entry {place}: the proof has {len(proof)} hashes, not {len(sides)}")
    node = leaf
    for right, sibling in zip(reversed(sides), proof, strict=True):
        node = sha256(b"\x01" + sibling + node) if right else sha256(b"\x01" + node + sibling)
    return node


def read_key(path: Path) -> Key:
    """Read a public key's line: ORIGIN+ID+KEY."""
    try:
        origin, written, encoded = path.read_text(encoding="utf-8").strip().split("+", 2)
        raw = base64.b64decode(encoded, validate=True)
    except (OSError, ValueError) as error:
        raise UncheckedError(f"{path} holds no public key") from error
    identity = sha256(origin.encode() + b"\n" + raw)[:4]
    if raw[:1] != b"\x01" or len(raw) != 33 or identity.hex() != written:  # noqa: PLR2004 - a type and 32 bytes
        raise UncheckedError(f"{path} holds no Ed25519 key, or one that does not fit its id")
    return origin, identity, raw[1:]


def open_checkpoint(path: Path, key: Key) -> tuple[int, bytes] | None:
    """Return size and root of a checkpoint that the key signed; ``None`` when others did, and nobody known."""
    origin, identity, raw = key
    try:
        text, _, lines = path.read_text(encoding="utf-8").rpartition("\n\n")
        said, size, encoded = text.split("\n")
        checkpoint = int(size), base64.b64decode(encoded, validate=True)
        blobs = [signature_of(line, origin) for line in lines.removesuffix("\n").split("\n")]
    except ValueError as error:
        raise TamperedError(f"{path} is no checkpoint") from error
    ours = [blob[4:] for blob in blobs if blob is not None and blob[:4] == identity]
    if not ours:
        return None
    for signature in ours:
        try:
            Ed25519PublicKey.from_public_bytes(raw).verify(signature, f"{text}\n".encode())
        except InvalidSignature:
            raise TamperedError(f"{path}: the signature does not fit the checkpoint") from None
    if said != origin:
        raise TamperedError(f"{path} is a checkpoint of another log: {said}")
    return checkpoint


def signature_of(line: str, origin: str) -> bytes | None:
    """Return the bytes of a signature line with this name, ``None`` for a line with another name."""
    match = re.fullmatch(r"— (\S+) (\S+)", line)
    if match is None:
        raise ValueError(line)
    blob = base64.b64decode(match[2], validate=True)
    return blob if match[1] == origin else None


def checkpoints(folders: list[Path], key: Key) -> dict[int, bytes]:
    """Return the roots that the key signed, by size."""
    signed: dict[int, bytes] = {}
    strangers = 0
    for folder in folders:
        paths = sorted(folder.iterdir()) if folder.is_dir() else []
        kept = [path for path in paths if re.fullmatch(r"\d{20}", path.name)]
        if not kept and folder is not folders[0]:
            raise UncheckedError(f"{folder} holds no checkpoint")
        for path in kept:
            found = open_checkpoint(path, key)
            if found is None:
                strangers += 1
            elif signed.setdefault(*found) != found[1]:
                raise TamperedError(f"two different logs of {found[0]} entries are signed")
    if not signed or strangers:
        raise UncheckedError(
            f"{strangers} checkpoints are signed by another key, {len(signed)} by the one that is known"
        )
    return signed


def entries(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of an export, each with the hash of its content as ``hash``."""
    place = 0
    for path in sorted(folder.glob("entries-*.jsonl.gz")):
        try:
            with gzip.open(path, "rb") as file:
                for line in file:
                    entry = json.loads(line)
                    entry["hash"] = bytes.fromhex(entry["leaf"])
                    content = f"{entry['kind']} {entry['number']:d}\n{entry['body']}".encode()
                    if entry["body"] is not None and sha256(b"\x00" + content) != entry["hash"]:
                        raise TamperedError(f"entry {entry['index']}: the body is not what was sealed")
                    yield entry
                    place = entry["index"] + 1
        except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError) as error:
            raise TamperedError(f"entry {place} cannot be read in {path.name}") from error


def let_go(entry: dict[str, Any]) -> list[tuple[int, int]]:
    """Return the places, first to last, that an entry says were let go: only of what stands before it."""
    body = json.loads(entry["body"]) if entry["kind"] == "retention" else {}
    if body.get("act") != "let_go":
        return []
    ranges = [part.partition("-") for part in body["entries"].split(",")]
    return [(int(first), min(int(last or first), entry["index"] - 1)) for first, _, last in ranges]


def account_for(gone: list[int], explained: list[tuple[int, int]], size: int) -> None:
    """Refuse entries without a body that no decision further behind let go."""
    covered = bytearray(size)
    for first, last in explained:
        covered[first : last + 1] = b"\x01" * max(last + 1 - first, 0)
    for place in gone:
        if not covered[place]:
            raise TamperedError(f"entry {place} is gone, and nothing says that it was let go")


def verify_complete(folder: Path, signed: dict[int, bytes]) -> int:
    """Hold all entries against every checkpoint; return how many there are."""
    leaves: list[bytes] = []
    gone: list[int] = []
    explained: list[tuple[int, int]] = []
    for entry in entries(folder):
        if entry["index"] != len(leaves):
            raise TamperedError(f"there is no entry {len(leaves)}")
        leaves.append(entry["hash"])
        if entry["body"] is None:
            gone.append(entry["index"])
        else:
            explained += let_go(entry)
    account_for(gone, explained, len(leaves))
    fits = 0
    for size in sorted(signed):
        if size > len(leaves):
            raise TamperedError(f"the log ends before entry {len(leaves)}, {size} entries were signed")
        if root(leaves[:size]) != signed[size]:
            raise TamperedError(f"one of the entries {fits} to {size - 1} is not what was signed")
        fits = size
    return len(leaves)


def verify_part(folder: Path, size: int, signed: dict[int, bytes]) -> int:
    """Hold each entry with its proof against the checkpoint of the log it was taken from; return how many."""
    count, last = 0, -1
    if size not in signed:
        raise UncheckedError(f"no checkpoint of {size} entries is signed")
    unproven = 0
    for entry in entries(folder):
        place, proof = entry["index"], entry.get("proof")
        if entry["body"] is None:
            raise TamperedError(f"entry {place} has no body")
        if place <= last:
            raise TamperedError(f"entry {place} stands behind entry {last}")
        count, last = count + 1, place
        if proof is None:
            unproven += 1
        elif (
            place >= size or root_by_proof(place, size, entry["hash"], list(map(bytes.fromhex, proof))) != signed[size]
        ):
            raise TamperedError(f"entry {place} is not in the log that was signed")
    if unproven:
        raise UncheckedError(f"{unproven} entries are newer than the last checkpoint")
    return count


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read what an export says of itself."""
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    if (manifest["format"], manifest["version"]) != ("flagtrail-export", 1):
        raise UncheckedError("this is an export of another form")
    return manifest


def main(words: list[str] | None = None) -> int:
    """Verify and say the answer in one line."""
    parser = argparse.ArgumentParser(description="Verify an export of Flagtrail without Flagtrail.")
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--public-key", type=Path, required=True, metavar="FILE")
    parser.add_argument("--checkpoints", type=Path, metavar="DIR", help="checkpoints that were kept elsewhere")
    given = parser.parse_args(words)
    try:
        manifest = read_manifest(given.folder)
        folders = [given.folder / "checkpoints", *([given.checkpoints] if given.checkpoints else [])]
        signed = checkpoints(folders, read_key(given.public_key))
        if manifest["complete"]:
            count = verify_complete(given.folder, signed)
        else:
            count = verify_part(given.folder, manifest["tree_size"], signed)
    except TamperedError as error:
        print(f"Tampered: {error}.")
        return 1
    except (UncheckedError, OSError, ValueError, KeyError) as error:
        print(f"Could not check: {error}.")
        return 2
    print(f"Intact: {count} entries, {len(signed)} checkpoints.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
