"""Doing a transaction again when another one came first: nothing of it happened, so doing it again is right.

PostgreSQL ends one of two transactions that wait for each other; under SERIALIZABLE, and on databases without locks
such as Aurora DSQL, any commit may find that it came second.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from copy import deepcopy
from functools import wraps
from typing import ParamSpec, Protocol, TypeVar, runtime_checkable

from auditor.domain.errors import ConflictError

TRIES = 10
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 1.0

P = ParamSpec("P")
T = TypeVar("T")


@runtime_checkable
class Counted(Protocol):
    """What counts while a transaction goes on, and must forget it where that was for nothing."""

    def restore(self, former: Counted) -> None:
        """Be as this one was."""
        ...


def retried(work: Callable[P, T]) -> Callable[P, T]:
    """Return the work done again, with a growing and random pause, while another transaction came first.

    It has to be one transaction, or several that may each be done twice. What it counts in is left alone.
    """

    @wraps(work)
    def again(*args: P.args, **named: P.kwargs) -> T:
        for attempt in range(1, TRIES):
            try:
                return work(*args, **named)
            except ConflictError:
                longest = min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE)
                time.sleep(random.uniform(0, longest))  # noqa: S311 - spreads competitors, hides nothing
        return work(*args, **named)

    return again


def recounted(work: Callable[P, T]) -> Callable[P, T]:
    """Return one transaction that is done again like ``retried``, and whose counts begin anew with each attempt."""

    @wraps(work)
    def counting(*args: P.args, **named: P.kwargs) -> T:
        counts = [one for one in (*args, *named.values()) if isinstance(one, Counted)]
        before = [deepcopy(one) for one in counts]

        @retried
        def attempt() -> T:
            for one, former in zip(counts, before, strict=True):
                one.restore(former)
            return work(*args, **named)

        return attempt()

    return counting
