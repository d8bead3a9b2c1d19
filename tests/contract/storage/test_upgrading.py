"""A record of the first release, with data in it, is brought to the present schema: nothing altered, nothing lost."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Boolean, MetaData, create_engine, func, select, text

from auditor.adapters.storage import months, open_database, schema
from auditor.adapters.storage import upgrade as upgrading
from auditor.adapters.storage.engine import make_engine, parse_url
from auditor.adapters.storage.upgrade import upgrade
from auditor.application.ports import HistoryQuery
from auditor.application.verifying import Answer
from auditor.domain.changes import ChangeKind
from auditor.domain.errors import SchemaOutdatedError
from tests.support.ledger import Ledger
from tests.support.records import PARAMETER, at, attributed, by, change

MIGRATIONS = Path(upgrading.__file__).with_name("migrations")
ROWS = [json.loads(line) for line in (Path(__file__).parents[2] / "data/first_release.jsonl").read_text().splitlines()]
RECORDED = [one["row"] for one in ROWS if one["table"] == "changes"]
ENTRIES = sum(one["table"] == "pending_seals" for one in ROWS)


def to_revision(engine, revision):
    with engine.begin() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(MIGRATIONS))
        command.upgrade(config, revision)


def fill(engine):
    """Write the rows as the first release did."""
    seen = MetaData()
    with engine.begin() as connection:
        seen.reflect(connection)
        for table in seen.sorted_tables:
            rows = [as_stored(table, one["row"]) for one in ROWS if one["table"] == table.name]
            if rows:
                connection.execute(table.insert(), rows)
                if engine.dialect.name == "postgresql":
                    give_numbers_on(connection, table)


def give_numbers_on(connection, table):
    """Let PostgreSQL number what comes behind these rows."""
    for key in table.primary_key:
        sequence = connection.scalar(text(f"SELECT pg_get_serial_sequence('{table.name}', '{key.name}')"))
        if sequence is not None:
            highest = connection.scalar(select(func.max(key)))
            connection.execute(text(f"SELECT setval('{sequence}', {highest})"))


def as_stored(table, row):
    stored = {name: bytes.fromhex(value["hex"]) if isinstance(value, dict) else value for name, value in row.items()}
    flags = [column.name for column in table.columns if isinstance(column.type, Boolean)]
    return stored | {name: bool(stored[name]) for name in flags}


@pytest.fixture
def first_release(make_url):
    """The URL of a record as the first release left it."""
    url = make_url()
    engine = make_engine(parse_url(url))
    to_revision(engine, "0001")
    fill(engine)
    engine.dispose()
    return url


def test_the_handler_refuses_it_until_it_is_upgraded(first_release):
    with pytest.raises(SchemaOutdatedError, match="flagtrail db upgrade"):
        open_database(first_release)


def test_nothing_is_lost_or_altered_and_all_of_it_is_sealed(first_release, tmp_path):
    done = upgrade(first_release)

    assert (done.before, done.after) == ("0001", schema.HEAD)
    with closing(open_database(first_release)) as database:
        with database.reader() as uow:
            shown = {recorded.id: recorded for recorded in uow.changes.query(HistoryQuery())}
            assert uow.runs.last_success("reconcile") is not None
            assert uow.inbox.taken(["event-1"])
            assert uow.documents.version(PARAMETER, "6") is not None
        assert {one: recorded.seq for one, recorded in shown.items()} == {row["id"]: row["seq"] for row in RECORDED}
        erin = [recorded for recorded in shown.values() if recorded.attribution.actor.name == "erin"]
        assert {recorded.change.version_after for recorded in erin} == {"2", "5"}
        ledger = Ledger(database, tmp_path / "anchor")
        assert ledger.seal().signed == ENTRIES
        assert ledger.verify().answer is Answer.INTACT


def test_what_it_recorded_is_not_recorded_again_and_numbers_go_on(first_release):
    upgrade(first_release)

    with closing(open_database(first_release)) as database, database.unit_of_work() as uow:
        again = [uow.changes.append(attributed(change(number)), at(20)) for number in (1, 2, 3)]
        new = uow.changes.append(attributed(change(20, kind=ChangeKind.UPDATED), by("erin")), at(20))
        uow.commit()
        assert again == [None, None, None]
        assert new.seq > max(row["seq"] for row in RECORDED)
        assert uow.changes.get(new.id) == new
        assert [alert.key for alert in uow.outbox.pending()] == [f"change|cause-{number}" for number in range(1, 7)]


@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
def test_on_postgresql_what_was_there_is_the_first_partition(first_release):
    upgrade(first_release)

    engine = create_engine(first_release)
    with engine.begin() as connection:
        earlier = connection.execute(text("SELECT count(*) FROM ONLY changes_earlier")).scalar()
        known = months.months(connection)
    engine.dispose()
    assert earlier == len(RECORDED)
    assert known[0] == f"{datetime.now(UTC):%Y-%m}"
    assert len(known) == months.AHEAD + 1
