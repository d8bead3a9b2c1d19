"""What tests of the whole flow start from: AWS's stand-in as the environment's AWS, and a record that reads it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from auditor.settings import DEFAULT_SOURCES
from examples.standin import StandIn
from tests.support.recording import Record

_BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def aws(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """The stand-in, its clock at the module's ``BEGIN``; every client made of the environment talks to it."""
    with StandIn(getattr(request.module, "BEGIN", _BEGIN)) as running:
        for name, value in running.environ().items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def record(aws: StandIn, tmp_path: Path) -> Record:
    """A record that watches what is watched without any configuration."""
    return Record(tmp_path, DEFAULT_SOURCES)
