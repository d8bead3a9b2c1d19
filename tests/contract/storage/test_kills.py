"""Writers, sealers, senders and schedulers that are killed at random points: nothing lost, doubled or forked."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing

import pytest

from auditor.adapters.storage import open_database
from auditor.application.ports import HistoryQuery
from auditor.application.verifying import Answer
from examples.standin.slack import SlackServer
from tests.conftest import PROOF
from tests.support.crew import FastClock
from tests.support.ledger import Ledger

COUNT = 900 if PROOF else 12
KILLS = 100 if PROOF else 4
# Each process takes a second of a core to begin.
REPLICAS = 2 if PROOF else 1
DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.proof)]


@pytest.fixture
def crew(url, tmp_path, root, monkeypatch):
    """A crew on one record: what each one does, and what starts it."""
    monkeypatch.chdir(root)
    began = time.time()
    clock = FastClock(began)
    with SlackServer(clock=lambda: clock.now().timestamp()) as slack:
        tasks = [
            *(("record", str(COUNT), str(seed)) for seed in range(REPLICAS)),
            *(("seal", str(tmp_path / "anchor"), str(batch)) for batch in (7, 31)[:REPLICAS]),
            ("send", slack.url, slack.token, str(began)),
            *(("tick", name) for name in ("first", "second")[:REPLICAS]),
        ]
        running = {}
        yield slack, tasks, running, lambda task: running.update({task: start(url, task)})
        for process in running.values():
            process.kill()
            process.wait()


def start(url, task):
    command = [sys.executable, "-m", "tests.support.crew", task[0], url, *task[1:]]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("kind", DATABASES, indirect=True)
def test_whoever_is_killed_nothing_is_lost_doubled_or_forked(crew, url, tmp_path, capsys):
    slack, tasks, running, begin = crew
    rng, kills = random.Random(9162), Counter()
    for task in tasks:
        begin(task)
    recording = [task for task in tasks if task[0] == "record"]
    turns = list(dict.fromkeys(task[0] for task in tasks))
    while kills.total() < KILLS or any(running[task].poll() is None for task in recording):
        time.sleep(rng.uniform(0.05, 0.7))  # a random point of their work
        what = turns[kills.total() % len(turns)]
        task = rng.choice([task for task in tasks if task[0] == what])
        if kills.total() < KILLS:
            running[task].send_signal(signal.SIGKILL)
            running[task].wait()
            kills[task[0]] += 1
            begin(task)
    assert {running[task].returncode for task in recording} == {0}
    wait_for_a_slot(slack)

    with closing(open_database(url)) as database:
        ledger = Ledger(database, tmp_path / "anchor")
        for task in tasks:
            if task[0] in ("seal", "tick"):
                running[task].kill()
                running[task].wait()
        wait_until_sent(database)
        ledger.seal()
        verdict = ledger.verify()
        with database.reader() as uow:
            keys = Counter(recorded.change.key for recorded in uow.changes.query(HistoryQuery()))
            entries = Counter((entry.kind, entry.number) for entry in uow.sealed.entries())
    sent = Counter(message.arguments["metadata"]["event_payload"]["outbox_key"] for message in slack.messages)
    told = Counter(key for key in sent.elements() if key.startswith("change|"))
    slots = Counter(key.split("|")[1] for key in sent if key.startswith("slot|"))

    lost = (COUNT - len(keys)) + (COUNT - len(told))
    doubled = sum(count - 1 for count in (keys + entries + sent + slots).values())
    forks = len(verdict.faults)
    with capsys.disabled():
        print(  # noqa: T201 - these figures are what it is for
            f"\n{dict(kills)} kills, {verdict.checkpoints} checkpoints, {sum(sent.values())} messages, {len(slots)} slots:"
            f" {lost} lost, {doubled} doubled, {forks} forks"
        )
    assert (lost, doubled, forks, verdict.answer) == (0, 0, 0, Answer.INTACT)
    assert (verdict.size, verdict.signed, verdict.anchored) == (COUNT + COUNT // 3,) * 3
    assert slots


def wait_for_a_slot(slack):
    """Wait until a scheduler has had a turn: on a quick machine the recording may be over before its first."""
    deadline = time.monotonic() + 120
    while not any("slot|" in str(message.arguments["metadata"]) for message in slack.messages):
        assert time.monotonic() < deadline, "no scheduler ever had its turn"
        time.sleep(0.1)


def wait_until_sent(database):
    """Wait until the one who sends has sent all."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with database.reader() as uow:
            if not uow.outbox.pending(limit=1):
                return
        time.sleep(0.1)
    raise AssertionError("alerts still wait")
