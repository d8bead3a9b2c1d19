"""Code asks the store for a flag on every request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from auditor.domain.findings import Finding, Severity
from auditor.domain.references import EVERY_REQUEST, Certainty, Reference, ReferenceKind
from auditor.domain.verdicts import FlagFacts
from auditor.policies._examples import on_flag, place
from auditor.policies.base import FlagContext, flag_finding, names_of_places

_ASKED = ("ssm.get_parameter", f"{EVERY_REQUEST}, in handler")


@dataclass(frozen=True, slots=True)
class UncachedRead:
    """Each request waits for the store, pays for the call, and fails where the store's rate limit is reached."""

    code: str = "uncached-read"
    rule: str = "Code asks the store for a flag on every request, without keeping the answer."
    severity: Severity = Severity.LOW
    enabled: bool = True

    VALID: ClassVar = (
        on_flag("nothing was scanned"),
        on_flag("read once", places=(place(resolution=("ssm.get_parameter",)),)),
        on_flag("a test does so", places=(place("tests/test_a.py", kind=ReferenceKind.TEST, resolution=_ASKED),)),
        on_flag("it may be another flag", places=(place(certainty=Certainty.POSSIBLE, resolution=_ASKED),)),
    )
    INVALID: ClassVar = (on_flag("a handler asks a client of AWS", places=(place(resolution=_ASKED),)),)

    def check(self, facts: FlagFacts, context: FlagContext) -> Iterator[Finding]:
        """Report certain reads that a function which serves requests always comes by, itself or through helpers."""
        found = [place for place in context.places or () if _is_asked(place)]
        if found and not context.gone:
            yield flag_finding(self, facts, f"code asks for it on every request: {names_of_places(found)}")


def _is_asked(place: Reference) -> bool:
    asked = any(step.startswith(EVERY_REQUEST) for step in place.resolution)
    return asked and place.kind is ReferenceKind.READ and place.certainty is Certainty.CERTAIN
