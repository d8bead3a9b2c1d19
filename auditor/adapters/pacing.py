"""Staying within the rates of AWS's APIs: one token bucket for each family of calls in one account and Region."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import MappingProxyType

# Calls a second that AWS allows each account and Region by default; what production reads flags with comes first.
PUBLISHED_RATES: Mapping[str, float] = MappingProxyType(
    {
        "ssm.GetParameterHistory": 3,
        "ssm.DescribeParameters": 3,
        "ssm.GetParameter*": 40,
        "appconfig.Get*": 100,
        "appconfig.List*": 10,
        "cloudtrail.LookupEvents": 2,
    }
)


@dataclass(slots=True)
class TokenBucket:
    """A store of calls that refills at ``rate`` a second up to one second's worth."""

    rate: float
    tokens: float
    filled_at: float

    def take(self, now: float) -> float:
        """Take one call and return how many seconds to wait before making it."""
        self.tokens = min(self.rate, self.tokens + (now - self.filled_at) * self.rate) - 1
        self.filled_at = now
        return max(0.0, -self.tokens / self.rate)


@dataclass(frozen=True, slots=True)
class Pacer:
    """Holds calls back so that no family exceeds its rate; families without a rate pass at once.

    Threads may share one. ``sleep`` and ``clock`` (monotonic seconds) are handed in, so that tests need not wait.
    """

    rates: Mapping[str, float] = field(default_factory=lambda: PUBLISHED_RATES)
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _buckets: dict[tuple[str, str, str], TokenBucket] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self, account: str, region: str, call: str) -> None:
        """Wait until a call (``service.Operation``) may be made in this account and Region."""
        family = next((family for family in self.rates if fnmatchcase(call, family)), None)
        if family is None:
            return
        rate = self.rates[family]
        with self._lock:
            now = self.clock()
            bucket = self._buckets.setdefault((account, region, family), TokenBucket(rate, rate, now))
            delay = bucket.take(now)
        if delay > 0:
            self.sleep(delay)


SHARED = Pacer()
"""The budget of this process: whoever reads in it, an account's rates are there once."""
