"""One stand-in for all tests of a file, and for each test an account of its own in it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from examples.standin import StandIn
from tests.support.aws import Account

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_NUMBERS = itertools.count(100_000_000_001)


@pytest.fixture(scope="module")
def aws() -> Iterator[StandIn]:
    with StandIn(BEGIN) as running:
        yield running


@pytest.fixture
def account(aws: StandIn, monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    aws.drain()
    aws.reset_calls()
    return Account(aws, str(next(_NUMBERS)))
