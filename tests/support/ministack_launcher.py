"""Starts MiniStack with what only AWS's own services can do; run by MiniStack's Python, which knows nothing of ours.

Two seams of its EventBridge are opened. PutEvents takes sources that begin with ``aws.``, which AWS (and MiniStack)
refuse to everybody but the services themselves: MiniStack's Parameter Store sends no event when a parameter changes.
And an event for another account's bus arrives there, as the account it is from; MiniStack drops it.
"""

from __future__ import annotations

from functools import partial

from ministack import app
from ministack.services import eventbridge

_own_bus = eventbridge._dispatch_to_event_bus


def _to_any_account(spec, event, rule, event_path, target_input_payload=None):
    """Deliver to the bus of another account, whose rules then see where the event is from."""
    sender = eventbridge.get_account_id()
    if spec.account_id == sender:
        _own_bus(spec, event, rule, event_path, target_input_payload)
        return
    eventbridge.set_request_account_id(spec.account_id)
    try:
        _own_bus(spec, {**event, "Account": event.get("Account") or sender}, rule, event_path, target_input_payload)
    finally:
        eventbridge.set_request_account_id(sender)


eventbridge._put_events = partial(eventbridge._put_events, allow_aws_source=True)
eventbridge._dispatch_to_event_bus = _to_any_account

if __name__ == "__main__":
    app.main()
