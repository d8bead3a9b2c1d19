"""Alerts: each change in one, each claimed by one, none lost, doubt told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from auditor.domain.alerts import AlertKind, Delivery, DeliveryOutcome, NewAlert
from auditor.domain.changes import ChangeKind
from auditor.domain.findings import Finding, Severity
from auditor.domain.references import FlagSpec, Reference, ReferenceKind, ScanResult
from tests.support.records import OTHER, at, attributed, between, by, change

SENT = Delivery(DeliveryOutcome.SENT, message_id="C1:17.5")
UNKNOWN = Delivery(DeliveryOutcome.UNKNOWN, error="timeout")


@pytest.fixture
def recorded(database):
    """Three changes, and an alert for the first."""
    with database.unit_of_work() as uow:
        made = [uow.changes.append(attributed(change(number)), at(100)) for number in (1, 2, 3)]
        uow.outbox.put(alert(1), at(100))
        uow.commit()
    return made


def alert(*numbers, kind=AlertKind.CHANGE, key=None, **fields):
    name = key or f"{kind.value}|cause-{numbers[0]}"
    return NewAlert(name, kind, f"cause-{numbers[0]}", tuple(f"key-{number}" for number in numbers), **fields)


def claim(database, hour=100.0, *, lease=60, limit=10, keys=None, channel="slack"):
    with database.unit_of_work() as uow:
        claimed = uow.outbox.claim(channel, at(hour), lease_seconds=lease, limit=limit, keys=keys)
        uow.commit()
    return list(claimed)


def settle(database, claimed, delivery, hour=100.0, channel="slack"):
    with database.unit_of_work() as uow:
        uow.outbox.settle(claimed, channel, delivery, at(hour))
        uow.commit()


def put(database, *alerts, hour=100.0):
    with database.unit_of_work() as uow:
        done = [uow.outbox.put(one, at(hour)) for one in alerts]
        uow.commit()
    return done


def keys_of(alerts):
    return [one.key for one in alerts]


class TestPut:
    def test_a_key_is_there_once(self, database, recorded):
        assert put(database, alert(1), alert(2), alert(2)) == [False, True, False]
        assert keys_of(claim(database)) == ["change|cause-1", "change|cause-2"]

    def test_a_pending_one_takes_further_changes_in(self, database, recorded):
        put(database, alert(1, 3, 2))

        (claimed,) = claim(database)
        assert [one.change.key for one in claimed.changes] == ["key-1", "key-3", "key-2"]

    def test_a_claimed_one_takes_none(self, database, recorded):
        claim(database)
        put(database, alert(1, 3))

        (again,) = claim(database, 101)
        assert [one.change.key for one in again.changes] == ["key-1"]

    def test_a_change_is_told_in_one_alert(self, database, recorded):
        put(database, alert(2, 1, kind=AlertKind.DIGEST))

        told = {one.key: [item.change.key for item in one.changes] for one in claim(database)}
        assert told == {"change|cause-1": ["key-1"], "digest|cause-2": ["key-2"]}

    def test_many_changes_in_one_alert(self, database):
        with database.unit_of_work() as uow:
            for number in range(1200):
                uow.changes.append(attributed(change(number)), at(100))
            uow.outbox.put(alert(*range(1200), kind=AlertKind.DIGEST), at(100))
            uow.commit()

        (claimed,) = claim(database)
        assert [one.change.key for one in claimed.changes] == [f"key-{number}" for number in range(1200)]


class TestClaim:
    def test_everything_a_message_needs_is_there(self, database, recorded):
        finding = Finding("friday", Severity.HIGH, "a Friday", change_key="key-1")
        spec = FlagSpec("/shop/prod/features/new-checkout", "ssm", "shop", "prod", name="shop/new-checkout")
        found = Reference(flag=spec, path="app.py", line=1, column=1, kind=ReferenceKind.READ)
        with database.unit_of_work() as uow:
            uow.findings.add(finding, at(100))
            uow.references.save("shop", ScanResult((found,)), at(100))
            uow.changes.attribute(recorded[0].id, by("dana"), at(101))
            uow.outbox.put(alert(2, kind=AlertKind.SUMMARY, facts=(("documents", 7), ("who", ["ü", None]))), at(100))
            uow.commit()

        first, second = claim(database, 102)
        assert first.changes == (replace(recorded[0], attribution=by("dana")),)
        assert first.findings == (finding,)
        assert first.references == (found,)
        assert (first.kind, first.cause, first.attempt, first.created_at) == (AlertKind.CHANGE, "cause-1", 1, at(100))
        assert first.facts == ()
        assert second.facts == (("documents", 7), ("who", ["ü", None]))

    def test_no_scan_is_not_no_reference(self, database, recorded):
        assert claim(database)[0].references is None
        with database.unit_of_work() as uow:
            uow.references.save("shop", ScanResult(), at(100))
            uow.commit()
        assert claim(database, 200)[0].references == ()

    def test_a_change_without_flag_is_told(self, database):
        with database.unit_of_work() as uow:
            made = uow.changes.append(attributed(change(1, flag=None, kind=ChangeKind.GUARDRAIL)), at(100))
            uow.references.save("shop", ScanResult(), at(100))
            uow.outbox.put(alert(1), at(100))
            uow.commit()

        (claimed,) = claim(database)
        assert (claimed.changes, claimed.references, claimed.superseded) == ((made,), (), ())

    def test_a_claimed_one_is_not_claimed_again_before_its_lease_ends(self, database, recorded):
        assert [one.attempt for one in claim(database, lease=60)] == [1]
        assert claim(database, 100 + 59 / 3600) == []
        assert [one.attempt for one in claim(database, 100 + 60 / 3600)] == [2]

    def test_no_more_than_the_limit_oldest_first(self, database, recorded):
        put(database, alert(2), alert(3))

        assert keys_of(claim(database, limit=2)) == ["change|cause-1", "change|cause-2"]
        assert keys_of(claim(database, limit=2)) == ["change|cause-3"]

    def test_only_those_asked_for(self, database, recorded):
        put(database, alert(2))

        assert keys_of(claim(database, keys=["change|cause-2", "unknown"])) == ["change|cause-2"]
        assert claim(database, keys=[]) == []

    def test_one_that_is_held_back_waits(self, database, recorded):
        put(database, alert(2, key="digest", not_before=at(105)))
        claim(database)

        assert claim(database, 104, keys=["digest"]) == []
        assert keys_of(claim(database, 105, keys=["digest"])) == ["digest"]

    def test_one_that_is_held_back_is_released(self, database, recorded):
        put(database, alert(2, key="digest", not_before=at(105)))
        with database.unit_of_work() as uow:
            uow.outbox.release("digest")
            uow.outbox.release("unknown")
            uow.commit()

        assert keys_of(claim(database, 100, keys=["digest"])) == ["digest"]

    def test_releasing_hurries_none_that_the_channel_put_off(self, database, recorded):
        (claimed,) = claim(database)
        settle(database, claimed, Delivery(DeliveryOutcome.LATER, not_before=at(103)))
        with database.unit_of_work() as uow:
            uow.outbox.release(claimed.key)
            uow.commit()

        assert claim(database, 102) == []

    def test_two_dispatchers_never_get_the_same(self, database, recorded):
        put(database, *[alert(number, key=f"many-{number}") for number in range(2, 42)])

        with ThreadPoolExecutor(4) as pool:
            got = [one for some in pool.map(lambda _: claim(database, limit=3), range(20)) for one in keys_of(some)]

        assert len(got) == len(set(got)) == 41

    def test_a_crash_before_the_commit_claims_nothing(self, database, recorded):
        with database.unit_of_work() as uow:
            uow.outbox.claim("slack", at(100), lease_seconds=60, limit=1)

        assert [one.attempt for one in claim(database)] == [1]

    def test_a_change_overtaken_by_a_later_one_is_told(self, database):
        with database.unit_of_work() as uow:
            made = [
                uow.changes.append(attributed(one), at(100))
                for one in (
                    change(1),
                    change(2, environment="staging"),
                    change(3, flag="other", document=OTHER),
                    change(4),
                    change(5, kind=ChangeKind.DENIED, environment="staging"),
                    between(6, 0, 1.5, flag="other", document=OTHER),
                )
            ]
            uow.outbox.put(alert(*range(1, 7), kind=AlertKind.DIGEST), at(100))
            uow.commit()

        (claimed,) = claim(database)
        assert claimed.superseded == (made[0].id, made[5].id)


class TestSettle:
    def test_sent_is_the_end(self, database, recorded):
        (claimed,) = claim(database)
        settle(database, claimed, SENT)

        assert claim(database, 999) == []
        with database.reader() as uow:
            assert uow.outbox.message_of(recorded[0].id) == "C1:17.5"
            assert uow.outbox.message_of(recorded[1].id) is None
            assert uow.outbox.pending() == []

    def test_later_comes_back_then_without_doubt(self, database, recorded):
        (claimed,) = claim(database)
        settle(database, claimed, Delivery(DeliveryOutcome.LATER, not_before=at(101)))

        assert claim(database, 100.9) == []
        assert [one.attempt for one in claim(database, 101)] == [1]

    def test_later_without_a_time_backs_off_further_each_time(self, database, recorded):
        hour = 100.0
        for wait in (10, 20, 40, 80, 160, 320, 640, 900, 900):
            (claimed,) = claim(database, hour)
            settle(database, claimed, Delivery(DeliveryOutcome.LATER), hour)
            assert claim(database, hour + (wait - 1) / 3600) == []
            hour += wait / 3600

    def test_unknown_comes_back_in_doubt_after_a_while(self, database, recorded):
        (claimed,) = claim(database)
        settle(database, claimed, UNKNOWN)

        assert claim(database, 100 + 9 / 3600) == []
        (again,) = claim(database, 100 + 10 / 3600)
        assert again.attempt == 2
        settle(database, again, UNKNOWN, 100 + 10 / 3600)
        assert [one.attempt for one in claim(database, 101)] == [3]

    def test_a_refusal_is_dead_and_shown(self, database, recorded):
        (claimed,) = claim(database)
        settle(database, claimed, Delivery(DeliveryOutcome.REFUSED, error="channel_not_found"))

        assert claim(database, 999) == []
        with database.reader() as uow:
            assert uow.outbox.dead() == [(claimed.id, "channel_not_found")]
            assert uow.outbox.pending() == []

    def test_what_was_given_up_can_wait_again(self, database, recorded):
        (claimed,) = claim(database)
        settle(database, claimed, Delivery(DeliveryOutcome.REFUSED, error="channel_not_found"))
        with database.unit_of_work() as uow:
            assert (uow.outbox.revive(at(101)), uow.outbox.revive(at(101))) == (1, 0)
            uow.commit()

        assert claim(database, 100.9) == []
        (again,) = claim(database, 101)
        assert (again.id, again.attempt) == (claimed.id, claimed.attempt)
        with database.reader() as uow:
            assert uow.outbox.dead() == []

    def test_who_lost_the_lease_settles_nothing(self, database, recorded):
        (slow,) = claim(database)
        (quick,) = claim(database, 101)
        settle(database, slow, Delivery(DeliveryOutcome.REFUSED, error="no"), 101)
        settle(database, slow, Delivery(DeliveryOutcome.LATER), 101)
        settle(database, slow, UNKNOWN, 101)

        assert claim(database, 101) == []
        settle(database, quick, SENT, 101)
        settle(database, slow, UNKNOWN, 101)
        assert claim(database, 999) == []

    def test_sent_is_true_whoever_says_it(self, database, recorded):
        (slow,) = claim(database)
        claim(database, 101)
        settle(database, slow, SENT, 101)

        assert claim(database, 999) == []

    def test_an_unknown_alert_settles_nothing(self, database, recorded):
        (claimed,) = claim(database)
        settle(database, replace(claimed, id=999), SENT)

        assert len(claim(database, 101)) == 1


class TestUpdates:
    def test_an_edit_names_the_message_and_its_changes(self, database, recorded):
        (claimed,) = claim(database)
        settle(database, claimed, SENT)
        put(database, alert(1, kind=AlertKind.UPDATE))

        (edit,) = claim(database)
        assert edit.sent_as == "C1:17.5"
        assert edit.changes == (recorded[0],)
        settle(database, edit, Delivery(DeliveryOutcome.SENT, message_id="edited"))
        with database.reader() as uow:
            assert uow.outbox.message_of(recorded[0].id) == "C1:17.5"

    def test_an_edit_waits_until_its_message_is_settled(self, database, recorded):
        (claimed,) = claim(database)
        put(database, alert(1, kind=AlertKind.UPDATE))

        assert claim(database) == []
        settle(database, claimed, UNKNOWN)
        assert keys_of(claim(database, 101)) == ["change|cause-1"]
        settle(database, replace(claimed, attempt=2), SENT, 101)
        assert keys_of(claim(database, 101)) == ["update|cause-1"]

    def test_an_edit_of_nothing_sent_says_so(self, database, recorded):
        put(database, alert(2, kind=AlertKind.UPDATE))

        assert [one.sent_as for one in claim(database, keys=["update|cause-2"])] == [None]


class TestPending:
    def test_what_waits_is_shown_and_not_claimed(self, database, recorded):
        put(database, alert(2, not_before=at(200)))
        put(database, alert(3), hour=105)
        claim(database, limit=1)

        with database.reader() as uow:
            assert keys_of(uow.outbox.pending()) == ["change|cause-1", "change|cause-2", "change|cause-3"]
            assert keys_of(uow.outbox.pending(limit=1)) == ["change|cause-1"]
            assert keys_of(uow.outbox.pending(at(104))) == ["change|cause-1", "change|cause-2"]
            assert uow.outbox.pending()[0].changes == (recorded[0],)
        assert keys_of(claim(database, 200)) == ["change|cause-1", "change|cause-2", "change|cause-3"]
