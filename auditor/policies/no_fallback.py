"""Code reads a flag without a fallback."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import ClassVar

from auditor.domain.findings import Finding, Severity
from auditor.domain.references import Certainty, ReferenceKind
from auditor.domain.verdicts import FlagFacts
from auditor.policies._examples import falling_back, on_flag, place
from auditor.policies.base import FlagContext, flag_finding, names_of_places

# A template or a document that names a flag has no place for a fallback.
_NO_CODE = frozenset({".yaml", ".yml", ".json", ".tf", ".tfvars", ".toml", ".env"})


@dataclass(frozen=True, slots=True)
class NoFallback:
    """When the store does not answer, the code fails."""

    code: str = "no-fallback"
    rule: str = "Code reads a flag without a fallback."
    severity: Severity = Severity.INFO
    enabled: bool = True

    VALID: ClassVar = (
        on_flag("it has one", places=(falling_back(None),)),
        on_flag("a template reads it", places=(place("template.yaml"),)),
        on_flag("a test reads it", places=(place("tests/test_a.py", kind=ReferenceKind.TEST),)),
        on_flag("it may be another flag", places=(place(certainty=Certainty.POSSIBLE),)),
    )
    INVALID: ClassVar = (on_flag("it has none", places=(place(),)),)

    def check(self, facts: FlagFacts, context: FlagContext) -> Iterator[Finding]:
        """Report certain reads in code for which no fallback was found."""
        bare = [
            place
            for place in context.places or ()
            if place.kind is ReferenceKind.READ
            and place.certainty is Certainty.CERTAIN
            and place.default is None
            and PurePosixPath(place.path).suffix not in _NO_CODE
        ]
        if bare and not context.gone:
            yield flag_finding(self, facts, f"code reads it without a fallback: {names_of_places(bare)}")
