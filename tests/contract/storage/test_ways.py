"""Which way an alert goes, and how one grows: on SQLite and on PostgreSQL, nothing lost, nothing told twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from auditor.domain.alerts import AlertKind, Burst, Delivery, DeliveryOutcome, NewAlert
from auditor.domain.documents import DocumentRef
from tests.support.records import at, attributed, change, document

SENT = DeliveryOutcome.SENT
MINUTE = timedelta(minutes=1)


def noted(uow, number, name=None):
    """Record the write of another parameter and return the alert that would tell of it."""
    ref: DocumentRef = document(f"/shop/prod/features/{name or number}")
    made = change(number, document=ref, occurred_at=at(1) + timedelta(seconds=number))
    uow.changes.append(attributed(made), at(1))
    burst = Burst("dana", made.occurred_at, MINUTE)
    return NewAlert(f"change|{made.cause}", AlertKind.CHANGE, made.cause, (made.key,), burst=burst)


def tell(database, number, name=None):
    with database.unit_of_work() as uow:
        key = uow.outbox.tell(noted(uow, number, name), at(1))
        uow.commit()
    return key


def claim(database, **fields):
    with database.unit_of_work() as uow:
        claimed = uow.outbox.claim("fake", at(2), lease_seconds=60, limit=9, **fields)
        uow.commit()
    return claimed


def settle(database, alert, outcome=SENT, message="m1"):
    with database.unit_of_work() as uow:
        uow.outbox.settle(alert, "fake", Delivery(outcome, message), at(2))
        uow.commit()


def keys(alert):
    return [told.change.key for told in alert.changes]


def test_what_one_actor_writes_at_once_is_one_message(database):
    told = {tell(database, number) for number in range(1, 31)}

    (alert,) = claim(database)
    assert told == {"change|cause-1"} == {alert.key}
    assert keys(alert) == [f"key-{number}" for number in range(1, 31)]
    assert alert.sent_as is None


def test_a_message_that_was_sent_is_edited_when_more_comes(database):
    tell(database, 1)
    (first,) = claim(database)
    settle(database, first)
    assert claim(database) == []

    assert tell(database, 2) == "change|cause-1"
    (again,) = claim(database)
    assert (again.id, again.sent_as, keys(again)) == (first.id, "m1", ["key-1", "key-2"])
    settle(database, again)
    assert claim(database) == []


def test_what_comes_while_it_is_being_sent_makes_it_due_again(database):
    tell(database, 1)
    (first,) = claim(database)
    tell(database, 2)
    settle(database, first)

    (again,) = claim(database)
    assert (again.sent_as, keys(again)) == ("m1", ["key-1", "key-2"])


def test_a_message_that_was_found_is_taken_for_what_the_first_attempt_said(database):
    tell(database, 1)
    (first,) = claim(database)
    tell(database, 2)
    settle(database, first, DeliveryOutcome.UNKNOWN, None)

    with database.unit_of_work() as uow:
        (found,) = uow.outbox.claim("fake", at(3), lease_seconds=60, limit=9)
        uow.outbox.settle(found, "fake", Delivery(SENT, "m1"), at(3))
        uow.commit()
    assert found.attempt == 2
    (again,) = claim_at(database, 4)
    assert (again.sent_as, keys(again)) == ("m1", ["key-1", "key-2"])


def claim_at(database, hours):
    with database.unit_of_work() as uow:
        claimed = uow.outbox.claim("fake", at(hours), lease_seconds=60, limit=9)
        uow.commit()
    return claimed


def test_the_same_thing_told_again_makes_nothing_due(database):
    tell(database, 1)
    (first,) = claim(database)
    settle(database, first)
    with database.unit_of_work() as uow:
        uow.outbox.put(NewAlert("change|cause-1", AlertKind.CHANGE, "cause-1", ("key-1",)), at(2))
        uow.commit()

    assert claim(database) == []


@pytest.mark.parametrize("second", [{"number": 3600}, {"number": 2, "name": "1"}])
def test_much_later_or_the_same_parameter_again_is_another_message(database, second):
    assert tell(database, 1) == "change|cause-1"
    assert tell(database, **second) == f"change|cause-{second['number']}"


def test_what_was_given_up_or_may_have_arrived_takes_nothing_more(database):
    tell(database, 1)
    (first,) = claim(database)
    settle(database, first, DeliveryOutcome.REFUSED)

    assert tell(database, 2) == "change|cause-2"


def test_a_digest_that_was_sent_takes_what_comes_too_late_for_it(database):
    with database.unit_of_work() as uow:
        for number in (1, 2):
            noted(uow, number)
        uow.outbox.put(NewAlert("digest|quiet", AlertKind.DIGEST, "digest", ("key-1",)), at(1))
        uow.commit()
    (first,) = claim(database)
    settle(database, first)
    with database.unit_of_work() as uow:
        uow.outbox.put(NewAlert("digest|quiet", AlertKind.DIGEST, "digest", ("key-2",)), at(1))
        uow.commit()

    (again,) = claim(database)
    assert (again.sent_as, keys(again)) == ("m1", ["key-1", "key-2"])


def test_each_way_is_claimed_by_itself(database):
    with database.unit_of_work() as uow:
        for number, route in ((1, None), (2, "team"), (3, "ops"), (4, "team")):
            made = noted(uow, number)
            uow.outbox.put(NewAlert(made.key, made.kind, made.cause, made.change_keys, route=route), at(1))
        uow.commit()
    with database.reader() as uow:
        assert uow.outbox.routes() == ["ops", "team"]
        assert [uow.outbox.recent(route, at(1)) for route in (None, "team", "ops", "none")] == [1, 2, 1, 0]
        assert uow.outbox.recent("team", at(3)) == 0

    assert [keys(alert) for alert in claim(database, route="team")] == [["key-2"], ["key-4"]]
    assert [keys(alert) for alert in claim(database)] == [["key-1"]]
    assert [keys(alert) for alert in claim(database, route="ops")] == [["key-3"]]
    with database.reader() as uow:
        assert uow.outbox.routes() == ["ops", "team"], "what is being sent still waits"


def test_an_edit_goes_where_the_message_went_and_tells_all_of_it(database):
    with database.unit_of_work() as uow:
        first, second = noted(uow, 1), noted(uow, 2)
        told = (*first.change_keys, *second.change_keys)
        uow.outbox.put(NewAlert("change|both", AlertKind.CHANGE, "cause-1", told, route="team"), at(1))
        uow.commit()
    (sent,) = claim(database, route="team")
    settle(database, sent)
    with database.unit_of_work() as uow:
        uow.outbox.put(NewAlert("update|x", AlertKind.UPDATE, "cause-2", second.change_keys), at(1))
        uow.commit()

    assert claim(database) == []
    (edit,) = claim(database, route="team")
    assert (edit.kind, edit.sent_as, keys(edit)) == (AlertKind.UPDATE, "m1", ["key-1", "key-2"])
