"""Where the names and literals of a parsed module stand in its text.

The parser keeps no positions, and asking its own provider costs more than the parse. All leaves are visited in
the order of the text, so what lies between two of them is only blank, operators, keywords and comments.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import accumulate

_KEYWORDS = [
    "and",
    "as",
    "assert",
    "async",
    "await",
    "break",
    "class",
    "continue",
    "def",
    "del",
    "elif",
    "else",
    "except",
    "finally",
    "for",
    "from",
    "global",
    "if",
    "import",
    "in",
    "is",
    "lambda",
    "nonlocal",
    "not",
    "or",
    "pass",
    "raise",
    "return",
    "try",
    "while",
    "with",
    "yield",
]
_BETWEEN = re.compile(
    r"(?:[\s()\[\]{},.:;=+\-*/%&|^~<>!@\\]+|#[^\n\r]*|(?:" + "|".join(_KEYWORDS) + r")\b)*",
)
_COMMENT = re.compile(r"#[^\n\r]*")
_NEWLINE = re.compile(r"\r\n|\r|\n")
_REACH = 4000
_POINTS = frozenset("()[]{},.:;= ")


@dataclass(slots=True)
class Cursor:
    """A place in the text that only moves forward."""

    text: str
    at: int = 0
    comments: list[tuple[int, str]] = field(default_factory=list)

    def take(self, leaf: str) -> int:
        """Move behind the next ``leaf`` and return where it begins."""
        text, at = self.text, self.at
        # Nearly always nothing stands between two leaves, or a point, a bracket, a comma and a blank.
        if not text.startswith(leaf, at):
            if text[at : at + 1] not in _POINTS:
                return self._search(leaf)
            at += 1
            if not text.startswith(leaf, at):
                at += 1
                if text[at - 1 : at] != " " or not text.startswith(leaf, at):
                    return self._search(leaf)
        end = at + len(leaf)
        if text[end : end + 1].isalnum() or text[end : end + 1] == "_":
            return self._search(leaf)  # a keyword begins like it
        self.at = end
        return at

    def pass_by(self, begin: int, end: int) -> int:
        """Move behind a leaf of which it is known where it stands, and return where it begins."""
        if self.text.find("#", self.at, begin) >= 0:
            self._skip()
        self.at = end
        return begin

    def _search(self, leaf: str) -> int:
        start = self._skip()
        if not self.text.startswith(leaf, start):
            found = self.text.find(leaf, self.at, self.at + _REACH + len(leaf))
            if found < 0:
                return self.at
            start = found
        self.at = start + len(leaf)
        return start

    def text_part(self, leaf: str) -> int:
        """Move behind text inside an f-string, which may hold anything."""
        found = self.text.find(leaf, self.at, self.at + _REACH + len(leaf))
        if found < 0:
            return self.at
        self.at = found + len(leaf)
        return found

    def finish(self) -> None:
        """Take the comments behind the last leaf."""
        self._skip()

    def _skip(self) -> int:
        found = _BETWEEN.match(self.text, self.at)
        end = found.end() if found is not None else self.at
        if self.text.find("#", self.at, end) >= 0:
            self.comments += [(m.start(), m.group()) for m in _COMMENT.finditer(self.text, self.at, end)]
            self.at = end
        return end


def line_starts(text: str) -> tuple[int, ...]:
    """The offset at which each line begins."""
    if "\r" not in text:
        return (0, *accumulate(map((1).__add__, map(len, text.split("\n")[:-1]))))
    return (0, *(found.end() for found in _NEWLINE.finditer(text)))
