"""Evidence from beside the stores: the alarm behind a rollback, the pipeline and who started it behind a deployment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from auditor.domain.attribution import Attribution, Evidence
from auditor.domain.changes import ChangeKind, FlagChange
from auditor.domain.events import Signal
from auditor.domain.liveness import environment_of

MONITOR, ALARM, PIPELINE, PIPELINE_STARTED = "monitor", "alarm", "pipeline", "pipeline_started"
EXPERIMENT = "experiment"
TELLING = (ALARM, PIPELINE, PIPELINE_STARTED, EXPERIMENT)
"""The codes of signals that say something of a deployment."""

# How long before and after a deployment's end its alarm and its pipeline speak.
WINDOW = timedelta(hours=1)
_ROUNDING = timedelta(seconds=5)

_SOURCES = {ALARM: "cloudwatch", PIPELINE: "codepipeline", EXPERIMENT: "appconfig experiment"}


def corroborated(attribution: Attribution, change: FlagChange, signals: Sequence[Signal]) -> Attribution:
    """Return an attribution with what signals add to it; whom it names stays, for a signal names nobody for sure."""
    added = tuple(e for e in _evidence(change, signals) if e not in attribution.evidence)
    return replace(attribution, evidence=attribution.evidence + added) if added else attribution


def concerns(signal: Signal, change: FlagChange) -> bool:
    """Tell whether a signal is about the very deployment, or the very rollback, that a change came with."""
    if change.deployment is None or change.occurred_at is None or signal.about is None:
        return False
    if abs(signal.at - change.occurred_at) > WINDOW:
        return False
    if signal.code == ALARM:
        return change.kind is ChangeKind.ROLLED_BACK and signal.about in (change.reason or "")
    if signal.code == EXPERIMENT:
        env = environment_of(change)
        place = "" if env is None else f"{env.account}|{env.region}|{env.application_id}|{env.environment_id}"
        # It is what made AppConfig deploy, so it came before.
        return signal.about == place and signal.at <= change.occurred_at + _ROUNDING
    application = change.document.name.partition("/")[0]
    deployed = f"{change.document.account}|{change.document.region}|{application}|{change.deployment.number}"
    return signal.code == PIPELINE and signal.about == deployed


def firing(signals: Sequence[Signal], guarded: str, moment: datetime) -> list[str]:
    """Return the names of the alarms that guard an ``application/environment`` and were in alarm at a moment.

    Whichever store a flag is in: AppConfig says which alarms guard an environment of an application. ``signals`` are
    all that are known, oldest first.
    """
    guards = {signal.about for signal in signals if signal.code == MONITOR and signal.group == guarded}
    newest = {one.about: one for one in signals if one.code == ALARM and one.about in guards and one.at <= moment}
    return [one.group or "" for one in newest.values() if _is_alarming(one)]


def _is_alarming(signal: Signal) -> bool:
    """Tell whether an alarm went into alarm; its text says from which state it went to which."""
    _, _, states = signal.text.removeprefix(f"alarm {signal.group}").partition(" went from ")
    return states.partition(":")[0].endswith(" to ALARM")


def _evidence(change: FlagChange, signals: Sequence[Signal]) -> Iterator[Evidence]:
    for signal in signals:
        if not concerns(signal, change):
            continue
        yield Evidence(_SOURCES[signal.code], signal.text, signal.group, signal.at)
        for start in signals:
            if signal.code == PIPELINE and start.code == PIPELINE_STARTED and start.group == signal.group:
                yield Evidence("codepipeline trigger", start.text, start.group, start.at)
