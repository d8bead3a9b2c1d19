"""Code with the references expected on a line marked at its end: ``//! kind[?] key [=default], ...``."""

from __future__ import annotations

from collections.abc import Iterable


def expected(source: str) -> tuple[str, list[str]]:
    """The source without its marks, and the marks with their lines."""
    wanted: list[str] = []
    kept: list[str] = []
    for number, line in enumerate(source.split("\n"), start=1):
        code, _, marks = line.partition("  //! ")
        kept.append(code)
        wanted += [f"{number} {mark}" for mark in marks.split(", ") if mark]
    return "\n".join(kept), sorted(wanted)


def short(lines: Iterable[str]) -> list[str]:
    """What was found, as marks with their lines."""
    return sorted(_short(line) for line in lines)


def _short(line: str) -> str:
    place, rest = line.split(" ", 1)
    possible = rest.startswith("possible ")
    kind, _, key = rest.removeprefix("possible ").partition(" ")
    return f"{place.split(':')[0]} {kind}{'?' if possible else ''} {key.replace(' = ', ' =')}"
