"""Keys that code may ask for although no list has them; a scan for them then tells which ones reach a reader."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePosixPath

from auditor.domain.references import Certainty, FlagSpec, Reference, ReferenceKind
from scanners.cache import Cache, Facts, unchanged
from scanners.languages.base import SourceFile, is_test_path
from scanners.repository import FoundFile, list_files, read_bytes

_LARGEST = 2 << 20
_MOST = 20_000
_NAME = re.compile(r"(?<![\w./-])/[\w.-]+(?:/[\w.-]+)+")
_CODE = (".py", ".pyi", ".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".java", ".go")
_BEFORE_KEY = r"\s*\(\s*(?:[^()\[\]\"'\n]{0,80},\s*)?(?:\w+\s*[=:]\s*)?"
# What takes a key from any mapping also takes a field from a flag.
_OF_ANYTHING = frozenset({"get", "pop", "has", "setdefault", "includes", "itemgetter", "getattr", "search", "path"})
_ASKS = re.compile(rf"([A-Za-z_]\w*){_BEFORE_KEY}$")
_PROSE = frozenset({".md", ".rst", ".txt", ".adoc"})
# A scan reads each file that holds the last part of a name: a short one stands everywhere.
_SHORTEST = 5
# A parameter's name is known by its form, a variable by nothing; and anything that reads may read a generic flag.
_KEYED_ELSEWHERE = frozenset({"ssm", "env", "generic"})


def parameter_names(path: str, watched: Callable[[str], bool], cache: Cache | None = None) -> list[str]:
    """Return the names in the code and documents of a path that are ``watched``, each once; none that is very short.

    Files that a ``cache`` knows of are not read again.
    """
    files = list_files(path).files
    facts = None if cache is None else Facts.of(cache, path, files)
    found: dict[str, None] = {}
    for file in files:
        if file.size > _LARGEST or _is_aside(file.path):
            continue
        for name in _names(file, facts):
            if len(found) < _MOST and watched(name):
                found[name] = None
    if facts is not None:
        facts.settle()
    return list(found)


def _is_aside(path: str) -> bool:
    """Whether nothing reads a flag in a file that a check would tell of."""
    return is_test_path(path) or PurePosixPath(path).suffix.lower() in _PROSE


def _names(file: FoundFile, facts: Facts | None) -> tuple[str, ...]:
    """What looks like a parameter's name in a file, each once, but none that is very short."""
    table = None if facts is None else facts.table("parameter names")
    held = None if table is None else table.get(file.path)
    if held is not None:
        return tuple(held[0])
    try:
        text = SourceFile(file.path, read_bytes(file.place, _LARGEST)).text()
    except OSError:
        return ()  # the scan lists it as unread
    names = dict.fromkeys(map(_trimmed, _NAME.findall(text)))
    found = tuple(name for name in names if len(name.rpartition("/")[2]) >= _SHORTEST)
    if table is not None and unchanged(file):
        table.put(file.path, found)
    return found


def _trimmed(name: str) -> str:
    """Return a name without what ends the sentence it stands in."""
    return name.rstrip(".-")


def asked_alike(path: str, references: Sequence[Reference]) -> list[str]:
    """Return the keys that are written in a call of the same name as one that surely reads a known flag."""
    files = {source.path: source for source in _sources(path) if source.path.endswith(_CODE)}
    names = sorted({name for reference in references if (name := _asker(files, reference)) is not None})
    if not names:
        return []
    alike = re.compile(rf"\b(?:{'|'.join(names)}){_BEFORE_KEY}[\"'`]([\w.:-]{{1,128}})[\"'`]")
    known = {reference.flag.key for reference in references}
    found = (key for source in files.values() for key in alike.findall(source.text()) if key not in known)
    return list(dict.fromkeys(found))[:_MOST]


def specs_beside(keys: Sequence[str], listed: Sequence[FlagSpec]) -> list[FlagSpec]:
    """Return the keys as flags of every place that holds a listed one: a reader of that place asks for a key there."""
    places = dict.fromkeys(
        (flag.provider, flag.application, flag.environment, flag.profile)
        for flag in listed
        if flag.provider not in _KEYED_ELSEWHERE
    )
    return [FlagSpec(key, *place) for key in keys for place in places][:_MOST]


def _asker(files: dict[str, SourceFile], reference: Reference) -> str | None:
    """Return the name of what asks for a known flag where it surely does; ``None`` where no name stands before it."""
    source = files.get(reference.path)
    sure = reference.kind is ReferenceKind.READ and reference.certainty is Certainty.CERTAIN
    if source is None or not sure or reference.flag.provider in _KEYED_ELSEWHERE:
        return None
    lines = source.text().split("\n")
    found = _ASKS.search(lines[reference.line - 1][: reference.column - 1]) if reference.line <= len(lines) else None
    return found[1] if found is not None and found[1] not in _OF_ANYTHING else None


def _sources(path: str) -> Iterator[SourceFile]:
    for file in list_files(path).files:
        if file.size <= _LARGEST:
            try:
                yield SourceFile(file.path, read_bytes(file.place, _LARGEST))
            except OSError:
                continue  # the scan lists it as unread
