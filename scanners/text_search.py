"""Files that no language understands, searched as text: keys that stand whole, each a possible reference."""

from __future__ import annotations

import codecs
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator

from auditor.domain.references import Certainty, FlagSpec, Reference, ReferenceKind
from scanners.flag_index import Occurrence
from scanners.languages.base import FileFindings, ScanContext, SourceFile, encoding_mark, reference

_NEWLINE = re.compile(r"\r\n|\r|\n")
_PROSE = frozenset({".md", ".rst", ".txt", ".adoc", ".org", ".html", ".htm", ""})
_COMMENT = re.compile(r"^\s*(?:#|//|--|;|\*|/\*|<!--|%|'{3}|\"{3})|\s(?:#|//|--)\s[^\"'`]*$")
# Letters and marks that some languages put before a string or a name in quotes.
_PREFIX = re.compile(r"(?<!\w)(?:[A-Za-z]{1,2}#*|[@$:]{1,2}|<<)$")
_CALL = re.compile(r"[\w\])!?]\s*\(\s*(?:[^()]*[,\[{]\s*)?(?:[\"']?\w+[\"']?\s*(?:=>|[:=])\s*)?$")
# A string that is not closed yet, and its end; an apostrophe inside a word is none.
_OPENED = re.compile(r"(?<!\w)(?:\"[^\"]*|'[^']*|`[^`]*)$")
_CLOSED = re.compile(r"[^\"'`\n]*[\"'`]")
_STRING = re.compile(r"\"[^\"]*\"|'[^']*'|`[^`]*`")
_TOOL = re.compile(r"\w*file|BUILD|WORKSPACE|\..*", re.IGNORECASE)
_SCRIPT = re.compile(r"\baws\s[^|;&]*\bssm\s+(?P<verb>get|put|delete|label|unlabel|add-tags|remove-tags)\b[^|;&]*$")
_SUBSCRIPT = re.compile(r"[\w\])]\s*\[\s*$")
_LONGEST = 2000
# One reference is told of a flag on a line; which it is, is seen from so many of its places.
_MOST_ON_A_LINE = 50


def search_text(file: SourceFile, context: ScanContext) -> FileFindings:
    """Find the keys that stand whole in a file; the kind follows from the form around them."""
    text = file.text()
    starts = (0, *(found.end() for found in _NEWLINE.finditer(text)))
    references: list[Reference] = []
    looked: Counter[tuple[int, FlagSpec]] = Counter()
    for found in context.flags.words(text):
        line = bisect_right(starts, found.start)
        looked[line, found.flag] += 1
        if looked[line, found.flag] > _MOST_ON_A_LINE:
            continue
        begin = starts[line - 1]
        before = text[max(begin, found.start - _LONGEST) : found.start]
        references += _reference(
            file, found, (before, text[found.end : found.end + _LONGEST]), line, found.start - begin + 1
        )
    return FileFindings(tuple(references))


def search_pieces(path: str, pieces: Iterable[bytes], context: ScanContext) -> FileFindings:
    """Find the keys that stand whole in a file of any size, of which only two pieces are held at a time.

    The first place of a flag on a line is told.
    """
    file = SourceFile(path, b"")
    longest = max((len(key) for key in context.flags.keys), default=0)
    margin = longest + _LONGEST
    references: dict[tuple[int, FlagSpec], Reference] = {}
    line, column, done, window = 1, 1, 0, ""
    for text, last in _decoded(pieces):
        window += text
        if len(window) < 2 * margin and not last:
            continue
        starts = (0, *(found.end() for found in _NEWLINE.finditer(window)))
        sure = len(window) if last else len(window) - margin
        for found in context.flags.words(window):
            if done <= found.start < sure:
                number = bisect_right(starts, found.start)
                begin = starts[number - 1]
                at = line + number - 1
                around = (
                    window[max(begin, found.start - _LONGEST) : found.start],
                    window[found.end : found.end + _LONGEST],
                )
                place = found.start - begin + (column if number == 1 else 1)
                for made in _reference(file, found, around, at, place):
                    references.setdefault((at, found.flag), made)
        # A line's end of two characters is not torn apart.
        cut = max(0, sure - margin - (window[sure - margin - 1 : sure - margin] == "\r"))
        number = bisect_right(starts, cut)
        column = cut - starts[number - 1] + (column if number == 1 else 1)
        line += number - 1
        done, window = sure - cut, window[cut:]
    return FileFindings(tuple(references.values()))


def _decoded(pieces: Iterable[bytes]) -> Iterator[tuple[str, bool]]:
    """Text piece by piece, and whether it is the last; in the encoding that the first piece is in."""
    decoder: codecs.IncrementalDecoder | None = None
    for piece in pieces:
        if decoder is None:
            decoder = codecs.getincrementaldecoder(_encoding(piece))(errors="replace")
        yield decoder.decode(piece), False
    yield (decoder.decode(b"", final=True) if decoder is not None else ""), True


def _encoding(piece: bytes) -> str:
    marked = encoding_mark(piece)
    if marked is not None:
        return marked
    try:
        codecs.getincrementaldecoder("utf-8")().decode(piece)
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _reference(
    file: SourceFile, found: Occurrence, around: tuple[str, str], line: int, column: int
) -> tuple[Reference, ...]:
    """The reference that a key's place in a line is; none where it is a word of a longer string."""
    kind = _kind(file, *around, found)
    if kind is None:
        return ()
    how = f"the key stands in a file that is searched as text, {_FORMS[kind]}"
    return (reference(file, found.flag, kind, line, column, how, certainty=Certainty.POSSIBLE),)


_FORMS = {
    ReferenceKind.READ: "as an argument or subscript",
    ReferenceKind.WRITE: "in a command that sets it",
    ReferenceKind.BIND: "as a value",
    ReferenceKind.DOC: "in prose",
}


def _is_prose(file: SourceFile) -> bool:
    """Whether a file is read by people; one without an ending may be a tool's own: Jenkinsfile, .babelrc."""
    return file.name.suffix.lower() in _PROSE and not _TOOL.fullmatch(file.name.name)


def _kind(file: SourceFile, before: str, after: str, found: Occurrence) -> ReferenceKind | None:
    if _is_prose(file) or _COMMENT.search(before):
        return ReferenceKind.DOC
    command = _SCRIPT.search(before)
    if command is not None:
        return ReferenceKind.READ if command["verb"] == "get" else ReferenceKind.WRITE
    if not found.quoted:
        if _OPENED.search(_STRING.sub("", before)) and _CLOSED.match(after):
            return None
        return ReferenceKind.BIND if re.search(r"[=:]\s*$|^\s*-\s*$", before) else ReferenceKind.DOC
    ahead = _PREFIX.sub("", before[:-1])
    if _CALL.search(ahead) or _SUBSCRIPT.search(ahead):
        return ReferenceKind.READ
    if before.endswith("'") and _SENTENCE.search(_STRING.sub("", ahead)):
        return None
    return ReferenceKind.BIND


# A sentence in a string, as far as the word before a key that it quotes.
_SENTENCE = re.compile(r"\"[^\"]*\w\s+$")
