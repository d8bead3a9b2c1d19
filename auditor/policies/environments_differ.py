"""A flag says different things in different environments for too long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from auditor.domain.findings import Finding, Severity
from auditor.domain.sameness import Sameness
from auditor.domain.verdicts import FlagFacts
from auditor.policies._examples import flag, on_flag, state
from auditor.policies.base import FlagContext, flag_finding, option


@dataclass(frozen=True, slots=True)
class EnvironmentsDiffer:
    """What was tested is then not what runs."""

    code: str = "environments-differ"
    rule: str = "A flag has said different things in different environments for too long."
    severity: Severity = Severity.LOW
    enabled: bool = True
    after: timedelta = option(timedelta(days=30), "How long environments may differ.")

    VALID: ClassVar = (
        on_flag("one environment"),
        on_flag("the same in both", flag(state("prod", True), state("staging", True))),
        on_flag("different since lately", flag(state("prod", True, 90), state("staging", False, 29))),
        on_flag("nobody dated one of them", flag(state("prod", True), state("staging", False, 1))),
    )
    INVALID: ClassVar = (on_flag("different for long", flag(state("prod", False, 90), state("staging", True, 30))),)

    def check(self, facts: FlagFacts, context: FlagContext) -> Iterator[Finding]:
        """Report states that differ, counted from the last change of any of them; an undated one says nothing."""
        named = [e for e in facts.environments if e.environment is not None and e.state is not None]
        same = Sameness()
        said = {same(e.state.value) for e in named if e.state is not None}
        since = [e.since for e in named if e.since is not None]
        if len(said) < 2 or len(since) < len(named) or context.now - max(since) < self.after:  # noqa: PLR2004 -- a pair
            return
        places = ", ".join(sorted(e.environment or "" for e in named))
        days = (context.now - max(since)).days
        yield flag_finding(self, facts, f"{places} have said different things for {days} days")
