"""What a key in text is for, told from the form around it."""

from __future__ import annotations

import re

from auditor.domain.references import Certainty, ReferenceKind
from scanners.languages._findings import Findings
from scanners.languages._places import Span

_CALL = re.compile(r"[\w\])!?]\s*\(\s*(?:[^()]*[,\[{]\s*)?(?:[\"']?\w+[\"']?\s*(?:=>|[:=])\s*)?$")
_SUBSCRIPT = re.compile(r"[\w\])]\s*\[\s*$")
_COMMENT = re.compile(r"^\s*(?:#|//|--|;|\*|/\*|<!--|\{#)|\s(?:#|//|--)\s[^\"'`]*$")
_BEFORE = 400


def possible_in(findings: Findings, span: Span, what: str) -> None:
    """Report the keys that stand whole in code that is only looked at as text; free text in it is none."""
    for found in findings.context.flags.words(span.text):
        begin = max(span.text.rfind("\n", 0, found.start) + 1, found.start - _BEFORE)
        kind = form_of(span.text[begin : found.start], quoted=found.quoted)
        if kind is not None:
            at = span.place(found.start - (1 if found.quoted else 0))
            findings.add(found.flag, kind, at, what, certainty=Certainty.POSSIBLE)


def form_of(before: str, *, quoted: bool) -> ReferenceKind | None:
    """The kind of a key from what stands before it on its line; None for text that is neither code nor comment."""
    if _COMMENT.search(before):
        return ReferenceKind.DOC
    if not quoted:
        return None
    ahead = before[:-1]
    if _CALL.search(ahead) or _SUBSCRIPT.search(ahead):
        return ReferenceKind.READ
    return ReferenceKind.BIND
