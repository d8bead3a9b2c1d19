"""Check that the locks fit pyproject.toml, pin by hash, and name no host."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
ENTRY = re.compile(
    r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;]+)(?: ; [^\\]+)?"
    r"(?P<hashes>(?: \\\n    --hash=sha256:[0-9a-f]{64})*)"
)


@dataclass(frozen=True, slots=True)
class Lock:
    """What one lock is made from: extras and dependency groups of pyproject.toml."""

    name: str
    base: bool = False
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


LOCKS = (
    Lock("run", base=True, extras=("all",)),
    Lock("lambda", base=True, extras=("slack", "postgres", "ledger")),
    Lock("lambda-older-driver", groups=("lambda-older-driver",)),
    Lock("build", groups=("build",)),
    Lock("demo", base=True, extras=("all",), groups=("standin",)),
    Lock("dev", base=True, extras=("all",), groups=("dev",)),
    Lock("deploy-lint", groups=("deploy-lint",)),
    Lock("deploy-scan", groups=("deploy-scan",)),
    Lock("ministack", groups=("ministack",)),
)


def extra(project: Mapping[str, Any], name: str) -> Iterator[Requirement]:
    """Yield what an extra asks for, its references to the project's own extras followed."""
    for text in project["optional-dependencies"][name]:
        wanted = Requirement(text)
        if wanted.name != project["name"]:
            yield wanted
            continue
        for inner in sorted(wanted.extras):
            yield from extra(project, inner)


def group(groups: Mapping[str, Any], name: str) -> Iterator[Requirement]:
    """Yield what a dependency group asks for, included groups followed."""
    for entry in groups[name]:
        if isinstance(entry, str):
            yield Requirement(entry)
        else:
            yield from group(groups, entry["include-group"])


def wanted(lock: Lock, pyproject: Mapping[str, Any]) -> Iterator[Requirement]:
    """Yield every direct requirement that a lock has to satisfy."""
    project = pyproject["project"]
    if lock.base:
        yield from map(Requirement, project["dependencies"])
    for name in lock.extras:
        yield from extra(project, name)
    for name in lock.groups:
        yield from group(pyproject["dependency-groups"], name)


def pins(text: str) -> Iterator[tuple[str, str, bool]]:
    """Yield name, version and whether a hash stands by it, for each entry; raise ValueError on other text."""
    for entry in re.split(r"\n(?=\S)", text.rstrip("\n")):
        found = ENTRY.fullmatch(entry)
        if found is None:
            raise ValueError(f"not a pinned requirement: {entry.splitlines()[0]}")
        yield canonicalize_name(found["name"]), found["version"], bool(found["hashes"])


def faults(lock: Lock, text: str, pyproject: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a lock, each in one sentence."""
    if "://" in text or "index-url" in text or "find-links" in text:
        yield "it names a host"
    versions: dict[str, set[str]] = {}
    for name, version, hashed in pins(text):
        versions.setdefault(name, set()).add(version)
        if not hashed:
            yield f"{name} has no hash"
    for need in wanted(lock, pyproject):
        held = versions.get(canonicalize_name(need.name), set())
        if not any(need.specifier.contains(version, prereleases=True) for version in held):
            yield f"it holds no {need}; run make lock"


def main() -> int:
    """Check every lock; give 1 when one is wrong, each fault on a line."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    folder = ROOT / "requirements"
    found = [
        f"requirements/{lock.name}.txt: {fault}"
        for lock in LOCKS
        for fault in faults(lock, (folder / f"{lock.name}.txt").read_text(), pyproject)
    ]
    unknown = {path.stem for path in folder.glob("*.txt")} - {lock.name for lock in LOCKS}
    found += [f"requirements/{name}.txt: nothing makes it" for name in sorted(unknown)]
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
