"""A code language: Ruby, as far as it asks Parameter Store by the AWS SDK, or names a flag in a comment."""

from __future__ import annotations

import re

from auditor.domain.references import ReferenceKind
from scanners.flag_index import Reader
from scanners.keytext import KeyText
from scanners.languages._findings import Findings
from scanners.languages._places import Span
from scanners.languages.base import FileFindings, ScanContext, SourceFile

_PARAMETER_STORE = Reader(frozenset({"ssm"}))
_CALL = re.compile(r"\.get_parameter\(\s*name:\s*(?P<quote>[\"'])(?P<key>(?:(?!(?P=quote)|#\{|\\).)+)(?P=quote)")
_COMMENT = re.compile(r"(?:^|(?<=\s))#[^{].*$", re.MULTILINE)


class Ruby:
    """Ruby files, read as text: what is not plainly one of these forms is left alone."""

    name = "ruby"
    words: tuple[bytes, ...] = ()
    code = True

    def takes(self, file: SourceFile) -> bool:
        """Whether the file is Ruby, by its name."""
        return file.name.suffix in {".rb", ".rake"} or file.name.name == "Rakefile"

    def find(self, file: SourceFile, context: ScanContext) -> FileFindings:
        """Find calls that ask for a parameter by a whole key, and comments that name one."""
        text = file.text()
        findings = Findings.of(file, context, text)
        for call in _CALL.finditer(text):
            key, place = KeyText.known(call["key"]), call.start("quote")
            findings.ask(key, _PARAMETER_STORE, ReferenceKind.READ, place, "get_parameter")
        span = Span(text)
        for comment in _COMMENT.finditer(text):
            findings.prose(span.part(comment.start(), comment.end()), "comment")
        return findings.result()
