"""Events are taken once; what cannot be understood or read now is kept."""

from __future__ import annotations

import time

from sqlalchemy import select

from auditor.adapters.storage.tables import dead_letters
from auditor.domain.events import Outcome
from tests.support.records import at

EVENT = {"id": "e-1", "detail": {"name": "/shop/prod/features/x", "deep": [1.5, None, "ü \ud800"]}}


def test_an_event_is_taken_by_any_of_its_keys(database):
    with database.unit_of_work() as uow:
        assert not uow.inbox.taken(["eventbridge|1", "cloudtrail|a"])
        uow.inbox.take(["eventbridge|1", "cloudtrail|a"], Outcome.RECORDED, at(1))
        uow.inbox.take(["cloudtrail|a", "eventbridge|2"], Outcome.DUPLICATE, at(2))
        uow.commit()

    with database.reader() as uow:
        assert uow.inbox.taken(["eventbridge|1"])
        assert uow.inbox.taken(["other", "cloudtrail|a"])
        assert uow.inbox.taken(["eventbridge|2"])
        assert not uow.inbox.taken(["other"])
        assert not uow.inbox.taken([])


def test_an_event_without_keys_is_taken_in_silence(database):
    with database.unit_of_work() as uow:
        uow.inbox.take([], Outcome.IGNORED, at(1))
        assert not uow.inbox.taken([""])


def test_a_key_of_any_length_and_content_is_remembered(database):
    keys = ["x" * 20_000, "nul\x00", "lone \ud800"]
    with database.unit_of_work() as uow:
        uow.inbox.take(keys, Outcome.IGNORED, at(1))
        uow.commit()
        assert all(uow.inbox.taken([key]) for key in keys)
        assert not uow.inbox.taken(["x" * 20_001])


def test_what_cannot_be_understood_is_kept_without_secrets(database):
    secret = "AKIA" + "IOSFODNN7EXAMPLE"
    with database.unit_of_work() as uow:
        uow.inbox.reject(f"{{not json, {secret}, \x00", "no JSON", at(1), "message-1")
        uow.inbox.reject("", "empty", at(2), None)
        uow.commit()

    with database.reader() as uow:
        kept = uow._session.rows(select(dead_letters).order_by(dead_letters.c.seq))
    assert [(row.error, row.message_id) for row in kept] == [("no JSON", "message-1"), ("empty", None)]
    assert kept[0].text.startswith("{not json")
    assert secret not in kept[0].text


def test_of_a_text_longer_than_any_event_the_beginning_is_kept(database):
    secret = "AKIA" + "IOSFODNN7EXAMPLE"
    text = f"{{not json, {secret}" + ", and more words" * 1_300_000
    begun = time.process_time()
    with database.unit_of_work() as uow:
        uow.inbox.reject(text, "too large", at(1), None)
        uow.commit()
    took = time.process_time() - begun

    with database.reader() as uow:
        (kept,) = uow._session.rows(select(dead_letters))
    assert kept.text.startswith("{not json, [masked], and more words")
    assert kept.text.endswith(f"... (cut: {len(text)} characters in all)")
    assert len(kept.text) < 2**20 + 100
    assert took < 4, "masking all of it takes about ten seconds"


def test_an_error_text_holds_no_secret_either(database):
    secret = "AKIA" + "IOSFODNN7EXAMPLE"
    with database.unit_of_work() as uow:
        uow.inbox.reject("x", f"cannot read {secret}", at(1), None)
        uow.commit()
        (kept,) = uow._session.rows(select(dead_letters))

    assert secret not in kept.error


def test_a_deferred_event_waits_whole_and_is_not_taken(database):
    with database.unit_of_work() as uow:
        uow.inbox.defer(["k-1"], EVENT, "doc", "throttled", at(1))
        uow.inbox.defer(["k-2"], {"id": "e-2"}, "doc", "throttled", at(2))
        uow.commit()

    with database.unit_of_work() as uow:
        assert not uow.inbox.taken(["k-1"])
        (first, one), (second, other) = uow.inbox.deferred()
        assert (one, other) == (EVENT, {"id": "e-2"})
        uow.inbox.settle(first, at(3))
        uow.commit()
        assert uow.inbox.deferred() == [(second, {"id": "e-2"})]


def test_deferring_again_adds_nothing(database):
    with database.unit_of_work() as uow:
        for hour in (1, 2):
            uow.inbox.defer(["k-1", "k-2"], EVENT, "doc", f"error {hour}", at(hour))
            uow.commit()
        uow.inbox.defer(["k-2", "k-1"], EVENT, "doc", "in another order", at(3))

        assert len(uow.inbox.deferred()) == 1


def test_taking_an_event_settles_what_was_deferred_of_it(database):
    with database.unit_of_work() as uow:
        uow.inbox.defer(["k-1", "k-2"], EVENT, "doc", "throttled", at(1))
        uow.inbox.defer(["k-3"], EVENT, "doc", "throttled", at(1))
        uow.inbox.take(["k-1", "k-2"], Outcome.RECORDED, at(2))

        assert len(uow.inbox.deferred()) == 1


def test_a_settled_event_that_is_deferred_again_waits_again(database):
    with database.unit_of_work() as uow:
        uow.inbox.defer(["k-1"], EVENT, "doc", "throttled", at(1))
        ((row, _),) = uow.inbox.deferred()
        uow.inbox.settle(row, at(2))
        uow.inbox.defer(["k-1"], EVENT, "doc", "throttled", at(3))

        assert len(uow.inbox.deferred()) == 1
