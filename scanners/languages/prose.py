"""Text for people: every key in it that stands as a word of its own is a mention."""

from __future__ import annotations

from scanners.languages._findings import Findings
from scanners.languages._places import Span
from scanners.languages.base import FileFindings, ScanContext, SourceFile

_SUFFIXES = frozenset(
    {".md", ".markdown", ".mdx", ".rst", ".txt", ".adoc", ".asciidoc", ".org", ".text", ".textile", ".tex", ".wiki"}
)
_NAMES = frozenset({"readme", "changelog", "changes", "history", "news", "authors", "contributing", "license", "todo"})


class Prose:
    """Documentation by its suffix or its usual name."""

    name = "prose"
    words: tuple[bytes, ...] = ()
    code = True

    def takes(self, file: SourceFile) -> bool:
        """Whether the file is text for people."""
        return file.name.suffix.lower() in _SUFFIXES or file.name.name.lower() in _NAMES

    def find(self, file: SourceFile, context: ScanContext) -> FileFindings:
        """Find the keys that the text mentions."""
        text = file.text()
        findings = Findings.of(file, context, text)
        findings.prose(Span(text), "a text names the key")
        return findings.result()
