"""Code reads a flag that exists nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from auditor.domain.findings import Finding, Severity
from auditor.domain.references import ReferenceKind
from auditor.domain.verdicts import FlagFacts
from auditor.policies._examples import flag, on_flag, place
from auditor.policies.base import FlagContext, flag_finding, names_of_places

_IN_USE = (ReferenceKind.READ, ReferenceKind.WRITE, ReferenceKind.BIND)


@dataclass(frozen=True, slots=True)
class DanglingReference:
    """Code that asks for a flag that was deleted gets its fallback for ever."""

    code: str = "dangling-reference"
    rule: str = "Code reads a flag that exists nowhere any more."
    severity: Severity = Severity.HIGH
    enabled: bool = True

    VALID: ClassVar = (
        on_flag("it exists", places=(place(),)),
        on_flag("gone, and no code names it", places=(), gone=True),
        on_flag("gone, code was never scanned", gone=True),
        on_flag("gone, a document tells of it", places=(place(kind=ReferenceKind.DOC),), gone=True),
    )
    INVALID: ClassVar = (on_flag("gone, and code reads it", flag(), places=(place(),), gone=True),)

    def check(self, facts: FlagFacts, context: FlagContext) -> Iterator[Finding]:
        """Report the places that ask for a flag that is gone."""
        places = [place for place in context.places or () if place.kind in _IN_USE]
        if context.gone and places:
            yield flag_finding(self, facts, f"it exists nowhere, and code reads it: {names_of_places(places)}")
