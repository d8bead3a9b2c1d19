"""Files that no language understands, searched as text: keys that stand whole, each a possible reference."""

from __future__ import annotations

import re
from bisect import bisect_right

from auditor.domain.references import Certainty, ReferenceKind
from scanners.flag_index import Occurrence
from scanners.languages.base import FileFindings, ScanContext, SourceFile, reference

_NEWLINE = re.compile(r"\r\n|\r|\n")
_PROSE = frozenset({".md", ".rst", ".txt", ".adoc", ".org", ".html", ".htm", ""})
_COMMENT = re.compile(r"^\s*(?:#|//|--|;|\*|/\*|<!--|%|'{3}|\"{3})|\s(?:#|//|--)\s[^\"'`]*$")
_CALL = re.compile(r"[\w\])!?]\s*\(\s*(?:[^()]*,\s*)?(?:\w+\s*[:=]\s*)?$")
_SUBSCRIPT = re.compile(r"[\w\])]\s*\[\s*$")
_LONGEST = 2000


def search_text(file: SourceFile, context: ScanContext) -> FileFindings:
    """Find the keys that stand whole in a file; the kind follows from the form around them."""
    text = file.text()
    starts = (0, *(found.end() for found in _NEWLINE.finditer(text)))
    references = []
    for found in context.flags.words(text):
        line = bisect_right(starts, found.start)
        begin = starts[line - 1]
        kind = _kind(file, text[max(begin, found.start - _LONGEST) : found.start], found)
        references.append(
            reference(
                file,
                found.flag,
                kind,
                line,
                found.start - begin + 1,
                f"the key stands in a file that is searched as text, {_FORMS[kind]}",
                certainty=Certainty.POSSIBLE,
            )
        )
    return FileFindings(tuple(references))


_FORMS = {
    ReferenceKind.READ: "as an argument or subscript",
    ReferenceKind.BIND: "as a value",
    ReferenceKind.DOC: "in prose",
}


def _kind(file: SourceFile, before: str, found: Occurrence) -> ReferenceKind:
    if file.name.suffix.lower() in _PROSE or _COMMENT.search(before):
        return ReferenceKind.DOC
    if not found.quoted:
        return ReferenceKind.BIND if re.search(r"[=:]\s*$|^\s*-\s*$", before) else ReferenceKind.DOC
    if _CALL.search(before[:-1]) or _SUBSCRIPT.search(before[:-1]):
        return ReferenceKind.READ
    return ReferenceKind.BIND
