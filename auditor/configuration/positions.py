"""Finds the line of every key and list element of a TOML text that the parser has accepted."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BARE_VALUE = re.compile(r"[^,\]}\n#]+")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)


def lines(text: str) -> dict[Path, int]:
    """Return the line (from 1) of every table, key and list element by its path, in text that ``tomllib`` accepts."""
    return _Reader(text).read()


class _Reader:
    """Walks over a text that is known to be valid, so it only has to know where things begin and end."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.ends = [match.start() for match in re.finditer("\n", text)]
        self.at = 0
        self.found: dict[Path, int] = {}
        self.tables: dict[Path, int] = {}

    def read(self) -> dict[Path, int]:
        """Return the lines of all paths."""
        prefix: Path = ()
        self._blank()
        while self.at < len(self.text):
            if self.text.startswith("[", self.at):
                prefix = self._header()
            else:
                self._pair(prefix)
            self._blank()
        return self.found

    def _blank(self) -> None:
        """Go over white space, line ends and comments."""
        match = _BLANK.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def _line(self) -> int:
        return bisect_left(self.ends, self.at) + 1

    def _note(self, path: Path) -> None:
        self.found.setdefault(path, self._line())

    def _header(self) -> Path:
        """Read ``[table]`` or ``[[table]]`` and return the path that the keys below it have."""
        repeated = self.text.startswith("[[", self.at)
        line = self._line()
        self.at += 2 if repeated else 1
        *above, last = self._key()
        self.at += 2 if repeated else 1
        path: Path = ()
        for part in above:
            path = self._inside((*path, part), line)
        path = (*path, last)
        self.found.setdefault(path, line)
        if not repeated:
            return path
        self.tables[path] = self.tables.get(path, -1) + 1
        path = (*path, self.tables[path])
        self.found[path] = line
        return path

    def _inside(self, path: Path, line: int) -> Path:
        """Return the path of the table that a header goes through: of a repeated one, the newest."""
        self.found.setdefault(path, line)
        return (*path, self.tables[path]) if path in self.tables else path

    def _key(self) -> list[str]:
        """Read a dotted key."""
        parts: list[str] = []
        while True:
            self._blank()
            quoted = _STRING.match(self.text, self.at)
            match = quoted or _BARE_KEY.match(self.text, self.at)
            if match is None:
                return parts
            self.at = match.end()
            parts.append(_unquoted(match[0]) if quoted else match[0])
            self._blank()
            if not self.text.startswith(".", self.at):
                return parts
            self.at += 1

    def _pair(self, prefix: Path) -> None:
        """Read ``key = value``."""
        self._blank()
        line = self._line()
        path = prefix
        for part in self._key():
            path = (*path, part)
            self.found.setdefault(path, line)
        self.at += 1
        self._value(path)

    def _value(self, path: Path) -> None:
        """Read a value, noting what is inside it."""
        self._blank()
        opening = self.text[self.at : self.at + 1]
        if opening in {"[", "{"}:
            self.at += 1
            self._items(path, inline_table=opening == "{")
            return
        match = _STRING.match(self.text, self.at) or _BARE_VALUE.match(self.text, self.at)
        self.at = match.end() if match else len(self.text)

    def _items(self, path: Path, *, inline_table: bool) -> None:
        """Read the elements of a list, or the pairs of an inline table, up to its end."""
        index = 0
        self._blank()
        while self.at < len(self.text) and self.text[self.at] not in "]}":
            if inline_table:
                self._pair(path)
            else:
                self._note((*path, index))
                self._value((*path, index))
            index += 1
            self._blank()
            if self.text.startswith(",", self.at):
                self.at += 1
                self._blank()
        self.at += 1


def _unquoted(key: str) -> str:
    """Return what a quoted key names."""
    if key.startswith("'"):
        return key[1:-1]
    import tomllib  # noqa: PLC0415 -- only a quoted key needs it

    name: str = tomllib.loads(f"key = {key}")["key"]
    return name
