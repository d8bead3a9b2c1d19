"""Exports: the record, or a part of it, as a folder that verifies by itself; ``docs/ledger.md`` describes the form."""

from __future__ import annotations

import gzip
import itertools
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from auditor.adapters.ledger.naming import LONGEST, NAME, name_of
from auditor.application.verifying import ProvenEntry
from auditor.domain.errors import FlagtrailError, UsageError
from auditor.domain.ledger.entries import SealedEntry
from auditor.domain.ledger.places import Places

FORMAT, VERSION = "flagtrail-export", 1
MANIFEST = "manifest.json"
CHECKPOINTS = "checkpoints"
_ENTRIES_A_FILE = 100_000
_LONGEST_LINE = 64 * 1024 * 1024
_FIELDS: Mapping[str, tuple[type, ...]] = {
    "index": (int,),
    "kind": (str,),
    "number": (int,),
    "body": (str, type(None)),
}
NOWHERE = Places()


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an export holds: of a log of which size, all of it or a part, and between which times."""

    origin: str
    tree_size: int
    complete: bool
    entries: int
    exported_at: str
    since: str | None = None
    until: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the manifest as its file holds it."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "origin": self.origin,
            "tree_size": self.tree_size,
            "complete": self.complete,
            "entries": self.entries,
            "exported_at": self.exported_at,
            "since": self.since,
            "until": self.until,
        }


def make_folder(folder: Path) -> None:
    """Make the folder of an export; raise ``UsageError`` when something is in it already."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty; an export is written into a new folder")
    except (FileExistsError, NotADirectoryError) as error:
        raise UsageError(f"{folder} is no folder; an export is written into a new one") from error


def write_entries(folder: Path, entries: Iterable[ProvenEntry], *, alone: bool, let_go: Places = NOWHERE) -> int:
    """Write entries as compressed JSON Lines, each with its proof where it stands ``alone``; return how many.

    Those at the places that were ``let_go`` have no body any more.
    """
    lines = (entry_line(one, alone=alone, let_go=let_go) for one in entries)
    count = 0
    for number in itertools.count():
        path = folder / f"entries-{number:05d}.jsonl.gz"
        written = write_lines(path, itertools.islice(lines, _ENTRIES_A_FILE))
        count += written
        if written < _ENTRIES_A_FILE:
            return count
    return count


def entry_line(one: ProvenEntry, *, alone: bool, let_go: Places = NOWHERE) -> dict[str, Any]:
    """Return an entry as a line of an export; raise ``FlagtrailError`` where its row is gone or no text.

    One that was ``let_go`` has no body, and its hash alone.
    """
    entry = one.entry
    try:
        body = None if entry.body is None else entry.body.decode()
    except UnicodeDecodeError:
        body = None
    if body is None and (entry.body is not None or entry.index not in let_go):
        raise FlagtrailError(f"entry {entry.index} ({entry.name}) is gone or damaged; run `flagtrail verify`")
    line: dict[str, Any] = {"index": entry.index, "kind": entry.kind, "number": entry.number, "body": body}
    line["leaf"] = entry.hash.hex()
    if entry.mac is not None:
        line["mac"] = entry.mac.hex()
    if alone:
        line["proof"] = None if one.proof is None else [node.hex() for node in one.proof]
    return line


def write_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> int:
    """Write compressed JSON Lines, the same bytes for the same lines; return how many."""
    count = 0
    with path.open("wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as file:
        for line in lines:
            file.write(json.dumps(line, ensure_ascii=True, separators=(",", ":")).encode() + b"\n")
            count += 1
    return count


def write_notes(folder: Path, notes: Iterable[tuple[int, str]]) -> None:
    """Write checkpoints, each into a file named by its size."""
    (folder / CHECKPOINTS).mkdir(exist_ok=True)
    for size, note in notes:
        (folder / CHECKPOINTS / name_of(size)).write_text(note, encoding="utf-8", newline="")


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write what the export holds: last, so that one that broke off is known by its absence."""
    text = json.dumps(manifest.to_json(), indent=2) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8", newline="")


def read_manifest(folder: Path) -> Manifest:
    """Read what an export holds; raise ``UsageError`` when the folder holds none."""
    try:
        given = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if (given["format"], given["version"]) != (FORMAT, VERSION):
            raise UsageError(f"{folder} is an export of another form than this version of Flagtrail reads")
        values = {name: given[name] for name in Manifest.__slots__}
    except OSError as error:
        raise UsageError(f"{folder} is no whole export: {MANIFEST} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(f"{folder} is no export: {MANIFEST} cannot be understood") from error
    manifest = Manifest(**values)
    kinds = (type(manifest.tree_size), type(manifest.complete), type(manifest.entries))
    if kinds != (int, bool, int):
        raise UsageError(f"{folder} is no export: {MANIFEST} cannot be understood")
    return manifest


@dataclass(frozen=True, slots=True)
class ExportedLog:
    """The log in an export, as somebody finds it who trusts nothing."""

    folder: Path

    def head(self) -> tuple[int, bytes] | None:
        """Return ``None``: an export keeps no head."""
        return None

    def entries(self) -> Iterator[SealedEntry]:
        """Yield the entries in their order."""
        return (one.entry for one in self.proven())

    def proven(self) -> Iterator[ProvenEntry]:
        """Yield the entries with their proofs; what cannot be read is one without a body, and the last."""
        place = 0
        for path in sorted(self.folder.glob("entries-*.jsonl.gz")):
            try:
                for line in _lines(path):
                    one = read_entry(json.loads(line))
                    yield one
                    place = one.entry.index + 1
            except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, RecursionError):
                fault = f"it cannot be read in {path.name}"
                yield ProvenEntry(SealedEntry(place, "entry", place, b"", None, None, fault), None)
                return

    def of_change(self, change_id: str) -> Sequence[SealedEntry]:
        """Return the entries of one change and of what was learnt of it, in the order of the log."""
        named = {"change": "id", "attribution": "change"}
        return [
            entry
            for entry in self.entries()
            if entry.body is not None
            and entry.kind in named
            and json.loads(entry.body).get(named[entry.kind]) == change_id
        ]

    def unsealed(self) -> Iterator[SealedEntry]:
        """Yield nothing: what is not sealed is not exported."""
        return iter(())

    def loose(self) -> Iterator[str]:
        """Yield nothing: an export has no rows beside its entries."""
        return iter(())

    def waiting(self) -> tuple[int, datetime | None]:
        """Return that nothing waits."""
        return 0, None

    def notes(self) -> Sequence[str]:
        """Return the signed checkpoints that came with the export, the smallest first."""
        folder = self.folder / CHECKPOINTS
        if not folder.is_dir():
            return []
        names = sorted(path.name for path in folder.iterdir() if NAME.fullmatch(path.name))
        return [(folder / name).read_bytes()[:LONGEST].decode("utf-8", "replace") for name in names]


def read_entry(line: Mapping[str, Any]) -> ProvenEntry:
    """Read an entry back; raise ``ValueError``, ``KeyError`` or ``TypeError`` for what is none."""
    for name, kinds in _FIELDS.items():
        if type(line[name]) not in kinds:
            raise TypeError(name)
    mac, proof = line.get("mac"), line.get("proof")
    body = None if line["body"] is None else line["body"].encode()
    entry = SealedEntry(
        line["index"],
        line["kind"],
        line["number"],
        bytes.fromhex(line["leaf"]),
        body,
        None if mac is None else bytes.fromhex(mac),
    )
    return ProvenEntry(entry, None if proof is None else tuple(bytes.fromhex(node) for node in proof))


def _lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a compressed file."""
    with gzip.open(path, "rb") as file:
        while line := file.readline(_LONGEST_LINE):
            yield line
