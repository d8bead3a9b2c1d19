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
        line = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UncheckedError(f"{path} holds no public key") from error
    return parse_key(line, str(path))


def parse_key(line: str, path: str) -> Key:
    """Read the line of a public key."""
    try:
        origin, written, encoded = line.strip().split("+", 2)
        raw = base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise UncheckedError(f"{path} holds no public key") from error
    identity = sha256(origin.encode() + b"\n" + raw)[:4]
    if raw[:1] != b"\x01" or len(raw) != 33 or identity.hex() != written:  # noqa: PLR2004 - a type and 32 bytes
        raise UncheckedError(f"{path} holds no Ed25519 key, or one that does not fit its id")
    return origin, identity, raw[1:]


def open_checkpoint(path: Path, key: Key) -> tuple[int, bytes] | None:
    """Return size and root of a checkpoint that the key signed; ``None`` when others did, and nobody known."""
    try:
        return open_text(path.read_bytes().decode(), str(path), key)
    except UnicodeDecodeError as error:
        raise TamperedError(f"{path} is no checkpoint") from error


def open_text(note: str, path: str, key: Key) -> tuple[int, bytes] | None:
    """Return size and root of a signed note, ``None`` when the key did not sign it."""
    origin, identity, raw = key
    try:
        text, _, lines = note.rpartition("\n\n")
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


def checkpoints(folders: list[Path], key: Key) -> tuple[dict[int, bytes], list[Path]]:
    """Return the roots that the key signed, by size, and the checkpoints that others signed."""
    signed: dict[int, bytes] = {}
    strangers = []
    for folder in folders:
        paths = sorted(folder.iterdir()) if folder.is_dir() else []
        kept = [path for path in paths if re.fullmatch(r"\d{20}", path.name)]
        if not kept and folder is not folders[0]:
            raise UncheckedError(f"{folder} holds no checkpoint")
        for path in kept:
            found = open_checkpoint(path, key)
            if found is None:
                strangers.append(path)
            elif signed.setdefault(*found) != found[1]:
                raise TamperedError(f"two different logs of {found[0]} entries are signed")
    if not signed:
        raise UncheckedError(f"{len(strangers)} checkpoints are signed by another key, none by the one that is known")
    return signed, strangers


def read_entry(line: bytes) -> dict[str, Any]:
    """Read a line of an export, with its leaf hash as ``hash``; raise ``ValueError`` or the like for what is none."""
    entry: dict[str, Any] = json.loads(line)
    kinds = {"index": (int,), "kind": (str,), "number": (int,), "body": (str, type(None)), "leaf": (str,)}
    for name, allowed in kinds.items():
        if type(entry[name]) not in allowed:
            raise TypeError(name)
    entry["hash"] = bytes.fromhex(entry["leaf"])
    entry["proof"] = None if entry.get("proof") is None else [bytes.fromhex(node) for node in entry["proof"]]
    bytes.fromhex(entry.get("mac") or "")
    return entry


def entries(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of an export, each with the hash of its content as ``hash``."""
    place = 0
    for path in sorted(folder.glob("entries-*.jsonl.gz")):
        try:
            with gzip.open(path, "rb") as file:
                for line in file:
                    entry = read_entry(line)
                    content = f"{entry['kind']} {entry['number']:d}\n{entry['body']}".encode()
                    if entry["body"] is not None and sha256(b"\x00" + content) != entry["hash"]:
                        raise TamperedError(f"entry {entry['index']}: the body is not what was sealed")
                    yield entry
                    place = entry["index"] + 1
        except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, RecursionError) as error:
            raise TamperedError(f"entry {place} cannot be read in {path.name}") from error


def let_go(entry: dict[str, Any]) -> list[tuple[int, int]]:
    """Return the places, first to last, that an entry says were let go: only of what stands before it."""
    body = json.loads(entry["body"]) if entry["kind"] == "retention" else {}
    if body.get("act") != "let_go":
        return []
    ranges = [part.partition("-") for part in body["entries"].split(",")]
    return [(int(first), min(int(last or first), entry["index"] - 1)) for first, _, last in ranges]


def former_log(entry: dict[str, Any]) -> dict[str, Any] | None:
    """Return what an entry says of the log that this one took the place of, ``None`` where it says nothing of one."""
    body = json.loads(entry["body"]) if entry["kind"] == "retention" and entry["body"] is not None else {}
    return body["former"] if body.get("act") == "new_log" else None


def account_for_former(
    begun: list[dict[str, Any]], strangers: list[Path], key: Key, leaves: list[bytes] | None
) -> tuple[int, list[Path]]:
    """Hold checkpoints of former logs against what the entries say; return how many entries are missing, and the rest.

    ``leaves`` are all of the log's, where all of it is at hand.
    """
    missing = 0
    for former in begun:
        given_up = parse_key(former["key"], "an entry")
        if given_up == key:
            raise TamperedError("an entry gives up the log that it stands in")
        last = open_text(former["checkpoint"], "an entry", given_up)
        if last is None:
            raise TamperedError("an entry names a checkpoint of a former log that its key did not sign")
        rest = []
        for path in strangers:
            found = open_checkpoint(path, given_up)
            if found is None:
                rest.append(path)
            elif found[0] > last[0] or (found[0] == last[0] and found[1] != last[1]):
                raise TamperedError(f"{path} signed {found[0]} entries of a former log, not what the new one names")
            elif leaves is not None and 0 < found[0] <= former["kept"] and root(leaves[: found[0]]) != found[1]:
                raise TamperedError(f"one of the first {found[0]} entries is not what was signed of a former log")
        strangers = rest
        missing += max(last[0] - former["kept"], 0)
    return missing, strangers


def account_for(gone: list[int], explained: list[tuple[int, int]], size: int) -> None:
    """Refuse entries without a body that no decision further behind let go."""
    covered = bytearray(size)
    for first, last in explained:
        covered[first : last + 1] = b"\x01" * max(last + 1 - first, 0)
    for place in gone:
        if not covered[place]:
            raise TamperedError(f"entry {place} is gone, and nothing says that it was let go")


def verify_complete(folder: Path, signed: dict[int, bytes], strangers: list[Path], key: Key) -> tuple[int, int]:
    """Hold all entries against every checkpoint; return how many there are, and how many former logs had beyond."""
    leaves: list[bytes] = []
    gone: list[int] = []
    explained: list[tuple[int, int]] = []
    begun = []
    for entry in entries(folder):
        if entry["index"] != len(leaves):
            raise TamperedError(f"there is no entry {len(leaves)}")
        if (former := former_log(entry)) is not None and entry["index"] < max(signed):
            begun.append(former)
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
    missing, rest = account_for_former(begun, strangers, key, leaves)
    demand_known(rest)
    return len(leaves), missing


def demand_count(count: int, expected: int) -> None:
    """Refuse an export that lacks entries, or has more than it was written with."""
    if count != expected:
        raise TamperedError(f"{count} entries are here, and the manifest says {expected}")


def demand_known(strangers: list[Path]) -> None:
    """Refuse checkpoints of which nothing says whose they are."""
    if strangers:
        raise UncheckedError(f"{len(strangers)} checkpoints are signed by a key that is not known")


def demand_order(entry: dict[str, Any], last: int) -> None:
    """Refuse an entry without a body, or one that stands behind a later one."""
    if entry["body"] is None:
        raise TamperedError(f"entry {entry['index']} has no body")
    if entry["index"] <= last:
        raise TamperedError(f"entry {entry['index']} stands behind entry {last}")


def verify_part(folder: Path, size: int, signed: dict[int, bytes], strangers: list[Path], key: Key) -> tuple[int, int]:
    """Hold each entry with its proof against the checkpoint of the log it was taken from; return how many.

    Also how many entries former logs had beyond what is kept of them.
    """
    begun = []
    count, last = 0, -1
    if size not in signed:
        raise UncheckedError(f"no checkpoint of {size} entries is signed")
    unproven = 0
    for entry in entries(folder):
        place, proof = entry["index"], entry.get("proof")
        demand_order(entry, last)
        count, last = count + 1, place
        if (former := former_log(entry)) is not None and proof is not None:
            begun.append(former)
        if proof is None:
            unproven += 1
        elif place >= size or root_by_proof(place, size, entry["hash"], proof) != signed[size]:
            raise TamperedError(f"entry {place} is not in the log that was signed")
    if unproven:
        raise UncheckedError(f"{unproven} entries are newer than the last checkpoint")
    missing, rest = account_for_former(begun, strangers, key, None)
    demand_known(rest)
    return count, missing


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read what an export says of itself."""
    try:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        form = (manifest["format"], manifest["version"])
        kinds = [type(manifest[name]) for name in ("tree_size", "complete", "entries")]
    except (TypeError, RecursionError) as error:
        raise UncheckedError("manifest.json cannot be understood") from error
    if form != ("flagtrail-export", 1) or kinds != [int, bool, int]:
        raise UncheckedError("this is an export of another form")
    return manifest


def main(words: list[str] | None = None) -> int:
    """Verify and say the answer in one line."""
    parser = argparse.ArgumentParser(description="Verify an export of Flagtrail without Flagtrail.")
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--public-key", type=Path, required=True, metavar="FILE")
    parser.add_argument(
        "--checkpoints", type=Path, metavar="DIR", action="append", default=[], help="checkpoints kept elsewhere"
    )
    given = parser.parse_args(words)
    try:
        manifest = read_manifest(given.folder)
        folders = [given.folder / "checkpoints", *given.checkpoints]
        key = read_key(given.public_key)
        signed, strangers = checkpoints(folders, key)
        if manifest["complete"]:
            count, missing = verify_complete(given.folder, signed, strangers, key)
        else:
            count, missing = verify_part(given.folder, manifest["tree_size"], signed, strangers, key)
        demand_count(count, manifest["entries"])
    except TamperedError as error:
        print(f"Tampered: {error}.")
        return 1
    except (UncheckedError, OSError, ValueError, KeyError) as error:
        print(f"Could not check: {error}.")
        return 2
    former = f"; {missing} entries of former logs are missing" if missing else ""
    print(f"Intact: {count} entries, {len(signed)} checkpoints{former}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
