"""The files of a path to scan: which there are, which are left out and why, and which cannot be read.

Nothing of the repository is ever run, git included: its own files are read for the commit, and no symbolic link
is followed.
"""

from __future__ import annotations

import os
import re
import stat
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from pathspec import GitIgnoreSpec

from auditor.domain.errors import UsageError
from auditor.domain.references import Skipped, Unread

_FOLDERS = {
    **dict.fromkeys((".git", ".hg", ".svn", ".jj"), "version control data"),
    **dict.fromkeys((".venv", "venv", "virtualenv", "site-packages"), "a virtual environment"),
    **dict.fromkeys(("node_modules", "bower_components"), "installed packages"),
    **dict.fromkeys(
        ("vendor", "vendored", "_vendor", "_vendored", "third_party", "third-party", "thirdparty"), "vendored code"
    ),
    **dict.fromkeys(
        (
            "__pycache__",
            "__generated__",
            "generated",
            ".aws-sam",
            ".eggs",
            ".mypy_cache",
            ".next",
            ".nox",
            ".nuxt",
            ".pytest_cache",
            ".ruff_cache",
            ".serverless",
            ".terraform",
            ".tox",
            "cdk.out",
            "htmlcov",
        ),
        "generated",
    ),
}
# These may be what a project's own code is called: settings of services of others, an application for a shop's vendors.
_PERHAPS_VENDORED = frozenset({"vendor", "third_party", "thirdparty"})
_SETTINGS = frozenset({"settings", "config", "conf"})
_APPLICATION = ("models.py", "views.py", "urls.py")
_BUILT = frozenset({"build", "dist", "target", "out"})
_MANIFESTS = frozenset({"pyproject.toml", "setup.py", "package.json", "pom.xml", "build.gradle", "tsconfig.json"})
_FILES = re.compile(
    r".*\.min\.(?:js|css)|.*\.(?:js|css|ts)\.map|.*_pb2(?:_grpc)?\.pyi?|.*\.pb\.go|.*\.egg-info|"
    r"package-lock\.json|yarn\.lock|pnpm-lock\.yaml|poetry\.lock|uv\.lock|Pipfile\.lock|Cargo\.lock|go\.sum"
)
_SUBMODULE = re.compile(r"^[ \t]*path[ \t]*=[ \t]*(?P<path>.+?)[ \t]*$", re.MULTILINE)
_NO_SUBMODULE = "a submodule that is not here; fetch it with git submodule update --init"
_SPARSE = re.compile(r"^[ \t]*sparsecheckout[ \t]*(?:=[ \t]*(?:true|yes|on|1)\b|$)", re.MULTILINE | re.IGNORECASE)
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_MOST_READ = 1 << 20


class FoundFile(NamedTuple):
    """A file to read: its path below the scanned PATH, where it is, and what changes whenever its content does."""

    path: str
    place: str
    size: int
    stamp: tuple[int, ...] = ()

    @classmethod
    def of(cls, path: str, place: str, kind: os.stat_result) -> FoundFile:
        """A file as the file system describes it."""
        return cls(path, place, kind.st_size, stamp_of(kind))


def stamp_of(kind: os.stat_result) -> tuple[int, ...]:
    """What changes whenever a file's content does."""
    return kind.st_size, kind.st_mtime_ns, kind.st_ctime_ns, kind.st_ino


@dataclass(slots=True)
class Listing:
    """What a path holds."""

    files: list[FoundFile] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    commit: str | None = None


@dataclass(frozen=True, slots=True)
class _Rules:
    """One .gitignore: the directory it stands in, counted from the scanned PATH, and its lines."""

    above: str
    below: str
    spec: GitIgnoreSpec

    def judge(self, path: str) -> bool | None:
        """Whether it ignores a path; None when it says nothing of it."""
        if self.below and not path.startswith(f"{self.below}/"):
            return None
        inner = path[len(self.below) + 1 :] if self.below else self.above + path
        found: bool | None = self.spec.check_file(inner).include
        return found


def list_files(path: str) -> Listing:
    """List the files of a path, in order of their names; raises UsageError when it cannot be read at all."""
    root = Path(path)
    try:
        kind = root.stat()
        if stat.S_ISDIR(kind.st_mode):
            os.scandir(root).close()
    except OSError as error:
        raise UsageError(f"{path}: cannot be scanned: {error.strerror or error}; give a file or folder") from error
    except ValueError as error:
        raise UsageError(f"{path!r}: cannot be scanned: {error}; give a file or folder") from error
    if _is_bare(root):
        raise UsageError(f"{path}: is a bare git repository, whose files are in commits only; add --committed")
    listing = Listing(commit=_commit(root))
    if stat.S_ISREG(kind.st_mode):
        listing.files.append(FoundFile.of(root.name, str(root), kind))
    elif stat.S_ISDIR(kind.st_mode):
        listing.unread += _not_checked_out(root, listing.commit)
        _Lister(root, listing, _submodules(root)).walk("", _outer_rules(root))
    else:
        raise UsageError(f"{path}: is neither a file nor a folder, so it cannot be scanned")
    return listing


@dataclass(slots=True)
class _Lister:
    root: Path
    listing: Listing
    submodules: set[str] = field(default_factory=set)

    def walk(self, folder: str, rules: tuple[_Rules, ...]) -> None:
        """List a folder; one below it at a time, without recursion, for trees can be deep."""
        waiting = [(folder, rules)]
        while waiting:
            folder, rules = waiting.pop()
            entries = self._entries(folder)
            if not entries and folder in self.submodules:
                self.listing.unread.append(Unread(shown(folder), _NO_SUBMODULE))
            own = self._own_rules(folder, entries)
            rules = (*rules, own) if own is not None else rules
            names = frozenset(entry.name for entry in entries)
            if folder and ".gitmodules" in names:
                self.submodules |= {f"{folder}/{name}" for name in _named_submodules(self.root / folder)}
            below = [
                (path, rules) for entry in entries if (path := self._entry(folder, entry, names, rules)) is not None
            ]
            waiting += reversed(below)

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self.root / folder) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            self.listing.unread.append(Unread(shown(folder), f"folder not readable: {error.strerror}"))
            return []

    def _own_rules(self, folder: str, entries: list[os.DirEntry[str]]) -> _Rules | None:
        if not any(entry.name == ".gitignore" and entry.is_file(follow_symlinks=False) for entry in entries):
            return None
        return _rules(self.root / folder / ".gitignore", "", folder)

    def _entry(
        self, folder: str, entry: os.DirEntry[str], names: frozenset[str], rules: tuple[_Rules, ...]
    ) -> str | None:
        """Take an entry; the path of a folder that is to be listed as well."""
        path = f"{folder}/{entry.name}" if folder else entry.name
        try:
            kind = entry.stat(follow_symlinks=False)
        except OSError as error:
            self.listing.unread.append(Unread(shown(path), f"not readable: {error.strerror}"))
            return None
        is_folder = stat.S_ISDIR(kind.st_mode)
        reason = self._left_out(path, entry, kind, names, rules)
        if reason is not None:
            self.listing.skipped.append(Skipped(shown(path) + ("/" if is_folder else ""), reason))
        elif is_folder:
            return path
        elif stat.S_ISREG(kind.st_mode):
            self.listing.files.append(FoundFile.of(shown(path), os.path.join(self.root, path), kind))  # noqa: PTH118
        else:
            self.listing.unread.append(Unread(shown(path), f"not a regular file but {_kind(kind.st_mode)}"))
        return None

    def _left_out(
        self,
        path: str,
        entry: os.DirEntry[str],
        kind: os.stat_result,
        names: frozenset[str],
        rules: tuple[_Rules, ...],
    ) -> str | None:
        if stat.S_ISLNK(kind.st_mode):
            return self._link(path)
        folder = stat.S_ISDIR(kind.st_mode)
        if entry.name == ".git":
            return _FOLDERS[".git"]
        if _ignored(path + "/" if folder else path, rules):
            return "named by .gitignore"
        if not folder:
            return "generated" if _FILES.fullmatch(entry.name) else None
        if entry.name in _BUILT and not _MANIFESTS.isdisjoint(names):
            return "generated"
        if (self.root / path / "pyvenv.cfg").is_file():
            return "a virtual environment"
        return None if entry.name in _PERHAPS_VENDORED and self._is_own(path) else _FOLDERS.get(entry.name)

    def _is_own(self, path: str) -> bool:
        """Whether a folder that is called as vendored code is holds settings, or an application of Django."""
        *_, above, _ = ("", *path.split("/"))
        if (self.root / path / "__init__.py").is_file():
            return above in _SETTINGS or any((self.root / path / name).is_file() for name in _APPLICATION)
        return False

    def _link(self, path: str) -> str:
        try:
            target = (self.root / path).resolve()
            inside = target.is_relative_to(self.root.resolve())
        except (OSError, RuntimeError):
            return "a symbolic link that leads nowhere"
        return "a symbolic link, its target is scanned itself" if inside else "a symbolic link that leaves the tree"


def _ignored(path: str, rules: tuple[_Rules, ...]) -> bool:
    for one in reversed(rules):
        judged = one.judge(path)
        if judged is not None:
            return judged
    return False


def _rules(file: Path, above: str, below: str) -> _Rules | None:
    text = read_small(file)
    lines = None if text is None else [_inside(line) for line in text.splitlines() if is_quick(line)]
    return None if lines is None else _Rules(above, below, _spec(lines))


def _spec(lines: list[str]) -> GitIgnoreSpec:
    """The patterns of these lines; like git, without those that are none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an expression that the library makes of a pattern
        try:
            return GitIgnoreSpec.from_lines(lines)
        except (ValueError, re.error):
            return GitIgnoreSpec.from_lines(line for line in lines if _is_pattern(line))


def _is_pattern(line: str) -> bool:
    try:
        GitIgnoreSpec.from_lines([line])
    except (ValueError, re.error):
        return False
    return True


def _inside(pattern: str) -> str:
    """``folder/**`` names what is in a folder and not the folder, so that a later line may take some of it back."""
    return pattern.rstrip()[:-1] if pattern.rstrip().endswith("/**") and not pattern.startswith("!") else pattern


def is_quick(pattern: str) -> bool:
    """Whether a pattern of files is matched in little time: each of its stars may try every length of a name."""
    return pattern.lstrip().startswith("#") or max(map(_stars, pattern.split("/"))) + pattern.count("**") <= _MOST_STARS


def _stars(part: str) -> int:
    return len(_STAR.findall(part))


_STAR = re.compile(r"\*+")
_MOST_STARS = 4


def _outer_rules(root: Path) -> tuple[_Rules, ...]:
    """The .gitignore files above a path, up to the repository's top, and the repository's own exclusions."""
    place = root.resolve()
    top = repository_top(place)
    if top is None:
        return ()
    inner = place.relative_to(top).parts
    found = [_rules(_git_common(_git_folder(top / ".git")) / "info" / "exclude", _prefix(inner), "")]
    found.extend(
        _rules(top.joinpath(*inner[:depth], ".gitignore"), _prefix(inner[depth:]), "") for depth in range(len(inner))
    )
    return tuple(rules for rules in found if rules is not None)


def _is_bare(root: Path) -> bool:
    """Whether a folder is git's own, with no files checked out beside it."""
    return (root / "HEAD").is_file() and all((root / name).is_dir() for name in ("objects", "refs"))


def _not_checked_out(root: Path, commit: str | None) -> list[Unread]:
    """That files of the commit are not here to be read, as git's own files tell."""
    top = repository_top(root)
    if top is None or commit is None:
        return []
    git = _git_folder(top / ".git")
    shared = _git_common(git)
    if (shared / "objects").is_dir() and not (git / "index").exists():
        return [Unread(".", "nothing of the commit is checked out here; add --committed")]
    said = (read_small(file) or "" for file in (shared / "config", git / "config.worktree"))
    if any(map(_SPARSE.search, said)) and (git / "info" / "sparse-checkout").is_file():
        return [Unread(".", "a sparse checkout, so that files of the commit may not be here; add --committed")]
    return []


def _submodules(root: Path) -> set[str]:
    """The submodules of the repository that a path is in, counted from the path."""
    place = root.resolve()
    top = repository_top(place)
    below = _prefix(place.relative_to(top).parts) if top is not None else ""
    named = _named_submodules(top if top is not None else place)
    return {name.removeprefix(below) for name in named if name.startswith(below)}


def _named_submodules(top: Path) -> list[str]:
    text = read_small(top / ".gitmodules") or ""
    return [found["path"].strip('"').strip("/") for found in _SUBMODULE.finditer(text)]


def _prefix(parts: tuple[str, ...]) -> str:
    return "".join(f"{part}/" for part in parts)


def repository_top(place: Path) -> Path | None:
    """The top of the git repository that a place is in; None when it is in none."""
    whole = place.resolve()
    return next((folder for folder in (whole, *whole.parents) if (folder / ".git").exists()), None)


def _commit(root: Path) -> str | None:
    """The commit that is checked out where a path is, read from git's files; None when it is no checkout."""
    top = repository_top(root.resolve())
    if top is None:
        return None
    git = _git_folder(top / ".git")
    head = (read_small(git / "HEAD") or "").strip()
    if not head.startswith("ref: "):
        return head if _SHA.fullmatch(head) else None
    name = head.removeprefix("ref: ")
    if ".." in PurePosixPath(name).parts or PurePosixPath(name).is_absolute():
        return None
    shared = _git_common(git)
    for folder in (git, shared):
        found = (read_small(folder / name) or "").strip()
        if _SHA.fullmatch(found):
            return found
    return _packed(shared, name)


def _git_folder(entry: Path) -> Path:
    if not entry.is_file():
        return entry
    said = (read_small(entry) or "").strip().removeprefix("gitdir: ")
    return entry.parent / said if said else entry


def _git_common(git: Path) -> Path:
    said = (read_small(git / "commondir") or "").strip()
    return git / said if said else git


def _packed(git: Path, name: str) -> str | None:
    for line in (read_small(git / "packed-refs") or "").splitlines():
        sha, _, ref = line.partition(" ")
        if ref.strip() == name and _SHA.fullmatch(sha):
            return sha
    return None


def read_small(file: Path) -> str | None:
    """The text of a regular file, no more than its first megabyte; None when it is none."""
    try:
        return read_bytes(str(file), _MOST_READ).decode("utf-8", errors="replace")
    except OSError:
        return None


def read_bytes(place: str, most: int) -> bytes:
    """Read a regular file without following a link to it or waiting for it; raises OSError."""
    handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        kind = os.fstat(handle)
        if not stat.S_ISREG(kind.st_mode):
            raise OSError(0, "not a regular file")
        # One byte more than there should be tells the end of most files at once.
        begin = os.read(handle, min(most, kind.st_size + 1, _CHUNK))
        return begin if len(begin) == kind.st_size else b"".join((begin, *_chunks(handle, most - len(begin))))
    finally:
        os.close(handle)


def read_chunks(place: str) -> Iterator[bytes]:
    """Read a regular file of any size piece by piece, as ``read_bytes`` does; raises OSError."""
    handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(0, "not a regular file")
        yield from _chunks(handle, sys.maxsize)
    finally:
        os.close(handle)


def _chunks(handle: int, most: int) -> Iterator[bytes]:
    while most > 0:
        chunk = os.read(handle, min(most, _CHUNK))
        if not chunk:
            return
        most -= len(chunk)
        yield chunk


_CHUNK = 1 << 20


def shown(path: str) -> str:
    """A path that every output can hold, whatever bytes the file system has for it."""
    return path.encode("utf-8", errors="surrogateescape").decode("utf-8", errors="backslashreplace") or "."


def _kind(mode: int) -> str:
    kinds = (
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    )
    return next((name for asks, name in kinds if asks(mode)), "something else")
