"""Letting go: what is old and superseded leaves the record, its place in the log stays, and that is recorded.

An entry's hash stays where it stood, so every root and every proof is what it was. What is gone is named by a decision
that is sealed like everything else: `verify` tells what was let go from what was taken away.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from auditor.application.ports import Clock, OldEntry, UnitOfWork, UnitOfWorkFactory
from auditor.application.retrying import retried
from auditor.domain.errors import FlagtrailError, UsageError
from auditor.domain.flags import JsonValue
from auditor.domain.ledger.places import Places
from auditor.domain.masking import mask_text
from auditor.domain.retention import Act, Decision, is_held, standing
from auditor.domain.times import rfc3339

YOUNGEST = timedelta(days=100)
"""CloudTrail's event history hands out calls of 90 days: what is younger would come back."""

MOST = 100_000
BATCH = 1_000
LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Retained:
    """What was let go: changes, and entries of the log with what was learnt of them; what was kept, and why.

    ``standing`` are changes that say what is so now, ``held`` those under a hold. ``more`` is left for the next time.
    """

    before: datetime
    changes: int = 0
    entries: int = 0
    standing: int = 0
    held: int = 0
    more: bool = False

    def to_json(self) -> dict[str, JsonValue]:
        """Return the report for outputs."""
        return {
            "before": rfc3339(self.before),
            "changes": self.changes,
            "entries": self.entries,
            "standing": self.standing,
            "held": self.held,
            "more": self.more,
        }


@dataclass(frozen=True, slots=True)
class Retention:
    """Lets go of what was recorded before a time; ``by`` and ``reason`` are recorded with it."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    by: str
    reason: str

    @retried
    def hold(self, name: str, application: str | None, flag: str | None) -> Decision:
        """Let nothing go of what a hold is about, until it is lifted; raise ``UsageError`` for a name in use."""
        with self.unit_of_work() as uow:
            if any(hold.name == name for hold in standing(uow.retention.all())):
                raise UsageError(f"there is a hold {name!r} already; lift it, or name another one")
            made = self._decision(Act.HOLD, name=name, application=application, flag=flag)
            uow.retention.add(made)
            uow.commit()
        return made

    @retried
    def lift(self, name: str) -> Decision:
        """Lift a hold; raise ``UsageError`` when there is none of this name."""
        with self.unit_of_work() as uow:
            if all(hold.name != name for hold in standing(uow.retention.all())):
                raise UsageError(f"there is no hold {name!r}; `flagtrail db hold --list` shows all")
            made = self._decision(Act.LIFT, name=name)
            uow.retention.add(made)
            uow.commit()
        return made

    def let_go(self, before: datetime, *, most: int = MOST, dry_run: bool = False) -> Retained:
        """Let go of about ``most`` entries at the most, a batch a transaction; a dry run only counts them.

        Raise ``UsageError`` for a time that is too near and under a hold of everything, ``FlagtrailError`` where the
        log is not signed or an entry is not what was sealed.
        """
        if self.clock.now() - before < YOUNGEST:
            last = self.clock.now() - YOUNGEST
            raise UsageError(f"only what is {YOUNGEST.days} days old may be let go: before {last:%Y-%m-%d}")
        self._decision(Act.LET_GO)
        done, after = Retained(before), -1
        with self.unit_of_work() as uow:
            kept = uow.retention.standing_changes()
        while done.entries < most:
            step = self._let_go_changes(done, kept, after, dry_run=dry_run)
            if step is None:
                beside = 0
                while count := self._let_go_beside(before, dry_run=dry_run):
                    beside += count
                    if dry_run:
                        break
                return replace(done, entries=done.entries + beside)
            done, after = step
        return replace(done, more=True)

    @retried
    def _let_go_changes(
        self, done: Retained, kept: AbstractSet[int], after: int, *, dry_run: bool
    ) -> tuple[Retained, int] | None:
        """Let one batch of changes go, those behind a number; return what is done by then, or ``None`` at the end."""
        with self.unit_of_work() as uow:
            holds = self._holds(uow)
            found = uow.retention.old_changes(done.before, _signed(uow), after, BATCH)
            if not found:
                return None
            standing = [one for one in found if one[0].number in kept]
            held = [one for one in found if one[0].number not in kept and _is_held(holds, one[0])]
            free = [one for one in found if one[0].number not in kept and not _is_held(holds, one[0])]
            entries = [entry for one in free for entry in one]
            self._remove(uow, entries, done.before, dry_run=dry_run)
        step = replace(
            done,
            changes=done.changes + len(free),
            entries=done.entries + len(entries),
            standing=done.standing + len(standing),
            held=done.held + len(held),
        )
        return step, found[-1][0].number

    @retried
    def _let_go_beside(self, before: datetime, *, dry_run: bool) -> int:
        """Let one batch of old reconciles go, and behind the last one what lies beside the log; return how many.

        While anything is held, nothing of it goes.
        """
        with self.unit_of_work() as uow:
            if self._holds(uow):
                return 0
            found = uow.retention.old_reconciles(before, _signed(uow), BATCH)
            if found:
                self._remove(uow, found, before, dry_run=dry_run)
            elif not dry_run:
                uow.retention.remove_beside(before)
                uow.commit()
        return len(found)

    def _remove(self, uow: UnitOfWork, entries: Sequence[OldEntry], before: datetime, *, dry_run: bool) -> None:
        """Record that these entries are let go, and take them away; what somebody altered stays as it is."""
        for entry in entries:
            if entry.fault is not None:
                raise FlagtrailError(
                    f"entry {entry.index} ({entry.name}) cannot be let go: {entry.fault}; run `flagtrail verify`"
                )
        if dry_run or not entries:
            return
        uow.retention.remove(entries)
        places = Places.of(entry.index for entry in entries)
        uow.retention.add(replace(self._decision(Act.LET_GO), before=before, entries=places))
        uow.commit()

    def _holds(self, uow: UnitOfWork) -> Sequence[Decision]:
        """Return the holds that stand; raise ``UsageError`` where one is about everything."""
        holds = standing(uow.retention.all())
        for hold in holds:
            if hold.application is None and hold.flag is None:
                raise UsageError(
                    f"the hold {hold.name!r} of {hold.at:%Y-%m-%d} by {hold.by} is about everything ({hold.reason}); "
                    f"nothing may be let go until `flagtrail db hold --lift {hold.name}`"
                )
        return holds

    def _decision(
        self, act: Act, *, name: str | None = None, application: str | None = None, flag: str | None = None
    ) -> Decision:
        """Return a decision; raise ``UsageError`` for a reason that says nothing."""
        return Decision(act, worded(self.reason), self.by, self.clock.now(), name, application, flag)


def worded(reason: str) -> str:
    """Return a reason as it is recorded; raise ``UsageError`` for one that says nothing, or far too much."""
    told = mask_text(" ".join(reason.split()))
    if not told:
        raise UsageError("--reason says nothing; write why")
    if len(told) > LONGEST_REASON:
        raise UsageError(f"--reason has {len(told)} characters; {LONGEST_REASON} are enough")
    return told


def incomplete_before(uow: UnitOfWork, as_of: datetime | None = None) -> datetime | None:
    """Return before when the record is not whole any more, as known at ``as_of``; ``None``: nothing was let go."""
    return max((one.before for one in uow.retention.all(as_of) if one.before is not None), default=None)


def _is_held(holds: Sequence[Decision], entry: OldEntry) -> bool:
    return is_held(holds, entry.application, entry.flag)


def _signed(uow: UnitOfWork) -> int:
    """Return how many entries are signed, and anchored where that is done at all."""
    kept = uow.ledger.checkpoints()
    anchored = [one.size for one in kept if one.anchored]
    size = max(anchored or [one.size for one in kept], default=0)
    if not size:
        raise UsageError(
            "nothing is signed yet, so nothing may be let go; name a key under [ledger], then run `flagtrail seal`"
        )
    return size
