"""Law: whatever deployments do, each change is told by exactly one message or digest, and a reply tells of none."""

from __future__ import annotations

import tempfile
from collections import Counter
from datetime import time

from hypothesis import given, settings
from hypothesis import strategies as st

from auditor import bootstrap
from auditor.application.dispatch import dispatch_all
from auditor.application.messages import compose
from auditor.application.ports import HistoryQuery
from auditor.domain.alerts import Alert, AlertKind, Delivery, DeliveryOutcome
from auditor.domain.changes import Detection
from auditor.domain.findings import Severity
from auditor.domain.routing import Destination, Quiet, Route, Routing
from tests.conftest import PROOF
from tests.support.deployments import Rollout
from tests.support.records import by

NIGHT = Quiet(time(20), time(7))
ROUTINGS = (
    Routing(),
    Routing(fallback=Destination(quiet=NIGHT, urgent=Severity.CRITICAL)),
    Routing((Route("web", environment="prod"),), {"web": Destination("web", budget=1)}),
)
STEPS = st.sampled_from(
    ["start", "step", "complete", "back", "revert", "look", "late look", "who", "send", "wait", "route"]
)


class Workspace:
    """A channel that shows the newest state of each message, and fails at times."""

    name = "workspace"

    def __init__(self, chance) -> None:
        self.chance = chance
        self.messages: dict[str, Alert] = {}

    def send(self, alert: Alert) -> Delivery:
        compose(alert)
        there = alert.sent_as or next((m for m, told in self.messages.items() if told.key == alert.key), None)
        if there is not None and alert.attempt > 1 and alert.sent_as is None:
            return Delivery(DeliveryOutcome.SENT, there)
        fate = self.chance()
        if fate == "later":
            return Delivery(DeliveryOutcome.LATER)
        message = there or f"C:{len(self.messages)}"
        self.messages[message] = alert
        if fate == "lost":
            return Delivery(DeliveryOutcome.UNKNOWN, error="the answer was lost")
        return Delivery(DeliveryOutcome.SENT, message)


def running(rollout: Rollout) -> list[int]:
    return [number for number, one in rollout.aws.now.items() if one.state in ("DEPLOYING", "ROLLING_BACK")]


def complete(rollout: Rollout) -> list[int]:
    return [number for number, one in rollout.aws.now.items() if one.state == "COMPLETE"]


def play(rollout: Rollout, step: str, workspace: Workspace) -> None:  # noqa: C901 -- a branch for each thing
    going, done = running(rollout), complete(rollout)
    number = len(rollout.aws.now) + 1
    if step == "start" and not going and number < 6:
        rollout.start(number, number)
    elif step == "step" and going and rollout.aws.now[going[0]].state == "DEPLOYING":
        rollout.step(10.0 * (1 + len(rollout.aws.now[going[0]].steps)), going[0])
    elif step == "complete" and going:
        rollout.complete(going[0])
    elif step == "back" and going:
        rollout.roll_back(going[0])
    elif step == "revert" and done:
        rollout.roll_back(done[-1], state="REVERTED")
    elif step in ("look", "late look"):
        rollout.clock.move(2 * 3600 if step == "late look" else 60)
        rollout.look(Detection.RECONCILE if step == "late look" else Detection.EVENT)
    elif step == "who" and number > 1:
        rollout.told_who(by("dana"), number - 1)
    elif step == "wait":
        rollout.clock.move(5 * 3600)
    elif step == "send":
        dispatch_all(rollout.database.unit_of_work, lambda _route: workspace, rollout.clock)


@settings(max_examples=300 if PROOF else 5)
@given(st.lists(STEPS, min_size=5, max_size=30), st.data())
def test_law_each_change_is_told_once(steps, data):
    with tempfile.TemporaryDirectory() as folder:
        database = bootstrap.database(f"sqlite:///{folder}/record.db")
        rollout = Rollout(database, flags=2)
        workspace = Workspace(lambda: data.draw(st.sampled_from(["sent", "sent", "sent", "later", "lost"])))
        for step in ["start", "look", *steps, "look"]:
            if step == "route":
                rollout.routing = data.draw(st.sampled_from(ROUTINGS))
            play(rollout, step, workspace)
        workspace.chance = lambda: "sent"
        for _ in range(12):
            rollout.clock.move(6 * 3600)
            play(rollout, "send", workspace)
        with database.reader() as uow:
            recorded = {row.id for row in uow.changes.query(HistoryQuery())}
            waiting = list(uow.outbox.pending())
        database.close()

    told = Counter(change.id for alert in workspace.messages.values() for change in alert.changes)
    assert waiting == []
    assert set(told) == recorded
    assert set(told.values()) <= {1}
    replies = [alert for alert in workspace.messages.values() if alert.kind is AlertKind.REPLY]
    assert all(not reply.changes and reply.thread in workspace.messages for reply in replies)
