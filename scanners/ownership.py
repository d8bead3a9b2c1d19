"""Who owns the code at a place, as the repository's CODEOWNERS file says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from auditor.domain.references import ScanResult
from scanners.repository import is_quick, read_small, repository_top

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

    rules = CodeOwners(text)
    inner = path.resolve()
    below = (inner if inner.is_dir() else inner.parent).relative_to(root.resolve()).as_posix()
    prefix = "" if below == "." else f"{below}/"
    return lambda file: tuple(name for _, name in rules.of(prefix + file))
