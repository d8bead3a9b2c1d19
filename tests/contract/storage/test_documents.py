"""Cursors move, versions stay."""

from __future__ import annotations

from dataclasses import replace

from auditor.application.ports import Scope
from auditor.domain.documents import HeldDocument
from auditor.domain.flags import FlagState
from tests.support.records import OTHER, PARAMETER, at, document, entry, snapshot


def check(uow, where=PARAMETER, life=1, hour=1.0, *, alive=True, labels=None, title=None):
    uow.documents.checked(where, life, at(hour), alive=alive, labels=labels or {}, title=title)


def test_what_was_never_held_is_none(database):
    with database.reader() as uow:
        assert uow.documents.held(PARAMETER) is None
        assert uow.documents.version(PARAMETER, "1") is None


def test_the_cursor_stands_at_the_newest_version(database):
    with database.unit_of_work() as uow:
        uow.documents.hold(PARAMETER, 1, [snapshot(1, "a"), snapshot(3, {"c": 1.0}), snapshot(2, "b")], at(4))
        check(uow, hour=5, labels={"live": "2", "ümläut": "3"}, title="shop/checkout")
        uow.commit()

    with database.reader() as uow:
        assert uow.documents.held(PARAMETER) == HeldDocument(
            document=PARAMETER,
            life=1,
            version="3",
            ordinal=3,
            modified_at=at(3),
            entries={"": entry({"c": 1.0})},
            labels={"live": "2", "ümläut": "3"},
            alive=True,
            checked_at=at(5),
            title="shop/checkout",
            metadata={"type": "String", "tags": {"owner": "shop"}},
        )


def test_versions_without_numbers_stand_in_the_order_held(database):
    with database.unit_of_work() as uow:
        for name in ("zz", "aa"):
            uow.documents.hold(PARAMETER, 1, [snapshot(1, version=name, ordinal=None, modified_at=None)], at(1))

        held = uow.documents.held(PARAMETER)

    assert (held.version, held.ordinal, held.modified_at) == ("aa", None, None)


def test_holding_a_version_twice_changes_nothing(database):
    with database.unit_of_work() as uow:
        uow.documents.hold(PARAMETER, 1, [snapshot(1, "a")], at(1))
        uow.documents.hold(PARAMETER, 1, [snapshot(1, "b"), snapshot(2)], at(2))
        uow.documents.hold(PARAMETER, 1, [], at(3))

        assert uow.documents.version(PARAMETER, "1") == snapshot(1, "a")
        assert uow.documents.held(PARAMETER).version == "2"


def test_an_older_version_held_late_does_not_move_the_cursor_back(database):
    with database.unit_of_work() as uow:
        uow.documents.hold(PARAMETER, 1, [snapshot(5)], at(1))
        uow.documents.hold(PARAMETER, 1, [snapshot(4)], at(2))

        assert uow.documents.held(PARAMETER).version == "5"


def test_a_snapshot_is_read_back_as_it_was(database):
    entries = {
        "/new-checkout": entry(2**70),
        "/a~1b": replace(entry(None, "a/b"), environment=None, state=FlagState(None, {"x": [0.1]}, has_value=False)),
        "": entry("\x00 \ud800 ü"),
    }
    held = snapshot(1, entries=entries, modified_by=None, metadata={})
    with database.unit_of_work() as uow:
        uow.documents.hold(PARAMETER, 1, [held], at(1))
        uow.commit()

        assert uow.documents.version(PARAMETER, "1") == held


def test_lives_do_not_mix(database):
    with database.unit_of_work() as uow:
        uow.documents.hold(PARAMETER, 1, [snapshot(1, "old"), snapshot(2, "old")], at(1))
        check(uow, hour=2, alive=False)
        assert not uow.documents.held(PARAMETER).alive
        uow.documents.hold(PARAMETER, 2, [snapshot(1, "new")], at(3))
        check(uow, life=2, hour=3)

        held = uow.documents.held(PARAMETER)
        assert (held.life, held.version, held.alive) == (2, "1", True)
        assert uow.documents.version(PARAMETER, "1") == snapshot(1, "new")
        assert uow.documents.version(PARAMETER, "1", 1) == snapshot(1, "old")
        assert uow.documents.version(PARAMETER, "2") == snapshot(2, "old")
        assert uow.documents.version(PARAMETER, "2", 2) is None


def test_a_life_begins_without_versions(database):
    with database.unit_of_work() as uow:
        uow.documents.hold(PARAMETER, 1, [snapshot(1)], at(1))
        check(uow, life=2, hour=2)

        held = uow.documents.held(PARAMETER)

    assert (held.life, held.version, held.ordinal, held.entries, held.metadata) == (2, None, None, {}, {})


def test_a_late_look_at_an_earlier_life_changes_nothing(database):
    with database.unit_of_work() as uow:
        uow.documents.hold(PARAMETER, 2, [snapshot(1, "new")], at(3))
        check(uow, life=2, hour=3)
        before = uow.documents.held(PARAMETER)
        uow.documents.hold(PARAMETER, 1, [snapshot(9, "old")], at(4))
        check(uow, life=1, hour=4, alive=False, title="gone")

        assert uow.documents.held(PARAMETER) == before
        assert uow.documents.version(PARAMETER, "9") == snapshot(9, "old")


def test_a_title_is_kept_when_none_is_told(database):
    with database.unit_of_work() as uow:
        check(uow, title="shop/checkout")
        check(uow, title=None)

        assert uow.documents.held(PARAMETER).title == "shop/checkout"


def test_those_of_a_scope(database):
    elsewhere = [
        replace(PARAMETER, region="us-east-1"),
        replace(PARAMETER, account="2"),
        replace(PARAMETER, source="s3"),
    ]
    with database.unit_of_work() as uow:
        for where in (PARAMETER, OTHER, *elsewhere):
            check(uow, where)

        found = uow.documents.held_in(Scope("ssm", PARAMETER.account, PARAMETER.region, "any"))

        assert set(found) == {PARAMETER, OTHER}
        assert found[OTHER] == uow.documents.held(OTHER)


def test_names_that_no_index_takes_are_told_apart(database):
    first, second = document("/" + "x" * 5000 + "1"), document("/" + "x" * 5000 + "2")
    with database.unit_of_work() as uow:
        uow.documents.hold(first, 1, [snapshot(1)], at(1))
        uow.commit()

        assert uow.documents.held(first).document == first
        assert uow.documents.held(second) is None


def test_the_first_version_since_a_moment_is_found_in_whatever_life(database):
    with database.unit_of_work() as uow:
        uow.documents.hold(PARAMETER, 1, [snapshot(1), snapshot(2)], at(3))
        uow.documents.hold(PARAMETER, 2, [snapshot(1, modified_at=at(9)), snapshot(2, modified_at=None)], at(9))
        uow.documents.hold(OTHER, 1, [snapshot(1, modified_at=at(5))], at(9))
        found = [uow.documents.since(PARAMETER, at(hour)) for hour in (0, 2, 2.5, 9, 9.5)]

    assert [one and (one[0], one[1].version) for one in found] == [(1, "1"), (1, "2"), (2, "1"), (2, "1"), None]
