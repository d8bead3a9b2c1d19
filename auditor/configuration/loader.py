"""Turns a configuration file into settings, or into one error with every fault and its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from auditor.configuration import positions
from auditor.configuration.building import build
from auditor.configuration.faults import Faults, did_you_mean
from auditor.configuration.options import SECTIONS, Section, known_keys
from auditor.domain.errors import ConfigurationError
from auditor.settings import Settings

Read = dict[tuple[str, ...], list[tuple[positions.Path, dict[str, Any]]]]

_LARGEST = 1_000_000
_AT_LINE = re.compile(r"\s*\(at line (\d+), column (\d+)\)")


def load_file(path: Path, environ: Mapping[str, str]) -> Settings:
    """Return the settings of a file; raise ``ConfigurationError`` with all its faults."""
    text = _text(path)
    data, lines = _parse(path, text)
    faults = Faults(str(path), lines)
    settings = build(read(data, faults), faults, path, environ)
    faults.raise_any()
    return settings


def _text(path: Path) -> str:
    """Return the file's text."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}; check its name and rights") from error
    if len(raw) > _LARGEST:
        raise ConfigurationError(f"{path}: has {len(raw)} bytes, which is no configuration; name another file")
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"{path}:{line}: is not UTF-8; save the file in that encoding") from error


def _parse(path: Path, text: str) -> tuple[dict[str, Any], dict[positions.Path, int]]:
    """Return the file's tables, and the line of everything in them."""
    try:
        return tomllib.loads(text), positions.lines(text)
    except RecursionError as error:
        raise ConfigurationError(f"{path}: is nested too deeply to be a configuration") from error
    except ValueError as error:  # TOMLDecodeError, or a number with thousands of digits
        place = _AT_LINE.search(str(error))
        line = int(place[1]) if place else text.count("\n") + 1
        column = f", column {place[2]}" if place else ""
        what = _AT_LINE.sub("", str(error)).removesuffix(" (at end of document)")
        raise ConfigurationError(f"{path}:{line}: is not valid TOML: {what}{column}") from error


def read(data: dict[str, Any], faults: Faults) -> Read:
    """Read every table by its options: per section, where each of its tables stands and what it says."""
    _unknown(data, (), (), faults, free=False)
    found: Read = {}
    for section in SECTIONS:
        places = _tables(data, section, faults)
        found[section.path] = [(place, _read_table(section, table, place, faults)) for place, table in places]
    return found


def _tables(data: dict[str, Any], section: Section, faults: Faults) -> list[tuple[positions.Path, dict[str, Any]]]:
    """Return the tables of a section with where they stand; another form of value is a fault."""
    table: Any = data
    for part in section.path[:-1]:
        table = table.get(part, {})
        if not isinstance(table, dict):
            return []  # said where the outer section is read
    value = table.get(section.path[-1])
    if value is None:
        return []
    if not section.repeated:
        if isinstance(value, dict):
            return [(section.path, value)]
        faults.add(section.path, f"has to be a table; write {section.header} above its options")
        return []
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return [((*section.path, index), item) for index, item in enumerate(value)]
    faults.add(section.path, f"may stand several times; write {section.header} in two brackets above each")
    return []


def _read_table(section: Section, table: dict[str, Any], place: positions.Path, faults: Faults) -> dict[str, Any]:
    """Read one table's options; return those that are given."""
    _unknown(table, section.path, place, faults, free=section.free is not None, misplaced=dict(section.misplaced))
    given: dict[str, Any] = {}
    for option in section.options:
        if option.key in table:
            given[option.key] = option.read(table[option.key], _report(faults, (*place, option.key)))
        elif option.required:
            faults.add(place, f"needs {option.key} ({option.form})")
    if section.free is not None:
        for key, value in table.items():
            given[key] = section.free(value, _report(faults, (*place, key)))
    return given


def _report(faults: Faults, path: positions.Path) -> Any:
    """Return what a reader calls to say what is wrong with the value at this path."""
    return lambda what, *inside: faults.add((*path, *inside), what)


def _unknown(
    table: dict[str, Any],
    path: tuple[str, ...],
    place: positions.Path,
    faults: Faults,
    *,
    free: bool,
    misplaced: Mapping[str, str] | None = None,
) -> None:
    """Report every key that is no option."""
    if free:
        return
    known = known_keys(path)
    for key in table:
        if key not in known:
            unknown = f"there is no such option; {did_you_mean(key, known)}"
            faults.add((*place, key), (misplaced or {}).get(key, unknown))
