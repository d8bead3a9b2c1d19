"""Collects every fault of a configuration, so that one run shows all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from auditor.configuration.positions import Path
from auditor.domain.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Faults:
    """The faults of one file, each with the line of the key it is about."""

    file: str
    lines: Mapping[Path, int]
    _found: list[tuple[int, str]] = field(default_factory=list)

    def add(self, path: Path, what: str) -> None:
        """Note a fault of what stands at this path: a sentence without its beginning, "paths: has to be ..."."""
        self._found.append((self._line(path), f"{dotted(path)}: {what}"))

    def _line(self, path: Path) -> int:
        """Return the line of a path, or of the nearest thing around it that has one."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def raise_any(self) -> None:
        """Raise ``ConfigurationError`` with all faults in the order of their lines, if there are any."""
        if not self._found:
            return
        count = len(self._found)
        told = "\n".join(f"{self.file}:{line}: {what}" for line, what in sorted(self._found))
        heading = "1 fault" if count == 1 else f"{count} faults"
        raise ConfigurationError(f"the configuration has {heading}:\n{told}")


def dotted(path: Path) -> str:
    """Return a path as people write it; a place in a list counts from 1."""
    shown = ""
    for part in path:
        shown += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if shown else part
    return shown


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a question with the nearest known word, or the list of those there are."""
    choices = list(known)
    near = get_close_matches(word, choices, n=1) or [c for c in choices if word and c.startswith(word)]
    return f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(choices)}"
