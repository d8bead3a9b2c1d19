"""How deep code may be nested."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

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
