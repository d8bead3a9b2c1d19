"""Trees of git repositories as they were committed, from a URL or a local repository, without running what they hold.

Git is only asked for objects. Nothing is ever checked out: no hook, filter, submodule or attribute of the repository
has an effect, and its configuration may name no program that is run and no place to fetch from. What comes out is
written file by file, as plain bytes, into a folder that goes afterwards.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO

from auditor.domain.errors import FlagtrailError, UsageError

_URL = re.compile(r"(?P<scheme>https|ssh|file)://(?P<user>[^/@]*@)?(?P<rest>[^\s-][^\s]*)")
_SCP = re.compile(r"[A-Za-z0-9][\w.-]*@[A-Za-z0-9][\w.-]*:[^\s-]\S*")
_OTHER = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*::?//?.*|[A-Za-z][A-Za-z0-9+-]*::.*|[^/\s:@]+:[^\s@]*@[^/\s:@]+:.*")
_NO_PORT = re.compile(r":(?!\d*$)")
_VALUE = re.compile(r"(?<=[?&])(?P<name>[^=&\s]*)=[^&\s]*")
_SECONDS = 600
_MOST_FILES = 1_000_000
_MOST_BYTES = 8 << 30
_LONGEST_LINK = 4096
_FILE, _PROGRAM, _LINK, _SUBMODULE = b"100644", b"100755", b"120000", b"160000"
_SAFE = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.alternateRefsCommand=true",
    "fetch.recurseSubmodules=false",
    "submodule.recurse=false",
    "gc.auto=0",
    "protocol.allow=never",
)


def is_url(place: str) -> bool:
    """Whether a place to scan is no path but the URL of a git repository; raises UsageError for one not allowed."""
    if _URL.fullmatch(place) or (_SCP.fullmatch(place) and not os.path.lexists(place)):
        return True
    if _OTHER.fullmatch(place) and not os.path.lexists(place):
        raise UsageError(f"{shown(place)}: only https, ssh and file URLs of git repositories can be scanned")
    return False


def shown(url: str) -> str:
    """A URL without a password or token in it; of a name only what ssh is told."""
    scheme, mark, rest = url.partition("://") if "://" in url else ("", "", url)
    authority, slash, path = rest.partition("/")
    login, at, host = authority.rpartition("@")
    if not at and mark and "@" in path and _NO_PORT.search(authority):  # a password with a slash in it
        login, at, host = authority, "@", path.rpartition("@")[2]
        slash, path = "", ""
    name = login.partition(":")[0] + at if scheme.lower() in {"", "ssh"} else ""
    return _VALUE.sub(r"\g<name>=...", scheme + mark + name + host + slash + path)


@contextmanager
def committed(place: str) -> Iterator[Path]:
    """The committed tree of a repository, for as long as it is used.

    Of a URL it is the default branch's, of a path what is checked out there; raises FlagtrailError when git fails.
    """
    with tempfile.TemporaryDirectory(prefix="flagtrail-") as folder:
        top = Path(folder) / "tree"
        top.mkdir()
        if is_url(place):
            repository, prefix = Path(folder) / "git", ""
            _clone(place, repository)
        else:
            repository = Path(place)
            prefix = _git(repository, place, "rev-parse", "--show-prefix").decode().strip()
        commit = _git(repository, place, "rev-parse", "--verify", "--quiet", "HEAD^{commit}").decode().strip()
        _write(repository, place, f"{commit}:{prefix.rstrip('/')}", top)
        (top / ".git").mkdir()
        (top / ".git" / "HEAD").write_text(f"{commit}\n")
        yield top


def _clone(url: str, folder: Path) -> None:
    scheme = _URL.fullmatch(url)
    options = ["--bare", "--depth=1", "--single-branch", "--no-tags", "--template=", "--no-local"]
    protocol = scheme["scheme"] if scheme is not None else "ssh"
    _run(shown(url), [*_command(), "clone", "--quiet", *options, "--", url, str(folder)], url, protocol)


def _command(*settings: str) -> list[str]:
    return ["git", *(word for setting in (*_SAFE, *settings) for word in ("-c", setting))]


def _git(repository: Path, place: str, *words: str) -> bytes:
    return _run(shown(place), [*_command("safe.directory=*"), "-C", str(repository), *words], place)


def _run(name: str, command: Sequence[str], secret: str, protocol: str = "none") -> bytes:
    environment = _environment(protocol)
    try:
        done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False, env=environment)  # noqa: S603 -- git, by words
    except subprocess.TimeoutExpired as error:
        raise FlagtrailError(f"{name}: git took longer than {_SECONDS} s") from error
    except OSError as error:
        raise FlagtrailError(f"{name}: git cannot be run: {error.strerror}") from error
    if done.returncode != 0:
        told = done.stderr.decode(errors="replace").replace(secret, name).strip().splitlines()
        if not told and "--verify" in command:
            raise FlagtrailError(f"{name}: has no commit yet, so there is nothing to scan")
        raise FlagtrailError(f"{name}: git cannot read it: {told[-1] if told else 'it says nothing'}")
    return done.stdout


def _environment(protocol: str = "none") -> dict[str, str]:
    """The environment without what points git at other repositories or programs; nothing may ask for a password.

    No configuration of a repository can allow another protocol than this one.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    for name in ("GIT_SSH_COMMAND", "GIT_SSH", "GIT_SSL_CAINFO"):
        if name in os.environ:
            kept[name] = os.environ[name]
    kept["GIT_ALLOW_PROTOCOL"] = protocol
    return kept | {"GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}


def _write(repository: Path, place: str, tree: str, top: Path) -> None:
    """Write the files of a tree; links last, so that nothing is written through one."""
    listed = _git(repository, place, "ls-tree", "-r", "-z", "--full-tree", tree).split(b"\0")[:-1]
    if len(listed) > _MOST_FILES:
        raise FlagtrailError(f"{shown(place)}: holds more than {_MOST_FILES} files")
    entries = [(*line.partition(b"\t")[0].split(b" "), line.partition(b"\t")[2]) for line in listed]
    wanted = sorted((mode == _LINK, name, blob) for mode, _, blob, name in entries if mode in {_FILE, _PROGRAM, _LINK})
    for mode, _, _, name in entries:
        if mode == _SUBMODULE:  # another repository's files, which are said not to be here
            _target(top, os.fsdecode(name)).mkdir(parents=True, exist_ok=True)
    command = [*_command("safe.directory=*"), "-C", str(repository), "cat-file", "--batch"]
    with subprocess.Popen(  # noqa: S603 -- git, by words
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_environment()
    ) as process:
        assert process.stdin is not None  # noqa: S101 -- for the type checker
        assert process.stdout is not None  # noqa: S101 -- for the type checker
        left = _MOST_BYTES
        for is_link, name, blob in wanted:
            process.stdin.write(blob + b"\n")
            process.stdin.flush()
            left -= _take(process.stdout, _target(top, os.fsdecode(name)), place, is_link=is_link, most=left)
        process.stdin.close()


def _target(top: Path, name: str) -> Path:
    """Where a file of a tree goes; raises FlagtrailError for a name that would lead out of the folder."""
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or any(part.lower() == ".git" for part in parts):
        raise FlagtrailError(f"{name!r} is no name for a file of a repository")
    return top.joinpath(*parts)


def _take(stream: IO[bytes], target: Path, place: str, *, is_link: bool, most: int) -> int:
    head = stream.readline().split(b" ")
    if len(head) != 3 or head[1] != b"blob":  # noqa: PLR2004 -- name, kind and size
        raise FlagtrailError(f"{shown(place)}: lacks an object of {target.name!r}; fetch the repository whole")
    size = int(head[2])
    if size > most:
        raise FlagtrailError(f"{shown(place)}: holds more than {_MOST_BYTES >> 30} GB")
    target.parent.mkdir(parents=True, exist_ok=True)
    if is_link and size <= _LONGEST_LINK:
        with suppress(OSError, ValueError):
            target.symlink_to(os.fsdecode(stream.read(size)))
    else:
        with target.open("xb") as file:
            left = size
            while left:
                piece = stream.read(min(left, 1 << 20))
                file.write(piece)
                left -= len(piece)
    stream.read(1)
    return size
