"""Retention: what may be let go of the record, what must not, and who decided so. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from auditor.domain.flags import JsonValue
from auditor.domain.ledger.places import Places
from auditor.domain.times import rfc3339


class Act(StrEnum):
    """What was decided: nothing may be let go, a hold is over, something was let go, or a new log begins."""

    HOLD = "hold"
    LIFT = "lift"
    LET_GO = "let_go"
    NEW_LOG = "new_log"


@dataclass(frozen=True, slots=True)
class FormerLog:
    """The log that a new one takes the place of, for good.

    ``key`` is its public key's line, ``checkpoint`` the last one it is known to have signed. Its first ``kept`` entries
    are the first ones of the new log; what it had beyond them is missing.
    """

    key: str
    checkpoint: str
    kept: int


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision about what the record keeps, recorded for good: who, when and why.

    ``name`` names a hold. ``application`` and ``flag`` say what a hold is about; ``None``: about everything.
    ``before`` and ``entries`` say what was let go: recorded before that time, at these places of the log. ``former`` is
    the log that was given up.
    """

    act: Act
    reason: str
    by: str
    at: datetime
    name: str | None = None
    application: str | None = None
    flag: str | None = None
    before: datetime | None = None
    entries: Places = field(default_factory=Places)
    former: FormerLog | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """Return the decision for outputs."""
        shown: dict[str, JsonValue] = {"act": self.act.value, "at": rfc3339(self.at), "by": self.by}
        shown["reason"] = self.reason
        if self.act is Act.LET_GO:
            before = None if self.before is None else rfc3339(self.before)
            return shown | {"before": before, "entries": len(self.entries)}
        if self.former is not None:
            return shown | {"former_key": self.former.key, "former_kept": self.former.kept}
        return shown | {"name": self.name, "application": self.application, "flag": self.flag}


def standing(decisions: Iterable[Decision]) -> Sequence[Decision]:
    """Return the holds that were not lifted, of decisions in the order they were made."""
    held: dict[str | None, Decision] = {}
    for decision in decisions:
        if decision.act is Act.HOLD:
            held[decision.name] = decision
        elif decision.act is Act.LIFT:
            held.pop(decision.name, None)
    return list(held.values())


def is_held(holds: Iterable[Decision], application: str | None, flag: str | None) -> bool:
    """Tell whether any of these holds is about a flag."""
    return any(
        (hold.application is None or hold.application == application) and (hold.flag is None or hold.flag == flag)
        for hold in holds
    )
