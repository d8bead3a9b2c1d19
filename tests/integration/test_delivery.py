"""No alert lost, none doubled: a Slack that misbehaves, and a sender that dies at any step."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from auditor import bootstrap
from auditor.adapters.channels.slack import SlackChannel
from auditor.adapters.storage import Database
from auditor.application.dispatch import LEASE_SECONDS, dispatch
from auditor.domain.alerts import Alert, AlertKind, Delivery, NewAlert
from examples.standin.slack import Fault, SlackServer
from tests.fakes import NOON, ClockFake
from tests.support import postgres

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

PROOF = os.environ.get("FLAGTRAIL_PROOF") == "1"
ALERTS = 1_000 if PROOF else 40
SEEDS = range(20) if PROOF else range(3)
FAULTS = list(Fault)
# A post that hangs costs real time, so it is tried seldom.
WEIGHTS = [1 if "timeout" in fault else 9 for fault in FAULTS]


class KilledError(BaseException):
    """The process dies here; nothing catches it."""


class Fate:
    """Kills at random points, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.kills: Counter[str] = Counter()

    def meet(self, where: str, odds: float = 0.03) -> None:
        if self.chance.random() < odds:
            self.kills[where] += 1
            raise KilledError(where)


class MortalChannel:
    """A channel whose process may die before it sends, or after."""

    name = "slack"

    def __init__(self, channel: SlackChannel, fate: Fate) -> None:
        self._channel = channel
        self._fate = fate

    def send(self, alert: Alert) -> Delivery:
        self._fate.meet("before the post")
        delivery = self._channel.send(alert)
        self._fate.meet("after the post")
        return delivery


def mortal(record: Database, fate: Fate) -> Callable[[], Any]:
    """Return units of work whose process may die just before or just after a commit."""

    def factory() -> Any:
        uow = record.unit_of_work()
        commit = uow.commit

        def die_or_commit() -> None:
            fate.meet("before a commit")
            commit()
            fate.meet("after a commit")

        uow.commit = die_or_commit  # type: ignore[method-assign]
        return uow

    return factory


@pytest.fixture(scope="module")
def postgres_server() -> Iterator[URL]:
    with postgres.running_server() as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.proof)])
def record(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    if request.param == "sqlite":
        with closing(bootstrap.database(f"sqlite:///{tmp_path / 'flagtrail.db'}")) as opened:
            yield opened
        return
    server = request.getfixturevalue("postgres_server")
    made = postgres.make_database(server)
    with closing(bootstrap.database(made.render_as_string(hide_password=False))) as opened:
        yield opened
    postgres.drop_database(server, made)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_alert_is_lost_and_none_is_doubled(record, seed):
    fate, clock = Fate(seed), ClockFake()
    with record.unit_of_work() as uow:
        for number in range(ALERTS):
            uow.outbox.put(NewAlert(f"alert|{number}", AlertKind.TEST, "test"), NOON)
        uow.commit()
    with SlackServer(clock=lambda: clock.now().timestamp()) as slack:
        channel = SlackChannel(token=slack.token, channel="C0FLAGS01", clock=clock, base_url=slack.url, timeout=1)
        factory = mortal(record, fate)
        for _ in range(ALERTS * 20):
            if not left(record):
                break
            slack.faults.extend(fate.chance.choices(FAULTS, WEIGHTS, k=fate.chance.randint(0, 2)))
            run(factory, MortalChannel(channel, fate), clock)
            clock.move(fate.chance.choice([1, 15, LEASE_SECONDS]))
        keys = [message.arguments["metadata"]["event_payload"]["outbox_key"] for message in slack.messages]

    assert left(record) == 0
    assert sorted(keys) == sorted(f"alert|{number}" for number in range(ALERTS))
    assert sum(fate.kills.values()) > ALERTS // 10
    print(f"seed {seed}: {ALERTS} alerts, {dict(fate.kills)} kills, {len(slack.calls)} calls")  # noqa: T201


def run(factory: Callable[[], Any], channel: MortalChannel, clock: ClockFake) -> None:
    try:
        dispatch(factory, channel, clock, limit=20)
    except KilledError:
        return


def left(record: Database) -> int:
    with record.reader() as uow:
        return len(uow.outbox.pending())
