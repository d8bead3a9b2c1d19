"""Dotenv, properties, INI and TOML files: names that are given keys, line by line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from auditor.domain.references import Certainty, ReferenceKind
from scanners.flag_index import is_plain
from scanners.keytext import KeyText
from scanners.languages._findings import Findings
from scanners.languages._places import Span
from scanners.languages.base import FileFindings, ScanContext, SourceFile

_BIND, _DEFINE = ReferenceKind.BIND, ReferenceKind.DEFINE
_SUFFIXES = frozenset({".env", ".properties", ".ini", ".cfg", ".conf", ".toml", ".service"})
_LINE = re.compile(r"[^\r\n]+")
_ASSIGNMENT = re.compile(r"\s*(?:export\s+|Environment=[\"']?)?(?P<name>[\"']?[\w./-]+[\"']?)\s*[=:]\s*")
_VALUE = re.compile(r"\"(?P<double>(?:[^\"\\]|\\.)*)\"|'(?P<single>[^']*)'|(?P<plain>[^\s#;,]+(?:[^#;\r\n]*[^\s#;])?)")
_QUOTED = re.compile(r"(?P<quote>[\"'])(?P<text>[^\"'\r\n]+)(?P=quote)")
_SECTION = re.compile(r"\s*\[{1,2}(?P<name>[^\[\]]*)\]{1,2}")
_COMMENT = re.compile(r"(?:^|(?<=\s))[#;!].*")
_HOLE = re.compile(r"\$\{(?P<braced>[^}:]*)[^}]*\}|\$(?P<plain>[A-Za-z_]\w*)")
_ON_OR_OFF = frozenset({"true", "false", "on", "off", "yes", "no", "0", "1", "enabled", "disabled"})
_FLAG_WORDS = re.compile(r"flag|feature|toggle|experiment|switch", re.IGNORECASE)


class Dotenv:
    """Files of names and values."""

    name = "dotenv"
    words: tuple[bytes, ...] = ()
    code = False

    def takes(self, file: SourceFile) -> bool:
        """Whether the file is of names and values, by its name."""
        name = file.name.name.lower()
        return file.name.suffix.lower() in _SUFFIXES or name == ".env" or name.startswith(".env.")

    def find(self, file: SourceFile, context: ScanContext) -> FileFindings:
        """Find the names that are given keys, or are flags."""
        text = file.text()
        reader = _Reader(Findings.of(file, context, text), Span(text))
        for line in _LINE.finditer(text):
            reader.line(line.start(), line.group())
        return reader.findings.result()


@dataclass(slots=True)
class _Reader:
    findings: Findings
    span: Span
    _values: dict[str, KeyText] = field(default_factory=dict)
    _section: str = ""

    def line(self, begin: int, line: str) -> None:
        """Read one line."""
        section = _SECTION.fullmatch(line.split("#", 1)[0].rstrip())
        if section is not None and "=" not in line:
            self._section = section["name"]
            return
        assignment = _ASSIGNMENT.match(line)
        if line.lstrip()[:1] in {"#", ";", "!"}:
            self._comment(begin, line)
        elif assignment is not None:
            self._assignment(begin, line, assignment)
        else:
            self._list(begin, line, 0)

    def _comment(self, begin: int, line: str) -> None:
        self.findings.prose(self.span.part(begin, begin + len(line)), "a comment names the key")

    def _assignment(self, begin: int, line: str, assignment: re.Match[str]) -> None:
        name = assignment["name"].strip("\"'")
        found = _VALUE.match(line, assignment.end())
        if found is None or found.group()[:1] in {"[", "{"}:
            self._list(begin, line, assignment.end())
            self._key(name, None, begin + assignment.start("name"))
            return
        text = found["double"] or found["single"] or found["plain"] or ""
        value = KeyText.known(text) if found["single"] is not None else self._expanded(text)
        self._values[name] = value
        at = begin + found.start()
        self.findings.bound(name, value, at, f"{name} is given a value", begin + assignment.start("name"))
        self._key(name, text, begin + assignment.start("name"))
        rest = _COMMENT.search(line, found.end())
        if rest is not None:
            self._comment(begin + rest.start(), rest.group())

    def _expanded(self, text: str) -> KeyText:
        parts: list[str | None] = []
        position = 0
        for found in _HOLE.finditer(text):
            parts.append(text[position : found.start()])
            known = self._values.get(found["braced"] or found["plain"] or "")
            parts += (None,) if known is None else known.parts
            position = found.end()
        return KeyText.of([*parts, text[position:]])

    def _list(self, begin: int, line: str, start: int) -> None:
        """The elements of a list, on the line of its name or below."""
        for found in _QUOTED.finditer(line, start):
            if not is_plain(found["text"]):
                self.findings.exact(found["text"], (), _BIND, begin + found.start(), "an element of a list")
        comment = _COMMENT.search(_QUOTED.sub(lambda one: "x" * len(one.group()), line), start)
        if comment is not None:
            self._comment(begin + comment.start(), line[comment.start() :])

    def _key(self, name: str, value: str | None, at: int) -> None:
        """A name that is a flag's key itself, in a file that seems to hold flags."""
        named = _FLAG_WORDS.search(self._section) is not None
        says = value is not None and value.lower() in _ON_OR_OFF
        if "/" in name or named or (says and not is_plain(name)):
            stores = ("ssm",) if "/" in name else ("appconfig", "s3", "dynamodb", "openfeature", "launchdarkly")
            what = "a name in a file whose shape is not known"
            self.findings.exact(name, stores, _DEFINE, at, what, certainty=Certainty.POSSIBLE)
