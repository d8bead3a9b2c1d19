"""Findings: what a policy reports about a change or a flag."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from auditor.domain.flags import FlagId, JsonValue


class Severity(StrEnum):
    """How bad a finding is."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a policy says: its code, a sentence for people, and the flag or change (natural key) it is about."""

    code: str
    severity: Severity
    message: str
    flag: FlagId | None = None
    environment: str | None = None
    change_key: str | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """Return the finding for outputs."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "message": self.message,
            "flag": None if self.flag is None else str(self.flag),
            "environment": self.environment,
        }
