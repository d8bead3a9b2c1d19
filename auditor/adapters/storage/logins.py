"""Who records may log in to PostgreSQL: made once by the database's master, who is not needed afterwards."""

from __future__ import annotations

from sqlalchemy import Connection, text

from auditor.adapters.storage.engine import Password, make_engine, parse_url
from auditor.domain.errors import DatabaseError

_BY_ROLE = "rds_iam"


def give_login(url: str, master: str, password: Password) -> bool:
    """Let the user of a URL log in by AWS's roles and own the database; return whether the user was made now.

    ``master`` and ``password`` are of a user who may make others. Twice changes nothing. Raise ``DatabaseError`` for a
    database that is no PostgreSQL of RDS. See "Creating a database account using IAM authentication" in the Amazon
    Aurora User Guide.
    """
    address = parse_url(url)
    user, database = address.username, address.database
    if address.get_backend_name() != "postgresql" or not user or not database or user == master:
        raise DatabaseError("a login is made in PostgreSQL, by its master, for a user that the database URL names")
    engine = make_engine(address.set(username=master), connections=1, password=password)
    try:
        with engine.begin() as connection:
            return _give(connection, user, database)
    finally:
        engine.dispose()


def _give(connection: Connection, user: str, database: str) -> bool:
    quoted = connection.dialect.identifier_preparer.quote_identifier
    roles = set(connection.execute(text("SELECT rolname FROM pg_roles")).scalars())
    if _BY_ROLE not in roles:
        raise DatabaseError(f"the database has no role {_BY_ROLE}; it is no RDS, or IAM authentication is off")
    made = user not in roles
    for statement in (
        *((f"CREATE ROLE {quoted(user)} LOGIN",) if made else ()),
        f"GRANT {_BY_ROLE} TO {quoted(user)}",
        f"GRANT {quoted(user)} TO CURRENT_USER",
        f"ALTER DATABASE {quoted(database)} OWNER TO {quoted(user)}",
    ):
        connection.execute(text(statement.replace(":", r"\:")))
    return made
