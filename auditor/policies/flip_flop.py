"""A flag goes back and forth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from auditor.domain.changes import ChangeKind, RecordedChange
from auditor.domain.findings import Finding, Severity
from auditor.domain.flags import FlagState
from auditor.domain.sameness import Sameness
from auditor.policies._examples import change, on_change
from auditor.policies.base import ChangeContext, finding, option

_SWITCHES = frozenset({ChangeKind.UPDATED, ChangeKind.DEPLOYED, ChangeKind.ROLLED_BACK})
_ON, _OFF = FlagState(True), FlagState(False)


def _hidden() -> FlagState:
    return FlagState({"masked": True, "comparable": False})


def _turn(minutes: int, before: FlagState, after: FlagState) -> RecordedChange:
    return change(minutes=minutes, before=before, after=after)


@dataclass(frozen=True, slots=True)
class FlipFlop:
    """Two people, or a person and a machine, want different things."""

    code: str = "flip-flop"
    rule: str = "A flag keeps going back to a state it had shortly before."
    severity: Severity = Severity.MEDIUM
    enabled: bool = True
    within: timedelta = option(timedelta(days=1), "How far back former states count.")
    returns: int = option(2, "From how many returns on it is reported; one is an ordinary way back.")

    VALID: ClassVar = (
        on_change("changed once", _turn(0, _OFF, _ON)),
        on_change("on and back once", _turn(0, _ON, _OFF), earlier=(_turn(-9, _OFF, _ON),)),
        on_change(
            "the same two days ago",
            _turn(0, _OFF, _ON),
            earlier=(_turn(-2900, _ON, _OFF), _turn(-2910, _OFF, _ON)),
        ),
        on_change(
            "what cannot be compared is no return",
            _turn(0, _hidden(), _hidden()),
            earlier=(_turn(-5, _hidden(), _hidden()), _turn(-9, _hidden(), _hidden())),
        ),
    )
    INVALID: ClassVar = (
        on_change("on, off, on", _turn(0, _OFF, _ON), earlier=(_turn(-5, _ON, _OFF), _turn(-9, _OFF, _ON))),
    )

    def check(self, change: RecordedChange, context: ChangeContext) -> Iterator[Finding]:
        """Report a return to a former state when there were enough of them lately."""
        when = change.occurred_at
        if when is None or change.change.kind not in _SWITCHES:
            return
        lately = [c for c in context.earlier if c.occurred_at is not None and when - c.occurred_at <= self.within]
        turns = [c.change for c in (*reversed(lately), change) if c.change.kind in _SWITCHES]
        count, back = _returns([turns[0].before, *(turn.after for turn in turns)])
        if back and count >= self.returns:
            hours = int(self.within.total_seconds() // 3600)
            yield finding(self, change, f"it went back to a former state {count} times within {hours} hours")


def _returns(states: list[FlagState | None]) -> tuple[int, bool]:
    """Return how often a state came back, and whether the last one did."""
    same, seen, count, back = Sameness(), set[int](), 0, False
    for state in states:
        number = same(None if state is None else state.to_json())
        back = number in seen
        count += back
        seen.add(number)
    return count, back
