"""A scan as SARIF 2.1.0, which code hosts and editors show beside the code."""

from __future__ import annotations

from auditor.application.checking import RULES, CheckFinding, CheckReport
from auditor.domain.flags import JsonValue
from auditor.domain.references import Reference, ReferenceKind, ScanResult, Unread, Unresolved

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_RULES = {
    ReferenceKind.READ: "A flag is read",
    ReferenceKind.WRITE: "A flag is written",
    ReferenceKind.DEFINE: "A flag is declared",
    ReferenceKind.BIND: "A name is given a flag's key",
    ReferenceKind.TEST: "A test names a flag",
    ReferenceKind.DOC: "A text names a flag",
}


def to_sarif(result: ScanResult) -> dict[str, JsonValue]:
    """The scan as one SARIF run; unread files and unresolved reads are notifications of the run."""
    rules: list[JsonValue] = [
        {"id": f"flag-{kind.value}", "shortDescription": {"text": text}} for kind, text in _RULES.items()
    ]
    notices: list[JsonValue] = [
        *(_unread(entry) for entry in result.unread),
        *(_unresolved(entry) for entry in result.unresolved),
    ]
    run: dict[str, JsonValue] = {
        "tool": {"driver": {"name": "flagtrail", "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(reference) for reference in result.references],
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notices}],
        "properties": {"complete": result.complete, "commit": result.commit},
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def check_to_sarif(report: CheckReport) -> dict[str, JsonValue]:
    """A check as one SARIF run; what fails nothing, and what was not checked, are notifications of the run."""
    rules: list[JsonValue] = [{"id": code, "shortDescription": {"text": text}} for code, text in RULES.items()]
    notices: list[JsonValue] = [{"level": "note", "message": {"text": notice.text}} for notice in report.notices]
    notices += [{"level": "note", "message": {"text": f"not checked: {text}"}} for text in report.unchecked]
    run: dict[str, JsonValue] = {
        "tool": {"driver": {"name": "flagtrail", "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "results": [_finding(finding) for finding in report.findings],
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notices}],
        "properties": {"complete": report.complete, "commit": report.commit},
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _finding(finding: CheckFinding) -> JsonValue:
    return {
        "ruleId": finding.code,
        "level": "error",
        "message": {"text": finding.text},
        "locations": [_location(finding.path or "", finding.line or 1, finding.column or 1)],
        "properties": finding.to_json(),
    }


def _result(reference: Reference) -> JsonValue:
    doubt = "" if reference.certainty.value == "certain" else " (possible)"
    return {
        "ruleId": f"flag-{reference.kind.value}",
        "level": "note",
        "message": {"text": f"{reference.kind.value} of {reference.flag.key}{doubt}"},
        "locations": [_location(reference.path, reference.line, reference.column)],
        "properties": reference.to_json(),
    }


def _location(path: str, line: int, column: int) -> JsonValue:
    from urllib.parse import quote

    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(path)},
            "region": {"startLine": line, "startColumn": column},
        }
    }


def _unread(entry: Unread) -> JsonValue:
    return {"level": "warning", "message": {"text": f"{entry.path} was not understood: {entry.reason}"}}


def _unresolved(entry: Unresolved) -> JsonValue:
    return {
        "level": "note",
        "message": {"text": entry.reason},
        "locations": [_location(entry.path, entry.line, entry.column)],
    }
