"""Logins of PostgreSQL: the master lets in who records, once, and is not needed afterwards."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from auditor.adapters.storage import open_database
from auditor.adapters.storage.logins import give_login
from auditor.adapters.storage.upgrade import upgrade
from auditor.domain.errors import DatabaseError
from tests.support import postgres

USER = 'audit "recorder"'


def run(url, *statements):
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        found = [connection.execute(text(statement)) for statement in statements]
        rows = [result.all() if result.returns_rows else [] for result in found]
    engine.dispose()
    return rows


@pytest.fixture
def rds(postgres_server):
    """Return a database on a server with the role that RDS has, and its master's name; the user is gone afterwards."""
    run(postgres_server, "CREATE ROLE rds_iam")
    made = postgres.make_database(postgres_server)
    yield made, str(postgres_server.username)
    postgres.drop_database(postgres_server, made)
    quoted = USER.replace('"', '""')
    run(postgres_server, f'DROP ROLE IF EXISTS "{quoted}"', "DROP ROLE rds_iam")


def test_who_records_is_let_in_and_owns_what_it_makes(rds):
    made, master = rds
    url = made.set(username=USER).render_as_string(hide_password=False)

    assert give_login(url, master, lambda: "unused: the server trusts") is True
    assert upgrade(url).before is None
    assert give_login(url, master, lambda: "unused") is False
    assert upgrade(url).before is not None

    open_database(url, create=False).close()
    owners, granted = run(
        made,
        "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'",
        "SELECT r.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid"
        " JOIN pg_roles u ON u.oid = m.member WHERE u.rolname LIKE 'audit%'",
    )
    assert owners == [(USER,)]
    assert granted == [("rds_iam",)]


def test_what_is_no_rds_is_refused(postgres_server):
    url = postgres_server.set(username="recorder").render_as_string(hide_password=False)

    with pytest.raises(DatabaseError, match="has no role rds_iam"):
        give_login(url, str(postgres_server.username), lambda: "")


@pytest.mark.parametrize("url", ["sqlite:///record.db", "postgresql://db.example.com/x", "postgresql://master@db/x"])
def test_a_login_needs_postgresql_a_user_and_another_master(url):
    assert make_url(url)
    with pytest.raises(DatabaseError, match="a login is made in PostgreSQL"):
        give_login(url, "master", lambda: "")
