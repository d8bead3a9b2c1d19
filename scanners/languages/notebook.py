"""Notebooks: their text as text for people, their code as code that is only looked at."""

from __future__ import annotations

from scanners.languages._findings import Findings
from scanners.languages._forms import possible_in
from scanners.languages._places import Span
from scanners.languages._trees import Mapping, Node, Scalar, Sequence, read, walk
from scanners.languages.base import FileFindings, ScanContext, SourceFile
from scanners.unreadable import UnreadableSourceError


class Notebook:
    """Jupyter's notebooks."""

    name = "notebook"
    words: tuple[bytes, ...] = ()
    code = True

    def takes(self, file: SourceFile) -> bool:
        """Whether the file is a notebook by its suffix."""
        return file.name.suffix.lower() == ".ipynb"

    def find(self, file: SourceFile, context: ScanContext) -> FileFindings:
        """Find the keys in a notebook's cells; raises UnreadableSourceError when it is none."""
        text = file.text()
        findings = Findings.of(file, context, text)
        roots = read(Span(text), is_json=True).roots
        cells = roots[0].get("cells") if len(roots) == 1 and isinstance(roots[0], Mapping) else None
        if not isinstance(cells, Sequence):
            raise UnreadableSourceError("no notebook: it has no cells")
        for cell in cells.items:
            _cell(findings, cell)
        return findings.result()


def _cell(findings: Findings, cell: Node) -> None:
    source = cell.get("source") if isinstance(cell, Mapping) else None
    if source is None or not isinstance(cell, Mapping):
        return
    for _, node in walk([source]):
        if not isinstance(node, Scalar):
            continue
        if cell.text("cell_type") == "code":
            possible_in(findings, node.inner(), "the code of a notebook, searched as text")
        else:
            findings.prose(node.inner(), "a text names the key")
