"""Names and mentions told by the quick tree: the same as the full tree tells, for less."""

from __future__ import annotations

import ast
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tree_sitter import Parser

from scanners.languages.base import SourceFile
from scanners.languages.python import mentions
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
        (b'def f():\n    """Any variation."""\n    return variation\n', True),
        (b"x = 'it\\'s' # a variation\ny = 'variation'", True),
        (b"x = ''\ny = \"\"\n# a variation\n", False),
        (b'x = f"{client.variation(key)}"', True),
        (b'x = f"any variation"', False),
        (b'x = """a " variation"""', False),
        (b"x = r'\\'\nvariation()", True),
        (b'x = "open\nvariation()', True),
        (b"async def variation(x): pass\nundef = variation", True),
        (b"async def variation(x): pass\nundef = 1", False),
    ],
)
def test_a_name_is_asked_for_in_code_and_not_in_prose(source, asked):
    assert asks_one_of(source, [b"variation"]) is asked


@pytest.mark.parametrize(
    ("source", "asked"),
    [
        (b'url = "http://localhost:2772/applications/x"', True),
        (b'"""http://localhost:2772/applications/x"""\n', False),
        (b'def f():\n    """http://localhost:2772/applications/x"""\n', False),
        (b'get(\n    "http://localhost:2772/applications/x",\n)', True),
        (b"# http://localhost:2772/applications/x\n", False),
    ],
)
def test_a_part_of_a_url_is_asked_for_in_a_text_that_is_no_prose(source, asked):
    assert asks_one_of(source, [b":2772/"]) is asked


@given(
    pieces=st.lists(
        st.sampled_from(["'", '"', '"""', "#", "\n", "variation", " ", "\\", "f", "def ", "x = "]), max_size=14
    )
)
def test_what_texts_and_comments_tell_is_what_the_tree_tells(pieces):
    source = "".join(pieces).encode()
    with suppress(SyntaxError, ValueError):
        ast.parse(source)
        names = [place for place in mentions._places(source, b"variation") if mentions.stands_alone(source, *place)]
        root = Parser(mentions._LANGUAGE).parse(source).root_node
        assert asks_one_of(source, [b"variation"]) is any(mentions._is_asked(root, *place) for place in names)
