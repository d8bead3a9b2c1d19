"""What comments beside a flag's places in code say of its life, in any language that has comments.

Comments are found by form alone, strings left out. A comment is about the flag of the place on its own line, of the
line right below it, and of the statement that begins there; one that names a flag is about that flag. What could be
about several flags is about none: a hint that nobody gave is worse than one that is missed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import PurePosixPath

from auditor.domain.annotations import TELLING, said_in, shown
from auditor.domain.references import Annotation, Certainty, Reference, ReferenceKind
from auditor.domain.sightings import named_in
from scanners.languages._places import Lines
from scanners.languages.base import SourceFile

_PROSE = frozenset({".md", ".markdown", ".rst", ".txt", ".adoc", ".org", ".ipynb"})
_PYTHON = (".py", ".pyi", ".pyw")
_BOTH = (".tf", ".tfvars", ".hcl", ".php")
_DASH = (".sql", ".lua", ".hs", ".elm", ".adb", ".ads")
_MARKUP = (".html", ".htm", ".xhtml", ".xml", ".vue", ".svelte", ".svg", ".csproj")
_SETTINGS = (".ini", ".cfg", ".properties")
_HASH = re.compile(
    r"\.(?:rb|rake|cr|sh|bash|zsh|fish|ksh|ya?ml|toml|env|p[lm]|r|exs?|jl|ps1|conf|nix|tcl|mk|cmake|graphql|robot|feature)"
)
_SLASH = re.compile(
    r"\.(?:[cm]?[jt]s|[jt]sx|java|kts?|scala|go|[ch]|cc|cpp|cxx|hpp|cs|rs|swift|dart|groovy|gradle|json[c5]?|proto|mm?"
    r"|less|scss|zig|bicep|sol|fs)"
)
_NEWLINE = re.compile(r"\r\n|\r|\n")
_MOST_ABOVE = 40
_MOST_OF_A_PLACE = 12
_MOST_OPENERS = 2
_FARTHEST_OPENER = 12
_DECORATION = re.compile(r"^(?:[#;%!]+|//+[!/]?|--+|/\*+!?|\*+/?|<!--+)\s?|\s*(?:\*+/|--+>)\s*$")
_NAME = re.compile(r"\.\.\s*toggle_name:\s*[\"'`]?(?P<name>[^\s\"'`]+)", re.IGNORECASE)
_SEGMENT = re.compile(r"[/.:#]")
_DECLARES = frozenset({ReferenceKind.DEFINE, ReferenceKind.BIND})
_BLOCK_OF_CODE = re.compile(
    r"\)\s*(?:->[^:{]*)?[{:]$|=>\s*\{$|^(?:class|def|function|func|if|for|while|with|try|else)\b"
)


def annotated(references: Iterable[Reference], read: Callable[[str], bytes | None]) -> list[Reference]:
    """Return the references, each with what comments beside it say; ``read`` gives a file's bytes."""
    found = list(references)
    places: dict[str, list[int]] = defaultdict(list)
    for number, one in enumerate(found):
        if one.kind is not ReferenceKind.TEST and PurePosixPath(one.path).suffix.lower() not in _PROSE:
            places[one.path].append(number)
    for path, numbers in places.items():
        data = read(path)
        text = "" if data is None else SourceFile(path, data).text()
        rows = _NEWLINE.split(text) if TELLING.search(text) else ()
        if not any(_may_tell(rows, found[number].line) for number in numbers):
            continue
        said = _Said(path, Lines(text), text, rows, [found[number] for number in numbers])
        for number in numbers:
            annotations = said.beside(found[number])
            if annotations:
                found[number] = replace(found[number], annotations=annotations)
    return found


def _may_tell(rows: Sequence[str], line: int) -> bool:
    """Tell whether anything near a line may say something; most files need no closer look."""
    near = rows[max(0, line - _FARTHEST_OPENER - _MOST_ABOVE) : line + _MOST_ABOVE]
    return any(map(TELLING.search, near))


@dataclass(frozen=True, slots=True)
class _Comment:
    """One line of a comment; ``alone`` where no code stands before it."""

    text: str
    alone: bool


@dataclass(slots=True)
class _Said:
    """The comments of one file, and which flags its lines name."""

    path: str
    lines: Lines
    text: str
    rows: Sequence[str]
    references: Sequence[Reference]
    comments: Mapping[int, _Comment] = field(init=False)
    named: Mapping[int, frozenset[str]] = field(init=False)

    def __post_init__(self) -> None:
        """Find the comments once."""
        self.comments = dict(self._comments())
        named: dict[int, set[str]] = defaultdict(set)
        for one in self.references:
            named[one.line].add(named_in(one))
        self.named = {line: frozenset(names) for line, names in named.items()}

    def beside(self, reference: Reference) -> tuple[Annotation, ...]:
        """Return what comments say of the flag at its place."""
        name = named_in(reference)
        if not self._stands_here(reference):
            return ()
        found: dict[Annotation, None] = {}
        for line in self._lines_about(reference, name):
            comment = self.comments[line]
            for told in said_in(comment.text):
                found[Annotation(self.path, line, told.kind, told.value, shown(comment.text))] = None
        return tuple(found)[:_MOST_OF_A_PLACE]

    def _stands_here(self, reference: Reference) -> bool:
        """Tell whether the place surely is the flag's: a pattern that may be it is not."""
        if reference.certainty is Certainty.CERTAIN:
            return True
        return 0 < reference.line <= len(self.rows) and reference.flag.key in self.rows[reference.line - 1]

    def _lines_about(self, reference: Reference, name: str) -> Iterator[int]:
        line = reference.line
        own = self.comments.get(line)
        if own is not None and own.alone:
            yield from self._about(self._block_around(line), name, line)
            return
        if self.named[line] != {name}:
            return
        if own is not None:
            yield line
        yield from self._about(self._block_ending(line - 1), name, None)
        for opener in self._openers(reference, name):
            comment = self.comments.get(opener)
            if comment is not None:
                yield opener
            yield from self._about(self._block_ending(opener - 1), name, None)

    def _about(self, block: Sequence[int], name: str, line: int | None) -> Iterator[int]:
        """Yield the lines of a block of comments that are about a flag; ``line`` names it, else it stands below."""
        for section in self._sections(block):
            told = _NAME.search(self.comments[section[0]].text)
            if told is not None:
                if line in section or (line is None and _last(told["name"]) == _last(name)):
                    yield from section
                continue
            flags = self._named_in(section)
            if flags <= {name}:
                yield from section if line is None or line in section else ()
            elif line is not None and line in section and self.named.get(line) == frozenset({name}):
                yield line

    def _named_in(self, lines: Iterable[int]) -> frozenset[str]:
        return frozenset(name for line in lines for name in self.named.get(line, ()))

    def _sections(self, block: Sequence[int]) -> Iterator[list[int]]:
        """Yield the parts of a block of comments, each of which an annotation with a name may begin."""
        section: list[int] = []
        for line in block:
            if section and _NAME.search(self.comments[line].text):
                yield section
                section = []
            section.append(line)
        if section:
            yield section

    def _block_ending(self, line: int) -> list[int]:
        """Return the lines of the comment that ends on a line, from its first."""
        begin = line
        while begin > 0 and line - begin < _MOST_ABOVE and self._is_comment(begin):
            begin -= 1
        return list(range(begin + 1, line + 1))

    def _block_around(self, line: int) -> list[int]:
        end = line
        while end - line < _MOST_ABOVE and self._is_comment(end + 1):
            end += 1
        return [*self._block_ending(line), *range(line + 1, end + 1)]

    def _is_comment(self, line: int) -> bool:
        comment = self.comments.get(line)
        return comment is not None and comment.alone

    def _openers(self, reference: Reference, name: str) -> Iterator[int]:
        """Yield the lines where the statement begins that a place stands in, as far as it is about one flag."""
        line = reference.line
        for _ in range(_MOST_OPENERS):
            above = self._parent(line)
            if above is None or reference.line - above > _FARTHEST_OPENER:
                return
            code = self._code(above)
            ending = "([{=:\\" if reference.kind in _DECLARES else "("
            if code[-1:] not in tuple(ending) or _BLOCK_OF_CODE.search(code.strip()):
                return
            if not self._named_in(self._inside(above)) <= {name}:
                return
            yield above
            line = above

    def _parent(self, line: int) -> int | None:
        """Return the nearest line above that is indented less, comments left out."""
        indent = _indent(self.rows[line - 1])
        for above in range(line - 1, max(0, line - 1 - _FARTHEST_OPENER), -1):
            row = self.rows[above - 1]
            if row.strip() and not self._is_comment(above) and _indent(row) < indent:
                return above
        return None

    def _inside(self, opener: int) -> Iterator[int]:
        """Yield the lines below one that are indented more."""
        indent = _indent(self.rows[opener - 1])
        for line in range(opener + 1, len(self.rows) + 1):
            row = self.rows[line - 1]
            if row.strip() and _indent(row) <= indent:
                return
            yield line

    def _code(self, line: int) -> str:
        """Return a line less a comment at its end."""
        row, comment = self.rows[line - 1], self.comments.get(line)
        return (row[: row.rfind(comment.text)] if comment is not None and comment.text else row).rstrip("/#-*; \t")

    def _comments(self) -> Iterator[tuple[int, _Comment]]:
        tokens = _tokens(PurePosixPath(self.path))
        for found in tokens.finditer(self.text):
            if found.lastgroup != "comment":
                continue
            first, column = self.lines.at(found.start())
            alone = not self.rows[first - 1][: column - 1].strip()
            for number, row in enumerate(_NEWLINE.split(found["comment"])):
                yield first + number, _Comment(_undecorated(row), alone or number > 0)


def _undecorated(row: str) -> str:
    """Return a line of a comment less the signs that make it one."""
    return _DECORATION.sub("", _DECORATION.sub("", row.strip()).strip()).strip()


def _indent(row: str) -> int:
    return len(row) - len(row.lstrip())


def _last(name: str) -> str:
    return _SEGMENT.split(name)[-1].replace("_", "-").lower()


_STRINGS = r"\"(?:\\.|[^\"\\\r\n])*\"|'(?:\\.|[^'\\\r\n])*'"
_LONG_STRINGS = r"\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''"
_TICKS = r"`(?:\\.|[^`\\])*`"
_FORMS = {
    "hash": r"(?<![^\s])\#[^\r\n]*",
    "any hash": r"\#[^\r\n]*",
    "slash": r"//[^\r\n]*|/\*.*?(?:\*/|\Z)",
    "dash": r"--[^\r\n]*",
    "markup": r"<!--.*?(?:-->|\Z)",
    "semicolon": r"(?m:^)[ \t]*;[^\r\n]*",
}


def _tokens(path: PurePosixPath) -> re.Pattern[str]:
    """Return what finds strings and comments in a file, by its name."""
    suffix = path.suffix.lower()
    if suffix in _PYTHON:
        return _made(_LONG_STRINGS, _STRINGS, "any hash")
    if suffix in _DASH:
        return _made(_STRINGS, "dash", "slash")
    if suffix in _MARKUP:
        return _made("markup", _STRINGS, "slash")
    if suffix in _SETTINGS:
        return _made(_STRINGS, "hash", "semicolon")
    if _SLASH.fullmatch(suffix):
        return _made(_TICKS, _STRINGS, "slash")
    if _HASH.fullmatch(suffix):
        return _made(_STRINGS, "hash")
    return _made(_STRINGS, "hash", "slash", *(() if suffix in _BOTH else ("markup",)))


@cache
def _made(*parts: str) -> re.Pattern[str]:
    comments = "|".join(_FORMS[part] for part in parts if part in _FORMS)
    strings = "|".join(part for part in parts if part not in _FORMS)
    ahead = f"(?P<comment>{comments})"
    return re.compile(f"{strings}|{ahead}" if strings else ahead, re.DOTALL)
