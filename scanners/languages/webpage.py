"""Web pages and their templates: keys asked for in expressions, given in attributes, mentioned in comments."""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.domain.references import Certainty, FlagSpec, ReferenceKind
from scanners.flag_index import is_plain
from scanners.languages._findings import Findings
from scanners.languages._forms import form_of
from scanners.languages.base import FileFindings, ScanContext, SourceFile

_SUFFIXES = frozenset(
    {
        ".html", ".htm", ".xhtml", ".jinja", ".jinja2", ".j2", ".erb", ".hbs", ".handlebars", ".mustache", ".ejs",
        ".njk", ".liquid", ".twig", ".cshtml", ".jsp", ".ftl", ".haml", ".pug", ".slim", ".gohtml", ".mako",
    }
)  # fmt: skip
_OPENING = re.compile(r"<!--|\{#|\{\{|\{%|<%|<script\b|<[A-Za-z]", re.IGNORECASE)
_CLOSING = {"<!--": "-->", "{#": "#}", "{{": "}}", "{%": "%}", "<%": "%>", "<script": "</script", "<": ">"}
_COMMENTS = frozenset({"<!--", "{#"})
_BEFORE = 400


class WebPage:
    """HTML, and what makes it."""

    name = "webpage"
    words: tuple[bytes, ...] = ()
    code = True

    def takes(self, file: SourceFile) -> bool:
        """Whether the file is a page or the template of one by its suffix."""
        return file.name.suffix.lower() in _SUFFIXES

    def find(self, file: SourceFile, context: ScanContext) -> FileFindings:
        """Find the keys that stand whole, each as what its place suggests."""
        text = file.text()
        findings = Findings.of(file, context, text)
        find_in_page(findings, text)
        return findings.result()


def find_in_page(findings: Findings, text: str) -> None:
    """Find the keys in a page whose code is not taken apart."""
    regions = list(_regions(text))
    number = 0
    for found in findings.context.flags.words(text):
        while number < len(regions) and regions[number][1] <= found.start:
            number += 1
        inside = regions[number][2] if number < len(regions) and regions[number][0] < found.start else None
        _report(findings, text, found.start, inside, quoted=found.quoted, flag=found.flag)


def _regions(text: str) -> Iterator[tuple[int, int, str]]:
    """Comments and code, from where to where; what is opened and never closed is none."""
    position = 0
    unclosed: set[str] = set()
    while (found := _OPENING.search(text, position)) is not None:
        mark = found.group().lower()
        mark = mark if mark in _CLOSING else "<"
        position = found.end()
        if mark in unclosed:
            continue
        end = text.find(_CLOSING[mark], found.end())
        if end < 0:
            unclosed.add(mark)
            continue
        position = end + len(_CLOSING[mark])
        yield found.start(), position, "comment" if mark in _COMMENTS else "code"


def _report(findings: Findings, text: str, start: int, inside: str | None, *, quoted: bool, flag: FlagSpec) -> None:
    if inside == "comment":
        findings.add(flag, ReferenceKind.DOC, start, "a comment names the key")
        return
    begin = max(text.rfind("\n", 0, start) + 1, start - _BEFORE)
    kind = form_of(text[begin:start], quoted=quoted) if inside == "code" else None
    if kind is ReferenceKind.BIND and is_plain(flag.key):
        return  # the class, id or name of an element
    what = "the key stands in a template, which is searched as text"
    certainty = Certainty.POSSIBLE
    findings.add(flag, kind or ReferenceKind.DOC, start - quoted, what, certainty=certainty)
