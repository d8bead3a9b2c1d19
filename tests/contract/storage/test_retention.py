"""Letting go: what is old and superseded leaves, the proof stays valid, and what was held stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import create_engine, delete, func, select, table, text, update

from auditor.adapters.storage import months, open_database
from auditor.adapters.storage.bodies import retention_body
from auditor.adapters.storage.tables import alerts, attributions, change_keys, changes, retentions, versions
from auditor.application.ports import HistoryQuery, Scope
from auditor.application.retaining import Retention
from auditor.application.sealing import seal
from auditor.application.verifying import Answer
from auditor.domain.alerts import AlertKind, NewAlert
from auditor.domain.changes import change_id
from auditor.domain.errors import FlagtrailError, UsageError
from auditor.domain.ledger.places import Places
from auditor.domain.retention import Act
from tests.support.ledger import MAC_KEY, Ledger
from tests.support.records import OTHER, PARAMETER, at, attributed, by, change, snapshot

NOW = at(24 * 200)
CUTOFF = at(24 * 50)
on_postgresql = pytest.mark.parametrize("kind", ["postgresql"], indirect=True)


class Later:
    def now(self):
        return NOW


class MuchLater:
    def now(self):
        return datetime(2036, 1, 1, tzinfo=UTC)


def retention(database, reason="kept for a year"):
    return Retention(database.unit_of_work, Later(), "lena", reason)


@pytest.fixture
def ledger(database, tmp_path):
    """Two flags with ten changes each, one a day, the first ones attributed later; all of it sealed and signed."""
    with database.unit_of_work() as uow:
        for day in range(1, 11):
            for document, flag in ((PARAMETER, "new-checkout"), (OTHER, "other")):
                made = change(day, key=f"{flag}-{day}", document=document, flag=flag, cause=f"{flag}-{day}")
                uow.changes.append(attributed(replace(made, occurred_at=at(24 * day)), by("dana")), at(24 * day))
        for day in (1, 2):
            uow.changes.attribute(change_id(f"new-checkout-{day}"), by("erin"), at(24 * day + 1))
        scope = Scope("ssm", "111122223333", "eu-central-1", "f")
        for day in range(1, 6):
            uow.runs.reconciled(scope, at(24 * day), {"documents": 2})
        uow.documents.hold(PARAMETER, 1, [snapshot(number) for number in range(1, 11)], at(24))
        uow.commit()
    made = Ledger(database, tmp_path / "anchor")
    made.seal()
    return made


def shown(database, **query):
    with database.reader() as uow:
        return [recorded.change.key for recorded in uow.changes.query(HistoryQuery(**query))]


def test_what_is_superseded_goes_and_the_proof_stays(ledger):
    before = ledger.verify()

    done = retention(ledger.database).let_go(CUTOFF)
    ledger.seal()
    verdict = ledger.verify()

    # 18 of the 20 changes, 2 attributions, 4 of the 5 reconciles.
    assert (done.changes, done.entries, done.standing, done.held, done.more) == (18, 24, 2, 0, False)
    assert shown(ledger.database) == ["other-10", "new-checkout-10"]
    assert (before.answer, verdict.answer) == (Answer.INTACT, Answer.INTACT)
    assert verdict.size == before.size + 2
    assert sum(len(one.places) for one in verdict.let_go) == 24
    assert {(one.by, one.reason) for one in verdict.let_go} == {("lena", "kept for a year")}
    assert any("18 entries" in remark or "20 entries" in remark for remark in verdict.remarks)


def test_what_says_how_flags_stand_is_kept(ledger):
    retention(ledger.database).let_go(CUTOFF)

    with ledger.database.reader() as uow:
        standing = {change.change.flag: change.change.version_after for change in uow.changes.latest_states(None, None)}
        held = uow.documents.held(PARAMETER)
        assert uow.runs.baselined(Scope("ssm", "111122223333", "eu-central-1", "f"))
        assert uow.documents.version(PARAMETER, "3") is None
    assert standing == {"new-checkout": "10", "other": "10"}
    assert held.version == "10"


def test_what_was_let_go_is_not_recorded_again(ledger):
    retention(ledger.database).let_go(CUTOFF)

    with ledger.database.unit_of_work() as uow:
        assert uow.changes.append(attributed(change(3, key="new-checkout-3")), NOW) is None
        assert uow.changes.get(change_id("new-checkout-3")) is None


def test_letting_go_again_finds_nothing(ledger):
    retention(ledger.database).let_go(CUTOFF)
    ledger.seal()

    again = retention(ledger.database).let_go(CUTOFF)

    assert (again.changes, again.entries, again.standing) == (0, 0, 2)


def test_a_dry_run_changes_nothing(ledger):
    told = retention(ledger.database).let_go(CUTOFF, dry_run=True)

    assert (told.changes, told.entries) == (18, 24)
    assert len(shown(ledger.database)) == 20
    assert ledger.verify().let_go == ()


def test_a_run_is_bounded(ledger, monkeypatch):
    monkeypatch.setattr("auditor.application.retaining.BATCH", 3)

    first = retention(ledger.database).let_go(CUTOFF, most=4)

    assert (first.changes, first.more) == (3, True) or (first.changes, first.more) == (6, True)
    assert len(shown(ledger.database)) == 20 - first.changes
    rest = retention(ledger.database).let_go(CUTOFF)
    ledger.seal()
    assert (first.changes + rest.changes, rest.more) == (18, False)
    assert ledger.verify().answer is Answer.INTACT


def test_a_hold_of_everything_refuses_until_it_is_lifted(ledger):
    keeper = retention(ledger.database)
    keeper.hold("matter-17", None, None)

    with pytest.raises(UsageError, match=r"matter-17.*lena"):
        keeper.let_go(CUTOFF)
    assert len(shown(ledger.database)) == 20

    keeper.lift("matter-17")
    assert keeper.let_go(CUTOFF).changes == 18
    with ledger.database.reader() as uow:
        acts = [decision.act for decision in uow.retention.all()]
    assert acts[:2] == [Act.HOLD, Act.LIFT]


def test_a_hold_of_one_flag_keeps_it_and_all_that_lies_beside(ledger):
    keeper = retention(ledger.database)
    keeper.hold("matter-18", "shop", "other")

    done = keeper.let_go(CUTOFF)

    assert (done.changes, done.held) == (9, 9)
    assert shown(ledger.database, flag="new-checkout") == ["new-checkout-10"]
    assert len(shown(ledger.database, flag="other")) == 10
    with ledger.database.reader() as uow:
        assert uow.documents.version(PARAMETER, "3") is not None


def test_holds_have_names_of_their_own(ledger):
    keeper = retention(ledger.database)
    keeper.hold("one", None, None)

    with pytest.raises(UsageError, match="already"):
        keeper.hold("one", "shop", None)
    with pytest.raises(UsageError, match="no hold 'two'"):
        keeper.lift("two")


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
def test_a_decision_needs_a_reason(ledger, reason):
    with pytest.raises(UsageError, match="reason"):
        retention(ledger.database, reason).let_go(CUTOFF)


def test_what_is_young_is_not_let_go(ledger):
    with pytest.raises(UsageError, match="100 days"):
        retention(ledger.database).let_go(NOW - timedelta(days=99))


def test_what_nobody_signed_is_not_let_go(database):
    with database.unit_of_work() as uow:
        uow.changes.append(attributed(change(1)), at(1))
        uow.commit()
    seal(database.unit_of_work)

    with pytest.raises(UsageError, match="nothing is signed"):
        retention(database).let_go(CUTOFF)


def test_what_is_newer_than_the_checkpoint_stays(ledger):
    """An attribution that is not sealed keeps its change; a change that nobody signed keeps itself."""
    with ledger.database.unit_of_work() as uow:
        uow.changes.attribute(change_id("other-1"), by("erin"), at(24))
        uow.changes.append(attributed(change(0, key="late", occurred_at=at(1))), at(1))
        uow.commit()
    seal(ledger.database.unit_of_work)

    assert retention(ledger.database).let_go(CUTOFF).changes == 17
    assert {"other-1", "late"} <= set(shown(ledger.database))


def test_what_people_still_have_to_hear_of_stays(ledger):
    with ledger.database.unit_of_work() as uow:
        uow.outbox.put(NewAlert("a", AlertKind.CHANGE, "a", ("other-1",)), at(24))
        uow.commit()

    assert retention(ledger.database).let_go(CUTOFF).changes == 17
    assert "other-1" in shown(ledger.database)


def test_a_settled_alert_goes_with_its_change(ledger, url):
    with ledger.database.unit_of_work() as uow:
        uow.outbox.put(NewAlert("a", AlertKind.CHANGE, "a", ("other-1",)), at(24))
        uow.commit()
    written(url, update(alerts).values(state="sent"))

    retention(ledger.database).let_go(CUTOFF)

    engine = create_engine(url)
    with engine.connect() as connection:
        assert connection.execute(select(alerts.c.id)).all() == []
    engine.dispose()


@pytest.mark.parametrize("of", [changes, attributions], ids=lambda of: of.name)
def test_what_somebody_altered_cannot_be_let_go(ledger, url, of):
    written(url, update(of).values(body=b"{}"))

    with pytest.raises(FlagtrailError, match="flagtrail verify"):
        retention(ledger.database).let_go(CUTOFF)
    assert len(shown_raw(url)) == 20


def shown_raw(url):
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = connection.execute(select(changes.c.seq)).all()
    engine.dispose()
    return rows


def written(url, *statements):
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(statement)
    engine.dispose()


def test_what_is_taken_away_without_a_decision_is_tampering(ledger, url):
    retention(ledger.database).let_go(CUTOFF)
    ledger.seal()
    written(url, delete(changes).where(changes.c.seq == max(shown_raw(url)).seq))

    first = ledger.verify().faults[0]

    assert "its row is gone" in first.text


def test_a_decision_cannot_explain_what_stands_behind_it(ledger, url):
    """A forged decision would have to stand behind what it explains, where everybody sees it."""
    keeper = retention(ledger.database)
    keeper.let_go(CUTOFF)
    ledger.seal()
    with ledger.database.unit_of_work() as uow:
        later = uow.changes.append(attributed(change(50, key="later"), by("dana")), at(24 * 50))
        uow.commit()
    ledger.seal()
    with ledger.database.reader() as uow:
        last = uow.retention.all()[-1]
    widened = retention_body(replace(last, entries=Places.parse("0-999")))
    written(url, delete(changes).where(changes.c.seq == later.seq), update(retentions).values(body=widened))

    assert ledger.verify().answer is Answer.TAMPERED


def test_a_forged_decision_shows_by_the_key_of_those_who_record(url, tmp_path):
    database = open_database(url, mac_key=MAC_KEY)
    with database.unit_of_work() as uow:
        for number in (1, 2, 3):
            uow.changes.append(attributed(change(number), by("dana")), at(number))
        uow.commit()
    ledger = Ledger(database, tmp_path / "anchor")
    ledger.seal()
    database.close()
    forger = open_database(url)
    retention(forger, "forged").let_go(CUTOFF)
    forged = Ledger(forger, tmp_path / "anchor")
    forged.seal()

    assert forged.verify().answer is Answer.INTACT  # it is there for everybody to see
    faults = forged.verify(mac_key=MAC_KEY).faults
    forger.close()
    assert ["its row is gone" in fault.text for fault in faults] == [True, True, False]
    assert "not written by" in faults[-1].text


def test_numbers_and_natural_keys_outlast_what_was_let_go(ledger, url):
    retention(ledger.database).let_go(CUTOFF)

    engine = create_engine(url)
    with engine.connect() as connection:
        assert len(connection.execute(select(change_keys.c.seq)).all()) == 20
        assert len(connection.execute(select(retentions.c.seq)).all()) == 2
        assert len(connection.execute(select(versions.c.id)).all()) == 1
    engine.dispose()


@on_postgresql
def test_months_that_hold_nothing_any_more_are_dropped(make_url, tmp_path):
    url = make_url()
    database = open_database(url)
    past = datetime(2034, 3, 1, tzinfo=UTC)
    in_month = partial(lambda month, day: past.replace(month=month) + timedelta(days=day))
    with database._writing.begin() as connection:
        for month in (3, 4):
            months.extend(connection, in_month(month, 0), ahead=0)
    with database.unit_of_work() as uow:
        for number, moment in enumerate((in_month(3, 1), in_month(3, 2), in_month(4, 3))):
            uow.changes.append(attributed(replace(change(number), occurred_at=moment), by("dana")), moment)
        uow.commit()
    ledger = Ledger(database, tmp_path / "anchor")
    ledger.seal()
    assert counts(url, "changes_2034_03", "changes_2034_04") == [2, 1]

    done = Retention(database.unit_of_work, MuchLater(), "lena", "old").let_go(datetime(2035, 1, 1, tzinfo=UTC))
    gone = database.give_back(done.before)

    assert (done.changes, done.standing) == (2, 1)
    assert "changes_2034_03" in gone
    assert "changes_2034_04" not in gone
    assert "2034-03" not in database.months()
    assert counts(url, "changes_2034_04") == [1]
    ledger.seal()
    assert ledger.verify().answer is Answer.INTACT
    database.close()


@on_postgresql
def test_a_month_without_a_partition_is_made_with_what_the_last_resort_holds(database, url):
    now = datetime.now(UTC)
    far = now + timedelta(days=400)
    with database.unit_of_work() as uow:
        recorded = uow.changes.append(attributed(change(1), by("dana")), far)
        uow.commit()
    name = f"changes_{far:%Y_%m}"
    assert counts(url, months.LAST_RESORT) == [1]

    made = database.prepare_months(far)

    assert made == [f"{far:%Y-%m}", *made[1:]]
    assert len(made) == months.AHEAD + 1
    assert counts(url, months.LAST_RESORT, name) == [0, 1]
    assert database.prepare_months(far) == []
    with database.reader() as uow:
        assert uow.changes.get(recorded.id).seq // months.NUMBERS == far.year * 100 + far.month
    for month in made:
        written(url, text(f"DROP TABLE changes_{month.replace('-', '_')}"))


def counts(url, *names):
    engine = create_engine(url)
    with engine.connect() as connection:
        found = [connection.scalar(select(func.count()).select_from(table(name))) for name in names]
    engine.dispose()
    return found


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_sqlite_has_no_months(database):
    assert (database.prepare_months(NOW), database.months(), database.give_back(NOW)) == ([], [], [])
