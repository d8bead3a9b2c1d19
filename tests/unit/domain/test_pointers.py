from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.pointers import escape, tokens


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [("", ()), ("/", ("",)), ("/a/0", ("a", "0")), ("/x~1y/~0", ("x/y", "~")), ("/~01", ("~1",))],
)
def test_pointers_are_read_as_written(pointer, expected):
    assert tokens(pointer) == expected


@given(st.lists(st.text(alphabet="a/~01ü", max_size=6), max_size=5))
def test_what_is_escaped_comes_back(keys):
    assert tokens("".join(f"/{escape(key)}" for key in keys)) == tuple(keys)
