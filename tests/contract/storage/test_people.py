"""Names of people beside the record: on both databases, found again, erased, and never in what is recorded."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import create_engine, text

from auditor.application.erasing import erase_person
from auditor.application.ports import ErasedPerson, HistoryQuery
from auditor.application.verifying import Answer
from auditor.domain.errors import UsageError
from auditor.domain.flags import FlagEntry, FlagId, FlagState
from tests.support.ledger import Ledger
from tests.support.records import PARAMETER, at, attributed, change, snapshot

ANN, BOB, LONG = "ann@example.com", "bob@example.com", "x" * 4000 + "@example.com"


def users(*names):
    return FlagState({"users": list(names)})


def entry(*names):
    return FlagEntry(FlagId("shop", "beta"), "prod", users(*names))


def rows(url, asked):
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.execute(text(asked)).all()
    engine.dispose()
    return found


def append(uow, number, before, after):
    return uow.changes.append(attributed(change(number, before=before, after=after)), at(30))


def test_people_are_recorded_by_pseudonyms_and_known_again(database, url):
    with database.unit_of_work() as uow:
        first = append(uow, 1, None, users(ANN, LONG, 17, "17"))
        second = append(uow, 2, users(ANN, LONG, 17, "17"), users(ANN, BOB))
        uow.commit()
    with database.reader() as uow:
        found = {one.id: one for one in uow.changes.query(HistoryQuery())}

    assert first.change.after == FlagState({"users": {"people": 4}})
    assert found[second.id] == second
    assert second.change.diff[0].after == {"people": 2, "added": 1, "removed": 3}
    assert len(rows(url, "SELECT pseudonym FROM people")) == 5
    bodies = rows(url, "SELECT body, text FROM changes")
    assert not any(b"@example.com" in bytes(row.body) or "@example.com" in row.text for row in bodies)


def test_held_versions_have_the_names_again(database):
    held = replace(snapshot(1), entries={"": entry(ANN, BOB)}, metadata={"text": f"{ANN},{BOB}", "type": "String"})
    with database.unit_of_work() as uow:
        uow.documents.hold(PARAMETER, 1, [held], at(2))
        uow.documents.checked(PARAMETER, 1, at(2), alive=True, labels={}, title=None)
        uow.commit()
        assert uow.documents.held(PARAMETER).entries == held.entries
        assert uow.documents.version(PARAMETER, "1").entries == held.entries
        assert uow.documents.version(PARAMETER, "1").metadata == {"type": "String"}, "its text names them too"
        assert [str(one.flag) for one in uow.people.standing(ANN)] == ["shop/beta"]
        assert uow.people.standing("cem@example.com") == []
        with pytest.raises(UsageError, match="stands in shop/beta in prod; take them out"):
            erase_person(uow, ANN, at(3))


def test_after_an_erasure_the_proof_holds_and_nothing_leads_to_the_person(database, url, tmp_path):
    ledger = Ledger(database, tmp_path / "anchor")
    with database.unit_of_work() as uow:
        append(uow, 1, None, users(ANN, BOB))
        uow.inbox.reject(f'{{"who": "{ANN}"}}', "no event", at(1), None)
        uow.commit()
    ledger.seal()
    with database.unit_of_work() as uow:
        shown = list(uow.changes.query(HistoryQuery()))
        erased = erase_person(uow, ANN, at(40))
        uow.commit()
    database.settle()

    assert erased == ErasedPerson(names=1, events=1)
    assert ledger.verify().answer is Answer.INTACT
    with database.reader() as uow:
        assert list(uow.changes.query(HistoryQuery())) == shown
    people = rows(url, "SELECT name_key, name, erased_us FROM people")
    assert {row.name for row in people} == {None, f'"{BOB}"'}
    assert {row.erased_us is None for row in people} == {True, False}
    assert ANN not in rows(url, "SELECT text FROM dead_letters")[0].text


def test_a_person_who_comes_again_is_another_one(database):
    with database.unit_of_work() as uow:
        append(uow, 1, None, users(ANN))
        erase_person(uow, ANN, at(40))
        again = append(uow, 2, users(), users(ANN))
        uow.commit()
        assert again.change.after == FlagState({"users": {"people": 1}})
        with pytest.raises(UsageError, match="says nothing"):
            erase_person(uow, " ", at(41))
        with pytest.raises(UsageError, match="nobody is recorded"):
            erase_person(uow, "nobody@example.com", at(41))


def test_a_changes_own_document_shows_it_as_the_store_has_it(database):
    with database.unit_of_work() as uow:
        made = append(uow, 1, None, users(ANN))
        (whole,) = uow.changes.of_document(PARAMETER, [made.change.kind])

    assert whole.change.after == users(ANN)
