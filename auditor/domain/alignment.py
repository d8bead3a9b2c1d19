"""Which elements of a list are still there: pairs of places before and after, in order."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence

Pair = tuple[int, int]


def align(before: Sequence[int], after: Sequence[int]) -> list[Pair]:
    """Return pairs of places that hold equal elements, rising on both sides.

    As many as possible where no element occurs twice, and never fewer than the common beginning and end. It takes
    n log n steps, so that a list of any length is compared in reasonable time.
    """
    head = _common(zip(before, after, strict=False))
    tail = _common(zip(reversed(before[head:]), reversed(after[head:]), strict=False))
    middle = _rising(
        _equal_places(before[head : len(before) - tail], after[head : len(after) - tail]),
    )
    return [
        *((i, i) for i in range(head)),
        *((head + i, head + j) for i, j in middle),
        *((len(before) - k, len(after) - k) for k in range(tail, 0, -1)),
    ]


def gaps(pairs: Sequence[Pair], before: int, after: int) -> Iterator[tuple[range, range]]:
    """Yield the unpaired places before, between and behind the pairs of two lists of these lengths."""
    i, j = 0, 0
    for next_i, next_j in [*pairs, (before, after)]:
        if next_i > i or next_j > j:
            yield range(i, next_i), range(j, next_j)
        i, j = next_i + 1, next_j + 1


def _common(pairs: Iterator[tuple[int, int]]) -> int:
    count = 0
    for old, new in pairs:
        if old != new:
            break
        count += 1
    return count


def _equal_places(before: Sequence[int], after: Sequence[int]) -> list[Pair]:
    """Pair the first with the first, the second with the second, ... of what is equal; places rise on the left."""
    places = {numbered: j for j, numbered in enumerate(_numbered(after))}
    return [(i, places[numbered]) for i, numbered in enumerate(_numbered(before)) if numbered in places]


def _numbered(elements: Sequence[int]) -> Iterator[tuple[int, int]]:
    seen: Counter[int] = Counter()
    for element in elements:
        yield element, seen[element]
        seen[element] += 1


def _rising(pairs: Sequence[Pair]) -> list[Pair]:
    """Keep the longest run of pairs whose right places rise (patience sorting)."""
    tops: list[int] = []
    holders: list[int] = []
    previous: list[int] = []
    for index, (_, j) in enumerate(pairs):
        pile = bisect_left(tops, j)
        previous.append(holders[pile - 1] if pile else -1)
        if pile == len(tops):
            tops.append(j)
            holders.append(index)
        else:
            tops[pile], holders[pile] = j, index
    kept = []
    index = holders[-1] if holders else -1
    while index >= 0:
        kept.append(pairs[index])
        index = previous[index]
    return kept[::-1]
