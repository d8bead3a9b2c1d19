"""A flag was changed in a declared freeze."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from auditor.domain.changes import ChangeKind, RecordedChange
from auditor.domain.findings import Finding, Severity
from auditor.policies._examples import NOON, ago, change, on_change
from auditor.policies.base import ChangeContext, Freeze, finding

_FREEZE = Freeze("spring sale", ago(1), NOON, environments=("prod",))


@dataclass(frozen=True, slots=True)
class InFreeze:
    """A freeze is declared because nobody wants to find out then what a flag does."""

    code: str = "in-freeze"
    rule: str = "A flag was changed in a declared freeze."
    severity: Severity = Severity.HIGH
    enabled: bool = True

    VALID: ClassVar = (
        on_change("no freeze is declared"),
        on_change("in an environment that is not frozen", change(environment="staging"), freezes=(_FREEZE,)),
        on_change("after the freeze", change(minutes=1), freezes=(_FREEZE,)),
        on_change("refused in the freeze", change(kind=ChangeKind.DENIED), freezes=(_FREEZE,)),
    )
    INVALID: ClassVar = (
        on_change("in the freeze", freezes=(_FREEZE,)),
        on_change("everything is frozen", change(environment=None), freezes=(Freeze("all", ago(2), NOON),)),
    )

    def check(self, change: RecordedChange, context: ChangeContext) -> Iterator[Finding]:
        """Report a dated change in a freeze of its environment, by the freeze's name."""
        about, when = change.change, change.occurred_at
        if when is None or about.kind.is_attempt:
            return
        for freeze in context.freezes:
            if freeze.covers(when, about.application, about.environment):
                yield finding(self, change, f"changed in the freeze {freeze.name!r}, which ends {freeze.ends:%Y-%m-%d}")
                return
