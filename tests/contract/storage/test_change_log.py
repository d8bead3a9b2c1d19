"""Changes are recorded once, never altered, and joined with what is learnt later."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auditor.application.ports import HistoryQuery
from auditor.domain.attribution import UNATTRIBUTED, Actor, ActorKind, Attribution, Certainty, Evidence
from auditor.domain.changes import ChangeKind, DeploymentInfo, DiffEntry
from auditor.domain.documents import DeploymentStep
from auditor.domain.flags import FlagState
from tests.support.records import OTHER, PARAMETER, at, attributed, between, by, change


def record(database, *changes, at_time=None):
    """Record changes (or attributed changes) and return what became of them."""
    with database.unit_of_work() as uow:
        done = [
            uow.changes.append(one if hasattr(one, "change") else attributed(one), at_time or at(100))
            for one in changes
        ]
        uow.commit()
    return done


def history(database, **query):
    with database.reader() as uow:
        return list(uow.changes.query(HistoryQuery(**query)))


HARD_STATES = [
    FlagState(None),
    FlagState(False),
    FlagState(2**64 + 1),
    FlagState(1.0),
    FlagState(1e-7),
    FlagState(-0.0),
    FlagState(float("inf")),
    FlagState('ünïcödé 🚩 \x00 \ud800 \\ " \n'),
    FlagState({"masked": True, "comparable": True, "fingerprint": "k1:abc"}),
    FlagState({"b": [1, {"a": None}], "a": {}, "\U0001f600": 1, "\ufffd": 2}),
    FlagState({"enabled": True}, definition={"name": "x", "attributes": {"limit": 0.1}}),
    FlagState(None, definition={"name": "without value"}, has_value=False),
]


@pytest.mark.parametrize("state", HARD_STATES, ids=repr)
def test_a_state_is_read_back_as_it_was(database, state):
    made = change(before=None, after=state, diff=(DiffEntry("add", "/value", None, state.value),))

    (recorded,) = record(database, made)

    assert history(database) == [recorded]
    assert repr(history(database)[0].change.after) == repr(state)  # 1 is not 1.0, though equal


def test_every_field_is_read_back(database):
    made = change(
        kind=ChangeKind.ROLLED_BACK,
        reason="alarm",
        error="none",
        label="live",
        path="/new-checkout",
        deployment=DeploymentInfo(7, "ROLLED_BACK", (DeploymentStep(at(1), 12.5), DeploymentStep(at(2), 100))),
    )
    (recorded,) = record(database, attributed(made, by("dana", dated=at(1.5))))

    assert history(database) == [recorded]
    assert recorded.change == made
    assert recorded.recorded_at == at(100)
    assert recorded.to_json() == history(database)[0].to_json()


def test_a_change_without_flag_is_read_back(database):
    made = change(flag=None, application=None, environment=None, life=None, version_before=None, version_after=None)
    (recorded,) = record(database, made)

    assert history(database) == [recorded]


def test_the_id_is_made_of_the_natural_key(database):
    (recorded,) = record(database, change(key="a|natural|key"))

    assert recorded.id == "c70e7f3e40c1170e0bf3d"  # as `sha256sum` begins for that key


def test_a_natural_key_is_recorded_once(database):
    first, second = record(database, change(1), change(1, summary="told otherwise"))

    assert first is not None
    assert second is None
    assert history(database) == [first]


def test_numbers_follow_the_order_of_recording(database):
    recorded = record(database, change(3), change(1), change(2))

    assert [one.seq for one in recorded] == sorted(one.seq for one in recorded)
    assert [one.change.key for one in history(database)] == ["key-3", "key-2", "key-1"]


def test_a_change_without_any_time_is_a_mistake(database):
    with database.unit_of_work() as uow, pytest.raises(ValueError, match="key-1"):
        uow.changes.append(attributed(change(1, occurred_at=None)), at(1))


def test_a_longer_key_than_any_index_takes_is_recorded(database):
    long = "x" * 9000
    made = change(
        key=long, cause=long, flag=long, path=f"/{long}", environment=long, application=long, version_after=long
    )
    (recorded,) = record(database, made)
    other = record(database, replace(made, key=long + "y", flag=long + "y"))

    assert [one.change.flag for one in history(database, flag=long)] == [long]
    assert history(database, flag=long, environment=long, application=long) == [recorded]
    assert history(database, flag=long + "y") == other
    with database.reader() as uow:
        assert len(uow.changes.of_cause(long)) == 2
        assert len(uow.changes.of_version(PARAMETER, long)) == 2


class TestAttribution:
    def test_what_is_learnt_later_is_joined(self, database):
        (recorded,) = record(database, change(1))

        with database.unit_of_work() as uow:
            assert uow.changes.attribute(recorded.id, by("dana"), at(101))
            uow.commit()

        assert history(database) == [replace(recorded, attribution=by("dana"))]

    def test_the_best_one_counts(self, database):
        (recorded,) = record(database, attributed(change(1), by("dana")))

        with database.unit_of_work() as uow:
            assert uow.changes.attribute(recorded.id, by("lee", certainty=Certainty.LIKELY), at(101))
            uow.commit()

        assert history(database) == [recorded]

    @pytest.mark.parametrize("first", [UNATTRIBUTED, by("dana")])
    def test_the_same_evidence_is_recorded_once(self, database, first):
        (recorded,) = record(database, attributed(change(1), first))

        with database.unit_of_work() as uow:
            told = [uow.changes.attribute(recorded.id, by("dana"), at(hour)) for hour in (101, 102)]
            uow.commit()

        assert told == [first is UNATTRIBUTED, False]

    def test_less_evidence_for_the_same_adds_nothing(self, database):
        both = replace(by("dana"), evidence=(Evidence("ssm", "says so"), *by("dana").evidence))
        (recorded,) = record(database, attributed(change(1), both))

        with database.unit_of_work() as uow:
            assert not uow.changes.attribute(recorded.id, by("dana"), at(101))

    def test_an_unknown_change_is_a_mistake(self, database):
        with database.unit_of_work() as uow, pytest.raises(LookupError):
            uow.changes.attribute("c0", by("dana"), at(1))

    def test_an_undated_change_takes_the_date_of_its_evidence(self, database):
        first, second = record(database, between(1, 0, 9), change(5))
        assert history(database) == [first, second]

        with database.unit_of_work() as uow:
            uow.changes.attribute(first.id, by("dana", dated=at(2)), at(101))
            uow.commit()

        assert [one.seq for one in history(database)] == [second.seq, first.seq]
        assert history(database)[1].occurred_at == at(2)
        assert [one.seq for one in history(database, as_of=at(100))] == [first.seq, second.seq]

    def test_a_dated_change_keeps_its_date(self, database):
        first, second = record(database, change(1), change(5))

        with database.unit_of_work() as uow:
            uow.changes.attribute(first.id, by("dana", dated=at(9)), at(101))
            uow.commit()

        assert [one.seq for one in history(database)] == [second.seq, first.seq]

    def test_a_later_better_one_dates_anew(self, database):
        first, second = record(
            database, attributed(between(1, 0, 9), by("lee", certainty=Certainty.LIKELY, dated=at(8))), change(5)
        )
        assert [one.seq for one in history(database)] == [first.seq, second.seq]

        with database.unit_of_work() as uow:
            uow.changes.attribute(first.id, by("dana", dated=at(2)), at(101))
            uow.changes.attribute(first.id, by("kim", certainty=Certainty.LIKELY, dated=at(7)), at(102))
            uow.commit()

        assert [one.seq for one in history(database)] == [second.seq, first.seq]
        assert [one.attribution.actor.name for one in history(database)] == [None, "dana"]


class TestFilters:
    def keys(self, database, **query):
        return [one.change.key for one in history(database, **query)]

    def test_by_what_is_equal(self, database):
        record(
            database,
            change(1),
            change(2, flag="other", document=OTHER),
            change(3, environment="staging"),
            change(4, environment=None, application="till"),
            change(5, document=replace(PARAMETER, source="appconfig", account="2", region="us-east-1")),
            change(6, kind=ChangeKind.DENIED, error="no"),
            change(7, kind=ChangeKind.GUARDRAIL, flag=None),
        )

        assert self.keys(database, flag="other") == ["key-2"]
        assert self.keys(database, environment="staging") == ["key-3"]
        assert self.keys(database, environment="-") == ["key-4"]
        assert self.keys(database, application="till") == ["key-4"]
        assert self.keys(database, source="appconfig") == ["key-5"]
        assert self.keys(database, account="2") == ["key-5"]
        assert self.keys(database, region="us-east-1") == ["key-5"]
        assert self.keys(database, kinds=(ChangeKind.DENIED, ChangeKind.GUARDRAIL)) == ["key-7", "key-6"]
        assert self.keys(database, changes_only=True) == ["key-7", "key-5", "key-4", "key-3", "key-2", "key-1"]
        assert self.keys(database, flag="new-checkout", environment="prod", limit=1) == ["key-6"]
        assert self.keys(database, flag="OTHER") == []

    def test_dated_changes_by_time_inclusive(self, database):
        record(database, change(1), change(2), change(3))

        assert self.keys(database, since=at(2)) == ["key-3", "key-2"]
        assert self.keys(database, until=at(2)) == ["key-2", "key-1"]
        assert self.keys(database, since=at(2), until=at(2)) == ["key-2"]

    def test_intervals_by_overlap(self, database):
        record(database, between(1, 2, 4))

        overlapping = [(2, 4), (0, 2), (4, 9), (3, 3.5), (0, 9), (None, 2), (4, None), (3, None)]
        apart = [(0, 1.9), (4.1, 9), (None, 1), (5, None)]
        for since, until in overlapping:
            assert self.keys(database, **span(since, until)) == ["key-1"], (since, until)
        for since, until in apart:
            assert self.keys(database, **span(since, until)) == [], (since, until)

    def test_an_interval_without_beginning_reaches_back(self, database):
        record(database, between(1, None, 4))

        assert self.keys(database, until=at(-1000)) == ["key-1"]
        assert self.keys(database, since=at(5)) == []

    def test_a_dated_interval_is_one_moment(self, database):
        (recorded,) = record(database, between(1, 2, 9))
        with database.unit_of_work() as uow:
            uow.changes.attribute(recorded.id, by("dana", dated=at(3)), at(101))
            uow.commit()

        assert self.keys(database, **span(4, 9)) == []
        assert self.keys(database, **span(3, 3)) == ["key-1"]
        assert self.keys(database, **span(4, 9), as_of=at(100)) == ["key-1"]

    def test_by_actor(self, database):
        arn = "arn:aws:sts::111122223333:assumed-role/Deploy/run-17"
        pipeline = Attribution(Actor(ActorKind.PIPELINE, "shop-deploy", arn, session="run-17"), Certainty.CERTAIN)
        record(database, attributed(change(1), by("Dana")), attributed(change(2), pipeline), change(3))

        assert self.keys(database, actor="dana") == ["key-1"]
        assert self.keys(database, actor="dana@example.com") == ["key-1"]
        assert self.keys(database, actor="RUN-17") == ["key-2"]
        assert self.keys(database, actor="assumed-role/Deploy") == ["key-2"]
        assert self.keys(database, actor="%") == []
        assert self.keys(database, unattributed=True) == ["key-3"]

    def test_by_actor_learnt_later(self, database):
        likely = by("dana", certainty=Certainty.LIKELY)
        first, second = record(database, attributed(change(1), likely), change(2))
        with database.unit_of_work() as uow:
            uow.changes.attribute(first.id, by("lee"), at(101))
            uow.changes.attribute(second.id, by("lee"), at(101))
            uow.commit()

        assert self.keys(database, actor="lee") == ["key-2", "key-1"]
        assert self.keys(database, actor="dana") == []
        assert self.keys(database, unattributed=True) == []
        assert self.keys(database, actor="lee", as_of=at(100)) == []
        assert self.keys(database, actor="dana", as_of=at(100)) == ["key-1"]
        assert self.keys(database, unattributed=True, as_of=at(100)) == ["key-2"]

    def test_by_what_many_actors_have_in_common(self, database):
        made = [attributed(change(number), by(f"person-{number}")) for number in range(20)]
        recorded = record(database, *made, change(20), change(21))
        with database.unit_of_work() as uow:
            uow.changes.attribute(recorded[21].id, by("person-x"), at(101))
            uow.commit()

        assert self.keys(database, actor="PERSON-") == ["key-21", *[f"key-{number}" for number in reversed(range(20))]]
        assert self.keys(database, actor="person-", limit=3) == ["key-21", "key-19", "key-18"]

    def test_by_text(self, database):
        record(
            database,
            change(1, summary="Größe ÄNDERT sich", before=FlagState({"rollout": 10}), after=FlagState({"rollout": 50})),
            change(2, reason="100% of hosts_a", after=FlagState('say "hi"\nthere')),
            change(3, error="AccessDenied", after=FlagState(None, definition={"description": "Straße"})),
            change(4, flag="Ελλάς"),
        )

        assert self.keys(database, text="größe ändert") == ["key-1"]
        assert self.keys(database, text='"rollout":50') == ["key-1"]
        assert self.keys(database, text="100%") == ["key-2"]
        assert self.keys(database, text="hosts_a") == ["key-2"]
        assert self.keys(database, text="HOSTS_A") == ["key-2"]
        assert self.keys(database, text='say "hi"') == ["key-2"]
        assert self.keys(database, text="STRASSE") == ["key-3"]
        assert self.keys(database, text="accessdenied") == ["key-3"]
        assert self.keys(database, text="ΕΛΛΆΣ") == ["key-4"]
        assert self.keys(database, text="%") == ["key-2"]
        assert self.keys(database, text="hosts%a") == []
        assert self.keys(database, text="host__a") == []
        assert self.keys(database, text="x" * 60_000) == []

    def test_letters_composed_otherwise_are_found(self, database):
        record(database, change(1, summary="caf\u00e9"))

        assert self.keys(database, text="CAFE\u0301") == ["key-1"]

    def test_hostile_text_is_only_text(self, database):
        record(database, change(1))

        for hostile in ("' OR 1=1 --", "\\", "\x00", "\ud800", "*", "?", ":x", "%(x)s", "{}", "new_checkout"):
            assert self.keys(database, text=hostile) == []
            assert self.keys(database, actor=hostile) == []
            assert self.keys(database, flag=hostile) == []

    def test_what_was_recorded_later_is_not_seen(self, database):
        record(database, change(1), at_time=at(100))
        record(database, change(2), between(3, 0, 2), at_time=at(200))

        assert self.keys(database, as_of=at(99)) == []
        assert self.keys(database, as_of=at(100)) == ["key-1"]
        assert self.keys(database, as_of=at(200)) == ["key-3", "key-2", "key-1"]

    def test_no_more_than_the_limit(self, database):
        record(
            database, *[change(number) for number in range(5)], *[between(number, 0, number) for number in range(5, 8)]
        )

        assert [len(self.keys(database, limit=limit)) for limit in (0, 1, 7, 8, 9)] == [0, 1, 7, 8, 8]


def span(since, until):
    return {"since": None if since is None else at(since), "until": None if until is None else at(until)}


class TestLookUps:
    def test_one_by_id(self, database):
        (recorded,) = record(database, change(1))

        with database.reader() as uow:
            assert uow.changes.get(recorded.id) == recorded
            assert uow.changes.get("c0") is None

    def test_those_of_a_version(self, database):
        record(
            database,
            change(1, version_after="7"),
            change(2, version_after="7", life=2),
            change(3, version_after="7", kind=ChangeKind.FAILED),
            change(4, version_after="8"),
            change(5, version_after="7", document=OTHER),
        )

        with database.reader() as uow:
            assert [one.change.key for one in uow.changes.of_version(PARAMETER, "7")] == ["key-1", "key-2"]

    def test_those_of_a_cause(self, database):
        record(database, change(1, cause="one act"), change(2, cause="one act"), change(3))

        with database.reader() as uow:
            assert [one.change.key for one in uow.changes.of_cause("one act")] == ["key-1", "key-2"]

    def test_those_of_a_document_oldest_first(self, database):
        (_, undated, _, _) = record(database, change(3), between(1, 0, 9), change(2), change(4, document=OTHER))
        kinds = (ChangeKind.UPDATED, ChangeKind.DELETED)

        with database.unit_of_work() as uow:
            assert [one.change.key for one in uow.changes.of_document(PARAMETER, kinds)] == ["key-2", "key-3", "key-1"]
            assert [one.change.key for one in uow.changes.of_document(PARAMETER, kinds[:1])] == ["key-2", "key-3"]
            uow.changes.attribute(undated.id, by("dana", dated=at(1)), at(101))
            assert [one.change.key for one in uow.changes.of_document(PARAMETER, kinds)] == ["key-1", "key-2", "key-3"]


class TestLatestStates:
    def keys(self, database, moment=None, as_of=None):
        with database.reader() as uow:
            return [one.change.key for one in uow.changes.latest_states(moment, as_of)]

    def test_the_newest_of_each_place(self, database):
        record(
            database,
            change(1),
            change(2),
            change(3, environment="staging"),
            change(4, path="/other", flag="other"),
            change(5, document=OTHER, flag="third"),
            change(6, kind=ChangeKind.LABEL_MOVED, label="live"),
            change(7, kind=ChangeKind.DENIED),
            change(8, kind=ChangeKind.GUARDRAIL),
        )

        assert sorted(self.keys(database)) == ["key-2", "key-3", "key-4", "key-5"]
        assert self.keys(database, at(1)) == ["key-1"]
        assert self.keys(database, at(0)) == []

    def test_in_the_order_of_flags(self, database):
        record(
            database,
            change(1, flag="b", path="/b"),
            change(2, flag="a", path="/a"),
            change(3, flag="a", environment="dev"),
        )

        assert self.keys(database) == ["key-3", "key-2", "key-1"]

    def test_none_and_no_environment_are_one_place(self, database):
        record(database, change(1, environment=None), change(2, environment=None))

        assert self.keys(database) == ["key-2"]

    def test_a_deletion_is_told(self, database):
        record(database, change(1), between(2, 1, 3))

        assert self.keys(database) == ["key-2"]
        assert self.keys(database, at(2)) == ["key-1"]

    def test_a_later_life_comes_after_an_earlier_one(self, database):
        record(database, between(1, 1, 9), change(2, kind=ChangeKind.CREATED, life=2))

        assert self.keys(database) == ["key-2"]

    def test_as_known_then(self, database):
        record(database, change(1), at_time=at(100))
        (undated,) = record(database, between(2, 0, 5), at_time=at(200))
        with database.unit_of_work() as uow:
            uow.changes.attribute(undated.id, by("dana", dated=at(0.5)), at(300))
            uow.commit()

        assert self.keys(database, as_of=at(100)) == ["key-1"]
        assert self.keys(database, as_of=at(200)) == ["key-2"]
        assert self.keys(database) == ["key-1"]


def test_what_is_recorded_waits_to_be_sealed(database):
    from sqlalchemy import select

    from auditor.adapters.storage.tables import pending_seals

    (recorded, _) = record(database, change(1), change(1))
    with database.unit_of_work() as uow:
        uow.changes.attribute(recorded.id, by("dana"), at(101))
        uow.changes.attribute(recorded.id, by("dana"), at(102))
        uow.commit()

    with database.reader() as uow:
        waiting = uow._session.rows(select(pending_seals.c.entry).order_by(pending_seals.c.entry))
    assert [row.entry for row in waiting] == ["attribution", "change"]
