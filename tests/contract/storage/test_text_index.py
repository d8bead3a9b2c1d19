"""A search by the index of texts finds what looking through all of them finds, whatever is asked."""

from __future__ import annotations

import random
from contextlib import closing

import pytest
from sqlalchemy import create_engine, delete, select, update

from auditor.adapters.storage import open_database, text_index
from auditor.adapters.storage.tables import text_marks
from auditor.adapters.storage.texts import fold
from auditor.application.ports import HistoryQuery
from auditor.application.sealing import seal
from tests.conftest import PROOF
from tests.support.ledger import Ledger
from tests.support.records import at, attributed, by, change

WORDS = [
    "Basket",
    "größe",
    "rollout 10% → 50%",
    'a "quoted"',
    "x" * 40,
    "ünïcödé",
    "new-banner",
    "ab",
    "\u6587\u5b57\u5217\u8868",
]
COUNT = 400 if PROOF else 60


@pytest.fixture
def small(monkeypatch):
    """Make segments of eight places, so that few changes fill many."""
    monkeypatch.setattr(text_index, "BLOCK", 2)
    monkeypatch.setattr(text_index, "BLOCKS", 4)
    monkeypatch.setattr(text_index, "SEGMENT", 8)


@pytest.fixture
def texts(database, small):
    """Record changes with random words in their sentences; seal most of them; return the text of each by its key."""
    rng = random.Random(4)
    made = {}
    for numbers in (range(1, COUNT - 5), range(COUNT - 5, COUNT + 1)):
        with database.unit_of_work() as uow:
            for number in numbers:
                said = " ".join(rng.choices(WORDS, k=2)) + (f" needle-{number}" if number % 9 == 0 else "")
                recorded = uow.changes.append(attributed(change(number, summary=said), by("dana")), at(number))
                made[f"key-{number}"] = fold(said)
                if number % 4 == 0:
                    uow.changes.attribute(recorded.id, by("erin"), at(number))
            uow.commit()
        if numbers.start == 1:
            seal(database.unit_of_work)
            assert database.index_texts() > 3
    assert database.index_texts() == 0
    return made


def found(database, wanted):
    with database.reader() as uow:
        return {recorded.change.key for recorded in uow.changes.query(HistoryQuery(text=wanted))}


ASKED = [*WORDS, "needle", "needle-9", "NEEDLE-18", "eedl", "le-2", "BASKET gr", "nowhere", "%", "50% Bask"]


def test_it_finds_what_looking_through_finds(database, texts):
    for wanted in ASKED:
        assert found(database, wanted) == {key for key, text in texts.items() if fold(wanted) in text}, wanted


def test_what_is_rare_is_looked_for_in_few_places(database, texts):
    pieces = text_index._telling("needle-9")
    with database.reader() as uow:
        session = uow._session
        blocks = list(text_index._blocks_with(session, text_index._segments(session), pieces))

    assert 0 < len(blocks) < COUNT / text_index.BLOCK / 2


def test_what_is_frequent_is_met_along_the_time(database, texts, monkeypatch):
    expected = found(database, "needle")
    monkeypatch.setattr(text_index, "MOST_BLOCKS", 0)
    assert found(database, "needle") == expected
    monkeypatch.setattr(text_index, "MOST_BLOCKS", 1_500)
    monkeypatch.setattr(text_index, "MOST_FOUND", 1)
    assert found(database, "needle") == expected


@pytest.mark.parametrize("act", ["clear a bit", "take a row away"])
def test_marks_that_somebody_altered_are_found_by_verify(database, texts, url, tmp_path, act):
    ledger = Ledger(database, tmp_path / "anchor")
    ledger.seal()
    assert ledger.verify().faults == ()
    engine = create_engine(url)
    with engine.begin() as connection:
        row = connection.execute(select(text_marks).where(text_marks.c.piece >= 0).limit(1)).one()
        there = (text_marks.c.segment == row.segment, text_marks.c.piece == row.piece)
        change = update(text_marks).values(blocks=0) if act == "clear a bit" else delete(text_marks)
        connection.execute(change.where(*there))
    engine.dispose()

    assert "a search for text passes over" in ledger.verify().faults[0].text


def test_a_log_without_marks_is_looked_through(database, texts, url):
    expected = found(database, "needle")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(delete(text_marks))
    engine.dispose()

    with closing(open_database(url)) as other:
        assert found(other, "needle") == expected
        assert other.index_texts() > 3
        assert found(other, "needle") == expected
