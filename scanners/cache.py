"""What earlier scans made of files and trees, so that what has not changed is not read again.

Everything is kept by content: a file by its git blob id, a whole scan by the ids of all its files, what was looked
for, and the scanner itself. A cache that is missing, foreign, full or broken changes no result, only the time it
takes. Only plain data of a few known classes is ever taken from it, and only from a folder that nobody else may write.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import secrets
import stat
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pathspec

from auditor.domain.references import ScanResult
from scanners.repository import FoundFile, read_bytes, stamp_of

_MOST_BYTES = 512 << 20
_MOST_RESULTS = 32
_LARGEST_RECORD = 64 << 20
_LARGEST_HELD = 128 << 20
# A file that changed this shortly before it was read may change again without its times telling.
_SETTLED_NS = 1_000_000_000
_DIGEST = 32
_PLAIN = frozenset(
    {
        "auditor.domain.references",
        "auditor.domain.scan_options",
        "scanners.keytext",
        "scanners.languages.base",
        "scanners.languages.python.exports",
        "scanners.languages.python.tree",
        "scanners.languages.python.unit",
        "scanners.languages.python.values",
    }
)
# Looking for an enum's members takes a tenth longer.
_WITHOUT_ENUMS = frozenset({"scanners.languages.python.tree", "scanners.languages.python.exports"})
Identities = Mapping[str, str]


def default_folder() -> Path:
    """Where a user's caches are: ``FLAGTRAIL_CACHE_DIR``, else below the usual folder."""
    given = os.environ.get("FLAGTRAIL_CACHE_DIR")
    if given:
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "flagtrail"


def open_cache(folder: Path) -> Cache | None:
    """The cache of a folder, made if need be; None when it cannot be made or others may write to it."""
    try:
        for path in (folder, *(folder / name for name in ("facts", "results", "seen", "trees"))):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            kind = path.lstat()
            if not stat.S_ISDIR(kind.st_mode) or kind.st_uid != os.getuid() or kind.st_mode & 0o022:
                return None
    except (OSError, RuntimeError):
        return None
    return Cache(folder, _scanner(), Packs(folder / "trees"))


# What may go another way next time.
_PASSING = ("took longer", "the parser ", "needs too much memory", "not readable:", "folder not readable")


def lasting(reason: str) -> bool:
    """Whether a file is unread for a reason that is the same as long as the file is."""
    return not reason.startswith(_PASSING)


def blob_id(data: bytes) -> str:
    """The name that git gives a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Cache:
    """Records in a folder; each is written whole and then put in place, and begins with the digest of the rest.

    ``trees`` are many, so that they lie together.
    """

    folder: Path
    scanner: str
    trees: Packs

    def identities(
        self,
        root: str,
        files: Sequence[FoundFile],
        each: Callable[[Sequence[FoundFile]], Iterable[str | None]] | None = None,
    ) -> dict[str, str]:
        """The blob id of each file that can be read; only files that changed since they were last seen are read.

        ``each`` tells those of many files, as ``identities_of`` does.
        """
        name = f"seen/{_digest(root, self.scanner)}"
        known = self._seen(name)
        found: dict[str, tuple[list[int], str]] = {}
        settled = time.time_ns() - _SETTLED_NS
        due = []
        for file in files:
            stamp = list(file.stamp)
            held = known.get(file.path)
            if held is not None and held[0] == stamp:
                found[file.path] = (stamp, held[1])
            else:
                due.append(file)
        told = zip(due, (each or identities_of)(due), strict=True)
        found.update((file.path, (list(file.stamp), identity)) for file, identity in told if identity is not None)
        if due or len(found) != len(known):
            kept = {path: entry for path, entry in found.items() if max(entry[0][1:3], default=0) < settled}
            self._write(name, json.dumps(kept, separators=(",", ":")).encode())
        return {path: identity for path, (_, identity) in found.items()}

    def _seen(self, name: str) -> Mapping[str, tuple[list[int], str]]:
        try:
            held = json.loads(self._read(name) or b"{}")
        except ValueError:
            return {}
        return held if isinstance(held, dict) else {}

    def fact(self, *name: str) -> Any:
        """A plain object kept by this name; None when there is none."""
        return loaded(self._read(self._place(name)))

    def keep(self, value: object, *name: str) -> None:
        """Keep a plain object by name."""
        self._write(self._place(name), dumped(value))

    def _place(self, name: Iterable[str]) -> str:
        digest = _digest(self.scanner, *name)
        return f"facts/{digest[:2]}/{digest[2:]}"

    def result(self, key: str) -> ScanResult | None:
        """A whole scan's result; None when it was not made before."""
        held = loaded(self._read(f"results/{_digest(self.scanner, key)}"))
        return held if isinstance(held, ScanResult) else None

    def keep_result(self, key: str, result: ScanResult) -> None:
        """Keep a whole scan's result, and throw away what is too old or too much."""
        self._write(f"results/{_digest(self.scanner, key)}", dumped(result))
        self._prune()

    def _read(self, name: str) -> bytes | None:
        try:
            return _checked(read_bytes(str(self.folder / name), _LARGEST_RECORD))
        except OSError:
            return None

    def _write(self, name: str, data: bytes) -> None:
        place = self.folder / name
        beside = place.with_name(f"{place.name}.{os.getpid()}")
        try:
            place.parent.mkdir(mode=0o700, exist_ok=True)
            beside.write_bytes(_sealed(data))
            beside.replace(place)
        except OSError:
            beside.unlink(missing_ok=True)

    def _prune(self) -> None:
        try:
            results = _by_age((self.folder / "results").iterdir())
            facts = _by_age((*(self.folder / "facts").glob("*/*"), *(self.folder / "trees").iterdir()))
            for _, _, path in results[_MOST_RESULTS:]:
                path.unlink(missing_ok=True)
            total = 0
            for _, size, path in facts:
                total += size
                if total > _MOST_BYTES:
                    path.unlink(missing_ok=True)
        except OSError:
            return  # another process prunes at the same time


class Place(NamedTuple):
    """Where a record stands: in which pack, and its bytes there."""

    pack: str
    begin: int
    size: int


@dataclass(slots=True)
class Packs:
    """Many records in few files of a folder: each process writes its own one behind the other into one of its own."""

    folder: Path
    _own: tuple[int, str] = (0, "")

    def keep(self, value: object) -> Place | None:
        """Keep a plain object; None where it cannot be."""
        data = _sealed(dumped(value))
        if self._own[0] != os.getpid():
            self._own = os.getpid(), f"{os.getpid()}-{secrets.token_hex(8)}"
        pack = self._own[1]
        try:
            with io.FileIO(self.folder / pack, "ab") as file:
                begin, written = file.seek(0, os.SEEK_END), file.write(data)
        except OSError:
            return None
        return Place(pack, begin, len(data)) if written == len(data) else None

    def get(self, place: Place) -> Any:
        """The plain object at a place; None when there is none."""
        try:
            with io.FileIO(self.folder / place.pack) as file:
                file.seek(place.begin)
                return loaded(_checked(file.read(min(place.size, _LARGEST_RECORD))))
        except OSError:
            return None


def _sealed(data: bytes) -> bytes:
    """A record as it is written: behind a digest of it."""
    return hashlib.sha256(data).digest() + data


def _checked(data: bytes) -> bytes | None:
    """A record that was written; None where it is another."""
    told, rest = data[:_DIGEST], data[_DIGEST:]
    return rest if hashlib.sha256(rest).digest() == told else None


def _by_age(paths: Iterable[Path]) -> list[tuple[int, int, Path]]:
    """Files with age and size, the newest first."""
    kinds = ((path.stat(), path) for path in paths)
    return sorted(((kind.st_mtime_ns, kind.st_size, path) for kind, path in kinds), reverse=True)


def _member(value: Enum) -> tuple[type[Enum], tuple[Any]]:
    """A member of an enum is written as its class, called with the value: some interpreters would write a look-up."""
    return type(value), (value.value,)


@cache
def _enums(loaded: frozenset[str]) -> dict[type, Callable[[Any], Any]]:
    """The enums among the plain data; asking of every single object whether it is an enum's would take longer."""
    found = (one for name in sorted(loaded) for one in vars(sys.modules[name]).values())
    return {one: _member for one in found if isinstance(one, type) and issubclass(one, Enum)}


def dumped(value: Any) -> bytes:
    """A plain object as bytes."""
    if type(value).__module__ in _WITHOUT_ENUMS:
        return pickle.dumps(value, protocol=5)
    written = io.BytesIO()
    pickler = pickle.Pickler(written, protocol=5)
    pickler.dispatch_table = _enums(_PLAIN.intersection(sys.modules))
    pickler.dump(value)
    return written.getvalue()


class _Unpickler(pickle.Unpickler):
    """Makes objects of a few classes that hold plain data, and calls nothing else."""

    def find_class(self, module_name: str, global_name: str) -> Any:
        """The class of a name; refuses all but those."""
        if module_name == "builtins" and global_name == "Ellipsis":
            return ...
        if module_name in _PLAIN and "." not in global_name:
            found = getattr(sys.modules.get(module_name) or __import__(module_name, fromlist=["_"]), global_name, None)
            if isinstance(found, type) and found.__module__ == module_name:
                return found
        raise pickle.UnpicklingError(f"{module_name}.{global_name} is no plain data")


def loaded(data: bytes | None) -> Any:
    """The plain object that bytes stand for; None where there are none, or where they are broken or more than that."""
    if data is None:
        return None
    try:
        return _Unpickler(io.BytesIO(data)).load()
    except Exception:  # noqa: BLE001 -- whatever a broken record does, it is as if there were none
        return None


def identities_of(files: Iterable[FoundFile]) -> list[str | None]:
    """The blob id of each file; of one too large to be held, what changes with it; None where it cannot be read."""
    return [_id_of(file) for file in files]


def _id_of(file: FoundFile) -> str | None:
    try:
        data = read_bytes(file.place, _LARGEST_HELD + 1)
        return blob_id(data) if len(data) <= _LARGEST_HELD else _digest(file.path, *map(str, file.stamp))
    except (OSError, MemoryError):
        return None


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", errors="surrogateescape")).hexdigest()


def _scanner() -> str:
    """What the scanner is: its files, and when they and the libraries beside it were last changed."""
    folder = Path(__file__).parent
    product = folder.parent / "auditor"  # what it counts on, and what reads its options
    parts = [sys.version]
    for top in (folder, product / "domain", product / "configuration", product / "policies"):
        for path in sorted(top.rglob("*.py")):
            kind = path.stat()
            parts.append(f"{path.relative_to(folder.parent)}:{kind.st_size}:{kind.st_mtime_ns}")
    # Whatever installs, upgrades or removes a library writes to the folder of all of them.
    parts.append(str(Path(pathspec.__file__).parent.parent.stat().st_mtime_ns))
    return _digest(*parts)


@dataclass(slots=True)
class Table:
    """A fact of each file of a tree, kept in one record: quick to have where nearly all of them are wanted."""

    name: str
    identities: Identities
    held: dict[str, tuple[str, Any]]
    used: dict[str, tuple[str, Any]] = field(default_factory=dict)
    changed: bool = False

    def kept(self) -> dict[str, tuple[str, Any]]:
        """What holds for the files as they are now, whether or not it was asked for."""
        current = self.identities.get
        rest = {path: one for path, one in self.held.items() if path not in self.used and one[0] == current(path)}
        return rest | self.used

    def get(self, path: str) -> tuple[Any] | None:
        """What is kept of a file, in a tuple of one; None where nothing is, or of other content."""
        found = self.used.get(path) or self.held.get(path)
        if found is None or found[0] != self.identities.get(path):
            return None
        self.used[path] = found
        return (found[1],)

    def put(self, path: str, value: object) -> None:
        """Keep something of a file."""
        identity = self.identities.get(path)
        if identity is not None:
            self.used[path] = (identity, value)
            self.changed = True


def unchanged(file: FoundFile) -> bool:
    """Whether a file is still the one that was listed."""
    try:
        return stamp_of(os.lstat(file.place)) == file.stamp
    except OSError:
        return False


@dataclass(slots=True)
class Facts:
    """The facts of one tree's files, by what the files hold; ``root`` tells the tree from others."""

    cache: Cache
    identities: Identities
    root: str = ""
    tables: dict[str, Table] = field(default_factory=dict)

    @classmethod
    def of(cls, cache: Cache, path: str, files: Sequence[FoundFile]) -> Facts:
        """The facts of the files below a path."""
        root = os.path.realpath(path)
        return cls(cache, cache.identities(root, files), root)

    def table(self, *what: str) -> Table:
        """Facts of all files that are kept together."""
        name = "\0".join(what)
        if name not in self.tables:
            held = self.cache.fact(self.root, *what)
            self.tables[name] = Table(name, self.identities, held if isinstance(held, dict) else {})
        return self.tables[name]

    def settle(self) -> None:
        """Keep the tables: to be called when the files are still what they were."""
        for table in self.tables.values():
            kept = table.kept()
            if table.changed or len(kept) != len(table.held):
                self.cache.keep(kept, self.root, *table.name.split("\0"))
