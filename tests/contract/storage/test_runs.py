"""Who runs which slot: one process, however many ask; a slot whose process died is taken over, once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

from auditor.adapters.storage import open_database
from auditor.application.ports import JobRun, Replica
from auditor.application.watching import LateJob, late_jobs, untold, watch
from auditor.domain.alerts import AlertKind, NewAlert
from auditor.domain.changes import ChangeKind, Detection
from auditor.domain.routing import Routing
from auditor.domain.schedules import When
from tests.support.records import PARAMETER, at, attributed, by, change

HOURLY = {"reconcile": When(every=timedelta(hours=1))}
ABANDONED = timedelta(minutes=5)


def claim(database, slot, when, abandoned=ABANDONED):
    return database.run(lambda uow: uow.runs.claim_slot("reconcile", slot, when, when - abandoned))


def finish(database, slot, when, error=None):
    database.run(lambda uow: uow.runs.finished("reconcile", slot, when, error))


def test_each_slot_is_claimed_once_however_many_ask(url):
    slots = [str(number) for number in range(12)]

    def ask(_):
        with closing(open_database(url)) as database:
            return [slot for slot in slots if claim(database, slot, at(1))]

    with ThreadPoolExecutor(4) as pool:
        mine = list(pool.map(ask, range(4)))

    assert sorted(slot for claimed in mine for slot in claimed) == sorted(slots)


def test_an_abandoned_slot_is_taken_over_by_one(url):
    with closing(open_database(url)) as database:
        assert claim(database, "1", at(1))
        assert not claim(database, "1", at(1) + ABANDONED)
        database.run(lambda uow: uow.runs.renew("reconcile", "1", at(2)))
        assert not claim(database, "1", at(2) + ABANDONED)

    def take_over(_):
        with closing(open_database(url)) as other:
            return claim(other, "1", at(3))

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(take_over, range(4))) == [False, False, False, True]


def test_a_slot_that_ended_is_never_run_again(database):
    claim(database, "1", at(1))
    finish(database, "1", at(1), "it failed")

    assert not claim(database, "1", at(99))
    with database.reader() as uow:
        assert uow.runs.newest_run("reconcile") == JobRun("reconcile", "1", at(1), at(1), "it failed")
        assert uow.runs.newest_run("seal") is None


def test_what_was_run_by_hand_is_no_slot(database):
    claim(database, "by hand 2026", at(9))
    claim(database, "1", at(1))

    with database.reader() as uow:
        assert uow.runs.newest_run("reconcile").slot == "1"


def test_who_is_alive_is_seen_and_the_dead_are_forgotten(database):
    first = Replica("a:1", at(0), at(0))
    second = Replica("b:2", at(0), at(1), ("reconcile", "seal"))
    for replica in (first, second, Replica("a:1", at(0), at(2))):
        database.run(lambda uow, replica=replica: uow.runs.seen(replica))

    with database.reader() as uow:
        assert uow.runs.replicas() == [Replica("a:1", at(0), at(2)), second]
    database.run(lambda uow: uow.runs.seen(Replica("c:3", at(26), at(26))))
    with database.reader() as uow:
        assert [replica.name for replica in uow.runs.replicas()] == ["c:3", "a:1"]
    database.run(lambda uow: uow.runs.left("c:3"))
    with database.reader() as uow:
        assert [replica.name for replica in uow.runs.replicas()] == ["a:1"]


def late(database, now):
    with database.reader() as uow:
        return list(late_jobs(uow.runs, HOURLY, now))


def test_a_job_is_late_when_it_has_not_succeeded_for_long(database):
    assert late(database, at(99)) == []
    claim(database, "1", at(1))
    assert late(database, at(2)) == []
    assert late(database, at(5)) == [LateJob("reconcile", at(1), None)]
    finish(database, "1", at(1))
    claim(database, "2", at(2))
    finish(database, "2", at(2), "SSM gives no answer")
    assert late(database, at(4)) == []
    assert late(database, at(5)) == [LateJob("reconcile", at(1), "SSM gives no answer")]


def test_a_late_job_is_told_once(database):
    claim(database, "1", at(1))
    finish(database, "1", at(1), "SSM gives no answer")

    found = [database.run(lambda uow: watch(uow, Routing(), HOURLY, at(9))) for _ in range(2)]

    assert [one.in_words() for one in found] == ["every change was told; late: reconcile"] * 2
    with database.reader() as uow:
        (alert,) = uow.outbox.pending()
    assert alert.kind is AlertKind.TROUBLE
    assert dict(alert.facts)["error"] == "SSM gives no answer"


def recorded(database, number, **fields):
    with database.unit_of_work() as uow:
        made = uow.changes.append(attributed(change(number, **fields), by("dana")), at(number))
        uow.commit()
    return made


def told(database, *keys, kind=AlertKind.CHANGE):
    with database.unit_of_work() as uow:
        uow.outbox.put(NewAlert("|".join(keys), kind, "c", keys), at(9))
        uow.commit()


def test_what_no_alert_tells_of_is_found_and_told(database):
    changes = [recorded(database, number) for number in range(1, 6)]
    recorded(database, 6, detected_by=Detection.BACKFILL)
    recorded(database, 7, kind=ChangeKind.FAILED)
    told(database, "key-1", "key-2")
    told(database, "key-4", kind=AlertKind.UPDATE)  # an edit tells nobody anything

    found = database.run(lambda uow: watch(uow, Routing(), {}, at(10)))

    assert found.untold == 3
    with database.reader() as uow:
        assert untold(uow, Routing(), at(10)) == []
        digest = next(alert for alert in uow.outbox.pending() if alert.kind is AlertKind.DIGEST)
    assert [one.id for one in digest.changes] == [one.id for one in changes[2:]]
    assert dict(digest.facts) == {"held_back": "missing"}


def test_what_nobody_is_told_of_is_not_missed(database):
    recorded(database, 1)
    with database.reader() as uow:
        assert untold(uow, Routing(untold=frozenset({PARAMETER.name})), at(2)) == []


def test_a_look_goes_two_days_back_however_much_was_recorded(database, monkeypatch):
    monkeypatch.setattr("auditor.adapters.storage.outbox.PAGE", 3)
    for number in range(1, 72, 6):
        recorded(database, number)

    with database.reader() as uow:
        missing = untold(uow, Routing(), at(72))
    assert [one.change.key for one in missing] == [f"key-{number}" for number in range(25, 72, 6)]
