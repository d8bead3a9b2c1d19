"""The thirteen manipulations, by somebody with the database, and by somebody who also has the product's keys.

The attackers are as good as they can be: who edits a body edits the columns beside it as well, and who rebuilds the log
rebuilds leaves, head and frontier, and signs the checkpoints in the database anew where they have the key. What neither
has is the anchor.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, delete, func, insert, select, update

from auditor.adapters.storage import open_database
from auditor.adapters.storage.change_log import columns
from auditor.adapters.storage.ledger import TABLES
from auditor.adapters.storage.months import NUMBERS, base_of
from auditor.adapters.storage.search import actor_number, actor_text
from auditor.adapters.storage.tables import (
    actors,
    attributions,
    change_keys,
    changes,
    checkpoints,
    entry_macs,
    leaves,
    log_head,
    metadata,
    pending_seals,
)
from auditor.application.ports import Scope
from auditor.application.verifying import Answer
from auditor.domain.changes import Gap, GapClass, change_id
from auditor.domain.flags import FlagId
from auditor.domain.ledger.checkpoint import Checkpoint
from auditor.domain.ledger.entries import content_of, entry_mac
from auditor.domain.ledger.merkle import Frontier, leaf_hash
from auditor.domain.retention import Act, Decision
from auditor.domain.snoozes import Snooze
from tests.support.ledger import MAC_KEY, SIGNER, Ledger
from tests.support.records import PARAMETER, at, attributed, by, change

ROWS = 24


def nth(connection: Connection, number: int) -> int:
    """Return what the change of this number is numbered: PostgreSQL's begin with the month."""
    return number + (base_of(at(0)) if connection.dialect.name == "postgresql" else 0)


@dataclass(frozen=True)
class Attacker:
    """Writes every table; ``has_keys``: signs and authenticates as the product does."""

    url: str
    ledger: Ledger
    has_keys: bool
    snapshot: dict[str, list[dict[str, Any]]]

    @contextmanager
    def tables(self) -> Iterator[Connection]:
        engine = create_engine(self.url)
        try:
            with engine.begin() as connection:
                yield connection
        finally:
            engine.dispose()

    def write_change(self, connection: Connection, number: int, seq: int | None = None) -> None:
        """Write a change as the product would, over the one of this number or as a new one."""
        made = attributed(change(number, summary="as it never was"), by("mallory"))
        known = actor_number(made.attribution)
        if connection.execute(select(actors).where(actors.c.hash == known)).first() is None:
            connection.execute(insert(actors).values(hash=known, text=actor_text(made.attribution.actor)))
        row = columns(change_id(made.change.key), made, at(number))
        if seq is None:
            new = connection.execute(select(func.max(change_keys.c.seq))).scalar_one() + 1
            connection.execute(insert(change_keys).values(seq=new, id=row["id"]))
            connection.execute(insert(changes).values(seq=new, **row))
        else:
            seq = nth(connection, seq)
            connection.execute(update(change_keys).where(change_keys.c.seq == seq).values(id=row["id"]))
            connection.execute(update(changes).where(changes.c.seq == seq).values(row))

    def rebuild(self, connection: Connection, order: list[tuple[str, int]] | None = None) -> None:
        """Make leaves, head and, with the keys, authentications and checkpoints of what is in the tables now."""
        sealed = [(row.entry, row.entry_seq) for row in connection.execute(select(leaves).order_by(leaves.c.position))]
        frontier, sizes = Frontier(), [row.size for row in connection.execute(select(checkpoints.c.size))]
        connection.execute(delete(leaves))
        connection.execute(delete(checkpoints))
        for kind, number in sealed if order is None else order:
            table = TABLES[kind]
            body = connection.execute(select(table.c.body).where(table.c.seq == number)).scalar_one_or_none()
            if body is None:
                continue
            content = content_of(kind, number, bytes(body))
            row = {"position": frontier.size, "entry": kind, "entry_seq": number, "hash": leaf_hash(content)}
            connection.execute(insert(leaves).values(row))
            frontier = frontier.extended([row["hash"]])
            if self.has_keys:
                self.authenticate(connection, kind, number, content)
                if frontier.size in sizes:
                    self.sign(connection, frontier)
        connection.execute(update(log_head).values(size=frontier.size, frontier=frontier.to_bytes()))

    def authenticate(self, connection: Connection, kind: str, number: int, content: bytes) -> None:
        named = (entry_macs.c.entry == kind, entry_macs.c.entry_seq == number)
        connection.execute(delete(entry_macs).where(*named))
        row = {"entry": kind, "entry_seq": number, "mac": entry_mac(MAC_KEY, content)}
        connection.execute(insert(entry_macs).values(row))

    def sign(self, connection: Connection, frontier: Frontier) -> None:
        note = Checkpoint(SIGNER.key.name, frontier.size, frontier.root()).signed(SIGNER.key, SIGNER.sign)
        row = {"size": frontier.size, "note": note, "frontier": frontier.to_bytes(), "signed_us": 0, "anchored_us": 0}
        connection.execute(insert(checkpoints).values(row))


def edit_a_column(a: Attacker) -> None:
    with a.tables() as connection:
        connection.execute(update(changes).where(changes.c.seq == nth(connection, 5)).values(flag="other"))


def edit_a_body(a: Attacker) -> None:
    with a.tables() as connection:
        a.write_change(connection, 5, seq=5)


def edit_a_body_and_rebuild(a: Attacker) -> None:
    with a.tables() as connection:
        a.write_change(connection, 5, seq=5)
        a.rebuild(connection)


def delete_in_the_middle(a: Attacker) -> None:
    with a.tables() as connection:
        connection.execute(delete(changes).where(changes.c.seq == nth(connection, 9)))


def delete_renumber_rebuild(a: Attacker) -> None:
    with a.tables() as connection:
        connection.execute(delete(changes).where(changes.c.seq == nth(connection, 9)))
        for seq in range(10, ROWS + 1):
            there = nth(connection, seq)
            connection.execute(delete(change_keys).where(change_keys.c.seq == there - 1))
            connection.execute(update(change_keys).where(change_keys.c.seq == there).values(seq=there - 1))
            connection.execute(update(changes).where(changes.c.seq == there).values(seq=there - 1))
        a.rebuild(connection)


def cut_the_end(a: Attacker) -> None:
    with a.tables() as connection:
        connection.execute(delete(changes).where(changes.c.seq > nth(connection, ROWS - 4)))
        a.rebuild(connection)


def insert_in_the_middle(a: Attacker) -> None:
    with a.tables() as connection:
        a.write_change(connection, 99)
        rows = connection.execute(select(leaves).order_by(leaves.c.position))
        order = [(row.entry, row.entry_seq) for row in rows]
        newest = connection.execute(select(changes.c.seq).order_by(changes.c.seq.desc()).limit(1)).scalar_one()
        a.rebuild(connection, [*order[:7], ("change", newest), *order[7:]])


def swap_two(a: Attacker) -> None:
    with a.tables() as connection:
        rows = connection.execute(select(leaves).order_by(leaves.c.position))
        order = [(row.entry, row.entry_seq) for row in rows]
        order[4], order[6] = order[6], order[4]
        a.rebuild(connection, order)


def restore_an_old_copy(a: Attacker) -> None:
    fill(a, a.snapshot)


def replace_the_log(a: Attacker) -> None:
    with a.tables() as connection:
        for seq in range(1, ROWS + 1):
            a.write_change(connection, seq + 200, seq=seq)
        a.rebuild(connection)


def delete_everything(a: Attacker) -> None:
    fill(a, {})


def append_a_forgery(a: Attacker) -> None:
    with a.tables() as connection:
        a.write_change(connection, 77)
        row = connection.execute(select(changes).order_by(changes.c.seq.desc()).limit(1)).one()
        connection.execute(insert(pending_seals).values(entry="change", entry_seq=row.seq))
        if a.has_keys:
            a.authenticate(connection, "change", row.seq, content_of("change", row.seq, bytes(row.body)))
    a.ledger.seal()


def edit_before_it_is_sealed(a: Attacker) -> None:
    with a.ledger.database.unit_of_work() as uow:
        recorded = uow.changes.append(attributed(change(88), by("dana")), at(88))
        uow.commit()
    with a.tables() as connection:
        a.write_change(connection, 88, seq=ROWS + 1)
        if a.has_keys:
            body = connection.execute(select(changes.c.body).where(changes.c.seq == recorded.seq)).scalar_one()
            a.authenticate(connection, "change", recorded.seq, content_of("change", recorded.seq, bytes(body)))
    a.ledger.seal()


def fill(a: Attacker, content: dict[str, list[dict[str, Any]]]) -> None:
    """Make all tables hold just this."""
    with a.tables() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(delete(table))
        for table in metadata.sorted_tables:
            if content.get(table.name):
                connection.execute(insert(table), content[table.name])


def copied(url: str) -> dict[str, list[dict[str, Any]]]:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = {t.name: [dict(row._mapping) for row in connection.execute(select(t))] for t in metadata.sorted_tables}
    engine.dispose()
    return found


MANIPULATIONS: list[Callable[[Attacker], None]] = [
    edit_a_column,
    edit_a_body,
    edit_a_body_and_rebuild,
    delete_in_the_middle,
    delete_renumber_rebuild,
    cut_the_end,
    insert_in_the_middle,
    swap_two,
    restore_an_old_copy,
    replace_the_log,
    delete_everything,
    append_a_forgery,
    edit_before_it_is_sealed,
]
# One record takes PostgreSQL as long as ten take SQLite: the fast suite tries all manipulations there once.
BOTH_IN_PROOF = pytest.mark.parametrize(
    "kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.proof)], indirect=True
)
UNSEEN_WITHOUT_MAC = {append_a_forgery, edit_before_it_is_sealed}


@dataclass(frozen=True)
class Prepared:
    """A record with its anchor as files, to be copied, and a copy of its tables two thirds through."""

    file: Path
    anchor: Path
    snapshot: dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def prepare(tmp_path_factory, sqlite_template):
    """What makes a record on SQLite with its ledger, once for each key: recording costs more than copying."""

    @cache
    def made(mac_key: bytes | None) -> Prepared:
        folder = tmp_path_factory.mktemp("prepared")
        file = Path(shutil.copy(sqlite_template, folder / "record.db"))
        with closing(open_database(f"sqlite:///{file}", mac_key=mac_key)) as database:
            snapshot = record(f"sqlite:///{file}", Ledger(database, folder / "anchor"))
        return Prepared(file, folder / "anchor", snapshot)

    return made


@pytest.fixture
def make_ledger(kind, request, tmp_path):
    """What makes a fresh record with its ledger: recorded, sealed and signed in three steps, and a copy of the second."""
    opened = []
    counter = iter(range(1000))

    def make(mac_key: bytes | None = None):
        anchor = tmp_path / f"anchor-{next(counter)}"
        if kind == "postgresql":
            url, snapshot = request.getfixturevalue("emptied")(), None
            reset_numbers(url)
        else:
            prepared = request.getfixturevalue("prepare")(mac_key)
            url = f"sqlite:///{shutil.copy(prepared.file, tmp_path / f'record-{next(counter)}.db')}"
            snapshot = prepared.snapshot
            shutil.copytree(prepared.anchor, anchor)
        database = open_database(url, mac_key=mac_key)
        opened.append(database)
        ledger = Ledger(database, anchor)
        return url, ledger, record(url, ledger) if snapshot is None else snapshot

    yield make
    for database in opened:
        database.close()


def reset_numbers(url):
    engine = create_engine(url)
    with engine.begin() as connection:
        for table in TABLES.values():
            numbering = "change_keys" if table is changes else table.name
            connection.exec_driver_sql(f"ALTER SEQUENCE {numbering}_seq_seq RESTART")
    engine.dispose()


def record(url, ledger):
    """Record changes without attributions, which would only be harder to delete; return a copy of the tables."""
    snapshot = {}
    for step in range(3):
        with ledger.database.unit_of_work() as uow:
            for number in range(step * 8 + 1, step * 8 + 9):
                uow.changes.append(attributed(change(number), by("dana")), at(number))
            uow.gaps.add(Gap(GapClass.VERSION, PARAMETER, 1, str(step), str(step), "gone"), at(step))
            uow.runs.reconciled(Scope("ssm", "1", "eu", "f"), at(step), {"documents": step})
            uow.commit()
        ledger.seal()
        if step == 1:
            snapshot = copied(url)
    return snapshot


def found_by(make_ledger, *, mac: bool, has_keys: bool) -> set[Callable[[Attacker], None]]:
    """Run each manipulation on a record of its own and return those that are found."""
    found = set()
    for manipulate in MANIPULATIONS:
        url, ledger, snapshot = make_ledger(MAC_KEY if mac else None)
        mac_key = MAC_KEY if mac else None
        assert ledger.verify(mac_key=mac_key).answer is Answer.INTACT
        manipulate(Attacker(url, ledger, has_keys, snapshot))
        verdict = ledger.verify(mac_key=mac_key)
        if verdict.answer is Answer.TAMPERED:
            found.add(manipulate)
    return found


@BOTH_IN_PROOF
@pytest.mark.parametrize("has_keys", [False, True], ids=["database", "database and keys"])
def test_eleven_of_thirteen_are_found_without_a_mac(make_ledger, has_keys):
    found = found_by(make_ledger, mac=False, has_keys=has_keys)

    print(f"without MAC, attacker with {'keys' if has_keys else 'the database only'}: {len(found)} of 13")  # noqa: T201
    assert found == set(MANIPULATIONS) - UNSEEN_WITHOUT_MAC
    assert len(found) == 11


def test_thirteen_of_thirteen_are_found_with_a_mac_when_only_the_database_is_theirs(make_ledger):
    found = found_by(make_ledger, mac=True, has_keys=False)

    print(f"with MAC, attacker with the database only: {len(found)} of 13")  # noqa: T201
    assert found == set(MANIPULATIONS)


@BOTH_IN_PROOF
def test_eleven_of_thirteen_are_found_with_a_mac_when_its_key_is_theirs_as_well(make_ledger):
    found = found_by(make_ledger, mac=True, has_keys=True)

    print(f"with MAC, attacker with keys: {len(found)} of 13")  # noqa: T201
    assert found == set(MANIPULATIONS) - UNSEEN_WITHOUT_MAC


@pytest.mark.parametrize(
    ("manipulate", "index", "entry"),
    [
        (edit_a_column, 6, "change 5"),
        (edit_a_body, 6, "change 5"),
        (delete_in_the_middle, 12, "change 9"),
        (cut_the_end, 26, None),
        (delete_everything, 0, None),
        (append_a_forgery, 30, "change 25"),
    ],
)
def test_the_first_bad_entry_is_named(make_ledger, manipulate, index, entry):
    url, ledger, snapshot = make_ledger(MAC_KEY)
    manipulate(Attacker(url, ledger, False, snapshot))

    first = ledger.verify(mac_key=MAC_KEY).faults[0]

    assert (first.index, in_order(first.entry)) == (index, entry)


def in_order(entry: str | None) -> str | None:
    """Return an entry's name without the month its number begins with on PostgreSQL."""
    if entry is None:
        return None
    kind, number = entry.split()
    return f"{kind} {int(number) % NUMBERS}"


def test_a_rebuilt_log_is_pinned_to_the_checkpoints_around_it(make_ledger):
    url, ledger, snapshot = make_ledger()
    attacker = Attacker(url, ledger, True, snapshot)
    with attacker.tables() as connection:
        attacker.write_change(connection, 12, seq=12)
        attacker.rebuild(connection)

    first = ledger.verify().faults[0]

    assert first.index == 10
    assert "10 to 19" in first.text


# One value of another kind for each column of what is recorded, told by the column's type.
@BOTH_IN_PROOF
@pytest.mark.parametrize("entry", list(TABLES))
def test_no_column_can_be_edited_unseen(make_ledger, entry):
    table = TABLES[entry]
    url, ledger, _ = make_ledger()
    with ledger.database.unit_of_work() as uow:
        held = uow.changes.get(change_id("key-3"))
        uow.changes.attribute(held.id, by("erin", dated=at(3)), at(30))
        uow.changes.attribute(held.id, by("erin", dated=at(4)), at(31))
        uow.retention.add(Decision(Act.HOLD, "asked for by counsel", "lena", at(33), name="matter-17"))
        uow.snoozes.add(Snooze(FlagId("shop", "new-checkout"), at(99), "audit", "dana", at(32)))
        uow.commit()
    ledger.seal()
    assert ledger.verify().answer is Answer.INTACT
    engine = create_engine(url)
    for column in table.columns:
        if column.foreign_keys or column.name == "seq":
            continue
        with engine.begin() as connection:
            row = connection.execute(select(table).limit(1)).one()
            was = row._mapping[column]
            connection.execute(update(table).where(table.c.seq == row.seq).values({column.name: other(column, was)}))
        assert ledger.verify().answer is Answer.TAMPERED, column
        with engine.begin() as connection:
            connection.execute(update(table).where(table.c.seq == row.seq).values({column.name: was}))
        assert ledger.verify().answer is Answer.INTACT, column
    engine.dispose()


def other(column, value):
    """Return another value that the column can hold."""
    kind = column.type.python_type
    if kind is bool:
        return not value
    if kind is int:
        return (value or 0) + 1
    return (value or b"") + b" " if kind is bytes else f"{value or ''}x"


def test_another_number_shows(make_ledger):
    url, ledger, _ = make_ledger()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(
            update(changes).where(changes.c.seq == nth(connection, 20)).values(seq=nth(connection, 2000))
        )
        connection.execute(
            update(leaves)
            .where(leaves.c.entry == "change", leaves.c.entry_seq == nth(connection, 20))
            .values(entry_seq=nth(connection, 2000))
        )
    engine.dispose()

    assert ledger.verify().answer is Answer.TAMPERED


@pytest.mark.parametrize("act", ["delete", "update"])
def test_a_natural_key_that_is_gone_or_not_the_changes_is_missed(make_ledger, act):
    """Without it the same change could be recorded once more."""
    url, ledger, snapshot = make_ledger()
    with Attacker(url, ledger, True, snapshot).tables() as connection:
        there = change_keys.c.seq == nth(connection, 3)
        change = delete(change_keys) if act == "delete" else update(change_keys).values(id="other")
        connection.execute(change.where(there))

    assert "natural key" in ledger.verify().faults[0].text


def test_an_attribution_cannot_be_joined_to_another_change(make_ledger):
    url, ledger, _ = make_ledger()
    with ledger.database.unit_of_work() as uow:
        uow.changes.attribute(change_id("key-3"), by("erin"), at(30))
        uow.commit()
    ledger.seal()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(update(attributions).values(change_seq=nth(connection, 4)))
    engine.dispose()

    first = ledger.verify().faults[0]

    assert (first.entry, "another change" in first.text) == ("attribution 1", True)


def test_a_row_added_beside_the_product_is_found(make_ledger):
    url, ledger, snapshot = make_ledger()
    attacker = Attacker(url, ledger, False, snapshot)
    with attacker.tables() as connection:
        attacker.write_change(connection, 50)

    assert "added from outside" in ledger.verify().faults[0].text


def test_a_row_that_waits_and_vanishes_is_missed(make_ledger):
    url, ledger, snapshot = make_ledger()
    with ledger.database.unit_of_work() as uow:
        recorded = uow.changes.append(attributed(change(60), by("dana")), at(60))
        uow.commit()
    with Attacker(url, ledger, False, snapshot).tables() as connection:
        connection.execute(delete(changes).where(changes.c.seq == recorded.seq))

    assert "is gone" in ledger.verify().faults[0].text


def test_the_names_that_actors_are_looked_for_by_are_held_against_themselves(make_ledger):
    url, ledger, snapshot = make_ledger()
    with Attacker(url, ledger, False, snapshot).tables() as connection:
        connection.exec_driver_sql("UPDATE actors SET text = 'somebody else'")
    assert ledger.verify().answer is Answer.TAMPERED

    url, ledger, snapshot = make_ledger()
    with Attacker(url, ledger, False, snapshot).tables() as connection:
        connection.exec_driver_sql("DELETE FROM actors")
    assert ledger.verify().answer is Answer.TAMPERED


def test_a_body_that_is_no_json_is_no_crash(make_ledger):
    url, ledger, snapshot = make_ledger()
    with Attacker(url, ledger, False, snapshot).tables() as connection:
        connection.execute(update(changes).where(changes.c.seq == nth(connection, 2)).values(body=b"\xff{"))

    assert in_order(ledger.verify().faults[0].entry) == "change 2"


def test_what_waits_is_told_and_no_fault(make_ledger):
    _, ledger, _ = make_ledger()
    with ledger.database.unit_of_work() as uow:
        uow.changes.append(attributed(change(60), by("dana")), at(60))
        uow.commit()

    verdict = ledger.verify()

    assert verdict.answer is Answer.INTACT
    assert any("1 rows are not sealed yet, the oldest since" in remark for remark in verdict.remarks)


def test_bodies_are_what_the_log_hashes(make_ledger):
    url, _, _ = make_ledger()
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = connection.execute(select(changes.c.seq, changes.c.body)).all()
        hashes = {
            row.entry_seq: bytes(row.hash)
            for row in connection.execute(select(leaves).where(leaves.c.entry == "change"))
        }
    engine.dispose()

    assert len(rows) == ROWS
    for row in rows:
        json.loads(bytes(row.body))
        assert hashes[row.seq] == leaf_hash(b"change %d\n" % row.seq + bytes(row.body))


def test_a_new_database_is_intact_as_far_as_it_goes(url, tmp_path):
    with closing(open_database(url)) as database:
        verdict = Ledger(database, tmp_path / "anchor").verify()

    assert (verdict.answer, verdict.size) == (Answer.UNCHECKED, 0)


def test_a_signer_signs_no_rewritten_past(make_ledger):
    from auditor.application.sealing import ForkError

    url, ledger, snapshot = make_ledger()
    attacker = Attacker(url, replace(ledger), False, snapshot)
    edit_a_body_and_rebuild(attacker)
    with ledger.database.unit_of_work() as uow:
        uow.changes.append(attributed(change(90), by("dana")), at(90))
        uow.commit()

    with pytest.raises(ForkError):
        ledger.seal()
    cut_the_end(attacker)
    with pytest.raises(ForkError):
        ledger.vouch.sign()
