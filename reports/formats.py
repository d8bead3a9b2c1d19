"""The data of a page in other forms: JSON, JSON Lines, CSV, Markdown and SARIF; the name of the file says which.

One row at a time is made and written, so that memory stays bounded however long a report is.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO
from urllib.parse import quote

from auditor.domain.errors import UsageError
from auditor.domain.flags import JsonValue
from auditor.domain.json_text import cell, to_json
from auditor.domain.references import Reference
from reports.render import unfinished, visible

Record = Mapping[str, JsonValue]

PAGES = frozenset({".html", ".htm", ""})
"""How the name of a page ends; everything else is data."""


@dataclass(frozen=True, slots=True)
class Remark:
    """What a code host shows beside a line: which rule, its sentence, what it says there, and where."""

    rule: str
    sentence: str
    text: str
    place: Reference


@dataclass(frozen=True, slots=True)
class Document:
    """A report as data: ``facts`` are about all of it, ``rows`` and ``lines`` (of Markdown) are made when asked for.

    ``name`` is what JSON calls the rows. ``remarks`` is ``None`` where a report says nothing of code.
    """

    facts: Record
    name: str
    rows: Callable[[], Iterable[Record]]
    lines: Callable[[], Iterable[str]]
    remarks: Callable[[], Iterable[Remark]] | None = None


def write_document(document: Document, out: Path) -> None:
    """Write a report in the form that the file's name asks for; raise ``UsageError`` where there is no such form."""
    form = _FORMS.get(out.suffix.lower())
    if form is None:
        raise UsageError(f"{out}: a report is written as .html, {', '.join(_FORMS)}; name the file accordingly")
    if document.remarks is None and form is _sarif:
        raise UsageError(f"{out}: this report says nothing of code, which is what SARIF is for")
    with unfinished(out) as file:
        form(document, file)


def _json(document: Document, file: TextIO) -> None:
    opening = to_json(dict(document.facts), indent=2)[:-2]
    file.write(f"{opening},\n  {to_json(document.name)}: [")
    file.writelines(
        ("," if number else "") + "\n    " + to_json(dict(row)) for number, row in enumerate(document.rows())
    )
    file.write("\n  ]\n}\n")


def _jsonl(document: Document, file: TextIO) -> None:
    file.writelines(f"{to_json(dict(row))}\n" for row in document.rows())


def _csv(document: Document, file: TextIO) -> None:
    """Write a column for each member of the first row; every row has the same ones."""
    writer, columns = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n"), None
    for row in document.rows():
        if columns is None:
            columns = list(row)
            writer.writerow(columns)
        writer.writerow([cell(row.get(name)) for name in columns])


def _markdown(document: Document, file: TextIO) -> None:
    file.writelines(f"{line}\n" for line in document.lines())


def _sarif(document: Document, file: TextIO) -> None:
    remarks = list(document.remarks()) if document.remarks is not None else []
    rules = {remark.rule: remark.sentence for remark in remarks}
    run = {
        "tool": {
            "driver": {
                "name": "flagtrail",
                "rules": [{"id": rule, "shortDescription": {"text": text}} for rule, text in rules.items()],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": [_result(remark) for remark in remarks],
    }
    whole = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    file.write(to_json(whole, indent=2) + "\n")


def _result(remark: Remark) -> JsonValue:
    region: JsonValue = {"startLine": remark.place.line, "startColumn": remark.place.column}
    where: JsonValue = {"artifactLocation": {"uri": quote(remark.place.path)}, "region": region}
    return {
        "ruleId": remark.rule,
        "level": "warning",
        "message": {"text": remark.text},
        "locations": [{"physicalLocation": where}],
    }


_FORMS: Mapping[str, Callable[[Document, TextIO], None]] = {
    ".json": _json,
    ".jsonl": _jsonl,
    ".csv": _csv,
    ".md": _markdown,
    ".sarif": _sarif,
}


def marked_down(text: object) -> str:
    """Return foreign text on one line in which Markdown, and HTML in it, finds nothing to do."""
    line = " ".join(visible(text).split())
    return "".join(f"\\{char}" if char in _MARKS else char for char in line)


_MARKS = frozenset("\\`*_{}[]()<>#+-!|~&@:$^=\"'/")


def table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Yield the lines of a table."""
    names = list(columns)
    yield f"| {' | '.join(names)} |"
    yield f"|{'---|' * len(names)}"
    for row in rows:
        yield f"| {' | '.join(marked_down(value) for value in row)} |"
