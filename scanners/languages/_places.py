"""Where the characters of a text stand in the file that holds it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

_NEWLINE = re.compile(r"\r\n|\r|\n")


@dataclass(slots=True)
class Lines:
    """Turns offsets in a text into lines and columns, from 1."""

    text: str
    _starts: tuple[int, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Find where lines begin, once."""
        self._starts = (0, *(found.end() for found in _NEWLINE.finditer(self.text)))

    def at(self, offset: int) -> tuple[int, int]:
        """The line and the column of an offset."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


@dataclass(frozen=True, slots=True)
class Span:
    """A text inside a file; ``offsets`` places each character where escapes moved them apart."""

    text: str
    start: int = 0
    offsets: Sequence[int] | None = None

    def place(self, index: int) -> int:
        """The offset in the file of a character of this text."""
        if self.offsets is None:
            return self.start + index
        if not self.offsets:
            return self.start
        return self.offsets[min(index, len(self.offsets) - 1)]

    def part(self, begin: int, end: int) -> Span:
        """A part of the text, placed alike."""
        if self.offsets is None:
            return Span(self.text[begin:end], self.start + begin)
        return Span(self.text[begin:end], self.place(begin), self.offsets[begin:end])


_ESCAPE = re.compile(
    r"\\(?:u(?P<u>[0-9a-fA-F]{4})|x(?P<x>[0-9a-fA-F]{2})|U(?P<U>[0-9a-fA-F]{8})|(?P<eol>\r?\n[ \t]*)|(?P<c>.))",
    re.DOTALL,
)
_SIMPLE = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0", "a": "\a", "v": "\v", "e": "\x1b"}
_LAST_CODE_POINT = 0x10FFFF


def unescaped(span: Span) -> Span:
    """The text that backslash escapes of the C family stand for, each character where its escape begins."""
    if "\\" not in span.text:
        return span
    characters: list[str] = []
    offsets: list[int] = []
    position = 0
    for found in _ESCAPE.finditer(span.text):
        _copy(span, position, found.start(), characters, offsets)
        for character in _meant(found):
            characters.append(character)
            offsets.append(span.place(found.start()))
        position = found.end()
    _copy(span, position, len(span.text), characters, offsets)
    return Span("".join(characters), span.start, offsets)


def without_doubled(span: Span, quote: str) -> Span:
    """The text in which a doubled quote stands for one."""
    if quote * 2 not in span.text:
        return span
    characters: list[str] = []
    offsets: list[int] = []
    position = 0
    for found in re.finditer(re.escape(quote * 2), span.text):
        _copy(span, position, found.start() + 1, characters, offsets)
        position = found.end()
    _copy(span, position, len(span.text), characters, offsets)
    return Span("".join(characters), span.start, offsets)


def _copy(span: Span, begin: int, end: int, characters: list[str], offsets: list[int]) -> None:
    characters.extend(span.text[begin:end])
    offsets.extend(span.place(index) for index in range(begin, end))


def _meant(found: re.Match[str]) -> str:
    code = found["u"] or found["x"] or found["U"]
    if code is not None:
        number = int(code, 16)
        return chr(number) if number <= _LAST_CODE_POINT else "\ufffd"
    if found["eol"] is not None:
        return ""
    return _SIMPLE.get(found["c"], found["c"])
