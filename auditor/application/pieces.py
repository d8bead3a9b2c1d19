"""A text with many events, cut into the JSON text of each, so that a broken one costs its neighbours nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.application.bounded_json import MAX_BATCH_BYTES, MAX_EVENT_BYTES, loads_bounded
from auditor.domain.errors import MalformedEventError

_MARKS = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{},]', re.DOTALL)
_STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}


def pieces(text: str) -> Iterator[str]:
    """Yield the JSON texts in a text, each to be read by itself: one value, an array's elements, lines, a sequence."""
    lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) > 1 and _reads(lines[0]):
        yield from lines
    elif text.lstrip().startswith("["):
        yield from [text] if len(text) <= MAX_EVENT_BYTES and _reads(text) else _elements(text, lines)
    elif _reads(text):
        yield text
    else:
        yield from _sequence(text, lines)


def _elements(text: str, lines: list[str]) -> list[str]:
    """Cut an array that cannot be read as one into its elements; by lines where its brackets do not match."""
    by_bracket = [piece for piece in _array_elements(text) if piece.strip()]
    trimmed = [line.strip().rstrip(",").removeprefix("[").removesuffix("]") for line in lines]
    by_line = [line for line in trimmed if line.strip()]
    return by_line if sum(map(_reads, by_line)) > sum(map(_reads, by_bracket)) else by_bracket


def _sequence(text: str, lines: list[str]) -> list[str]:
    """Cut values that stand one after the other; by lines where they cannot be told apart by their brackets."""
    values = [piece for piece in _values(text) if piece.strip()]
    by_line = not all(map(_reads, values)) and any(map(_reads, lines))
    return lines if by_line else values


def _array_elements(text: str) -> Iterator[str]:
    """Yield what stands between the commas of the outermost array, and what is left when it does not end."""
    depth, begin = 0, 0
    for mark in _MARKS.finditer(text):
        sign = mark[0]
        depth += _STEPS.get(sign, 0)
        if sign == "[" and depth == 1:
            begin = mark.end()
        elif (sign == "," and depth == 1) or (sign == "]" and depth == 0):
            yield text[begin : mark.start()]
            begin = mark.end()
    yield text[begin:]


def _values(text: str) -> Iterator[str]:
    """Yield each outermost object or array, and what is left when the last does not end."""
    depth, begin = 0, 0
    for mark in _MARKS.finditer(text):
        step = _STEPS.get(mark[0], 0)
        depth += step
        if step < 0 and depth == 0:
            yield text[begin : mark.end()]
            begin = mark.end()
    yield text[begin:]


def _reads(text: str) -> bool:
    try:
        loads_bounded(text, MAX_BATCH_BYTES)
    except MalformedEventError:
        return False
    return True
