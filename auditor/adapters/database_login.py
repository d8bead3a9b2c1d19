"""How PostgreSQL is convinced in AWS: a password that is asked for anew for each connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError
from botocore.signers import generate_db_auth_token

from auditor.adapters.aws import AwsClients
from auditor.adapters.secrets import read_password
from auditor.adapters.storage.engine import Password, parse_url
from auditor.domain.errors import ConfigurationError, DatabaseError

if TYPE_CHECKING:
    from auditor.settings import DatabaseLogin

_PORT = 5432


def password_for(url: str, login: DatabaseLogin, clients: AwsClients) -> Password | None:
    """Return what gives the password of the next connection; ``None`` where the URL or ``PGPASSWORD`` has it."""
    if login.secret is not None:
        secret = login.secret
        return lambda: read_password(secret, clients)
    if not login.iam:
        return None
    address = parse_url(url)
    host, user, port = address.host, address.username, address.port or _PORT
    if host is None or user is None:
        raise ConfigurationError("FLAGTRAIL_DATABASE_IAM needs a database URL with user and host")
    return lambda: _token(host, port, user, clients)


def _token(host: str, port: int, user: str, clients: AwsClients) -> str:
    """Return a token that the role at hand signs; nothing is asked of AWS.

    See "Connecting to your DB cluster using IAM authentication" in the Amazon Aurora User Guide. Any client can sign
    it, and that of STS is quick to load; a token holds for 15 minutes, and only until the connection stands.
    """
    try:
        token: str = generate_db_auth_token(clients.own("sts"), host, port, user, clients.region())
    except BotoCoreError as error:
        raise DatabaseError(f"no role at hand can sign in to the database: {error}") from None
    return token
