"""The default event bus: what EventBridge would deliver, in the order it was emitted."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from examples.standin.ids import Ids

Event = dict[str, Any]


def to_second(moment: datetime) -> str:
    """Return a moment as events carry it: UTC, cut to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(slots=True)
class EventLog:
    """Events not yet drained, oldest first."""

    ids: Ids
    _events: list[Event] = field(default_factory=list)

    def emit(
        self,
        *,
        source: str,
        detail_type: str,
        account: str,
        region: str,
        time: datetime,
        resources: Sequence[str],
        detail: dict[str, Any],
    ) -> None:
        """Put one event on the bus of the account and region where it happened, under an id of its own."""
        self._events.append(
            {
                "version": "0",
                "id": self.ids.uuid(),
                "detail-type": detail_type,
                "source": source,
                "account": account,
                "time": to_second(time),
                "region": region,
                "resources": list(resources),
                "detail": copy.deepcopy(detail),
            }
        )

    def all(self) -> list[Event]:
        """Return a copy of the events so far."""
        return copy.deepcopy(self._events)

    def drain(self) -> list[Event]:
        """Return the events so far and forget them."""
        events, self._events = self._events, []
        return events
