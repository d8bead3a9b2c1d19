"""From readings to changes: lives, labels, ends, gaps, and how each was detected."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from auditor.domain.changes import ChangeKind, Detection
from auditor.domain.derivation import Derived, Detecting, derive, is_move, labelled, unread_gaps, written_unseen
from auditor.domain.documents import DocumentReading, DocumentRef, HeldDocument, Snapshot, UnreadableVersion
from auditor.domain.events import DocumentHint, Operation
from auditor.domain.flags import FlagEntry, FlagId, FlagState, JsonValue
from auditor.domain.times import rfc3339

AT = datetime(2026, 10, 6, 8, tzinfo=UTC)
NAME = DocumentRef("ssm", "123456789012", "eu-west-1", "/shop/prod/features/x")
HIDDEN: JsonValue = {"masked": True, "comparable": False}


def at(minutes: int) -> datetime:
    return AT + timedelta(minutes=minutes)


def version(number: int, value: JsonValue, minutes: int | None = None, **metadata: JsonValue) -> Snapshot:
    entry = FlagEntry(FlagId("shop", "x"), "prod", FlagState(value))
    moment = at(number * 10 if minutes is None else minutes)
    return Snapshot(str(number), number, moment, "arn:aws:iam::123456789012:user/alice", {"": entry}, metadata)


def held(snapshot: Snapshot, *, life: int = 1, alive: bool = True, **changes: Any) -> HeldDocument:
    given: dict[str, Any] = {
        "labels": {},
        "checked_at": (snapshot.modified_at or AT) + timedelta(minutes=1),
        "metadata": snapshot.metadata,
    } | changes
    return HeldDocument(
        NAME, life, snapshot.version, snapshot.ordinal, snapshot.modified_at, snapshot.entries, alive=alive, **given
    )


def reading(*snapshots: Snapshot, **changes: Any) -> DocumentReading:
    return DocumentReading(NAME, **({"exists": True, "read_at": at(600), "snapshots": snapshots} | changes))


def news(*hints: DocumentHint, by: Detection = Detection.EVENT, first: bool = False) -> Detecting:
    return Detecting(by, new_is_backfill=first, hints=hints)


def rows(derived: Derived) -> list[tuple[str, str | None, str | None, str]]:
    return [(c.kind.value, c.version_before, c.version_after, c.detected_by.value) for c in derived.changes]


def none(_version: str) -> Snapshot | None:
    return None


def test_versions_become_changes_in_order_and_no_ops_none() -> None:
    seen = reading(version(1, False), version(2, False), version(3, True))
    derived = derive(seen, None, news(), none)
    assert rows(derived) == [("created", None, "1", "event"), ("updated", "2", "3", "event")]
    assert derived.held is not None
    assert len(derived.held.snapshots) == 3


def test_what_another_worker_recorded_meanwhile_is_not_derived_again() -> None:
    seen = reading(version(2, True), version(3, False))
    assert rows(derive(seen, held(version(2, True)), news(), none)) == [("updated", "2", "3", "event")]


def test_a_secret_changes_with_every_version() -> None:
    seen = reading(version(2, HIDDEN))
    assert rows(derive(seen, held(version(1, HIDDEN)), news(), none)) == [("updated", "1", "2", "event")]


def test_a_history_whose_beginning_is_gone_says_so() -> None:
    lost = UnreadableVersion(1, 49, "the store keeps the newest 100 versions")
    derived = derive(reading(version(50, True), unreadable=(lost,)), None, news(), none)
    assert rows(derived) == [("updated", "49", "50", "event")]
    assert derived.changes[0].before is None
    assert "earlier versions" in (derived.changes[0].reason or "")
    assert [(g.gap_class.value, g.first, g.last) for g in derived.gaps] == [("version", "1", "49")]


@pytest.mark.parametrize(
    ("hints", "detected"),
    [
        ((DocumentHint(NAME, at(20)),), ["backfill", "event"]),
        ((DocumentHint(NAME, at(10)),), ["event", "event"]),
        ((DocumentHint(NAME, at(99), version="2"),), ["backfill", "event"]),
        ((DocumentHint(NAME, at(15), Operation.LABELLED, version="1", label="a"),), ["backfill", "event"]),
        ((), ["backfill", "backfill"]),
    ],
)
def test_on_first_sight_what_no_event_tells_of_is_backfill(
    hints: tuple[DocumentHint, ...], detected: list[str]
) -> None:
    derived = derive(reading(version(1, False), version(2, True)), None, news(*hints, first=True), none)
    assert [change.detected_by.value for change in derived.changes] == detected


def test_a_reconcile_of_an_unknown_scope_is_backfill_whatever_it_finds() -> None:
    detecting = news(by=Detection.RECONCILE, first=True)
    assert rows(derive(reading(version(1, True)), None, detecting, none)) == [("created", None, "1", "backfill")]


def test_a_deletion_is_dated_by_its_event() -> None:
    gone = reading(exists=False)
    derived = derive(gone, held(version(1, True)), news(DocumentHint(NAME, at(30), Operation.DELETED)), none)
    assert rows(derived) == [("deleted", "1", None, "event")]
    assert derived.changes[0].occurred_at == at(30)
    assert [(g.gap_class.value, g.life) for g in derived.gaps] == [("interval", 1)]
    assert not derived.alive


def test_a_deletion_nobody_told_of_lies_between_two_looks() -> None:
    derived = derive(reading(exists=False), held(version(1, True)), news(by=Detection.RECONCILE), none)
    assert derived.changes[0].occurred_at is None
    assert derived.changes[0].occurred_between == (at(11), at(600))


def test_an_expiry_is_told_by_its_policy_event_or_by_the_policy_itself() -> None:
    told = news(DocumentHint(NAME, at(60), Operation.EXPIRED, "Parameter expired and was deleted"))
    derived = derive(reading(exists=False), held(version(1, True)), told, none)
    assert (derived.changes[0].kind, derived.changes[0].reason) == (
        ChangeKind.EXPIRED,
        "Parameter expired and was deleted",
    )
    with_policy = held(version(1, True, expires_at="2026-10-06T09:00:00Z"))
    assert rows(derive(reading(exists=False), with_policy, news(), none)) == [("expired", "1", None, "event")]


def test_a_document_that_is_gone_already_stays_gone() -> None:
    derived = derive(reading(exists=False), held(version(1, True), alive=False), news(), none)
    assert (derived.changes, derived.gaps, derived.alive) == ((), (), False)


def test_a_life_that_came_and_went_unseen_leaves_an_interval() -> None:
    hints = (DocumentHint(NAME, at(5)), DocumentHint(NAME, at(9), Operation.DELETED), DocumentHint(NAME, at(30)))
    gone = reading(exists=False)
    derived = derive(gone, None, news(*hints), none)
    missing = list(written_unseen(gone, None, derived, hints))
    gaps = unread_gaps(NAME, 1, missing, hints, ())
    assert (derived.changes, derived.gaps) == ((), ())
    assert [(g.first, g.last) for g in gaps] == [
        ("2026-10-06T08:05:00Z", "2026-10-06T08:09:00Z"),
        ("2026-10-06T08:30:00Z", "2026-10-06T08:30:00Z"),
    ]
    assert unread_gaps(NAME, 1, missing, hints, gaps) == [], "what is named already is named once"


def test_only_labels_put_on_a_version_by_then_count_as_moves() -> None:
    put = DocumentHint(NAME, at(5), Operation.LABELLED, version="1", label="stable")
    others = (
        replace(put, at=at(700)),
        replace(put, version=None),
        replace(put, label=None),
        DocumentHint(NAME, at(5), version="1"),
    )
    assert list(labelled((put, *others), at(600))) == [put]


@pytest.mark.parametrize(
    ("moved", "same"),
    [
        ({}, True),
        ({"occurred_at": at(6)}, False),
        ({"occurred_at": None, "occurred_between": (at(4), at(6))}, True),
        ({"occurred_at": None, "occurred_between": (None, at(6))}, True),
        ({"occurred_at": None, "occurred_between": (at(6), at(7))}, False),
        ({"version_after": "2"}, False),
        ({"label": "canary"}, False),
    ],
)
def test_a_move_is_known_by_its_label_version_and_time(moved: dict[str, Any], same: bool) -> None:
    put = DocumentHint(NAME, at(5), Operation.LABELLED, version="1", label="stable")
    (change,) = derive(
        reading(labels={"stable": "1"}), held(version(1, True)), news(put), {"1": version(1, True)}.get
    ).changes
    assert is_move(replace(change, **moved), put) is same


def test_two_lost_writes_of_one_life_are_one_interval() -> None:
    hints = (DocumentHint(NAME, at(5)), DocumentHint(NAME, at(7)), DocumentHint(NAME, at(9), Operation.DELETED))
    (gap,) = unread_gaps(NAME, 1, hints[:2], hints, ())
    assert (gap.first, gap.last) == ("2026-10-06T08:05:00Z", "2026-10-06T08:09:00Z")


@pytest.mark.parametrize(
    "seen",
    [
        reading(version(1, True), staged=True),
        DocumentReading(NAME, exists=True, read_at=at(600), unversioned=True),
        reading(version(1, True), read_at=at(4)),
    ],
    ids=["listed all the same", "dates nothing", "after the look"],
)
def test_what_a_reading_answers_for_is_not_missing(seen: DocumentReading) -> None:
    derived = derive(seen, None, news(), none)
    assert list(written_unseen(seen, None, derived, (DocumentHint(NAME, at(5)),))) == []


def test_the_end_lies_after_the_last_listing_too() -> None:
    known = held(version(1, True), listed_at=at(40))
    derived = derive(reading(exists=False, read_at=at(60)), known, news(), none)
    assert derived.changes[0].occurred_between == (at(40), at(60))
    assert [(g.first, g.last) for g in derived.gaps] == [("2026-10-06T08:40:00Z", "2026-10-06T09:00:00Z")]


@pytest.mark.parametrize("dated", [True, False])
def test_what_a_store_without_versions_first_shows_may_have_had_others_before(dated: bool) -> None:
    snapshot = Snapshot("seen", None, at(50) if dated else None, None, version(1, True).entries)
    seen = reading(snapshot, unversioned=True, read_at=at(60))
    derived = derive(seen, None, Detecting(Detection.RECONCILE, False, listed_at=at(40)), none)
    last = at(50) if dated else at(60)
    assert [(g.first, g.last) for g in derived.gaps] == [("2026-10-06T08:40:00Z", rfc3339(last))]
    assert derive(seen, None, Detecting(Detection.RECONCILE, False), none).gaps == ()
    gone = held(version(1, True), alive=False, checked_at=at(20), listed_at=at(45))
    again = derive(replace(seen, fresh_life=True), gone, news(), none)
    assert [(g.life, g.first) for g in again.gaps] == [(2, "2026-10-06T08:45:00Z")]


def test_a_removal_of_what_was_never_there_leaves_nothing() -> None:
    derived = derive(reading(exists=False), None, news(DocumentHint(NAME, at(9), Operation.DELETED)), none)
    assert (derived.changes, derived.gaps) == ((), ())


def test_made_again_is_another_life() -> None:
    seen = reading(version(1, False, 90), fresh_life=True)
    derived = derive(seen, held(version(3, True)), news(), none)
    assert rows(derived) == [("deleted", "3", None, "event"), ("created", None, "1", "event")]
    assert [c.life for c in derived.changes] == [1, 2]
    assert derived.life == 2
    assert derived.gaps[0].last == "2026-10-06T09:30:00Z", "until the next life began nobody can vouch"


def test_made_again_after_a_recorded_end_begins_the_next_life_only() -> None:
    seen = reading(version(1, False, 90), fresh_life=True)
    derived = derive(seen, held(version(3, True), life=2, alive=False), news(), none)
    assert rows(derived) == [("created", None, "1", "event")]
    assert derived.life == 3


def test_labels_set_moved_and_removed() -> None:
    one, two = version(1, False), version(2, True)

    def held_version(number: str) -> Snapshot | None:
        return {"1": one, "2": two}.get(number)

    set_first = derive(reading(labels={"stable": "1"}), held(two), news(), held_version)
    assert rows(set_first) == [("label_moved", None, "1", "event")]
    moved = derive(reading(labels={"stable": "2"}), held(two, labels={"stable": "1"}), news(), held_version)
    change = moved.changes[0]
    assert (change.before and change.before.value, change.after and change.after.value) == (False, True)
    assert change.label == "stable"
    removed = derive(reading(labels={}), held(two, labels={"stable": "2"}), news(), held_version)
    assert rows(removed) == [("label_moved", "2", None, "event")]


def test_a_label_is_dated_by_the_event_of_this_very_move() -> None:
    hints = (
        DocumentHint(NAME, at(30), Operation.LABELLED, version="1", label="stable"),
        DocumentHint(NAME, at(40), Operation.LABELLED, version="2", label="stable"),
    )
    derived = derive(reading(labels={"stable": "2"}), held(version(2, True)), news(*hints), lambda _: version(2, True))
    assert derived.changes[0].occurred_at == at(40)


def test_a_saved_version_changes_only_the_flags_that_differ() -> None:
    profile = DocumentRef("appconfig", "123456789012", "eu-west-1", "app/profile")

    def saved(number: int, dated: dict[str, str] | None = None, **flags: bool) -> Snapshot:
        entries = {f"/{k}": FlagEntry(FlagId("shop", k), None, FlagState({"enabled": v})) for k, v in flags.items()}
        updated: JsonValue = dict(dated or {})
        return Snapshot(str(number), number, None, None, entries, {"updated_at": updated})

    seen = DocumentReading(
        profile,
        exists=True,
        read_at=at(600),
        snapshots=(saved(1, a=True, b=True), saved(2, {"/a": "2026-10-06T08:20:00.101000Z"}, a=False, c=True)),
        staged=True,
    )
    derived = derive(seen, None, news(), none)
    told = [(c.kind.value, c.flag, c.version_after, c.occurred_at is not None) for c in derived.changes]
    assert told == [
        ("saved", "a", "1", False),
        ("saved", "b", "1", False),
        ("saved", "a", "2", True),
        ("saved", "b", "2", False),
        ("saved", "c", "2", False),
    ]
    assert derived.changes[3].after is None
    assert all(c.environment is None for c in derived.changes)


def test_a_stamp_from_before_the_last_look_dates_nothing() -> None:
    known = replace(held(version(6, True), checked_at=at(70)), modified_at=None, title="shop/flags")
    stamped = replace(version(8, False), modified_at=None, metadata={"updated_at": {"": rfc3339(at(10))}})
    (change,) = derive(reading(stamped, staged=True, read_at=at(90)), known, news(), none).changes
    assert (change.occurred_at, change.occurred_between) == (None, (at(70), at(90)))
    fresh = replace(stamped, metadata={"updated_at": {"": rfc3339(at(80))}})
    (change,) = derive(reading(fresh, staged=True, read_at=at(90)), known, news(), none).changes
    assert change.occurred_at == at(80)
