"""CloudTrail records for tests: a believable one, and ways to vary it."""

from __future__ import annotations

from typing import Any

from auditor.application.envelopes import parse_envelope
from auditor.domain.events import RawEvent

ACCOUNT = "123456789012"
REGION = "eu-west-1"
ALICE = {
    "type": "IAMUser",
    "principalId": "AIDACKCEVSQ6C2EXAMPLE",
    "arn": f"arn:aws:iam::{ACCOUNT}:user/alice",
    "accountId": ACCOUNT,
    "userName": "alice",
}
OMITTED = object()


def trail(service: str, call: str, request: Any, response: Any = None, **more: Any) -> RawEvent:
    """Return the event of a call by alice; a member set to ``OMITTED`` is left out."""
    detail = {
        "eventVersion": "1.11",
        "userIdentity": ALICE,
        "eventTime": "2026-10-06T08:00:03Z",
        "eventSource": f"{service}.amazonaws.com",
        "eventName": call,
        "awsRegion": REGION,
        "sourceIPAddress": "203.0.113.24",
        "userAgent": "aws-cli/2.36.28",
        "requestParameters": request,
        "responseElements": response,
        "requestID": "50c6bc7f-39ab-531f-bd2e-6cd6aa7618d9",
        "eventID": "245e28dd-2aad-5781-8eae-cf4c6413f42b",
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
    } | more
    return parse_envelope(
        {
            "version": "0",
            "id": "bafb0f0c-696a-5be6-b3c7-1c3692824e46",
            "detail-type": "AWS API Call via CloudTrail",
            "source": f"aws.{service}",
            "account": ACCOUNT,
            "time": "2026-10-06T08:00:03Z",
            "region": REGION,
            "resources": [],
            "detail": {key: value for key, value in detail.items() if value is not OMITTED},
        }
    )


def denied(service: str, call: str, resource: str, **more: Any) -> RawEvent:
    """Return the event of a denied call, which names its resource in the message only."""
    message = (
        f"User: arn:aws:iam::{ACCOUNT}:user/alice is not authorized to perform: {service}:{call} on resource: "
        f"{resource} because no identity-based policy allows the {service}:{call} action"
    )
    return trail(service, call, None, **({"errorCode": "AccessDenied", "errorMessage": message} | more))
