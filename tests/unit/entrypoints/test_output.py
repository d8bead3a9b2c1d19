"""Answers on stdout: JSON, cells and text that do no harm."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.entrypoints import output
from auditor.entrypoints.progress import TerminalProgress

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(JSON)
def test_json_is_utf8_and_says_what_it_was_given(value):
    assert json.loads(output.to_json(value).encode()) == value


def test_half_a_character_is_escaped():
    assert output.to_json("a\ud800") == '"a\\ud800"'


def test_a_number_that_json_has_not_is_refused():
    with pytest.raises(ValueError):
        output.to_json(float("nan"))


@given(st.text())
def test_a_cell_is_never_a_formula_and_loses_nothing(text):
    cell = output.cell(text)
    first = next((c for c in cell if c.isprintable() and not c.isspace()), "")

    assert first not in set("=+-@|%")
    assert cell.removeprefix("'").encode() == text.removeprefix("'").encode("utf-8", "backslashreplace")


@pytest.mark.parametrize(
    ("value", "cell"), [(None, ""), (True, "true"), (3, "3"), ({"a": [1]}, '{"a": [1]}'), (-1, "'-1")]
)
def test_what_is_no_text_is_json_in_a_cell(value, cell):
    assert output.cell(value) == cell


@given(st.text())
def test_visible_text_cannot_steer_a_terminal(text):
    assert all(c.isprintable() or c == "\n" for c in output.visible(text))


class Terminal:
    """A stream that says it is a terminal, or not."""

    def __init__(self, *, terminal):
        self.terminal = terminal
        self.written = ""

    def isatty(self):
        return self.terminal

    def write(self, text):
        self.written += text
        return len(text)

    def flush(self):
        pass


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_shows_on_a_terminal_only(terminal, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal(terminal=terminal)

    with TerminalProgress(stream) as progress:
        progress(1, None, "listing [ssm]")
        progress(2, 5, "reading")

    assert ("reading" in stream.written) is terminal
    assert stream.written.count("\n") <= 1
