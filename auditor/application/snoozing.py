"""Snoozing: somebody lets a flag be, for a reason and for a bounded time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from auditor.application.ports import UnitOfWork
from auditor.application.queries import flag_called
from auditor.domain.errors import UsageError
from auditor.domain.flags import FlagId
from auditor.domain.masking import mask_text
from auditor.domain.snoozes import Snooze

LONGEST_REASON = 500


def snooze(uow: UnitOfWork, wanted: str, until: datetime, reason: str, by: str, *, most: int, now: datetime) -> Snooze:
    """Record that a flag is let be until then and return it; the caller commits.

    Raise ``UsageError`` for a flag that is not known, an end that has passed or is further off than ``most`` days, and
    a reason that says nothing.
    """
    flag = flag_called(uow, wanted)
    said = mask_text(" ".join(reason.split()))
    if not said:
        raise UsageError("snooze: --reason says nothing; write why the flag has to stay")
    if len(said) > LONGEST_REASON:
        raise UsageError(f"snooze: --reason has {len(said)} characters; {LONGEST_REASON} are enough")
    if until <= now:
        raise UsageError(f"snooze: --until {until:%Y-%m-%d} has passed; name a day to come")
    if until - now > timedelta(days=most + 1):
        last = now + timedelta(days=most)
        raise UsageError(
            f"snooze: --until may be {most} days off, so {last:%Y-%m-%d} at the latest; [stale] snooze_at_most says so"
        )
    made = Snooze(flag, until, said, by, now)
    uow.snoozes.add(made)
    return made


def counted(uow: UnitOfWork, as_of: datetime | None = None) -> Iterator[tuple[Snooze, int]]:
    """Yield every snooze, oldest first, with how often its flag was snoozed up to it."""
    times: dict[FlagId, int] = {}
    for one in uow.snoozes.all(as_of):
        times[one.flag] = times.get(one.flag, 0) + 1
        yield one, times[one.flag]
