"""CloudTrail records: one reading for every service, so that sources only say what a call means for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from auditor.domain.attribution import ApiCall, Attribution, CallOutcome, CallTarget
from auditor.domain.errors import MalformedEventError
from auditor.domain.events import RawEvent
from auditor.domain.masking import mask_text
from auditor.domain.sessions import SESSION, session_of
from auditor.domain.times import parse_rfc3339
from auditor.domain.trail_identities import actor_from_cloudtrail

DETAIL_TYPE = "AWS API Call via CloudTrail"
# The word stands alone, with a suffix or with a prefix: AccessDeniedException, Client.UnauthorizedOperation.
_DENIED = re.compile(r"AccessDenied|Unauthorized|NotAuthorized|ExplicitDeny", re.IGNORECASE)
_RESOURCE = re.compile(r"on resource: (arn:[^\s\"']+)")
_MAX_DETAIL = 512


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One CloudTrail record of a write, its identity read, its parameters not yet.

    ``request`` is empty where CloudTrail gives none. ``response`` is ``None`` where it says null;
    ``response_told`` is False where it says nothing at all (CloudTrail leaves out what is above 100 KB).
    """

    event_id: str
    name: str
    service: str
    account: str
    region: str
    at: datetime
    request: Mapping[str, Any]
    response: Mapping[str, Any] | None
    response_told: bool
    attribution: Attribution
    error_code: str | None
    error_message: str | None
    resources: tuple[str, ...]
    from_console: bool
    facts: tuple[tuple[str, str], ...]

    @property
    def refused(self) -> CallOutcome | None:
        """Return how the call was refused as far as an error code tells, else ``None``.

        ``None`` is no promise of success: some services leave the error out.
        """
        if self.error_code is None:
            return None
        return CallOutcome.DENIED if _DENIED.search(self.error_code) else CallOutcome.FAILED

    @property
    def denied_resource(self) -> str | None:
        """Return the ARN that a denial names, or ``None``: a denied call has no parameters."""
        found = _RESOURCE.search(self.error_message or "")
        return found[1].rstrip(".,;") if found else None

    def requested(self, key: str) -> str | None:
        """Return a parameter that is text, or ``None``."""
        value = self.request.get(key)
        return value if isinstance(value, str) and value else None

    def answered(self, key: str) -> Any:
        """Return a member of the answer, or ``None``."""
        return None if self.response is None else self.response.get(key)

    def call(
        self, outcome: CallOutcome, targets: tuple[CallTarget, ...], facts: tuple[tuple[str, str], ...] = ()
    ) -> ApiCall:
        """Return the call as the record keeps it, its error as a sentence without secrets."""
        return ApiCall(
            event_id=self.event_id,
            name=self.name,
            service=self.service,
            account=self.account,
            region=self.region,
            at=self.at,
            outcome=outcome,
            targets=targets,
            attribution=self.attribution,
            error=self._error(outcome),
            from_console=self.from_console,
            details=facts + self.facts,
        )

    def _error(self, outcome: CallOutcome) -> str | None:
        if outcome not in {CallOutcome.DENIED, CallOutcome.FAILED}:
            return None
        if self.error_code is None:
            return f"{self.name} was refused; CloudTrail does not say why"
        message = mask_text(self.error_message or "")
        return f"{self.error_code}: {message}" if message else self.error_code


def read_call(event: RawEvent) -> CallRecord | None:
    """Return the record of a write, or ``None`` for a read.

    Raise ``MalformedEventError`` when the record lacks what every record has, or contradicts its envelope.
    """
    detail = event.detail
    if detail.get("readOnly") is True:
        return None
    service = event.source.removeprefix("aws.")
    if not str(detail.get("eventVersion", "1.")).startswith("1."):
        raise MalformedEventError("the CloudTrail record has a version that is not understood; 1.x is")
    if detail.get("eventSource") != f"{service}.amazonaws.com":
        raise MalformedEventError(f"the CloudTrail record's eventSource does not fit the event's source {event.source}")
    if detail.get("recipientAccountId", event.account) != event.account:
        raise MalformedEventError("the CloudTrail record's recipientAccountId is not the event's account")
    identity = detail.get("userIdentity")
    if not isinstance(identity, dict):
        raise MalformedEventError("the CloudTrail record has no userIdentity")
    request, response = detail.get("requestParameters"), detail.get("responseElements")
    return CallRecord(
        event_id=_text(detail, "eventID"),
        name=_text(detail, "eventName"),
        service=service,
        account=event.account,
        region=event.region,
        at=_time(detail),
        request=request if isinstance(request, dict) else {},
        response=response if isinstance(response, dict) else None,
        response_told="responseElements" in detail,
        attribution=actor_from_cloudtrail(detail),
        error_code=_optional(detail, "errorCode"),
        error_message=_optional(detail, "errorMessage"),
        resources=_resources(detail),
        from_console=str(detail.get("sessionCredentialFromConsole")).lower() == "true",
        facts=_facts(detail, request),
    )


def _facts(detail: Mapping[str, Any], request: object) -> tuple[tuple[str, str], ...]:
    """Return the few safe facts worth keeping: what was said, by which tool, on whose behalf."""
    identity = detail["userIdentity"]
    found = {
        "description": request.get("description") if isinstance(request, dict) else None,
        "user_agent": detail.get("userAgent"),
        "request_id": detail.get("requestID"),
        "invoked_by": identity.get("invokedBy"),
        SESSION: session_of(identity.get("accessKeyId")),
    }
    return tuple(
        (name, mask_text(text)[:_MAX_DETAIL]) for name, text in found.items() if isinstance(text, str) and text
    )


def _resources(detail: Mapping[str, Any]) -> tuple[str, ...]:
    listed = detail.get("resources")
    entries = listed if isinstance(listed, list) else ()
    arns = (entry.get("ARN") for entry in entries if isinstance(entry, dict))
    return tuple(arn for arn in arns if isinstance(arn, str))


def _text(detail: Mapping[str, Any], key: str) -> str:
    value = _optional(detail, key)
    if value is None or len(value) > _MAX_DETAIL:
        raise MalformedEventError(f"the CloudTrail record has no {key}")
    return value


def _optional(detail: Mapping[str, Any], key: str) -> str | None:
    value = detail.get(key)
    return value if isinstance(value, str) and value else None


def _time(detail: Mapping[str, Any]) -> datetime:
    try:
        return parse_rfc3339(_text(detail, "eventTime"))
    except (ValueError, OverflowError):
        raise MalformedEventError("the CloudTrail record's eventTime is no time") from None
