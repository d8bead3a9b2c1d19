"""Sets of places: whatever goes in comes out, and the text says the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.ledger.places import Places

numbers = st.sets(st.integers(0, 60))


@given(numbers, numbers, st.integers(0, 61))
def test_a_set_is_a_set(some, others, end):
    one, other = Places.of(some), Places.of(others)

    assert {number for number in range(70) if number in one} == some
    assert len(one) == len(some)
    assert Places.parse(str(one)) == one
    assert one | other == Places.of(some | others)
    assert one.below(end) == Places.of(number for number in some if number < end)


@given(st.integers(0, 50), st.integers(1, 50))
def test_neighbours_are_one_range(first, count):
    assert Places.of(range(first, first + count)).ranges == ((first, first + count - 1),)


@pytest.mark.parametrize("text", ["x", "-1", "1-", "3-2", "5,4", "1-3,4", "1,1", "1,,2", "٣", "1-٣"])
def test_what_is_no_set_is_refused(text):
    with pytest.raises(ValueError, match=r"is no|not in order|ends before"):
        Places.parse(text)
