"""Evidence from beside the stores: the alarm behind a rollback, the pipeline and who started it behind a deployment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple, replace
from datetime import datetime, timedelta

from auditor.domain.attribution import Attribution, Evidence
from auditor.domain.changes import ChangeKind, FlagChange
from auditor.domain.events import Guards, Signal
from auditor.domain.liveness import environment_of

MONITOR, ALARM, PIPELINE, PIPELINE_STARTED = "monitor", "alarm", "pipeline", "pipeline_started"
MONITOR_REMOVED = "monitor_removed"
_GUARDS = (MONITOR, MONITOR_REMOVED)
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
    guards = guarding(signals, guarded, moment)
    newest = {one.about: one for one in signals if one.code == ALARM and one.about in guards and one.at <= moment}
    return [one.group or "" for one in newest.values() if _is_alarming(one)]


def guarding(signals: Sequence[Signal], guarded: str, moment: datetime) -> frozenset[str]:
    """Return the ARNs of the alarms that are known to have guarded an ``application/environment`` at a moment."""
    return frozenset(alarm for alarm, _ in _standing(signals, guarded, moment))


def news_of_guards(signals: Sequence[Signal], told: Guards, guarded: str) -> list[Signal]:
    """Return what is new about the alarms of an ``application/environment``: which came, and which went.

    Environments of several accounts and regions may have the same name; each is compared with itself.
    """
    place = "|".join(astuple(told.environment))
    stood = {alarm for alarm, where in _standing(signals, guarded, told.at) if where == place}
    came, gone = told.alarms - stood, stood - told.alarms
    return [
        *(Signal(None, told.at, MONITOR, place, alarm, guarded) for alarm in sorted(came)),
        *(Signal(None, told.at, MONITOR_REMOVED, place, alarm, guarded) for alarm in sorted(gone)),
    ]


def guarded_by(signals: Sequence[Signal], alarm: str, moment: datetime) -> Signal | None:
    """Return what says that an alarm guarded something at a moment, best with what; ``None`` where nothing does.

    What is heard of it only later counts where nothing was known before: it may have guarded all the time.
    """
    told = [signal for signal in signals if signal.about == alarm and signal.code in _GUARDS]
    places = {signal.group for signal in told if signal.group is not None}
    heard = {signal.group for signal in told if signal.at <= moment}
    still = {place for place in places if place not in heard or alarm in guarding(signals, place, moment)}
    if places and not still:
        return None
    named = [signal for signal in told if signal.code == MONITOR and (signal.group in still or not places)]
    return max(named, key=lambda signal: signal.at, default=None)


def _standing(signals: Sequence[Signal], guarded: str, moment: datetime) -> set[tuple[str, str]]:
    """Return the alarms that guarded a name, each with the place that says so."""
    standing: dict[tuple[str, str], bool] = {}
    for signal in signals:
        if signal.code in _GUARDS and signal.group == guarded and signal.at <= moment:
            standing[signal.about or "", signal.text] = signal.code == MONITOR
    return {guard for guard, stands in standing.items() if stands}


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
