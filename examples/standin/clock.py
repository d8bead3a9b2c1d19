"""The clock that everything on the AWS side follows."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta


def to_millisecond(moment: datetime) -> datetime:
    """Return the moment in UTC, cut to the millisecond, which is how AWS keeps it."""
    if moment.tzinfo is None:
        raise ValueError(f"the stand-in's clock needs a time with a zone, not {moment.isoformat()}")
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@dataclass(order=True)
class Appointment:
    """Something the service does by itself at a moment, unless it is called off before."""

    due: datetime
    order: int
    action: Callable[[], None] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        """Call it off; a second time changes nothing."""
        self.cancelled = True


class Clock:
    """A time that stands still until it is set; without a start it runs with the machine's."""

    def __init__(self, start: datetime | None = None) -> None:
        self._frozen = None if start is None else to_millisecond(start)
        self._appointments: list[Appointment] = []
        self._order = itertools.count()
        self._lock = threading.RLock()

    def now(self) -> datetime:
        """Return the present moment, in UTC and to the millisecond."""
        return self._frozen if self._frozen is not None else to_millisecond(datetime.now(UTC))

    def set(self, moment: datetime) -> None:
        """Move to a later moment and do everything that falls due on the way, each at its own time."""
        moment = to_millisecond(moment)
        with self._lock:
            if self._frozen is not None and moment < self._frozen:
                raise ValueError(
                    f"AWS time does not run backwards: it is {self._frozen.isoformat()}, not yet {moment.isoformat()}"
                )
            self._run_until(moment)
            self._frozen = moment

    def advance(self, by: timedelta) -> None:
        """Move on by a span of time."""
        self.set(self.now() + by)

    def at(self, due: datetime, action: Callable[[], None]) -> Appointment:
        """Have something done when the clock reaches a moment."""
        appointment = Appointment(to_millisecond(due), next(self._order), action)
        with self._lock:
            heapq.heappush(self._appointments, appointment)
        return appointment

    def settle(self) -> None:
        """Do what is due by now; a running clock needs this before each answer."""
        with self._lock:
            if self._frozen is None:
                self._run_until(self.now())
                self._frozen = None
            else:
                self._run_until(self._frozen)

    def _run_until(self, moment: datetime) -> None:
        while self._appointments and self._appointments[0].due <= moment:
            appointment = heapq.heappop(self._appointments)
            if not appointment.cancelled:
                self._frozen = max(appointment.due, self._frozen or appointment.due)
                appointment.action()
