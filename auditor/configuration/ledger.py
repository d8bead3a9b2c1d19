"""Keys in places of their own, and what the configuration says of the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from auditor.configuration.faults import Faults
from auditor.settings import SHORTEST_KEY, LedgerSettings

_FILES = ("key", "public_key", "checkpoints", "git")


def ledger(given: Mapping[str, Any], faults: Faults, base: Path, environ: Mapping[str, str]) -> LedgerSettings:
    """Return what is said of the ledger; two keys that sign are a fault."""
    if "key" in given and "kms_key" in given:
        faults.add(("ledger", "kms_key"), "goes not with key; keep one of them")
    said = {option: value for option, value in given.items() if not option.startswith("mac_key_")}
    places: dict[str, Any] = {option: base / said[option] for option in _FILES if option in said}
    places["former_checkpoints"] = tuple(base / folder for folder in said.get("former_checkpoints", ()))
    return LedgerSettings(**said | places, mac_key=key_from(("ledger", "mac_key"), given, faults, base, environ))


def key_from(
    option: tuple[str, str], given: Mapping[str, str], faults: Faults, base: Path, environ: Mapping[str, str]
) -> bytes | None:
    """Return the key whose place ``<option>_env`` or ``<option>_file`` names.

    A place that does not hold one is a fault, and no fault quotes the key.
    """
    section, name = option
    in_variable, in_file = f"{name}_env", f"{name}_file"
    variable, file = given.get(in_variable), given.get(in_file)
    if variable and file:
        faults.add((section, in_file), f"goes not with {in_variable}; keep one of them")
        return None
    if variable:
        place, key = in_variable, environ.get(variable, "").encode()
    elif file:
        place, key = in_file, _read(base / file, (section, in_file), faults)
    else:
        return None
    if len(key) < SHORTEST_KEY:
        faults.add((section, place), f"the key there has {len(key)} bytes; it needs at least {SHORTEST_KEY}")
    return key


def _read(path: Path, place: tuple[str, str], faults: Faults) -> bytes:
    """Return what a key file holds, without the line end."""
    try:
        return path.read_bytes().strip()
    except OSError as error:
        faults.add(place, f"{path} cannot be read: {error.strerror}")
        return bytes(SHORTEST_KEY)
