"""CloudWatch alarms: moto keeps them; here a change of state is told to EventBridge and to AppConfig."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from examples.standin import seams
from examples.standin.call import Call
from examples.standin.events import EventLog

_ARN = re.compile(r"arn:aws[a-z-]*:cloudwatch:([a-z0-9-]+):(\d{12}):alarm:(.+)")


@dataclass(slots=True)
class Alarms:
    """Watches SetAlarmState."""

    events: EventLog
    changed: Callable[[str, str, str], None]

    def before(self, call: Call) -> dict[str, Any] | None:
        """Return an alarm's state before a call that sets it; None for other calls and unknown alarms."""
        if (call.service, call.operation) != ("cloudwatch", "SetAlarmState"):
            return None
        alarm = seams.find_alarm(*call.scope, call.params["AlarmName"])
        return None if alarm is None else _state(alarm)

    def after(self, call: Call, former: dict[str, Any] | None) -> None:
        """Tell of a state that is another than before."""
        if former is None:
            return
        alarm = seams.find_alarm(*call.scope, call.params["AlarmName"])
        if alarm is None or alarm.state_value == former["value"]:
            return
        self.events.emit(
            source="aws.cloudwatch",
            detail_type="CloudWatch Alarm State Change",
            account=call.account,
            region=call.region,
            time=call.at,
            resources=[alarm.alarm_arn],
            detail={
                "alarmName": alarm.name,
                "configuration": _configuration(alarm),
                "previousState": former,
                "state": _state(alarm),
            },
        )
        self.changed(call.account, call.region, alarm.alarm_arn)


def state_of(account: str, arn: str) -> tuple[str, bool] | None:
    """Return an alarm's state and whether its actions are enabled; None when it is not there or not the account's."""
    found = _ARN.fullmatch(arn)
    if found is None or found.group(2) != account:
        return None
    alarm = seams.find_alarm(account, found.group(1), found.group(3))
    return None if alarm is None else (alarm.state_value, alarm.actions_enabled)


def _state(alarm: seams.Alarm) -> dict[str, Any]:
    state = {
        "reason": alarm.state_reason,
        "reasonData": alarm.state_reason_data,
        "timestamp": _stamp(alarm.state_updated_timestamp),
        "value": alarm.state_value,
    }
    return {member: value for member, value in state.items() if value}


def _configuration(alarm: seams.Alarm) -> dict[str, Any]:
    metric = {
        "dimensions": {one.name: one.value for one in alarm.dimensions},
        "name": alarm.metric_name,
        "namespace": alarm.namespace,
    }
    statistics = {"metric": metric, "period": alarm.period, "stat": alarm.statistic}
    described = {"description": alarm.description} if alarm.description else {}
    return described | {"metrics": [{"id": "m1", "metricStat": statistics, "returnData": True}]}


def _stamp(moment: datetime) -> str:
    """Return a time as alarm events carry it; moto's times are UTC without saying so."""
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return aware.strftime("%Y-%m-%dT%H:%M:%S.") + f"{aware.microsecond // 1000:03d}+0000"
