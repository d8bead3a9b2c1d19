"""Parts of the locks: what one package is made from, with the hashes that the lock holds."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements"


def entries(name: str) -> Mapping[str, str]:
    """Return the entries of a lock by library: version, marker and hashes as they stand there."""
    found: dict[str, str] = {}
    library = ""
    for line in (REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith(" "):
            library = line.partition("==")[0].partition("[")[0]
            found[library] = ""
        found[library] += f"{line}\n"
    return found


def function_lock(*, older_driver: bool) -> str:
    """Return the lock of the function's package; ``older_driver``: for a runtime that new drivers are not built for."""
    usual = entries("lambda")
    return "".join(({**usual, **entries("lambda-older-driver")} if older_driver else usual).values())


def layer_lock(libraries: Collection[str]) -> str:
    """Return the entries of these libraries; raise KeyError for one that is not locked."""
    locked = entries("run")
    return "".join(locked[name] for name in sorted(libraries))
