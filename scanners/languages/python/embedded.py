"""Flag documents that stand as text in Python code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.domain.references import ReferenceKind
from scanners.languages import _flag_documents
from scanners.languages._findings import Findings
from scanners.languages._places import Span
from scanners.languages.base import ScanContext, SourceFile
from scanners.languages.python import tree
from scanners.languages.python.values import Site, Text

if TYPE_CHECKING:
    from scanners.languages.python.machine import Machine


def declared(m: Machine, path: str) -> None:
    """Every document in the texts of a module declares its flags."""
    facts = m.project.load(path)
    for document in facts.documents if facts is not None else ():
        _report(m, path, document, ReferenceKind.DEFINE)


def written(m: Machine, text: Text) -> None:
    """A text is written as a flag document: each flag in it is, where its key stands."""
    for site in dict.fromkeys((text.at, *(step.site for step in text.trail))):
        facts = m.project.load(site.path) if site.path else None
        for document in facts.documents if facts is not None else ():
            if document.pos == site.pos:
                _report(m, site.path, document, ReferenceKind.WRITE)


def _report(m: Machine, path: str, document: tree.Document, kind: ReferenceKind) -> None:
    findings = Findings.of(SourceFile(path, b""), ScanContext(m.reporter.flags, m.options), document.text)
    _flag_documents.find_in_span(findings, Span(document.text), kind)
    for (flag, offset, _), found in findings.references.items():
        site = Site(path, document.place(offset))
        m.reporter.add(flag, site, kind, found.certainty, found.resolution)
