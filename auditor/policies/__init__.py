"""Policies: one pure file each, registered here by one line."""

from __future__ import annotations

from typing import Final

from auditor.policies.all_at_once import AllAtOnce
from auditor.policies.base import ChangePolicy, FlagPolicy
from auditor.policies.console_change import ConsoleChange
from auditor.policies.dangling_reference import DanglingReference
from auditor.policies.deleted_while_read import DeletedWhileRead
from auditor.policies.denied_attempt import DeniedAttempt
from auditor.policies.environments_differ import EnvironmentsDiffer
from auditor.policies.expired_flag import ExpiredFlag
from auditor.policies.fallback_differs import FallbackDiffers
from auditor.policies.fallbacks_disagree import FallbacksDisagree
from auditor.policies.flag_naming import FlagNaming
from auditor.policies.flip_flop import FlipFlop
from auditor.policies.guardrail_weakened import GuardrailWeakened
from auditor.policies.in_freeze import InFreeze
from auditor.policies.missing_metadata import MissingMetadata
from auditor.policies.no_fallback import NoFallback
from auditor.policies.out_of_hours import OutOfHours
from auditor.policies.outside_pipeline import OutsidePipeline
from auditor.policies.past_lifetime import PastLifetime
from auditor.policies.root_change import RootChange
from auditor.policies.secret_in_flag import SecretInFlag
from auditor.policies.unattributed_change import UnattributedChange
from auditor.policies.uncached_read import UncachedRead
from auditor.policies.unconfirmed_flag import UnconfirmedFlag
from auditor.policies.under_alarm import UnderAlarm
from auditor.policies.unreferenced_flag import UnreferencedFlag

CHANGE_POLICIES: Final[tuple[ChangePolicy, ...]] = (
    AllAtOnce(),
    ConsoleChange(),
    DeletedWhileRead(),
    DeniedAttempt(),
    FlipFlop(),
    GuardrailWeakened(),
    InFreeze(),
    OutOfHours(),
    OutsidePipeline(),
    RootChange(),
    SecretInFlag(),
    UnattributedChange(),
    UnderAlarm(),
)
"""The policies that look at every change when it is recorded, and again when its actor becomes known."""

FLAG_POLICIES: Final[tuple[FlagPolicy, ...]] = (
    DanglingReference(),
    EnvironmentsDiffer(),
    ExpiredFlag(),
    FallbackDiffers(),
    FallbacksDisagree(),
    FlagNaming(),
    MissingMetadata(),
    NoFallback(),
    PastLifetime(),
    UncachedRead(),
    UnconfirmedFlag(),
    UnreferencedFlag(),
)
"""The policies that look at every flag when the week is reported."""
