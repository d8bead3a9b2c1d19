"""What Slack's answers and silences mean for a delivery."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from datetime import datetime, timedelta
from socket import gaierror
from typing import Any
from urllib.error import URLError

from auditor.domain.alerts import Delivery, DeliveryOutcome

UNREACHABLE_FOR = timedelta(seconds=30)
_DEFAULT_WAIT = 30
_LONGEST_WAIT = 3_600
_BAD_REQUEST = 400
_TOO_MANY = 429
_SERVER_ERROR = 500

_SIGN_IN = "set SLACK_BOT_TOKEN to the bot token (xoxb-…) of an app that is installed in the workspace"
_SCOPE = (
    "give the app the scopes chat:write and channels:history (groups:history for a private channel), install it again"
)
_CHANNEL = "check the channel in the configuration: its id is the surest; for a private one invite the app first"
_REMEDIES = {
    "invalid_auth": _SIGN_IN,
    "not_authed": _SIGN_IN,
    "account_inactive": _SIGN_IN,
    "token_revoked": _SIGN_IN,
    "token_expired": _SIGN_IN,
    "not_allowed_token_type": _SIGN_IN,
    "missing_scope": _SCOPE,
    "no_permission": _SCOPE,
    "channel_not_found": _CHANNEL,
    "not_in_channel": "invite the app into the channel: /invite @flagtrail",
    "is_archived": "the channel is archived; name another one in the configuration",
    "restricted_action": "the workspace does not let this app post there; ask its administrator",
    "message_not_found": "the message to edit was deleted",
    "cant_update_message": "the message was written by another app",
    "edit_window_closed": "the workspace forbids editing messages that old",
    "msg_too_long": "the message is too long for Slack; this is a fault of Flagtrail",
    "msg_blocks_too_long": "the message is too long for Slack; this is a fault of Flagtrail",
    "invalid_blocks": "Slack does not take the form of the message; this is a fault of Flagtrail",
}
# Slack says of these that part of the work may have been done.
_UNSURE = frozenset({"fatal_error", "internal_error", "service_unavailable", "request_timeout", "team_added_to_org"})
_RATE_LIMITED = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})


def sent(channel: str, timestamp: str) -> Delivery:
    """Return the delivery of a message that is in the channel."""
    return Delivery(DeliveryOutcome.SENT, message_id=f"{channel}:{timestamp}")


def of_error(status: int, headers: Mapping[str, Any], error: str, now: datetime) -> Delivery:
    """Return what an answer that is no success means; being asked to wait is no error."""
    if status == _TOO_MANY or error in _RATE_LIMITED:
        return Delivery(DeliveryOutcome.LATER, not_before=now + _retry_after(headers))
    if not error.isidentifier() and _BAD_REQUEST <= status < _SERVER_ERROR:
        what = f"the address answers {status}, not as Slack does; check FLAGTRAIL_SLACK_BASE_URL and the proxy"
        return Delivery(DeliveryOutcome.LATER, not_before=now + UNREACHABLE_FOR, error=what)
    if status >= _SERVER_ERROR or error in _UNSURE or not error.isidentifier():
        return Delivery(DeliveryOutcome.UNKNOWN, error=f"Slack answered {status} without saying what became of it")
    remedy = _REMEDIES.get(error)
    return Delivery(DeliveryOutcome.REFUSED, error=f"Slack refused: {error}{f'; {remedy}' if remedy else ''}")


def of_silence(fault: Exception, now: datetime) -> Delivery:
    """Return what a failed connection means: only one that was never made says that nothing arrived."""
    cause = fault.reason if isinstance(fault, URLError) else fault
    if isinstance(cause, ConnectionRefusedError | gaierror | ssl.SSLCertVerificationError):
        return Delivery(
            DeliveryOutcome.LATER, not_before=now + UNREACHABLE_FOR, error=f"Slack cannot be reached: {cause}"
        )
    name = type(cause).__name__
    return Delivery(DeliveryOutcome.UNKNOWN, error=f"the connection to Slack broke before its answer ({name})")


def _retry_after(headers: Mapping[str, Any]) -> timedelta:
    value = next((value for name, value in headers.items() if name.lower() == "retry-after"), None)
    text = str(value[0] if isinstance(value, list) and value else value)
    seconds = int(text) if text.isdigit() else _DEFAULT_WAIT
    return timedelta(seconds=min(max(seconds, 1), _LONGEST_WAIT))
