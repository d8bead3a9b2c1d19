"""TLS to PostgreSQL as a user asks for it in the URL: a real server with ``ssl = on``, held to its certificate."""

from __future__ import annotations

import pytest

from tests.support import tls_server
from tests.support.cli import flagtrail

PROGRAMS = tls_server.programs()
pytestmark = [
    pytest.mark.proof,
    pytest.mark.skipif(PROGRAMS is None, reason="no PostgreSQL with TLS is installed on this machine"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with tls_server.running(PROGRAMS, tmp_path_factory.mktemp("tls")) as running:
        yield running


@pytest.fixture
def ask(elsewhere, monkeypatch):
    """What runs a command against the database that the variable names."""

    def asked(url, *words):
        monkeypatch.setenv("FLAGTRAIL_DATABASE_URL", url)
        return flagtrail(*words)

    return asked


def test_a_server_whose_certificate_fits_is_believed(server, ask):
    url = server.url(f"sslmode=verify-full&sslrootcert={server.authority}")

    assert ask(url, "db", "upgrade").status == 0
    answer = ask(url, "history", "--format", "json")
    assert (answer.status, answer.json) == (0, [])


def test_the_connection_is_encrypted(server):
    from contextlib import closing

    from auditor.adapters.storage import open_database

    url = server.url(f"sslmode=verify-full&sslrootcert={server.authority}")
    with closing(open_database(url)) as database, database.reader() as uow:
        told = uow._session.connection.exec_driver_sql(
            "SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        ).one()
    assert told.ssl is True
    assert told.version.startswith("TLSv1.")


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
def test_a_certificate_by_a_stranger_is_refused(server, ask, mode):
    answer = ask(server.url(f"sslmode={mode}&sslrootcert={server.stranger}"), "history")

    assert answer.status == 2
    assert "certificate verify failed" in answer.err
    assert tls_server.PASSWORD not in answer.err


def test_a_certificate_for_another_host_is_refused_where_that_is_asked(server, ask):
    """The server is called localhost; by its address it is somebody else."""
    answer = ask(server.url(f"sslmode=verify-full&sslrootcert={server.authority}", host="127.0.0.1"), "history")

    assert answer.status == 2
    assert 'does not match host name "127.0.0.1"' in answer.err
    assert ask(server.url(f"sslmode=verify-ca&sslrootcert={server.authority}", host="127.0.0.1"), "gaps").status == 0


def test_without_encryption_the_server_lets_nobody_in(server, ask):
    answer = ask(server.url("sslmode=disable"), "history")

    assert answer.status == 2
    assert "no encryption" in answer.err
    assert tls_server.PASSWORD not in answer.err


def test_a_wrong_password_is_said_without_it(server, ask):
    answer = ask(server.url(f"sslmode=verify-full&sslrootcert={server.authority}", password="wrong-one"), "history")

    assert answer.status == 2
    assert "password authentication failed" in answer.err
    assert "wrong-one" not in answer.err


def test_an_old_tls_is_refused_on_request(server, ask):
    options = f"sslmode=verify-full&sslrootcert={server.authority}&ssl_min_protocol_version=TLSv1.3"

    assert ask(server.url(options), "gaps").status == 0
    answer = ask(server.url("sslmode=require&ssl_max_protocol_version=TLSv1.1"), "gaps")
    assert answer.status == 2
