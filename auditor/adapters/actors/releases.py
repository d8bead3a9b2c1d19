"""CloudTrail's records of CodeDeploy: who began a deployment that changed flags on its way."""

from __future__ import annotations

from auditor.adapters.actors.cloudtrail import read_call
from auditor.domain.attribution import CallOutcome
from auditor.domain.credentials import mask_text
from auditor.domain.events import Notices, RawEvent
from auditor.domain.releases import BEGINS, SERVICE

CODEDEPLOY = f"aws.{SERVICE}"
_LONGEST = 200


def parse_release(event: RawEvent) -> Notices:
    """Return who began a deployment; empty for any other event of CodeDeploy."""
    if event.detail.get("eventName") != BEGINS:
        return Notices()
    record = read_call(event)
    number = None if record is None else record.answered("deploymentId")
    if record is None or not isinstance(number, str):
        return Notices()
    application = record.requested("applicationName") or "an application"
    text = mask_text(f"deployment {number} of {application}")[:_LONGEST]
    return Notices(calls=(record.call(CallOutcome.SUCCEEDED, (), (("release", text),)),))
