"""Connections to PostgreSQL: one for who works alone, a password asked anew for each, and no secret without TLS."""

from __future__ import annotations

import socketserver
import threading
from collections import Counter
from contextlib import closing, contextmanager

import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy.engine import make_url as parsed

from auditor.adapters.storage import open_database
from auditor.adapters.storage.engine import make_engine, parse_url
from auditor.application.ports import HistoryQuery
from auditor.application.sealing import seal
from auditor.domain.errors import DatabaseError
from tests.support.ledger import Ledger
from tests.support.records import at, attributed, change

# How a client asks for TLS, and how a server says that it has none.
ASKS_FOR_TLS = bytes.fromhex("0000000804d2162f")
NO_TLS = b"N"


def test_whoever_works_alone_keeps_one_connection(emptied, tmp_path):
    """As a Lambda environment does: recording, reading, sealing and signing one after the other."""
    opened = Counter()
    with closing(open_database(emptied())) as database:
        event.listen(database._writing, "connect", lambda *_: opened.update(["connections"]))
        for number in range(1, 6):
            database.run(lambda uow, n=number: uow.changes.append(attributed(change(n)), at(n)))
            with database.reader() as uow:
                assert len(list(uow.changes.query(HistoryQuery()))) == number
            seal(database.unit_of_work)
            Ledger(database, tmp_path / "anchor").seal()
        assert database._writing.pool.checkedin() == 1
    assert opened["connections"] == 0, "the one that looked at the schema is kept"


def test_a_password_is_asked_for_with_each_connection_and_never_before(emptied):
    url = parsed(emptied())
    asked = []

    def password():
        asked.append(len(asked))
        return f"token {len(asked)}"

    engine = make_engine(parse_url(url.render_as_string(hide_password=False)), connections=2, password=password)
    assert asked == []
    for _ in range(3):
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")
    assert asked == [0]
    engine.pool.dispose()
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
    engine.dispose()
    assert asked == [0, 1]


def test_a_token_that_ran_out_harms_no_connection_that_stands(emptied):
    """A token matters only while connecting; a connection that was cut asks for another one."""
    tokens = iter(["first", "second"])
    url = emptied()
    with closing(open_database(url, password=lambda: next(tokens))) as database:
        database.run(lambda uow: uow.changes.append(attributed(change(1)), at(1)))
        plain = parsed(url).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        database.run(lambda uow: uow.changes.append(attributed(change(2)), at(2)))
        assert next(tokens, None) is None


@contextmanager
def without_tls():
    """A server that speaks no TLS: gives its port and what clients said to it."""
    said = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            while data := self.request.recv(4096):
                said.append(data)
                if data != ASKS_FOR_TLS:
                    return
                self.request.sendall(NO_TLS)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1], said
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_nothing_secret_is_said_to_a_server_without_tls(mode, tmp_path):
    authority = tmp_path / "ca.pem"
    authority.write_text("")
    options = f"sslmode={mode}" + ("" if mode == "require" else f"&sslrootcert={authority}")
    with without_tls() as (port, said), pytest.raises(DatabaseError, match="SSL"):
        open_database(f"postgresql://dana:hunter2@127.0.0.1:{port}/record?{options}")

    assert set(said) <= {ASKS_FOR_TLS}


def test_an_authority_that_cannot_be_read_is_named(tmp_path):
    missing = tmp_path / "missing.pem"
    with without_tls() as (port, said), pytest.raises(DatabaseError, match=r"missing\.pem|SSL"):
        open_database(f"postgresql://dana@127.0.0.1:{port}/record?sslmode=verify-full&sslrootcert={missing}")

    assert set(said) <= {ASKS_FOR_TLS}


@pytest.mark.parametrize(
    ("url", "password", "environ", "mode"),
    [
        ("postgresql://dana@db.example.com/record", True, {}, "require"),
        ("postgresql://dana@db.example.com/record", True, {"PGSSLMODE": "verify-full"}, None),
        ("postgresql://dana@db.example.com/record?sslmode=verify-full", True, {}, "verify-full"),
        ("postgresql://dana@db.example.com/record", False, {}, None),
        ("postgresql://dana@localhost/record", True, {}, None),
        ("postgresql://dana@/record?host=/var/run/postgresql", True, {}, None),
    ],
)
def test_a_password_of_aws_asks_for_tls(url, password, environ, mode, monkeypatch):
    monkeypatch.delenv("PGSSLMODE", raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    engine = make_engine(parse_url(url), password=(lambda: "token") if password else None)

    assert engine.url.query.get("sslmode") == mode
    engine.dispose()
