"""Who owns the code at a place, as the repository's CODEOWNERS file says."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from auditor.domain.references import ScanResult
from scanners.repository import is_quick, read_small, repository_top

_HEADER = re.compile(r"\^?\[(?P<name>[^\]]+)\](?:\[\d+\])?(?:\s+(?P<owners>[^#]*))?(?:#.*)?")
# A pattern without owners.
_RULE = re.compile(r"(?!#)(?:\\.|[^\s\\])+")
_PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")


def with_owners(path: str, result: ScanResult) -> ScanResult:
    """The result of scanning a path, each reference with the owners of its file; none where no file says."""
    found = _owners(Path(path)) if result.references else None
    if found is None:
        return result
    owners = {file: found(file) for file in dict.fromkeys(one.path for one in result.references)}
    return replace(result, references=tuple(replace(one, owners=owners[one.path]) for one in result.references))


def _owners(path: Path) -> Callable[[str], tuple[str, ...]] | None:
    top = repository_top(path)
    root = top if top is not None else path
    text = next((text for place in _PLACES if (text := read_small(root / place)) is not None), None)
    # A rule that takes too long cannot be left out: the last one that fits counts.
    if text is None or not all(map(is_quick, text.splitlines())):
        return None
    from codeowners import CodeOwners  # noqa: PLC0415 -- only where there is such a file

    sections = [CodeOwners(lines) for lines in _sections(text)]
    inner = path.resolve()
    below = (inner if inner.is_dir() else inner.parent).relative_to(root.resolve()).as_posix()
    prefix = "" if below == "." else f"{below}/"
    return lambda file: tuple(dict.fromkeys(name for rules in sections for _, name in rules.of(prefix + file)))


def _sections(text: str) -> list[str]:
    """The rules of each section: in a section the last rule that fits counts, and a file has owners of every section.

    What stands before the first is one as well, and on GitHub the whole file. Sections of one name are one, and a
    section may name the owners of its rules that name none (GitLab, "Code Owners syntax").
    """
    found: dict[str, list[str]] = {"": []}
    name = default = ""
    for line in map(str.strip, text.removeprefix("\ufeff").splitlines()):
        header = _HEADER.fullmatch(line)
        if header is not None:
            name, default = header["name"].lower(), (header["owners"] or "").strip()
            found.setdefault(name, [])
        elif not line.startswith(("[", "^[")):  # a range of characters is no pattern of such a file
            rule = _RULE.fullmatch(line)
            found[name].append(f"{line} {default}" if rule is not None and default else line)
    return ["\n".join(lines) for lines in found.values() if lines]
