"""SQLite takes any value in any column: what no product wrote there is found by verifying, and never stops it."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing

import pytest

from auditor.adapters.storage import open_database
from auditor.adapters.storage.tables import metadata
from auditor.application.retaining import Retention
from auditor.application.verifying import Answer
from tests.conftest import PROOF
from tests.support.ledger import Ledger, Present
from tests.support.records import at, attributed, between, by, change

SOME = ["'x'"]
VALUES = [
    "2",
    *SOME,
    "''",
    "-1",
    "NULL",
    "X'00'",
    "X'FF'",
    "1.5",
    "9223372036854775807",
    "'{}'",
    "'[]'",
    "X'7B7D'",
    "'null'",
]
TABLES = (
    "changes",
    "attributions",
    "retentions",
    "leaves",
    "log_head",
    "checkpoints",
    "pending_seals",
    "change_keys",
    "actors",
)
# What others are held against and nothing is held against: when it was signed and anchored, a shortcut for the signer.
NO_PROOF = {("checkpoints", name) for name in ("frontier", "signed_us", "anchored_us")}
ALWAYS = ("changes", "log_head", "checkpoints")
COLUMNS = [
    pytest.param(name, column.name, id=f"{name}.{column.name}", marks=() if name in ALWAYS else pytest.mark.proof)
    for name in TABLES
    for column in metadata.tables[name].columns
]


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    """The folder of a sealed and signed record with an entry that waits; its file is to be copied."""
    folder = tmp_path_factory.mktemp("hostile")
    with closing(open_database(f"sqlite:///{folder / 'record.db'}")) as database:
        with database.unit_of_work() as uow:
            for number in range(1, 4):
                uow.changes.append(attributed(change(number), by("dana")), at(number))
            undated = uow.changes.append(attributed(between(20, 0, 5)), at(100))
            uow.changes.attribute(undated.id, by("erin", dated=at(3)), at(101))
            uow.commit()
        Retention(database.unit_of_work, Present(), "dana", "an inquiry").hold("inquiry", None, None)
        Ledger(database, folder / "anchor").seal()
        with database.unit_of_work() as uow:
            uow.changes.append(attributed(change(30)), at(102))
            uow.commit()
        assert Ledger(database, folder / "anchor").verify().answer is Answer.INTACT
        database.settle()
    return folder


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_a_value_that_nobody_recorded_is_tampering(sealed, tmp_path, table, column):
    for number, value in enumerate(VALUES if PROOF else SOME):
        file = shutil.copyfile(sealed / "record.db", tmp_path / f"{number}.db")
        if not altered(file, table, column, value):
            continue
        with closing(open_database(f"sqlite:///{file}")) as database:
            answer = Ledger(database, sealed / "anchor").verify().answer
        expected = {Answer.INTACT} if (table, column) in NO_PROOF else {Answer.TAMPERED}
        assert {answer} == expected, value


def altered(file, table, column, value):
    """Write the value into the last row; tell whether that made a difference."""
    key = metadata.tables[table].primary_key.columns.values()[-1].name
    held = f"SELECT {column} FROM {table} ORDER BY {key}"  # noqa: S608
    with closing(sqlite3.connect(file)) as connection:
        before = connection.execute(held).fetchall()
        try:
            last = f"(SELECT max({key}) FROM {table})"  # noqa: S608
            connection.execute(f"UPDATE {table} SET {column} = {value} WHERE {key} = {last}")  # noqa: S608
        except sqlite3.Error:
            return False  # a number that must be one, or NULL where none may be
        connection.commit()
        return connection.execute(held).fetchall() != before


def test_neither_true_nor_false_hides_a_change_and_is_found(sealed, tmp_path):
    """No walk along the history meets such a row, and it reads as true."""
    file = shutil.copyfile(sealed / "record.db", tmp_path / "record.db")
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE changes SET exact = 2 WHERE seq = 2")
        connection.commit()

    with closing(open_database(f"sqlite:///{file}")) as database:
        verdict = Ledger(database, sealed / "anchor").verify()
    assert verdict.faults[0].text == "entry 1 (change 2): its exact is not what its body says"
