"""Secrets of AWS Secrets Manager, read when they are needed; no error and no ``repr`` shows one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from auditor.adapters.aws import AwsClients
from auditor.domain.errors import ConfigurationError, FlagtrailError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


class SecretUnreadableError(FlagtrailError):
    """A secret cannot be read now."""


def read_secret(arn: str, clients: AwsClients) -> str:
    """Return the text of a secret's current version; raise ``SecretUnreadableError`` when AWS does not give it."""
    region = _region(arn)
    try:
        client: SecretsManagerClient = clients.own("secretsmanager", region)
        answer = client.get_secret_value(SecretId=arn)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "an unknown error")
        remedy = "allow secretsmanager:GetSecretValue on it, and kms:Decrypt if it has a key of its own"
        raise SecretUnreadableError(f"the secret {arn} cannot be read ({code}); {remedy}") from None
    except BotoCoreError as error:
        raise SecretUnreadableError(f"the secret {arn} cannot be read: {type(error).__name__}") from None
    text = answer.get("SecretString", "").strip()
    if not text:
        raise ConfigurationError(f"the secret {arn} holds no text")
    return text


def read_password(arn: str, clients: AwsClients) -> str:
    """Return the password in a secret that is JSON as RDS makes it; raise ``ConfigurationError`` when it is none."""
    return _field(arn, _members(arn, clients), "password")


def read_login(arn: str, clients: AwsClients) -> tuple[str, str]:
    """Return user and password of such a secret; raise ``ConfigurationError`` when it lacks one."""
    members = _members(arn, clients)
    return _field(arn, members, "username"), _field(arn, members, "password")


def _members(arn: str, clients: AwsClients) -> Mapping[str, Any]:
    try:
        content = json.loads(read_secret(arn, clients))
    except ValueError:
        content = None
    return content if isinstance(content, dict) else {}


def _field(arn: str, members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f'the secret {arn} is no JSON object with a text under "{name}"')
    return value


def _region(arn: str) -> str:
    """Return the Region an ARN names; raise ``ConfigurationError`` for what is no secret's ARN."""
    parts = arn.split(":", 6)
    if len(parts) < 7 or parts[0] != "arn" or parts[2] != "secretsmanager" or not parts[3]:  # noqa: PLR2004
        raise ConfigurationError(f"{arn!r} is not the ARN of a secret")
    return parts[3]
