"""A plain flag value looks like a credential."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from auditor.domain.changes import RecordedChange
from auditor.domain.findings import Finding, Severity
from auditor.domain.flags import FlagState, JsonValue
from auditor.policies._examples import change, on_change
from auditor.policies.base import ChangeContext, finding


@dataclass(frozen=True, slots=True)
class SecretInFlag:
    """A credential in a plain parameter is readable by everything that reads flags."""

    code: str = "secret-in-flag"
    rule: str = "A value that anybody who reads flags can read looks like a credential."
    severity: Severity = Severity.HIGH
    enabled: bool = True

    VALID: ClassVar = (
        on_change("a plain switch"),
        on_change("a SecureString", change(after=FlagState({"masked": True, "comparable": False}))),
        on_change("the flag is gone", change(after=None)),
    )
    INVALID: ClassVar = (
        on_change(
            "a credential in a list",
            change(after=FlagState({"keys": [{"masked": True, "comparable": True, "fingerprint": "f00d"}]})),
        ),
    )

    def check(self, change: RecordedChange, context: ChangeContext) -> Iterator[Finding]:  # noqa: ARG002 -- the port's
        """Report a value that had to be masked although the store keeps it in plain text."""
        after = change.change.after
        if after is not None and _has_plain_secret(after.value):
            yield finding(self, change, "its plain value looks like a credential; keep it as a SecureString")


def _has_plain_secret(value: JsonValue) -> bool:
    """Tell whether a comparable mask is in the value: SecureStrings are never comparable, plain values are."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            if item.get("masked") is True and "fingerprint" in item:
                return True
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
    return False
