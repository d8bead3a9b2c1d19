"""A transaction is all or nothing, and many writers at once make one record."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from sqlalchemy import func, select

from auditor.adapters.storage import open_database, tables
from auditor.application.ports import HistoryQuery, Scope
from auditor.application.verifying import Answer
from auditor.domain.alerts import AlertKind, NewAlert
from auditor.domain.errors import ConflictError, DatabaseError
from auditor.domain.events import Outcome, Signal
from auditor.domain.findings import Finding, Severity
from auditor.domain.references import ScanResult
from tests.conftest import PROOF
from tests.contract.storage.test_evidence import call, deployment, gap
from tests.support.ledger import Ledger
from tests.support.records import PARAMETER, at, attributed, by, change, snapshot


def write_everything(uow):
    """Write to every log there is."""
    recorded = uow.changes.append(attributed(change(1), by("ann")), at(1))
    uow.changes.attribute(recorded.id, by("dana"), at(1))
    uow.documents.hold(PARAMETER, 1, [snapshot(1)], at(1))
    uow.calls.add(call(), at(1))
    uow.calls.signal("event", Signal(PARAMETER, at(1), "code", "text"), at(1))
    uow.deployments.add(deployment(), at(1))
    uow.gaps.add(gap(1, 2), at(1))
    uow.findings.add(Finding("x", Severity.LOW, "x", change_key="key-1"), at(1))
    uow.outbox.put(NewAlert("alert", AlertKind.CHANGE, "cause-1", ("key-1",)), at(1))
    uow.references.save("shop", ScanResult(), at(1))
    uow.runs.reconciled(Scope("ssm", "1", "r", "f"), at(1), {"recorded": 1})
    uow.runs.claim_slot("job", "slot", at(1))
    uow.inbox.take(["key"], Outcome.RECORDED, at(1))
    uow.inbox.reject("text", "error", at(1), None)
    uow.inbox.defer(["other"], {}, "doc", "error", at(1))


def counts(database):
    with database.reader() as uow:
        return {
            table.name: uow._session.connection.scalar(select(func.count()).select_from(table))
            for table in tables.metadata.sorted_tables
        }


def test_everything_is_undone_together(database):
    with database.unit_of_work() as uow:
        write_everything(uow)

    assert set(counts(database).values()) == {0}


def test_an_exception_undoes_everything(database):
    def work(uow):
        write_everything(uow)
        raise LookupError

    with pytest.raises(LookupError):
        database.run(work)

    assert set(counts(database).values()) == {0}


def test_everything_is_kept_together(database):
    with database.unit_of_work() as uow:
        write_everything(uow)
        uow.commit()

    written = counts(database)
    assert {name for name, count in written.items() if count} >= {
        *("actors", "alert_changes", "alerts", "attributions", "calls", "changes", "dead_letters", "deferred_events"),
        *("deployments", "documents", "findings", "gaps", "job_slots", "pending_seals", "reconciles"),
        *("reference_sets", "scans", "signals", "taken_events", "versions"),
    }
    assert written["pending_seals"] == 4


def test_what_is_done_twice_changes_nothing(database):
    for _ in range(2):
        with database.unit_of_work() as uow:
            first = uow.changes.append(attributed(change(1), by("ann")), at(1))
            uow.documents.hold(PARAMETER, 1, [snapshot(1)], at(1))
            uow.calls.add(call(), at(1))
            uow.calls.signal("event", Signal(PARAMETER, at(1), "code", "text"), at(1))
            uow.deployments.add(deployment(), at(1))
            uow.gaps.add(gap(1, 2), at(1))
            uow.findings.add(Finding("x", Severity.LOW, "x", change_key="key-1"), at(1))
            uow.outbox.put(NewAlert("alert", AlertKind.CHANGE, "cause-1", ("key-1",)), at(1))
            uow.inbox.take(["key"], Outcome.RECORDED, at(1))
            uow.inbox.defer(["other"], {}, "doc", "error", at(1))
            uow.commit()

    assert first is None
    assert max(counts(database).values()) == 2  # one change and one gap wait to be sealed


def test_after_a_commit_the_next_transaction_begins(database):
    with database.unit_of_work() as uow:
        uow.inbox.take(["first"], Outcome.NOTED, at(1))
        uow.commit()
        uow.inbox.take(["second"], Outcome.NOTED, at(1))

    with database.reader() as uow:
        assert uow.inbox.taken(["first"])
        assert not uow.inbox.taken(["second"])


def test_an_actor_of_a_transaction_that_failed_is_still_found(database):
    for commits in (False, True):
        with database.unit_of_work() as uow:
            uow.changes.append(attributed(change(1), by("ann")), at(1))
            if commits:
                uow.commit()

    with database.reader() as uow:
        assert len(list(uow.changes.query(HistoryQuery(actor="ann")))) == 1


def test_a_reader_writes_nothing(database):
    with database.reader() as uow, pytest.raises(DatabaseError):
        uow.inbox.take(["key"], Outcome.NOTED, at(1))

    with database.unit_of_work() as uow:  # on the same connection
        uow.inbox.take(["key"], Outcome.NOTED, at(1))
        uow.commit()
        assert uow.inbox.taken(["key"])


def test_a_reader_waits_for_no_writer_and_sees_one_state(database):
    with database.unit_of_work() as writer, database.reader() as reader:
        writer.changes.append(attributed(change(1)), at(1))
        assert list(reader.changes.query(HistoryQuery())) == []
        writer.commit()
        assert list(reader.changes.query(HistoryQuery())) == []

    with database.reader() as reader:
        assert len(list(reader.changes.query(HistoryQuery()))) == 1


def test_work_is_done_again_after_a_conflict(database):
    tries = []

    def work(uow):
        uow.inbox.take([f"try {len(tries)}"], Outcome.NOTED, at(1))
        tries.append(1)
        if len(tries) < 3:
            raise ConflictError("another came first")
        return "done"

    assert database.run(work) == "done"
    with database.reader() as uow:
        assert [uow.inbox.taken([f"try {number}"]) for number in range(3)] == [False, False, True]


def test_work_that_never_succeeds_says_so(database):
    def work(_uow):
        raise ConflictError("another came first")

    with pytest.raises(ConflictError):
        database.run(work)


def test_threads_that_record_the_same_make_one_record(database):
    def deliver(worker):
        done = 0
        for number in range(20):
            n = (number + worker * 7) % 20

            def work(uow, n=n):
                recorded = uow.changes.append(attributed(change(n), by("ann")), at(100))
                if recorded is not None:
                    uow.outbox.put(NewAlert(f"change|{n}", AlertKind.CHANGE, f"cause-{n}", (f"key-{n}",)), at(100))
                return recorded is not None

            done += database.run(work)
        return done

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(deliver, range(4))) == 20

    written = counts(database)
    assert [written[name] for name in ("changes", "alerts", "alert_changes", "pending_seals", "actors")] == [20] * 4 + [
        1
    ]


def test_threads_that_learn_of_one_change_agree_on_the_best(database):
    people = ["ann", "bob", "cat", "dan", "eve", "fay"]
    with database.unit_of_work() as uow:
        recorded = uow.changes.append(attributed(change(1)), at(1))
        uow.commit()

    with ThreadPoolExecutor(4) as pool:
        list(
            pool.map(lambda name: database.run(lambda uow: uow.changes.attribute(recorded.id, by(name), at(2))), people)
        )

    with database.reader() as uow:
        best = uow.changes.get(recorded.id).attribution.actor.name
        found = [name for name in people if list(uow.changes.query(HistoryQuery(actor=name)))]
    assert counts(database)["attributions"] == 6
    assert found == [best]


WRITER = """
import sys
from auditor.adapters.storage import open_database
from auditor.application.sealing import seal
from auditor.domain.alerts import AlertKind, NewAlert
from tests.support.records import at, attributed, by, change

database = open_database(sys.argv[1])
for number in range(40):
    n = (number * 7 + int(sys.argv[2])) % 40
    def work(uow):
        recorded = uow.changes.append(attributed(change(n), by(f"person {n % 3}")), at(100))
        if recorded is not None:
            uow.outbox.put(NewAlert(f"change|{n}", AlertKind.CHANGE, f"cause-{n}", (f"key-{n}",)), at(100))
    database.run(work)
    if number % 8 == 0:
        seal(database.unit_of_work)
database.close()
"""


@pytest.mark.parametrize("_run", range(20 if PROOF else 1))
def test_processes_that_record_the_same_and_seal_make_one_record(make_url, root, tmp_path, _run):
    """Each also opens the database while the others do, and one of them makes it."""
    url = make_url()
    many = 8 if PROOF else 3
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, url, str(number)], cwd=root) for number in range(many)]

    assert [writer.wait(120) for writer in writers] == [0] * many
    with closing(open_database(url)) as database:
        ledger = Ledger(database, tmp_path / "anchor")
        ledger.seal()
        verdict = ledger.verify()
        written = counts(database)
        with database.reader() as uow:
            keys = Counter(one.change.key for one in uow.changes.query(HistoryQuery()))
            told = Counter(one.change.key for waiting in uow.outbox.pending() for one in waiting.changes)
    assert keys == told == Counter({f"key-{n}": 1 for n in range(40)})
    assert (written["pending_seals"], written["leaves"], written["actors"]) == (0, 40, 3)
    assert (verdict.answer, verdict.size) == (Answer.INTACT, 40)
    print(f"{many} processes, 40 changes each: 0 lost, {sum(keys.values()) - 40} doubled, {len(verdict.faults)} forks")  # noqa: T201


def test_a_writer_killed_in_the_middle_leaves_nothing_half(database, url, root):
    program = """
import os, sys
from auditor.adapters.storage import open_database
from tests.contract.storage.test_transactions import write_everything

with open_database(sys.argv[1]).unit_of_work() as uow:
    write_everything(uow)
    os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", program, url], cwd=root, check=False)

    assert done.returncode == -9
    assert set(counts(database).values()) == {0}
    with database.unit_of_work() as uow:
        write_everything(uow)
        uow.commit()
