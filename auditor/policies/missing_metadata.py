"""Nobody can tell whose flag it is, what it does or when it ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from auditor.domain.findings import Finding, Severity
from auditor.domain.verdicts import FlagFacts
from auditor.policies._examples import NOON, declared, flag, on_flag
from auditor.policies.base import FlagContext, flag_finding, option

_ALL = ("owner", "description", "lifetime")


@dataclass(frozen=True, slots=True)
class MissingMetadata:
    """Whoever cleans up later has to ask somebody."""

    code: str = "missing-metadata"
    rule: str = "A flag has no owner, no description, or neither a type nor an end date."
    severity: Severity = Severity.LOW
    enabled: bool = True
    require: tuple[str, ...] = option(_ALL, "What a flag needs; lifetime is a type or an end date.", _ALL)

    VALID: ClassVar = (
        on_flag("all is there"),
        on_flag("an end date will do", flag(lifetime=declared(type=None, ends_on=NOON.date()))),
        on_flag(
            "a description is not asked for", flag(lifetime=declared(description="")), options={"require": ("owner",)}
        ),
    )
    INVALID: ClassVar = (
        on_flag("no owner", flag(lifetime=declared(owner=None))),
        on_flag("a description of blanks", flag(lifetime=declared(description="  "))),
        on_flag("neither type nor end", flag(lifetime=declared(type=None))),
    )

    def check(self, facts: FlagFacts, context: FlagContext) -> Iterator[Finding]:
        """Report what is asked for and missing, in one finding."""
        life = facts.lifetime
        known = {
            "owner": bool(life.owner),
            "description": bool(life.description.strip()),
            "lifetime": life.type is not None or life.ends_on is not None or life.short_term,
        }
        words = {"lifetime": "type or end date"}
        missing = [words.get(name, name) for name in self.require if not known.get(name, True)]
        if missing and not context.gone:
            yield flag_finding(self, facts, f"it has no {', no '.join(missing)}")
