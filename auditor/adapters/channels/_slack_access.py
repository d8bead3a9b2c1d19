"""Whether Slack knows the token, as whom, and what it may do."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPException
from typing import Any

from auditor.adapters.channels import _slack_answers as answers
from auditor.adapters.channels.slack import DEFAULT_BASE_URL
from auditor.domain.errors import FlagtrailError

NEEDED_SCOPES = ("chat:write",)
_SECONDS = 5


class SlackAccessError(FlagtrailError):
    """Slack does not take the token, or gives no answer."""


@dataclass(frozen=True, slots=True)
class SlackAccess:
    """Who the token is, and which of the scopes a message needs it lacks (``None``: Slack does not tell)."""

    team: str
    user: str
    missing: tuple[str, ...] | None


def slack_access(token: str, base_url: str | None) -> SlackAccess:
    """Ask Slack who the token is (auth.test); raise ``SlackAccessError`` with what to do."""
    from slack_sdk import WebClient  # noqa: PLC0415 -- loaded when Slack is asked
    from slack_sdk.errors import SlackApiError  # noqa: PLC0415 -- as above

    url = (base_url or DEFAULT_BASE_URL).rstrip("/") + "/"
    quiet = logging.getLogger(f"{__name__}.client")
    quiet.addHandler(logging.NullHandler())
    quiet.propagate = False
    client = WebClient(token=token, base_url=url, timeout=_SECONDS, retry_handlers=[], logger=quiet)
    try:
        answer: Any = client.auth_test()
    except SlackApiError as error:
        response: Any = error.response
        told = answers.of_error(response.status_code, response.headers, str(response.get("error")), datetime.now(UTC))
        raise SlackAccessError(told.error or "Slack asks to wait; try again in a minute") from None
    except (OSError, HTTPException, UnicodeDecodeError) as error:
        silence = answers.of_silence(error, datetime.now(UTC))
        raise SlackAccessError(silence.error or "Slack gives no answer; check the network") from None
    return SlackAccess(str(answer.get("team")), str(answer.get("user")), _missing(answer.headers))


def _missing(headers: dict[str, Any]) -> tuple[str, ...] | None:
    """Return the scopes that are needed and not granted."""
    granted = next((value for name, value in headers.items() if name.lower() == "x-oauth-scopes"), None)
    if not isinstance(granted, str):
        return None
    have = {scope.strip() for scope in granted.split(",")}
    return tuple(scope for scope in NEEDED_SCOPES if scope not in have)
