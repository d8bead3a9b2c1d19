"""The code's fallback is not what production says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from auditor.domain.findings import Finding, Severity
from auditor.domain.flags import FlagState, JsonValue
from auditor.domain.readings import read_state
from auditor.domain.references import Certainty, ReferenceKind
from auditor.domain.verdicts import EnvironmentFacts, FlagFacts
from auditor.domain.wording import show
from auditor.policies._examples import falling_back, flag, on_flag, place, state
from auditor.policies.base import PRODUCTION, FlagContext, fits, flag_finding, names_of_places, option

_MOST = 3


@dataclass(frozen=True, slots=True)
class FallbackDiffers:
    """When the store does not answer, everybody gets the fallback."""

    code: str = "fallback-differs"
    rule: str = "Code falls back to something else than what production has been set to."
    severity: Severity = Severity.LOW
    enabled: bool = True
    environments: tuple[str, ...] = option(PRODUCTION, "The environments that count, by patterns.")

    VALID: ClassVar = (
        on_flag("it falls back to what is live", places=(falling_back(True),)),
        on_flag("text for a switch", flag(state("prod", "true")), places=(falling_back(True),)),
        on_flag("no fallback is given", places=(place(),)),
        on_flag(
            "half way between", flag(state("prod", {"enabled": True, "rollout": 5})), places=(falling_back(False),)
        ),
        on_flag("off in staging only", flag(state("staging", False)), places=(falling_back(True),)),
    )
    INVALID: ClassVar = (
        on_flag("on in production, off in the code", places=(falling_back(False),)),
        on_flag("another number", flag(state("prod", 25)), places=(falling_back(10),)),
    )

    def check(self, facts: FlagFacts, context: FlagContext) -> Iterator[Finding]:
        """Report certain reads whose fallback differs from what everybody gets in an environment that counts."""
        reads = [
            place
            for place in context.places or ()
            if place.kind is ReferenceKind.READ and place.default is not None and place.certainty is Certainty.CERTAIN
        ]
        for environment in facts.environments:
            if environment.environment is None or not fits(self.environments, environment.environment):
                continue
            other = [r for r in reads if r.default is not None and _differs(r.default.value, environment)]
            if other and environment.state is not None:
                live = show(environment.state.value)
                back = " or ".join(list(dict.fromkeys(show(r.default.value) for r in other if r.default))[:_MOST])
                message = f"it is {live} in {environment.environment}; code falls back to {back}"
                yield flag_finding(self, facts, f"{message}: {names_of_places(other)}", environment.environment)


def _differs(fallback: JsonValue, live: EnvironmentFacts) -> bool:
    """Tell whether a fallback surely says something else; ``None``, and what cannot be compared, does not."""
    known, meant = read_state(live.state), read_state(FlagState(fallback))
    if known.settled and meant.settled:
        return known.position is not meant.position
    value = live.state.value if live.state is not None else None
    plain = (int, float, str)
    numbers = isinstance(fallback, plain) and isinstance(value, plain) and not isinstance(fallback, bool)
    return numbers and not isinstance(value, bool) and str(fallback) != str(value)
