"""How deep code may be nested."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import TypeVar

Result = TypeVar("Result")

DEEPEST = 5000
"""How deep the following of code may be nested."""


@contextmanager
def deep(calls: int) -> Iterator[None]:
    """Let calls be nested so deep at least, deeper than the interpreter's own limit."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, calls))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _done(work: Callable[[], Result]) -> Result:
    return work()


# The interpreter keeps the frames of calls in chunks of 16 KB, and lets go of a chunk as soon as the first call in it
# returns (``push_chunk`` in Python/pystate.c): calls that go up and down over such a border take three times as long.
# A frame that wants more than half of a megabyte has a chunk made that holds all those nested in it. What nobody
# writes to takes no memory.
roomy: Callable[[Callable[[], Result]], Result] = FunctionType(_done.__code__.replace(co_stacksize=70_000), globals())
"""Do a piece of work that nests calls deeply, with room for all of them."""
