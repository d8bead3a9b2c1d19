"""When a store was last listed whole, by its own clock: what is not held was not there then."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from auditor.application.ports import Scope


@dataclass(frozen=True, slots=True)
class ListingTimes:
    """Remembers when the first answer of the newest listing came, in each account and Region."""

    _first: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def begin(self, scope: Scope) -> None:
        """Forget the listing before."""
        self._first.pop((scope.account, scope.region), None)

    def answered(self, scope: Scope, at: datetime) -> None:
        """Note an answer; the first one counts, for what comes later was written later."""
        self._first.setdefault((scope.account, scope.region), at)

    def of(self, scope: Scope) -> datetime | None:
        """Return when the newest listing was first answered, or ``None`` when nothing was listed."""
        return self._first.get((scope.account, scope.region))
