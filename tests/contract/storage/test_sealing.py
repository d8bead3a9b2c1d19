"""Sealing: one at a time, nobody waits, nothing is lost, doubled or forked, whoever is killed."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import create_engine, insert

from auditor.adapters.storage.tables import checkpoints, leaves, log_head, pending_seals
from auditor.application.ports import HistoryQuery
from auditor.application.sealing import ForkError, seal
from auditor.application.verifying import Answer
from auditor.domain.errors import DatabaseError
from auditor.domain.ledger.checkpoint import Checkpoint
from tests.support.ledger import SIGNER, Ledger
from tests.support.records import at, attributed, by, change

# On SQLite one writer at a time is the rule of the whole database.
on_postgresql = pytest.mark.parametrize("kind", ["postgresql"], indirect=True)


def record(database, numbers):
    with database.unit_of_work() as uow:
        for number in numbers:
            uow.changes.append(attributed(change(number), by("dana")), at(number))
        uow.commit()


@pytest.fixture
def ledger(database, tmp_path):
    return Ledger(database, tmp_path / "anchor")


def sealed(database):
    """Return what is in the log, in its order: the key of each change, the kind of everything else."""
    with database.reader() as uow:
        entries = list(uow.sealed.entries())
    return [json.loads(entry.body)["key"] if entry.kind == "change" else entry.kind for entry in entries]


def test_what_waits_is_sealed_once(database):
    record(database, range(1, 8))

    assert (seal(database.unit_of_work).sealed, seal(database.unit_of_work).sealed) == (7, 0)
    assert sealed(database) == [f"key-{number}" for number in range(1, 8)]


def test_more_than_a_batch_is_sealed_in_several(database):
    record(database, range(1, 12))

    report = seal(database.unit_of_work, batch=4)

    assert (report.sealed, report.size) == (11, 11)


def test_what_was_learnt_is_sealed_behind_its_change(database):
    record(database, [1, 2])
    with database.unit_of_work() as uow:
        first = next(uow.changes.query(HistoryQuery()))
        uow.changes.attribute(first.id, by("erin"), at(9))
        uow.commit()

    seal(database.unit_of_work)

    assert sealed(database) == ["key-1", "key-2", "attribution"]


@on_postgresql
def test_a_second_sealer_does_not_wait(database):
    record(database, [1])
    with database.unit_of_work() as first:
        assert first.ledger.take_head() is not None
        report = seal(database.unit_of_work)

    assert (report.sealed, report.busy) == (0, True)


@on_postgresql
def test_recording_does_not_wait_for_the_head(database):
    with database.unit_of_work() as sealer:
        assert sealer.ledger.take_head() is not None
        record(database, [1, 2, 3])

    assert seal(database.unit_of_work).sealed == 3


@on_postgresql
def test_what_a_row_waits_for_is_not_the_highest_number(database):
    """A row with a low number may commit after one with a high number was sealed."""
    with database.unit_of_work() as late:
        late.changes.append(attributed(change(1), by("dana")), at(1))
        record(database, [2])
        assert seal(database.unit_of_work).sealed == 1
        late.commit()

    assert seal(database.unit_of_work).sealed == 1
    assert sealed(database) == ["key-2", "key-1"]


def test_nothing_new_is_not_signed_again(ledger):
    record(ledger.database, [1])

    first, second = ledger.seal(), ledger.seal()

    assert (first.signed, first.anchored, second.signed, second.anchored) == (1, 1, None, 0)


def test_an_empty_log_is_not_signed(ledger):
    assert ledger.seal().signed is None


def test_a_checkpoint_that_was_not_anchored_is_anchored_later(ledger):
    record(ledger.database, [1])
    seal(ledger.database.unit_of_work)
    ledger.vouch.sign()
    assert ledger.anchor.notes() == []

    assert ledger.seal().anchored == 1
    assert len(ledger.anchor.notes()) == 1


def test_a_checkpoint_of_another_log_under_the_name_stops_the_signer(ledger):
    record(ledger.database, [1, 2])
    other = Checkpoint(SIGNER.key.name, 2, bytes(32)).signed(SIGNER.key, SIGNER.sign)
    ledger.anchor.put(2, other)

    with pytest.raises(ForkError):
        ledger.seal()


def test_the_anchor_alone_keeps_a_signer_from_signing_less(ledger, url):
    record(ledger.database, [1, 2, 3])
    ledger.seal()
    engine = create_engine(url)
    with engine.begin() as connection:
        for table in (leaves, log_head, checkpoints, pending_seals):
            connection.execute(table.delete())
        connection.execute(insert(pending_seals).values(entry="change", entry_seq=1))
    engine.dispose()

    with pytest.raises(ForkError, match="entries are missing"):
        ledger.seal()


def test_leaves_without_a_head_are_refused(database, url):
    record(database, [1])
    seal(database.unit_of_work)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(log_head.delete())
    engine.dispose()

    with pytest.raises(DatabaseError, match="verify"):
        seal(database.unit_of_work)


def test_a_damaged_frontier_beside_a_checkpoint_is_made_anew_from_the_leaves(ledger, url):
    record(ledger.database, range(1, 8))
    ledger.seal()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(checkpoints.update().values(frontier=b"nonsense"))
    engine.dispose()
    record(ledger.database, range(8, 12))

    assert ledger.seal().signed == 11
    assert ledger.verify().answer is Answer.INTACT
