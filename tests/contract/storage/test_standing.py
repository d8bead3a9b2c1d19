"""What says how every flag stands is found without reading all changes, and is what all changes say."""

from __future__ import annotations

import threading
from contextlib import closing
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, update

from auditor.adapters.storage import open_database, standing
from auditor.adapters.storage.history import STATE_BEARING
from auditor.adapters.storage.tables import change_keys, changes, leaves, standing_changes
from auditor.application.ports import HistoryQuery, OldEntry
from auditor.application.sealing import seal
from auditor.application.verifying import Answer
from auditor.domain.changes import ChangeKind
from tests.conftest import PROOF
from tests.support.ledger import Ledger
from tests.support.records import at, attributed, between, by, change, document

HOURS = st.integers(0, 5)  # few, so that times coincide
EXAMPLES = 200 if PROOF else 6
KINDS = (
    ChangeKind.CREATED,
    ChangeKind.UPDATED,
    ChangeKind.SAVED,
    ChangeKind.DEPLOYED,
    ChangeKind.LABEL_MOVED,
    ChangeKind.GUARDRAIL,
    ChangeKind.DENIED,
)
PLACE = st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["", "/x"]), st.sampled_from(["prod", None]))
LIFE = st.sampled_from([None, 1, 1, 2])
STEPS = st.one_of(
    st.tuples(st.just("dated"), PLACE, LIFE, HOURS, st.sampled_from(KINDS)),
    st.tuples(st.just("undated"), PLACE, LIFE, HOURS, st.just(ChangeKind.DELETED)),
    st.tuples(st.just("learn"), st.integers(0, 30), st.none() | HOURS),
    st.tuples(st.just("seal"), st.integers(1, 4)),
    st.tuples(st.just("let go"), st.integers(0, 30)),
)
numbers = count(1)


@pytest.fixture(scope="module")
def record(postgres_server, tmp_path_factory):
    """Databases that all examples share: each has documents of its own."""
    from tests.support import postgres

    made = postgres.make_database(postgres_server)
    url = made.render_as_string(hide_password=False)
    file = tmp_path_factory.mktemp("standing") / "record.db"
    with closing(open_database(f"sqlite:///{file}")) as sqlite, closing(open_database(url)) as postgresql:
        yield {"sqlite": sqlite, "postgresql": postgresql}
    postgres.drop_database(postgres_server, made)


class Example:
    """Does what an example says, on documents of its own."""

    def __init__(self, database):
        self.database = database
        self.name = f"/example/{next(numbers)}"
        self.made = []

    def do(self, step):
        getattr(self, step[0].replace(" ", "_"))(*step[1:])

    def dated(self, place, life, hour, kind):
        self.append(change(next(numbers), occurred_at=at(hour), kind=kind, **self.where(place, life)))

    def undated(self, place, life, hour, _kind):
        self.append(between(next(numbers), None, hour, **self.where(place, life)))

    def where(self, place, life):
        name, path, environment = place
        return {"document": document(self.name + name), "path": path, "environment": environment, "life": life}

    def append(self, one):
        with self.database.unit_of_work() as uow:
            self.made.append(uow.changes.append(attributed(one), at(100)))
            uow.commit()

    def learn(self, which, hour):
        dated = None if hour is None else at(hour)
        with self.database.unit_of_work() as uow:
            for one in self.made[which : which + 1]:
                uow.changes.attribute(one.id, by(f"person-{next(numbers)}", dated=dated), at(101))
                uow.commit()

    def seal(self, batch):
        with self.database.unit_of_work() as uow:
            head = uow.ledger.take_head()
            entries = uow.ledger.unsealed(batch)
            uow.ledger.append(head, entries, [bytes(32) for _ in entries])
            uow.commit()

    def let_go(self, which):
        sealed = select(leaves.c.position).where(leaves.c.entry == "change")
        with self.database.unit_of_work() as uow:
            for one in self.made[which : which + 1]:
                there = uow._session.first(sealed.where(leaves.c.entry_seq == one.seq))
                if there is not None and uow.changes.get(one.id) is not None:
                    uow.retention.remove([OldEntry(there.position, "change", one.seq, one.id)])
                    uow.commit()

    def check(self):
        with self.database.reader() as uow:
            shown = {one.seq for one in uow.changes.latest_states(None, None)}
            assert len(shown) == uow.changes.states_held()
            assert shown == by_hand(uow)
            assert list(standing.faults(uow._session)) == []


def by_hand(uow):
    """Say the rule again, in plain words of Python, over all changes there are."""
    newest = {}
    for one in uow.changes.query(HistoryQuery()):
        c = one.change
        if c.kind not in STATE_BEARING:
            continue
        moment = one.occurred_at or c.occurred_between[1]
        rank = (-1 if c.life is None else c.life, moment, one.seq)
        place = (c.document, c.path, c.environment)
        newest[place] = max(newest.get(place, rank), rank)
    return {seq for _, _, seq in newest.values()}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=st.lists(STEPS, min_size=3, max_size=14))
def test_at_any_moment_it_is_what_all_changes_say(record, kind, steps):
    example = Example(record[kind])
    for step in steps:
        example.do(step)
    example.check()
    seal(example.database.unit_of_work)
    example.check()


def test_what_is_learnt_after_sealing_moves_a_change_at_once(database):
    with database.unit_of_work() as uow:
        uow.changes.append(attributed(change(1)), at(100))
        undated = uow.changes.append(attributed(between(2, 0, 5)), at(100))
        uow.commit()
    seal(database.unit_of_work)
    with database.unit_of_work() as uow:
        uow.changes.attribute(undated.id, by("dana", dated=at(0.5)), at(101))
        uow.commit()

    assert shown(database) == ["key-1"]
    seal(database.unit_of_work)
    assert shown(database) == ["key-1"]


def shown(database):
    with database.reader() as uow:
        return [one.change.key for one in uow.changes.latest_states(None, None)]


def test_once_all_is_sealed_nothing_is_kept_that_is_superseded(database):
    with database.unit_of_work() as uow:
        for number in range(1, 21):
            uow.changes.append(attributed(change(number, path=f"/{number % 3}")), at(number))
        uow.commit()
    seal(database.unit_of_work, batch=7)

    with database.reader() as uow:
        kept = uow._session.rows(select(standing_changes.c.path).order_by(standing_changes.c.path))
        assert [row.path for row in kept] == ["/0", "/1", "/2"]
        assert [one.change.version_after for one in uow.changes.latest_states(None, None)] == ["18", "19", "20"]


def test_a_search_over_all_changes_is_spared(database, monkeypatch):
    with database.unit_of_work() as uow:
        for number in range(1, 6):
            uow.changes.append(attributed(change(number)), at(number))
        uow.commit()
    seal(database.unit_of_work)

    with database.reader() as uow:
        asked = []
        monkeypatch.setattr(type(uow._session), "rows", spy(asked, type(uow._session).rows))
        assert len(list(uow.changes.latest_states(None, None))) == 1
    plan = explained(database, asked[0])
    assert not [line for line in plan if line.startswith(("SCAN changes", "SCAN c"))]


def spy(asked, rows):
    def spied(session, statement, values=None):
        asked.append(statement)
        return rows(session, statement, values)

    return spied


def explained(database, statement):
    """Return SQLite's plan; PostgreSQL's goes by how many rows there are, and here are none to speak of."""
    if database._writing.dialect.name != "sqlite":
        return []
    text = str(statement.compile(database._writing, compile_kwargs={"literal_binds": True}))
    with database._writing.connect() as connection:
        return [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")]


class TestTampering:
    @pytest.fixture
    def ledger(self, database, tmp_path):
        with database.unit_of_work() as uow:
            for number in range(1, 4):
                uow.changes.append(attributed(change(number)), at(number))
            uow.commit()
        ledger = Ledger(database, tmp_path / "anchor")
        ledger.seal()
        assert ledger.verify().answer is Answer.INTACT
        return ledger

    def tamper(self, database, *statements):
        with database._writing.begin() as connection:
            for statement in statements:
                connection.execute(statement)

    def test_a_number_that_is_gone_is_found(self, database, ledger):
        self.tamper(database, delete(standing_changes))

        verdict = ledger.verify()
        assert verdict.answer is Answer.TAMPERED
        assert "says how its flag stands and is passed over" in verdict.faults[0].text

    def test_a_number_that_leads_to_an_older_change_is_found(self, database, ledger):
        oldest = select(func.min(changes.c.seq)).scalar_subquery()
        self.tamper(database, update(standing_changes).values(seq=oldest))

        assert ledger.verify().answer is Answer.TAMPERED

    def test_one_too_many_is_found(self, database, ledger):
        place = (changes.c.seq, changes.c.document_hash, changes.c.path, changes.c.environment)
        older = select(*place).where(changes.c.seq.not_in(select(standing_changes.c.seq)))
        self.tamper(database, standing_changes.insert().from_select([c.name for c in place], older))

        verdict = ledger.verify()
        assert verdict.answer is Answer.TAMPERED
        assert "no longer says how its flag stands" in verdict.faults[0].text


def test_readers_see_every_flag_whatever_is_sealed_meanwhile(database):
    """One flag, changed and sealed all the time: a reader between two steps of the sealer sees it as it is."""
    done = threading.Event()
    seen = []

    def read():
        while not done.is_set():
            with database.unit_of_work() if len(seen) % 2 else database.reader() as uow:
                seen.append([int(one.change.version_after) for one in uow.changes.latest_states(None, None)])

    with database.unit_of_work() as uow:
        uow.changes.append(attributed(change(1)), at(1))
        uow.commit()
    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(2, 25):
            with database.unit_of_work() as uow:
                uow.changes.append(attributed(change(number)), at(number))
                uow.commit()
            seal(database.unit_of_work)
    finally:
        done.set()
        reader.join(20)
    assert seen
    assert all(len(versions) == 1 for versions in seen)
    assert [versions[0] for versions in seen] == sorted(versions[0] for versions in seen)


def test_what_is_let_go_by_mistake_is_not_pointed_at(database):
    """A change that stands is never let go; where it is gone all the same, what stood before stands again."""
    with database.unit_of_work() as uow:
        made = [uow.changes.append(attributed(change(number)), at(number)) for number in (1, 2)]
        uow.commit()
    seal(database.unit_of_work)
    with database.unit_of_work() as uow:
        uow.retention.remove([OldEntry(1, "change", made[1].seq, made[1].id)])
        uow.commit()

    with database.reader() as uow:
        assert [one.id for one in uow.changes.latest_states(None, None)] == [made[0].id]
        assert uow._session.first(select(change_keys.c.seq).where(change_keys.c.seq == made[1].seq)) is not None


class TestSpans:
    def spans(self, database, as_of=None):
        with database.reader() as uow:
            return {
                str(flag): (span.newest.change.key, span.began_at, span.known_since)
                for flag, span in uow.changes.spans(as_of)
            }

    def test_a_flag_began_with_its_earliest_change_and_has_its_newest(self, database):
        with database.unit_of_work() as uow:
            for number in (3, 1, 2):
                uow.changes.append(attributed(change(number)), at(100 + number))
            uow.changes.append(attributed(change(9, kind=ChangeKind.LABEL_MOVED, label="live")), at(90))
            uow.changes.append(attributed(change(8, kind=ChangeKind.DENIED)), at(91))
            uow.commit()

        assert self.spans(database) == {"shop/new-checkout": ("key-3", at(1), at(101))}
        assert self.spans(database, at(101)) == {"shop/new-checkout": ("key-1", at(1), at(101))}
        assert self.spans(database, at(99)) == {}

    def test_an_interval_is_no_time_until_somebody_dates_it(self, database):
        with database.unit_of_work() as uow:
            recorded = uow.changes.append(attributed(between(1, 0, 5)), at(100))
            uow.commit()
        assert self.spans(database) == {"shop/new-checkout": ("key-1", None, at(100))}

        with database.unit_of_work() as uow:
            uow.changes.attribute(recorded.id, by("dana", dated=at(3)), at(101))
            uow.commit()
        assert self.spans(database) == {"shop/new-checkout": ("key-1", at(3), at(100))}
        assert self.spans(database, at(100)) == {"shop/new-checkout": ("key-1", None, at(100))}

    def test_flags_of_other_applications_and_of_none_are_apart(self, database):
        with database.unit_of_work() as uow:
            uow.changes.append(attributed(change(1)), at(1))
            uow.changes.append(attributed(change(2, application=None)), at(2))
            uow.changes.append(attributed(change(3, flag=None, path="/none")), at(3))
            uow.commit()

        assert sorted(self.spans(database)) == ["new-checkout", "shop/new-checkout"]
