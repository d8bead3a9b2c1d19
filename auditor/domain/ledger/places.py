"""Places of the log as a set: a few ranges, however many places there are."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Places:
    """A set of whole numbers from 0, as ranges that neither meet nor touch, the lowest first."""

    ranges: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, numbers: Iterable[int]) -> Places:
        """Return the set of these numbers, in any order."""
        return cls(tuple(_joined((number, number) for number in sorted(set(numbers)))))

    @classmethod
    def parse(cls, text: str) -> Places:
        """Read a set as ``str`` writes it; raise ``ValueError`` for what is none."""
        found = [_range(part) for part in text.split(",")] if text else []
        if any(later[0] <= former[1] + 1 for former, later in pairwise(found)):
            raise ValueError(f"{text!r} is not in order")
        return cls(tuple(found))

    def __str__(self) -> str:
        """Return the set as text: ``0-99,105``."""
        return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in self.ranges)

    def __len__(self) -> int:
        """Return how many numbers are in it."""
        return sum(last - first + 1 for first, last in self.ranges)

    def __contains__(self, number: int) -> bool:
        """Tell whether a number is in it."""
        at = bisect_right(self.ranges, (number, float("inf"))) - 1
        return at >= 0 and self.ranges[at][0] <= number <= self.ranges[at][1]

    def __or__(self, other: Places) -> Places:
        """Return what is in either."""
        return Places(tuple(_joined(sorted(self.ranges + other.ranges))))

    def below(self, end: int) -> Places:
        """Return what of it is less than a number."""
        return Places(tuple((first, min(last, end - 1)) for first, last in self.ranges if first < end))


def _joined(ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield ranges, the lowest first, with those made one that meet or touch."""
    held: tuple[int, int] | None = None
    for first, last in ranges:
        if held is None:
            held = (first, last)
        elif first <= held[1] + 1:
            held = (held[0], max(held[1], last))
        else:
            yield held
            held = (first, last)
    if held is not None:
        yield held


def _range(part: str) -> tuple[int, int]:
    first, dash, last = part.partition("-")
    if not (first.isdecimal() and first.isascii()) or (dash and not (last.isdecimal() and last.isascii())):
        raise ValueError(f"{part!r} is no place and no range of places")
    low, high = int(first), int(last if dash else first)
    if high < low:
        raise ValueError(f"{part!r} ends before it begins")
    return low, high
