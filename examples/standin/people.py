"""The people, roles and services that a test or a demo lets call AWS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from examples.standin.identity import COMMAND_LINE, LAMBDA_RUNTIME, Identity, IdentityRegistry


class People:
    """Makes identities; each call gives new credentials."""

    def __init__(self, registry: IdentityRegistry, account: str, region: str, now: Callable[[], datetime]) -> None:
        self.account = account
        self.region = region
        self._registry = registry
        self._now = now

    def iam_user(self, name: str, *, account: str | None = None, console: bool = False) -> Identity:
        """Return credentials of an IAM user: an access key of the command line, or a console session."""
        identity = self._registry.user(account or self.account, name, self._now(), console=console)
        return identity if console else self._with(identity, user_agent=COMMAND_LINE)

    def sso_user(
        self, user: str, permission_set: str = "PlatformAdmin", *, account: str | None = None, console: bool = False
    ) -> Identity:
        """Return a session of a person who signed in through IAM Identity Center."""
        identity = self._registry.person(
            account or self.account, self.region, user, permission_set, self._now(), console=console
        )
        return identity if console else self._with(identity, user_agent=COMMAND_LINE)

    def role(
        self,
        name: str,
        session: str,
        *,
        web_identity: str | None = None,
        source_identity: str | None = None,
        account: str | None = None,
        console: bool = False,
    ) -> Identity:
        """Return a session of a role: assumed, or opened for what an OpenID provider vouches for."""
        return self._registry.role(
            account or self.account,
            name,
            session,
            self._now(),
            web_identity=web_identity,
            source_identity=source_identity,
            source_ip="192.0.2.61" if web_identity else "192.0.2.200",
            console=console,
        )

    def cloudformation(self, role: str = "CloudFormationDeployRole", *, account: str | None = None) -> Identity:
        """Return CloudFormation at work with a service role."""
        return self._registry.role(
            account or self.account, role, "AWSCloudFormation", self._now(), invoked_by="cloudformation.amazonaws.com"
        )

    def lambda_role(self, role: str, session: str, *, account: str | None = None) -> Identity:
        """Return a Lambda function at work: the session is the function's name."""
        identity = self._registry.role(account or self.account, role, session, self._now(), source_ip="192.0.2.77")
        return self._with(identity, user_agent=LAMBDA_RUNTIME)

    def root(self, *, account: str | None = None, console: bool = False) -> Identity:
        """Return an account's root, by its access key or signed in to the console."""
        return self._registry.root(account or self.account, self._now(), console=console)

    def _with(self, identity: Identity, *, user_agent: str) -> Identity:
        return self._registry.add(replace(identity, user_agent=user_agent))
