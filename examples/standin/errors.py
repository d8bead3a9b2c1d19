"""How AWS refuses a call."""

from __future__ import annotations

from typing import Any


class AwsError(Exception):
    """A refusal that goes back to the caller as the service would say it."""

    def __init__(self, code: str, message: str = "", *, status: int | None = None, **members: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.members = members

    def __str__(self) -> str:
        return self.message


class MalformedRequestError(AwsError):
    """The request breaks what the service's model asks of it: its front refuses it, before the service looks."""


class AccessDeniedError(AwsError):
    """The caller may not do that: IAM says so before the service looks at the request."""
