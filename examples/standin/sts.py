"""STS: who somebody is, and how one becomes another."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from examples.standin.call import Call
from examples.standin.errors import AwsError
from examples.standin.identity import Identity, IdentityRegistry

_ROLE = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role(/(?:.+/)?)([^/]+)")


class Sts:
    """AssumeRole and its siblings; the new session's credentials work in the role's account."""

    def __init__(self, identities: IdentityRegistry) -> None:
        self._identities = identities

    def operations(self) -> dict[str, Callable[[Call], dict[str, Any] | None]]:
        """Return the operations answered here."""
        return {
            "GetCallerIdentity": self.who,
            "AssumeRole": self.assume,
            "AssumeRoleWithWebIdentity": self.assume_with_web_identity,
        }

    @staticmethod
    def who(call: Call) -> dict[str, Any]:
        """Answer the caller."""
        identity = call.identity
        return {"UserId": identity.principal_id, "Account": identity.account, "Arn": identity.arn}

    def assume(self, call: Call) -> dict[str, Any]:
        """Open a session of a role; a source identity goes along, also through further roles."""
        source = call.params.get("SourceIdentity") or call.identity.source_identity
        return self._session(call, source_identity=source, source_ip=call.identity.source_ip)

    def assume_with_web_identity(self, call: Call) -> dict[str, Any]:
        """Open a session of a role for somebody whom an OpenID provider vouches for."""
        return self._session(call, web_identity=call.params.get("ProviderId") or "token.actions.githubusercontent.com")

    def _session(self, call: Call, **details: Any) -> dict[str, Any]:
        found = _ROLE.fullmatch(call.params["RoleArn"])
        if found is None:
            raise AwsError("ValidationError", f"{call.params['RoleArn']} is invalid")
        account, path, name = found.groups()
        session: Identity = self._identities.role(
            account, name, call.params["RoleSessionName"], call.at, role_path=path, **details
        )
        lifetime = timedelta(seconds=call.params.get("DurationSeconds") or 3600)
        answer = {
            "Credentials": {
                "AccessKeyId": session.access_key_id,
                "SecretAccessKey": session.secret_access_key,
                "SessionToken": session.session_token,
                "Expiration": call.at + lifetime,
            },
            "AssumedRoleUser": {"AssumedRoleId": session.principal_id, "Arn": session.arn},
            "PackedPolicySize": 6,
        }
        return answer | ({"SourceIdentity": session.source_identity} if session.source_identity else {})
