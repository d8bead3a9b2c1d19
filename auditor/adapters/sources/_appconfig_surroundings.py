"""What CloudWatch and CodePipeline tell around a deployment: evidence, and that an alarm guards nothing any more."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from auditor.adapters.actors.cloudtrail import DETAIL_TYPE as CLOUDTRAIL
from auditor.adapters.actors.cloudtrail import read_call
from auditor.adapters.sources._appconfig_ids import a_number
from auditor.domain.attribution import CallOutcome
from auditor.domain.corroboration import ALARM, PIPELINE, PIPELINE_STARTED
from auditor.domain.errors import MalformedEventError
from auditor.domain.events import GuardrailHint, Notices, RawEvent, Signal
from auditor.domain.masking import mask_text

_APPLICATION = re.compile(r"/applications/([a-z0-9]{4,32})\b", re.ASCII)
_LONGEST = 300


def parse_alarm(event: RawEvent) -> Notices:
    """Return an alarm's change of state; which environments it guards is for the record to know."""
    state, former = _member(event.detail, "state"), event.detail.get("previousState")
    name = _text(event.detail, "alarmName")
    before = str(former.get("value")) if isinstance(former, dict) else "unknown"
    reason = mask_text(str(state.get("reason") or "no reason told"))[:_LONGEST]
    text = f"alarm {mask_text(name)} went from {before} to {_text(state, 'value')}: {reason}"
    arn = next((arn for arn in event.resources if ":alarm:" in arn), None)
    about = arn or f"arn:aws:cloudwatch:{event.region}:{event.account}:alarm:{name}"
    return Notices(signals=(Signal(None, event.time, ALARM, text, about, name),))


def parse_alarm_call(event: RawEvent) -> Notices:
    """Return that alarms were silenced or deleted; whether they guard an environment is for the record to know."""
    record = read_call(event)
    done = None if record is None else _SILENCING.get(record.name)
    if record is None or done is None or record.refused is not None:
        return Notices()
    asked = record.request.get("alarmNames")
    names = [name for name in asked if isinstance(name, str) and name] if isinstance(asked, list) else []
    if not names:
        return Notices()
    hints = tuple(
        GuardrailHint(
            call_event_id=record.event_id,
            at=record.at,
            text=f"alarm {mask_text(name)[:_LONGEST]} {done}: it rolls no deployment back any more",
            alarm=f"arn:aws:cloudwatch:{event.region}:{event.account}:alarm:{name}",
        )
        for name in names
    )
    return Notices(calls=(record.call(CallOutcome.SUCCEEDED, ()),), guardrails=hints)


_SILENCING = {"DisableAlarmActions": "has its actions switched off", "DeleteAlarms": "was deleted"}


def parse_pipeline_action(event: RawEvent) -> Notices:
    """Return that a pipeline deployed through AppConfig; empty for any other action and for one under way."""
    kind, result = event.detail.get("type"), event.detail.get("execution-result")
    if not isinstance(kind, dict) or kind.get("provider") != "AppConfig" or not isinstance(result, dict):
        return Notices()
    application = _APPLICATION.search(str(result.get("external-execution-url")))
    number = a_number(result.get("external-execution-id"))
    if application is None or number is None:
        return Notices()
    pipeline, execution = _text(event.detail, "pipeline"), _text(event.detail, "execution-id")
    text = mask_text(f"pipeline {pipeline}, execution {execution}: action {event.detail.get('action')} deployed")
    about = f"{event.account}|{event.region}|{application[1]}|{number}"
    return Notices(signals=(Signal(None, event.time, PIPELINE, text[:_LONGEST], about, execution),))


def parse_pipeline_start(event: RawEvent) -> Notices:
    """Return who or what started a pipeline, which is as far as CodePipeline tells of a person."""
    trigger = event.detail.get("execution-trigger")
    detail = trigger.get("trigger-detail") if isinstance(trigger, dict) else None
    if not isinstance(detail, str) or not detail or event.detail.get("state") != "STARTED":
        return Notices()
    pipeline, execution = _text(event.detail, "pipeline"), _text(event.detail, "execution-id")
    kind = str(trigger.get("trigger-type") or "a trigger") if isinstance(trigger, dict) else ""
    text = mask_text(f"pipeline {pipeline} was started by {kind}: {detail}")[:_LONGEST]
    return Notices(signals=(Signal(None, event.time, PIPELINE_STARTED, text, None, execution),))


PARSERS: Mapping[tuple[str, str], Callable[[RawEvent], Notices]] = {
    ("aws.cloudwatch", "CloudWatch Alarm State Change"): parse_alarm,
    ("aws.monitoring", CLOUDTRAIL): parse_alarm_call,
    ("aws.codepipeline", "CodePipeline Action Execution State Change"): parse_pipeline_action,
    ("aws.codepipeline", "CodePipeline Pipeline Execution State Change"): parse_pipeline_start,
}


def _member(detail: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    member = detail.get(key)
    if not isinstance(member, dict):
        raise MalformedEventError(f"the event has no {key}")
    return member


def _text(detail: Mapping[str, Any], key: str) -> str:
    value = detail.get(key)
    if not isinstance(value, str) or not value:
        raise MalformedEventError(f"the event has no {key}")
    return value
