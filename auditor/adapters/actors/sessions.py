"""CloudTrail's records of STS: who opened the session that a change was made in."""

from __future__ import annotations

from auditor.domain.attribution import ApiCall, CallOutcome
from auditor.domain.events import Notices, RawEvent
from auditor.domain.sessions import OPENINGS, opened_by, opening_id, session_of

STS = "aws.sts"


def parse_session(event: RawEvent) -> Notices:
    """Return who opened a session; empty for any other call of STS, and for one that gave out no credentials.

    CloudTrail takes it for a read, although it opens a door.
    """
    detail = event.detail
    if detail.get("eventSource") != "sts.amazonaws.com" or detail.get("eventName") not in OPENINGS:
        return Notices()
    answer = detail.get("responseElements")
    credentials = answer.get("credentials") if isinstance(answer, dict) else None
    session = session_of(credentials.get("accessKeyId")) if isinstance(credentials, dict) else None
    if session is None:
        return Notices()
    call = ApiCall(
        event_id=opening_id(session),
        name=str(detail["eventName"]),
        service="sts",
        account=event.account,
        region=event.region,
        at=event.time,
        outcome=CallOutcome.SUCCEEDED,
        targets=(),
        attribution=opened_by(detail),
    )
    return Notices(calls=(call,))
