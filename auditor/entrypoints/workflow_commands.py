"""A check as workflow commands, which GitHub shows beside the lines of a pull request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from auditor.application.checking import RULES, CheckFinding, CheckReport


def workflow_commands(report: CheckReport, path: str) -> Iterator[str]:
    """Yield a command for each thing to say; ``path`` is what was checked, from where the workflow runs."""
    for finding in report.findings:
        where = {
            "file": _file(finding, path),
            "line": str(finding.line or 1),
            "col": str(finding.column or 1),
            "title": RULES[finding.code],
        }
        yield f"::error {','.join(f'{name}={_property(text)}' for name, text in where.items())}::{_data(finding.text)}"
    for notice in report.notices:
        yield f"::notice title={_property(RULES[notice.code])}::{_data(notice.text)}"
    for text in report.unchecked:
        yield f"::debug::{_data(f'not checked: {text}')}"


def _file(finding: CheckFinding, path: str) -> str:
    checked = Path(path)
    return (checked if checked.is_file() else checked / (finding.path or "")).as_posix()


def _data(text: str) -> str:
    """Return a message that cannot end its line, and so begin a command of its own."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
