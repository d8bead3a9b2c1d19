"""Looking into the bytes of files for what makes them worth reading."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ahocorasick_rs import BytesAhoCorasick, Implementation

from scanners.flag_index import is_plain
from scanners.languages import LANGUAGES
from scanners.languages.base import Language, ScanContext, SourceFile
from scanners.languages.python.mentions import stands_alone
from scanners.languages.python.readers.tables import AGENT_WORDS, STORE_WORDS, WORDS
from scanners.parsed import LARGEST_SOURCE
from scanners.repository import FoundFile, read_bytes
from scanners.workers import Failed

LARGEST_TEXT = 32 << 20
_HEAD = 4096
_SHORTEST_NAME = 3
_GENERATED = re.compile(rb"@generated|[Cc]ode generated .{0,80}DO NOT EDIT")
_ELSEWHERE = b"version https://git-lfs.github.com/spec/"
_WIDE = (b"\xff\xfe", b"\xfe\xff")

Hits = tuple[bool, frozenset[bytes], tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class TooLarge:
    """A file is too large to be held."""


Outcome = Hits | str | TooLarge | Failed | None


@dataclass(slots=True)
class Searcher:
    """Tells of files what makes each a candidate: whether it holds a key, words that tell, and parts of keys where.

    A text says why a file is none although it holds something, ``Failed`` why it cannot be read.
    """

    context: ScanContext
    _prefilter: Prefilter | None = None

    def __reduce__(self) -> tuple[type[Searcher], tuple[ScanContext]]:
        """Another process makes its own engine."""
        return Searcher, (self.context,)

    def __call__(self, files: Sequence[FoundFile]) -> list[Outcome]:
        """Look into files."""
        if self._prefilter is None:
            self._prefilter = Prefilter(self.context)
        return [_searched(self._prefilter, file) for file in files]


def _searched(prefilter: Prefilter, file: FoundFile) -> Outcome:
    try:
        data = read_bytes(file.place, LARGEST_TEXT + 1)
    except OSError as error:
        return Failed(f"not readable: {error.strerror or error}")
    if len(data) > LARGEST_TEXT:
        return TooLarge()
    if data.startswith(_ELSEWHERE):
        return _elsewhere(file)
    spots, words, urls = prefilter.hits(data, python=is_python(file.path))
    if not spots and not words:
        return None
    if _is_binary(data) and not is_python(file.path):
        return "a binary file"
    if _GENERATED.search(data, 0, _HEAD):
        return "generated"
    return bool(spots), words, _in_characters([*spots, *urls], data) if is_python(file.path) else ()


def _elsewhere(file: FoundFile) -> Outcome:
    """What stands for a file that Git LFS keeps: source that cannot be read is told from pictures."""
    if not is_python(file.path) and language_of(file) is None:
        return "a pointer of Git LFS"
    return Failed("a pointer of Git LFS, so that its content is not here; fetch it with git lfs pull")


@dataclass(slots=True)
class Mentions:
    """Tells of files whether they hold one of some names, and the last part of a module that has it."""

    names: tuple[tuple[str, tuple[str, ...]], ...]
    _engine: BytesAhoCorasick | None = None
    _stems: dict[str, tuple[bytes, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, names: Mapping[str, frozenset[str]]) -> Mentions:
        """Look for these names with the modules they are names of; the shortest stand everywhere."""
        return cls(tuple((name, tuple(sorted(names[name]))) for name in sorted(names) if len(name) >= _SHORTEST_NAME))

    def __reduce__(self) -> tuple[type[Mentions], tuple[tuple[tuple[str, tuple[str, ...]], ...]]]:
        """Another process makes its own engine."""
        return Mentions, (self.names,)

    def __call__(self, files: Sequence[FoundFile]) -> list[bool | Failed]:
        """Look into files."""
        if self._engine is None:
            self._engine = _engine([name.encode() for name, _ in self.names])
            self._stems = {name: tuple(stem.encode() for stem in stems) for name, stems in self.names}
        return [self._mentions(self._engine, file) for file in files]

    def _mentions(self, engine: BytesAhoCorasick, file: FoundFile) -> bool | Failed:
        try:
            data = read_bytes(file.place, LARGEST_SOURCE)
        except OSError as error:
            return Failed(f"not readable: {error.strerror or error}")
        hits = {self.names[number][0] for number, _, _ in engine.find_matches_as_indexes(data, overlapping=True)}
        return any(any(stem in data for stem in self._stems[name]) and _holds_word(data, name) for name in hits)


def _engine(patterns: Sequence[bytes]) -> BytesAhoCorasick:
    """What finds all of these at once: by a table of all steps, which is three times as fast, where that is small."""
    small = sum(map(len, patterns)) <= _SMALL_TABLE
    return BytesAhoCorasick(patterns, implementation=Implementation.DFA if small else None)


# So many bytes of patterns make a table of some twenty MB.
_SMALL_TABLE = 1 << 16


class Prefilter:
    """Looks in bytes for every key, its last segment, and the words that make a file worth reading."""

    def __init__(self, context: ScanContext) -> None:
        self._patterns: list[bytes] = []
        self._kinds: list[bytes | None] = []
        for key in context.flags.keys:
            for needle in {key, key.rsplit("/", 1)[-1], _last_part(key)} - {""}:
                for spelled in dict.fromkeys((needle.encode(), needle.encode("latin-1", errors="ignore"))):
                    self._add(spelled, None)
        callables = [accessor.callable.encode().split(b".")[-2:] for accessor in context.options.accessors]
        self._together = [frozenset(parts) for parts in callables]
        stores = {flag.provider for flag in context.flags.flags}
        words = (*WORDS, *(word for store in sorted(stores) for word in STORE_WORDS.get(store, ())))
        # A class is constructed in one file and asked in others.
        classes = {parts[0] for parts in callables if parts[0][:1].isupper()}
        self._python = frozenset(word.encode() for word in words) | classes
        self._texts = frozenset(word.encode() for word in AGENT_WORDS)
        self._others = frozenset(_language_words()) | self._texts
        for word in sorted((self._python | self._others).union(*self._together)):
            self._add(word, word)
        self._engine = _engine(self._patterns)

    def _add(self, pattern: bytes, word: bytes | None) -> None:
        if pattern:
            self._patterns.append(pattern)
            self._kinds.append(word)

    def hits(self, data: bytes, *, python: bool) -> tuple[list[int], frozenset[bytes], list[int]]:
        """Where parts of keys stand in a file, which of the words that tell in its language, and where agent's URLs."""
        if data.startswith(_WIDE):
            data = SourceFile("", data).text().encode("utf-8", errors="replace")
        spots: list[int] = []
        urls: list[int] = []
        words: set[bytes] = set()
        names: set[bytes] = set()
        for number, begin, end in self._engine.find_matches_as_indexes(data, overlapping=True):
            word = self._kinds[number]
            if word is None:
                spots.append(begin)
                continue
            if word in self._texts:
                urls.append(begin)
            if stands_alone(data, begin, end):
                if word not in _ENVIRONMENT or _is_handed(data, begin, end):
                    names.add(word)
            else:
                words.add(word)
        # A configured reader's name alone may be any word: its module or class is named beside it.
        configured = {part for parts in self._together if parts <= names for part in parts}
        told = names | words
        telling = (names & self._python) | (told & self._texts) if python else told & self._others
        return spots, frozenset(configured | telling), urls


_ENVIRONMENT = frozenset({b"environ", b"getenv"})
_ASKED_THERE = re.compile(rb"(?:\.get\s*\(|\[|\()\s*(?P<key>[fF][\"'][^\"'\n]*|[a-zA-Z_][\w.]*)")
_HEADER = re.compile(rb"def\s+\w+\s*\((?P<parameters>[^()]*(?:\([^()]*\)[^()]*)*)\)")
_NAME = re.compile(rb"[A-Za-z_]\w*")
_GIVEN = re.compile(rb"^[ \t]*(?P<name>\w+)[ \t]*=(?P<value>[^=\n].*)$", re.MULTILINE)


def _is_handed(data: bytes, begin: int, end: int) -> bool:
    """Whether a variable is asked for by a parameter of the function around: files that call it name the variable."""
    asked = _ASKED_THERE.match(data, end)
    around = data.rfind(b"def ", max(0, begin - _LONGEST_FUNCTION), begin) if asked is not None else -1
    header = _HEADER.match(data, around, begin) if around >= 0 else None
    if asked is None or header is None:
        return False
    names = set(_NAME.findall(asked["key"]))
    for given in reversed(list(_GIVEN.finditer(data, header.end(), begin))):
        if given["name"] in names:
            names.update(_NAME.findall(given["value"]))
    return not names.isdisjoint(_NAME.findall(header["parameters"]))


_LONGEST_FUNCTION = 4_000


def _last_part(key: str) -> str:
    """What is left of a key behind its last separator, where that is no word that stands everywhere."""
    last = re.split(r"[/.:#]", key)[-1]
    return "" if is_plain(last) else last


def _in_characters(spots: Sequence[int], data: bytes) -> tuple[int, ...]:
    """Offsets of bytes as offsets of characters, in order; in another encoding than UTF-8 they are near them."""
    places = sorted(set(spots))
    if data.isascii():
        return tuple(places)
    found, count, before = [], 0, 0
    for place in places:
        count += len(data[before:place].decode("utf-8", errors="replace"))
        before = place
        found.append(count)
    return tuple(found)


def _language_words() -> Iterator[bytes]:
    for language in LANGUAGES:
        yield from language.words


def _holds_word(data: bytes, name: str) -> bool:
    return re.search(rb"\b" + name.encode() + rb"\b", data) is not None


def _is_binary(data: bytes) -> bool:
    return b"\0" in data[:_HEAD] and not data.startswith(_WIDE)


def is_python(path: str) -> bool:
    """Whether a file is Python's."""
    return path.endswith((".py", ".pyi", ".pyw"))


def language_of(file: FoundFile) -> Language | None:
    """The language that takes a file; None when nobody taught it."""
    try:
        head = SourceFile(file.path, read_bytes(file.place, _HEAD))
    except OSError:
        return None
    return next((language for language in LANGUAGES if language.takes(head)), None)
