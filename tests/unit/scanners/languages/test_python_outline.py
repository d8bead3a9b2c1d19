"""Names and mentions told by the quick tree: the same as the full tree tells, for less."""

from __future__ import annotations

import pytest

from scanners.languages.base import SourceFile
from scanners.languages.python.exports import exports
from scanners.languages.python.lower import module_tree
from scanners.languages.python.mentions import asks_one_of
from scanners.languages.python.outline import outline

MODULE = b'''"""Docs."""
from . import a, b as c
from ..pkg.mod import (
    d,
    e as f,
)
from g.h import *
import os
ONE = TWO = "x"
THREE: str = "y"
FOUR, FIVE = 1, 2
six.seven = 8
type Alias[T] = list[T]
if TYPE_CHECKING:
    from .only import Typed
elif other:
    NINE = 1
else:
    def branch(): pass
try:
    from fast import load
except ImportError:
    load = None
else:
    TEN = 1
finally:
    HIDDEN = 1
@decorated
class Class:
    INNER = 1
async def function():
    LOCAL = 1
'''


def test_an_outline_tells_what_the_whole_tree_tells():
    assert outline(MODULE) == exports(module_tree(SourceFile("a.py", MODULE)))


def test_an_outline_of_broken_code_is_what_can_be_told():
    assert outline(b"ONE = 1\ndef (:\n").own >= {"ONE"}
    assert outline(b"\0(((").own == frozenset()


@pytest.mark.parametrize(
    ("source", "asked"),
    [
        (b"client.variation(key)", True),
        (b"from x import (\n    a,\n    variation,\n)", True),
        (b"call = client.variation", True),
        (b'getattr(client, "variation")(key)', True),
        (b"# a variation of it\nx = 1", False),
        (b'x = "any variation at all"', False),
        (b'def f():\n    """variation"""\n', True),
        (b"def variation(x): pass", False),
        (b"x.variations(1)", False),
        (b"x = 1", False),
    ],
)
def test_a_name_is_asked_for_in_code_and_not_in_prose(source, asked):
    assert asks_one_of(source, [b"variation"]) is asked
