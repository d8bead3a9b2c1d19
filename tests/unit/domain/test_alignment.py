from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.alignment import align, gaps

LISTS = st.lists(st.integers(0, 8), max_size=15)


@given(LISTS, LISTS)
def test_pairs_hold_equal_elements_and_rise_on_both_sides(before, after):
    pairs = align(before, after)

    assert all(before[i] == after[j] for i, j in pairs)
    assert all(a < c and b < d for (a, b), (c, d) in itertools.pairwise(pairs))


@given(st.permutations(range(8)), st.permutations(range(8)))
def test_of_single_elements_as_many_as_possible_are_paired(before, after):
    assert len(align(before, after)) == longest_common(before, after)


def longest_common(before, after):
    row = [0] * (len(after) + 1)
    for element in before:
        new = [0]
        for j, other in enumerate(after):
            new.append(row[j] + 1 if element == other else max(row[j + 1], new[j]))
        row = new
    return row[-1]


@given(LISTS, LISTS)
def test_gaps_hold_exactly_what_is_unpaired(before, after):
    pairs = align(before, after)
    found = list(gaps(pairs, len(before), len(after)))

    assert [i for old, _ in found for i in old] == sorted(set(range(len(before))) - {i for i, _ in pairs})
    assert [j for _, new in found for j in new] == sorted(set(range(len(after))) - {j for _, j in pairs})


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([], [], []),
        ([1], [], []),
        ([1, 2, 3], [1, 2, 3], [(0, 0), (1, 1), (2, 2)]),
        ([1, 2, 1], [2, 1], [(1, 0), (2, 1)]),
        ([1, 2], [2, 1], [(1, 0)]),
        ([1, 9, 2], [1, 8, 7, 2], [(0, 0), (2, 3)]),
    ],
)
def test_some_pairs(before, after, expected):
    assert align(before, after) == expected
