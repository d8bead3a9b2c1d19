"""A quarter of a company's changes, replayed: every change is told in exactly one message, whatever goes wrong.

Plans are applied, people write by hand, some writes are found late, some people are named late; channels have routes,
quiet hours and budgets, put messages off, lose answers and lose messages.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta

import pytest

from auditor import bootstrap
from auditor.adapters.storage import Database
from auditor.application.dispatch import dispatch_all
from auditor.application.messages import compose
from auditor.application.policing import Policing
from auditor.application.ports import HistoryQuery
from auditor.application.recording import Recorder, Tally
from auditor.domain.alerts import Alert, AlertKind, Delivery, DeliveryOutcome
from auditor.domain.attribution import UNATTRIBUTED, Attribution
from auditor.domain.changes import AttributedChange, ChangeKind, Detection, FlagChange
from auditor.domain.findings import Severity
from auditor.domain.routing import Destination, Quiet, Route, Routing
from auditor.policies import CHANGE_POLICIES
from auditor.policies.base import Rulebook
from tests.fakes import ClockFake
from tests.support.records import attributed, by, change, document

CHANGES = 2_000 if os.environ.get("FLAGTRAIL_PROOF") == "1" else 60
SEEDS = range(2) if os.environ.get("FLAGTRAIL_PROOF") == "1" else range(1)
START = datetime(2026, 1, 5, 8, tzinfo=UTC)
QUARTER = timedelta(days=90)
ROUTING = Routing(
    (
        Route("security", severity=Severity.HIGH),
        Route("checkout", application="shop", environment="prod"),
        Route("night", environment="staging"),
    ),
    {
        "security": Destination("security", urgent=Severity.HIGH),
        "checkout": Destination("checkout", budget=3),
        "night": Destination("night", Quiet(time(20), time(7), ("sat", "sun"), "Europe/Berlin"), budget=5),
    },
)


@dataclass
class Workspace:
    """What channels show in the end: each message with the changes it tells of, edits included."""

    chance: random.Random
    messages: dict[str, Alert] = field(default_factory=dict)
    posts: Counter[str] = field(default_factory=Counter)
    faults: bool = True


@dataclass
class Channel:
    """A channel like Slack: edits what it sent, looks before it sends a doubtful message again, and fails at times."""

    workspace: Workspace
    clock: ClockFake
    name: str

    def send(self, alert: Alert) -> Delivery:
        compose(alert)
        fate = self.workspace.chance.random() if self.workspace.faults else 1
        if fate < 0.05:
            return Delivery(DeliveryOutcome.LATER, not_before=self.clock.now() + timedelta(seconds=30))
        if fate < 0.08:
            return Delivery(DeliveryOutcome.UNKNOWN, error="lost before it arrived")
        there = alert.sent_as or next((m for m, told in self.workspace.messages.items() if told.key == alert.key), None)
        if there is not None and alert.attempt > 1 and alert.sent_as is None:
            return Delivery(DeliveryOutcome.SENT, there)
        message = there or f"{self.name}:{len(self.workspace.messages)}"
        self.workspace.posts["edit" if there else "post"] += 1
        self.workspace.messages[message] = alert
        if fate < 0.11:
            return Delivery(DeliveryOutcome.UNKNOWN, error="the answer was lost")
        return Delivery(DeliveryOutcome.SENT, message)


@dataclass
class Company:
    """Everybody who writes, with a record and a clock."""

    database: Database
    chance: random.Random
    clock: ClockFake = field(default_factory=lambda: ClockFake(START))
    made: int = 0

    def __post_init__(self) -> None:
        policing = Policing(Rulebook(CHANGE_POLICIES))
        self.recorder = Recorder(self.database.unit_of_work, {}, self.clock, policing, routing=ROUTING)
        self.workspace = Workspace(self.chance)
        self.channels = {
            name: Channel(self.workspace, self.clock, name or "usual") for name in (None, *ROUTING.destinations)
        }

    def write(self, who: Attribution, **fields: object) -> FlagChange:
        self.made += 1
        number = self.made
        environment = self.chance.choice(["prod", "prod", "staging", "dev"])
        application = self.chance.choice(["shop", "pay"])
        flag = f"flag-{number % 70}"
        usual = {
            "application": application,
            "environment": environment,
            "flag": flag,
            "document": document(f"/{application}/{environment}/features/{flag}"),
            "occurred_at": self.clock.now(),
        }
        made = change(number, **{**usual, **fields})
        self.recorder.record_changes([AttributedChange(made, who)], Tally(), self.clock.now())
        return made

    def apply(self) -> None:
        """Apply a plan: one actor writes many parameters within seconds."""
        who = by(self.chance.choice(["deployer", "dana"]))
        for _ in range(self.chance.randint(3, 30)):
            self.clock.move(self.chance.random() * 2)
            self.write(who)
            if self.chance.random() < 0.3:
                self.send()

    def click(self) -> None:
        self.write(by(self.chance.choice(["ann", "bob", "cem"])))

    def attempt(self) -> None:
        self.write(by("eve"), kind=ChangeKind.DENIED, before=None, after=None, diff=())

    def nobody(self) -> None:
        """Somebody writes whom the trail names later, or never."""
        made = self.write(UNATTRIBUTED)
        self.clock.move(600)
        self.send()
        if self.chance.random() < 0.5:
            with self.database.unit_of_work() as uow:
                (known,) = uow.changes.of_cause(made.cause)
                self.recorder._learn(uow, known, by("late"), Tally(), self.clock.now())
                uow.commit()
        self.clock.move(3600)
        self.recorder.look_again(Tally())

    def late(self) -> None:
        """Reconcile finds what no event told hours ago."""
        began = self.clock.now()
        tally = Tally()
        for _ in range(self.chance.randint(1, 5)):
            self.made += 1
            made = change(
                self.made,
                application="shop",
                environment=self.chance.choice(["prod", "staging"]),
                document=document(f"/late/{self.made}"),
                detected_by=Detection.RECONCILE,
                occurred_at=began - timedelta(hours=5),
            )
            self.recorder.record_changes([attributed(made, by("ann"))], tally, began)

    def send(self) -> None:
        dispatch_all(self.database.unit_of_work, self.channels.__getitem__, self.clock)

    def live(self, changes: int) -> None:
        """Spend a quarter on so many changes, then wait until nothing is held back any more."""
        while self.made < changes:
            self.chance.choice([self.apply, self.click, self.click, self.attempt, self.nobody, self.late])()
            if self.chance.random() < 0.8:
                self.send()
            self.clock.move(self.chance.random() * 2 * QUARTER.total_seconds() / (changes / 6))
        for _ in range(12):
            self.clock.move(24 * 3600)
            for _ in range(4):
                self.clock.move(120)
                self.send()


@pytest.fixture(params=SEEDS)
def company(request, tmp_path) -> Iterator[Company]:
    database = bootstrap.database(f"sqlite:///{tmp_path / 'record.db'}")
    yield Company(database, random.Random(request.param))
    database.close()


def test_none_lost_none_doubled(company, capsys):
    company.live(CHANGES)

    told = Counter(one.id for alert in company.workspace.messages.values() for one in alert.changes)
    with company.database.reader() as uow:
        recorded = {row.id for row in uow.changes.query(HistoryQuery())}
        waiting, dead = uow.outbox.pending(), uow.outbox.dead()
    kinds = Counter(alert.kind for alert in company.workspace.messages.values())
    messages, edits = len(company.workspace.messages), company.workspace.posts["edit"]
    rate = f"{len(recorded)} changes, {messages} messages, {edits} edits: {messages / len(recorded):.2f} a change"
    with capsys.disabled():
        print(f"\n{rate} {dict(kinds)}")  # noqa: T201 -- this figure is what the replay is for

    assert (list(waiting), list(dead)) == ([], [])
    assert set(told) == recorded, "none lost"
    assert set(told.values()) == {1}, "none doubled"
    assert kinds[AlertKind.DIGEST] > 0
    assert kinds[AlertKind.CHANGE] < len(recorded) / 2


def test_a_plan_of_thirty_parameters_is_one_message_with_a_list(company):
    company.workspace.faults = False
    who = by("deployer")
    for _ in range(30):
        company.clock.move(1)
        company.write(who, application="pay", environment="dev", document=document(f"/pay/dev/{company.made}"))
        company.send()
    company.clock.move(600)
    company.send()

    (alert,) = company.workspace.messages.values()
    message = compose(replace(alert, sent_as=None))
    assert len(alert.changes) == 30
    assert message.title.startswith("30 flags changed in dev: pay/flag-1, pay/flag-2")
    assert (len(message.changes), message.changes_left_out) == (20, 10)
