"""Policies: one pure file each, registered here by one line."""

from __future__ import annotations

from typing import Final

from auditor.policies.base import ChangePolicy
from auditor.policies.denied_attempt import DeniedAttempt
from auditor.policies.guardrail_weakened import GuardrailWeakened
from auditor.policies.root_change import RootChange
from auditor.policies.secret_in_flag import SecretInFlag

CHANGE_POLICIES: Final[tuple[ChangePolicy, ...]] = (
    DeniedAttempt(),
    GuardrailWeakened(),
    RootChange(),
    SecretInFlag(),
)
"""The policies that look at every change when it is recorded, and again when its actor becomes known."""
