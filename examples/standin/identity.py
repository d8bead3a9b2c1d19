"""Who calls: the principals of AWS and how each service spells them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from examples.standin.ids import Ids, stable_hex, stable_principal_id

BROWSER = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 "
    "(KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
)
COMMAND_LINE = (
    "aws-cli/2.36.28 md/awscrt#0.36.2 ua/2.1 os/linux#6.8.0-1031-aws md/arch#x86_64 lang/python#3.14.6 "
    "md/pyimpl#CPython m/AN,n,Z,E,b cfg/retry-mode#standard md/installer#exe md/distrib#ubuntu.24 md/prompt#off"
)
LAMBDA_RUNTIME = (
    "Boto3/1.43.98 md/Botocore#1.43.98 ua/2.1 os/linux#5.10.245-270.957.amzn2.x86_64 md/arch#x86_64 "
    "lang/python#3.13.7 md/pyimpl#CPython exec-env/AWS_Lambda_python3.13 m/b,Z,D cfg/retry-mode#legacy Botocore/1.43.98"
)

Kind = Literal["IAMUser", "AssumedRole", "Root"]


@dataclass(frozen=True, slots=True)
class Identity:
    """One principal with its own credentials; a role has one for each of its sessions."""

    kind: Kind
    account: str
    name: str
    access_key_id: str
    secret_access_key: str
    since: datetime
    session_token: str | None = None
    session: str | None = None
    role_path: str = "/"
    source_identity: str | None = None
    web_identity: str | None = None
    invoked_by: str | None = None
    console: bool = False
    mfa: bool = False
    source_ip: str = "203.0.113.24"
    user_agent: str | None = None

    @property
    def arn(self) -> str:
        """Return the ARN that LastModifiedUser, error messages and CloudTrail show."""
        if self.kind == "Root":
            return f"arn:aws:iam::{self.account}:root"
        if self.kind == "IAMUser":
            return f"arn:aws:iam::{self.account}:user/{self.name}"
        return f"arn:aws:sts::{self.account}:assumed-role/{self.name}/{self.session}"

    @property
    def issuer_arn(self) -> str:
        """Return the ARN of the role behind a session, with its path."""
        return f"arn:aws:iam::{self.account}:role{self.role_path}{self.name}"

    @property
    def principal_id(self) -> str:
        """Return the unique id: of the user, of the role and session, or the account's number for root."""
        if self.kind == "Root":
            return self.account
        if self.kind == "IAMUser":
            return stable_principal_id("AIDA", self.account, "user", self.name)
        return f"{self._role_id}:{self.session}"

    @property
    def username(self) -> str:
        """Return the name that CloudTrail's event history lists: user, session, or root."""
        return "root" if self.kind == "Root" else (self.session or self.name)

    @property
    def _role_id(self) -> str:
        return stable_principal_id("AROA", self.account, "role", self.name)

    def credentials(self) -> dict[str, str]:
        """Return the credentials as boto3's client takes them."""
        credentials = {
            "aws_access_key_id": self.access_key_id,
            "aws_secret_access_key": self.secret_access_key,
        }
        if self.session_token:
            credentials["aws_session_token"] = self.session_token
        return credentials

    def user_identity(self) -> dict[str, Any]:
        """Return CloudTrail's ``userIdentity`` element, its keys in CloudTrail's order."""
        element: dict[str, Any] = {
            "type": self.kind,
            "principalId": self.principal_id,
            "arn": self.arn,
            "accountId": self.account,
            "accessKeyId": self.access_key_id,
        }
        if self.kind == "IAMUser":
            element["userName"] = self.name
        if self.session_token:
            element["sessionContext"] = self._session_context()
        if self.invoked_by:
            element["invokedBy"] = self.invoked_by
        return element

    def _session_context(self) -> dict[str, Any]:
        context: dict[str, Any] = {}
        if self.kind == "AssumedRole":
            context["sessionIssuer"] = {
                "type": "Role",
                "principalId": self._role_id,
                "arn": self.issuer_arn,
                "accountId": self.account,
                "userName": self.name,
            }
        if self.web_identity:
            provider = f"arn:aws:iam::{self.account}:oidc-provider/{self.web_identity}"
            context["webIdFederationData"] = {"federatedProvider": provider, "attributes": {}}
        context["attributes"] = {
            "creationDate": self.since.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "mfaAuthenticated": "true" if self.mfa else "false",
        }
        if self.source_identity:
            context["sourceIdentity"] = self.source_identity
        return context


class IdentityRegistry:
    """Every identity that holds credentials, by access key."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._by_key: dict[str, Identity] = {}

    def find(self, access_key_id: str) -> Identity | None:
        """Return who holds an access key; None when nobody does."""
        return self._by_key.get(access_key_id)

    def user(self, account: str, name: str, now: datetime, *, console: bool) -> Identity:
        """Return a new set of credentials of an IAM user."""
        return self._register("IAMUser", account, name, now, console=console)

    def root(self, account: str, now: datetime, *, console: bool) -> Identity:
        """Return a new set of credentials of an account's root."""
        return self._register("Root", account, "root", now, console=console, mfa=console)

    def role(self, account: str, name: str, session: str, now: datetime, **details: Any) -> Identity:
        """Return a new session of a role; the details are fields of Identity."""
        return self._register("AssumedRole", account, name, now, session=session, **details)

    def person(
        self, account: str, region: str, user: str, permission_set: str, now: datetime, *, console: bool
    ) -> Identity:
        """Return a new session of a person who came through IAM Identity Center."""
        name = f"AWSReservedSSO_{permission_set}_{stable_hex(account, permission_set)}"
        path = f"/aws-reserved/sso.amazonaws.com/{region}/"
        return self.role(account, name, user, now, role_path=path, console=console)

    def add(self, identity: Identity) -> Identity:
        """Make an identity's access key known."""
        self._by_key[identity.access_key_id] = identity
        return identity

    def _register(
        self, kind: Kind, account: str, name: str, now: datetime, *, console: bool = False, **details: Any
    ) -> Identity:
        temporary = console or kind == "AssumedRole"
        identity = Identity(
            kind=kind,
            account=account,
            name=name,
            access_key_id=self._ids.access_key("ASIA" if temporary else "AKIA"),
            secret_access_key=self._ids.secret(),
            since=now,
            session_token=self._ids.secret(180) if temporary else None,
            console=console,
            **details,
        )
        if console:
            identity = replace(identity, user_agent=BROWSER, source_ip="198.51.100.7")
        return self.add(identity)
