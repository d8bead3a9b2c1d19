"""No code reads a flag."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from auditor.domain.findings import Finding, Severity
from auditor.domain.verdicts import FlagFacts
from auditor.policies._examples import flag, on_flag, scanned
from auditor.policies.base import FlagContext, flag_finding, option


@dataclass(frozen=True, slots=True)
class UnreferencedFlag:
    """A flag that no code reads, and nobody has changed for long, should go."""

    code: str = "unreferenced-flag"
    rule: str = "No code reads a flag that nobody has changed for long."
    severity: Severity = Severity.MEDIUM
    enabled: bool = True
    after: timedelta = option(timedelta(days=30), "How long it may be without a change.")
    scan_within: timedelta = option(timedelta(days=30), "How old a scan may be that says so.")

    VALID: ClassVar = (
        on_flag("code reads it"),
        on_flag("it was never scanned: unknown, not unused", flag(references=None)),
        on_flag("some files were not read", flag(references=scanned(complete=False))),
        on_flag("the scan is old", flag(references=scanned(days=31))),
        on_flag("it may be read", flag(references=scanned(possible=1))),
        on_flag("it is new", flag(days=29, references=scanned())),
    )
    INVALID: ClassVar = (
        on_flag("no code reads it", flag(references=scanned())),
        on_flag("only tests and a template name it", flag(references=scanned(test=2, define=1))),
    )

    def check(self, facts: FlagFacts, context: FlagContext) -> Iterator[Finding]:
        """Report an old flag without a reader in a whole, recent scan."""
        found, changed = facts.references, facts.changed_at or facts.created_at
        if context.gone or found is None or changed is None or context.now - changed < self.after:
            return
        if not found.complete or context.now - found.scanned_at > self.scan_within or found.in_code or found.possible:
            return
        days = (context.now - changed).days
        yield flag_finding(self, facts, f"no code reads it, and it last changed {days} days ago")
