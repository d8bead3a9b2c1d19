"""Two places in code fall back to different things."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from auditor.domain.findings import Finding, Severity
from auditor.domain.references import Certainty, Reference, ReferenceKind
from auditor.domain.sameness import Sameness
from auditor.domain.verdicts import FlagFacts
from auditor.policies._examples import falling_back, on_flag, place
from auditor.policies.base import FlagContext, flag_finding, names_of_places


@dataclass(frozen=True, slots=True)
class FallbacksDisagree:
    """When the store does not answer, one half of the code does one thing and the other half another."""

    code: str = "fallbacks-disagree"
    rule: str = "Places in code that read a flag fall back to different values."
    severity: Severity = Severity.MEDIUM
    enabled: bool = True

    VALID: ClassVar = (
        on_flag("one place", places=(falling_back(True),)),
        on_flag("the same everywhere", places=(falling_back(False), falling_back(False, "shop/cart.py"))),
        on_flag("one without a fallback", places=(falling_back(False), place("shop/cart.py"))),
    )
    INVALID: ClassVar = (
        on_flag("on here, off there", places=(falling_back(True), falling_back(False, "shop/cart.py"))),
    )

    def check(self, facts: FlagFacts, context: FlagContext) -> Iterator[Finding]:
        """Report certain reads with different fallbacks, one place of each."""
        same = Sameness()
        first: dict[int, Reference] = {}
        for read in context.places or ():
            if read.kind is ReferenceKind.READ and read.certainty is Certainty.CERTAIN and read.default is not None:
                first.setdefault(same(read.default.value), read)
        if len(first) > 1:
            yield flag_finding(
                self, facts, f"code falls back to different values: {names_of_places(list(first.values()))}"
            )
