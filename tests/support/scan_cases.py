"""Cases for the scanner: small repositories as text, each expected reference marked at the end of its line.

    == what the case shows
    flags: /shop/x  appconfig:new-checkout@shop//features
    -- app/keys.py
    KEY = "/shop/x"  #! bind /shop/x

A mark is ``kind key``, ``kind? key`` for a possible one, ``=value`` behind it for the fallback, several with
commas, or ``unresolved``. It is cut off before the scan. A line without a mark must give no reference.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from auditor.domain.references import FlagSpec, ScanResult
from auditor.domain.scan_options import ScanOptions
from scanners import engine

CASES = Path(__file__).parent.parent / "unit" / "scanners" / "cases"
_MARK = re.compile(r"\s*#! ?(?P<marks>.*)$")
_ONE = re.compile(r"(?P<kind>\w+)(?P<possible>\?)?(?: (?P<key>[^\s=]+))?(?: ?=(?P<default>.+))?")

Found = tuple[str, int, str, str, str]


@dataclass
class Case:
    """One small repository, and what must be found in it."""

    topic: str
    title: str
    flags: list[FlagSpec] = field(default_factory=list)
    files: dict[str, list[str]] = field(default_factory=dict)
    expected: set[Found] = field(default_factory=set)
    defaults: dict[tuple[str, int, str], Any] = field(default_factory=dict)
    unresolved: set[tuple[str, int]] = field(default_factory=set)
    options: ScanOptions = field(default_factory=ScanOptions)

    @property
    def id(self) -> str:
        return f"{self.topic}: {self.title}"

    def scan(self, folder: Path) -> ScanResult:
        """Write the files and scan them."""
        for path, lines in self.files.items():
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return engine.scan([str(folder)], self.flags, self.options)


def found_in(result: ScanResult) -> set[Found]:
    """The references of a scan as a case expects them."""
    return {(r.path, r.line, r.kind.value, r.flag.key, r.certainty.value) for r in result.references}


def read_cases() -> list[Case]:
    """Every case of every file."""
    return [case for file in sorted(CASES.glob("*.case")) for case in _cases(file)]


def _cases(file: Path) -> list[Case]:
    cases: list[Case] = []
    lines: list[str] = []
    path = ""
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith("== "):
            cases.append(Case(file.stem, line[3:]))
        elif line.startswith("flags: "):
            cases[-1].flags = [_flag(word) for word in line.removeprefix("flags: ").split()]
        elif line.startswith("options: "):
            cases[-1].options = _options(line.removeprefix("options: "))
        elif line.startswith("-- "):
            path = line[3:]
            lines = cases[-1].files.setdefault(path, [])
        elif cases and path:
            lines.append(_line(cases[-1], path, len(lines) + 1, line))
        elif line.strip():
            raise ValueError(f"{file}:{number}: belongs to no case")
    return cases


def _line(case: Case, path: str, number: int, line: str) -> str:
    mark = _MARK.search(line)
    if mark is None:
        return line
    for text in re.split(r",\s+", mark["marks"]):
        one = _ONE.fullmatch(text.strip())
        if one is None:
            raise ValueError(f"{case.id}: {text!r} is no mark")
        if one["kind"] == "unresolved":
            case.unresolved.add((path, number))
            continue
        certainty = "possible" if one["possible"] else "certain"
        case.expected.add((path, number, one["kind"], one["key"], certainty))
        if one["default"] is not None:
            case.defaults[path, number, one["key"]] = json.loads(one["default"])
    return line[: mark.start()]


def _flag(word: str) -> FlagSpec:
    provider, colon, rest = word.partition(":")
    if not colon or provider.startswith("/"):
        provider, rest = ("ssm" if word.startswith("/") else "appconfig"), word
    key, _, place = rest.partition("@")
    parts = [part or None for part in place.split("/")] if place else []
    return FlagSpec(key, provider, *parts)


def _options(text: str) -> ScanOptions:
    from auditor.domain.scan_options import Accessor, Model, Override, Returns, argument

    held = json.loads(text)
    accessors = []
    for entry in held.get("accessors", ()):
        for name in ("key", "default"):
            if name in entry:
                entry[name] = argument(entry[name])
        if "returns" in entry:
            entry["returns"] = Returns(entry["returns"])
        for name in ("reads", "within"):
            entry[name] = tuple(entry.get(name, ()))
        accessors.append(Accessor(**entry))
    overrides = [Override(**{**entry, "key": argument(entry.get("key", 0))}) for entry in held.get("overrides", ())]
    return ScanOptions(
        accessors=tuple(accessors),
        overrides=tuple(overrides),
        models=tuple(Model(**entry) for entry in held.get("models", ())),
        tables=tuple(held.get("tables", ())),
        buckets=tuple(held.get("buckets", ())),
    )
