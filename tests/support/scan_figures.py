"""Precision and recall of the scanner over its cases, by kind of reference: ``python -m tests.support.scan_figures``.

Each case is scanned twice: as it is, and as a part of a large tree, where only files that can matter are read.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

from scanners import engine
from tests.support.scan_cases import Case, Found, found_in, read_cases

CORE = frozenset({"keys", "readers", "wrappers", "kinds", "documents", "options", "stores"})
LEAST = 0.95


@dataclass
class Figures:
    """What was expected, found, and both, by kind; and each case that was missed."""

    expected: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    core_missed: int = 0
    cases: int = 0

    def add(self, case: Case, found: set[Found], unresolved: set[tuple[str, int]]) -> None:
        """Count a case."""
        self.cases += 1
        said = {*found, *((path, line, "unresolved", "", "") for path, line in unresolved)}
        wanted = {*case.expected, *((path, line, "unresolved", "", "") for path, line in case.unresolved)}
        for counted, places in ((self.expected, wanted), (self.found, said), (self.right, wanted & said)):
            counted.update(place[2] for place in places)
        if said != wanted:
            self.missed += [f"{case.id}: {place}" for place in sorted(wanted ^ said)]
            self.core_missed += is_core(case)

    def lines(self) -> Iterator[str]:
        """The figures as a table, then what was missed."""
        yield f"{'kind':12}{'places':>8}{'precision':>11}{'recall':>9}"
        for kind in sorted(self.expected | self.found):
            yield self._line(kind, self.right[kind], self.found[kind], self.expected[kind])
        yield self._line("all", self.right.total(), self.found.total(), self.expected.total())
        yield from self.missed

    def _line(self, kind: str, right: int, found: int, expected: int) -> str:
        return f"{kind:12}{expected:8}{right / max(found, 1):11.1%}{right / max(expected, 1):9.1%}"

    @property
    def enough(self) -> bool:
        """Whether all core cases are right, and at least 95 of 100 places of all."""
        least = LEAST * max(self.expected.total(), self.found.total())
        return self.core_missed == 0 and self.right.total() >= least


def is_core(case: Case) -> bool:
    """Whether a case is of those that must all be right."""
    return case.topic in CORE or case.topic.startswith("contract_")


def scan_as_part_of_much(case: Case, folder: Path) -> tuple[set[Found], set[tuple[str, int]]]:
    """Scan a case the way a large tree is scanned."""
    with mock.patch.object(engine, "_SMALL_PROJECT", -1):
        return _scan(case, folder)


def _scan(case: Case, folder: Path) -> tuple[set[Found], set[tuple[str, int]]]:
    result = case.scan(folder)
    return found_in(result), {(one.path, one.line) for one in result.unresolved}


def main() -> int:
    """Print the figures of all cases."""
    enough = True
    for title, scan in (("as they are", _scan), ("as part of a large tree", scan_as_part_of_much)):
        figures = Figures()
        for case in read_cases():
            with TemporaryDirectory() as folder:
                figures.add(case, *scan(case, Path(folder)))
        sys.stdout.write("\n".join([f"{figures.cases} cases {title}", *figures.lines(), ""]))
        enough = enough and figures.enough
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main())
