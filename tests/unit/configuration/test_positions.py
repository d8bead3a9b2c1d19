"""Positions: every path that the parser sees has the line it stands on."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.configuration.positions import lines


def paths(value, prefix=()):
    """Yield the path of everything inside a parsed document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*prefix, key)
        yield from paths(item, (*prefix, key))


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("a = 1\n", ("a",), 1),
        ("# note\n\n  a = 1", ("a",), 3),
        ("[t]\na = 1\nb = 2\n", ("t", "b"), 3),
        ("[t]\na = 1\nb = 2\n", ("t",), 1),
        ("[[s]]\na = 1\n[[s]]\na = 2\n", ("s", 1, "a"), 4),
        ("[[s]]\n[s.t]\nb=1\n[[s]]\n[s.t]\nb = 2\n", ("s", 1, "t", "b"), 6),
        ("[a.b.c]\nd = 1", ("a", "b", "c", "d"), 2),
        ("a.b.c = 1\na.b.d = 2", ("a", "b", "d"), 2),
        ("a = [\n  1,\n  # between\n  2,\n]\nb = 3", ("a", 1), 4),
        ("a = [\n  1,\n  2,\n]\nb = 3", ("b",), 5),
        ('a = """x\n# no comment\ny = 2\n"""\nb = 1', ("b",), 5),
        ("a = '''\n]\n'''\nb = 1", ("b",), 4),
        ('a = "\\"# ]"\nb = 1', ("b",), 2),
        ('a = """q\\""""\nb = 1', ("b",), 2),
        ('a = """q"""""\nb = 1', ("b",), 2),
        ("a = { b = 1, c = [ 2, 3 ] }\nd = 4", ("a", "c", 1), 1),
        ("a = {}\nb = []\nc = 1", ("c",), 3),
        ("\"quoted \\u00e9\" = 1\n'lit.eral' = 2", ("lit.eral",), 2),
        ('"quoted \\u00e9" = 1\n', ("quoted é",), 1),
        ("a = 2026-03-01T00:00:00Z # [x]\nb = 1", ("b",), 2),
        ("a = 1\r\nb = 2\r\n", ("b",), 2),
    ],
)
def test_a_key_is_found_on_its_line(text, path, line):
    tomllib.loads(text)

    assert lines(text)[path] == line


KEYS = st.sampled_from(["a", "b-c", "D_1", '"q # [x]"', "'l = \"'", '"e\\"s"'])
SCALARS = st.sampled_from(
    ["1", "-0.5", "true", "2026-03-01", '"t # ]}"', "'l , ]'", '"""m\n# [x]\n"""', "'''m\n= ''\n'''", '"e\\"]"', "inf"]
)
BREAKS = st.sampled_from(["", " ", "\n", " # note ]\n", "\n\n  "])


@st.composite
def arrays(draw, values):
    items = draw(st.lists(values, max_size=3))
    parts = [f"{draw(BREAKS)}{item}{draw(BREAKS)}" for item in items]
    return "[" + ",".join(parts) + ("," if parts and draw(st.booleans()) else "") + draw(BREAKS) + "]"


@st.composite
def inline_tables(draw, values):
    keys = draw(st.lists(KEYS, unique=True, max_size=3))
    return "{" + ", ".join(f"{key} = {draw(values)}" for key in keys) + "}"


VALUES = st.recursive(SCALARS, lambda inner: arrays(inner) | inline_tables(inner), max_leaves=6)


@st.composite
def documents(draw):
    blocks = []
    for number in range(draw(st.integers(0, 4))):
        keys = draw(st.lists(KEYS, unique=True, max_size=3))
        pairs = "".join(f"{draw(BREAKS)}{key} = {draw(VALUES)} # end\n" for key in keys)
        header = draw(st.sampled_from([f"[t{number}]", "[[many]]", f"[ t{number} . x ]", f"[[ 'n{number}' ]]"]))
        blocks.append(f"{header}\n{pairs}")
    return "".join(blocks)


@given(documents())
def test_what_the_parser_sees_has_a_line(text):
    found = lines(text)

    assert set(found) == set(paths(tomllib.loads(text)))
    assert all(1 <= line <= text.count("\n") + 1 for line in found.values())


@given(documents(), st.integers(1, 9))
def test_lines_move_with_the_text(text, count):
    assert lines("\n" * count + text) == {path: line + count for path, line in lines(text).items()}
