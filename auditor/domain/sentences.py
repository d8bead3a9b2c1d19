"""A change as a sentence for people."""

from __future__ import annotations

import re
from collections.abc import Sequence

from auditor.domain.changes import ChangeKind, DeploymentInfo, DiffEntry
from auditor.domain.flags import FlagState, JsonValue
from auditor.domain.phrases import phrases_of
from auditor.domain.phrasing import States
from auditor.domain.wording import count, one_line, shorten, show, show_text

MAX_LENGTH = 200
_MAX_PHRASES = 4
_REASON_LENGTH = 80
_ERROR_LENGTH = 140

_ALARM = re.compile(r":alarm:([^\s\"',;()]+)")
_DENIED_ACTION = re.compile(r"is not authorized to perform: ([\w:*-]+)")


def summarize(  # noqa: PLR0913 - each is a different fact about the same change
    *,
    kind: ChangeKind,
    flag: str | None,
    application: str | None,  # noqa: ARG001 - callers tell the whole change; no sentence needs it so far
    environment: str | None,
    before: FlagState | None,
    after: FlagState | None,
    diff: Sequence[DiffEntry],
    version_before: str | None,
    version_after: str | None,
    label: str | None = None,
    reason: str | None = None,
    deployment: DeploymentInfo | None = None,
    error: str | None = None,
) -> str:
    """Return a change as one line of at most 200 characters, without control characters and without secrets.

    It does not name the flag, which always stands beside it. Several differences are joined, the weightiest first;
    those that do not fit are counted.
    """
    place = f" in {show_text(environment)}" if environment else ""
    phrases = _phrases(before, after, diff, flag, staged=kind in _STAGED)
    if kind in _STAGED:
        lead = _lead(kind, version_before, version_after, environment, reason, deployment)
        return _sentence(f"{lead}: ", phrases, "")
    if kind is ChangeKind.LABEL_MOVED:
        moved = _label_moved(label, version_before, version_after)
        return _sentence(f"{moved}{place}: ", phrases, "") if before and after and diff else _sentence(moved, [], place)
    if kind.is_attempt:
        return _sentence(f"{kind.value}{place}: {_why_not(error, reason)}", [], "")
    if kind is ChangeKind.GUARDRAIL:
        return _sentence(show_text(reason or error or "a protection was weakened", _ERROR_LENGTH), [], place)
    if kind is ChangeKind.EXPIRED:
        phrases = [phrase.replace("deleted", "expired", 1) for phrase in phrases]
    if kind is ChangeKind.CREATED and before is None:
        phrases = [f"created{_as_state(after)}"]
    return _sentence("", phrases, place)


def describe_diff(
    entries: Sequence[DiffEntry], *, before: FlagState | None = None, after: FlagState | None = None
) -> list[str]:
    """Return a short line for each difference, the weightiest first; with the states, elements go by their names."""
    return [one_line(phrase.text) for phrase in phrases_of(entries, States.of(before, after))]


_STAGED = frozenset({ChangeKind.SAVED, ChangeKind.DEPLOYED, ChangeKind.ROLLED_BACK})


def _phrases(
    before: FlagState | None, after: FlagState | None, diff: Sequence[DiffEntry], flag: str | None, *, staged: bool
) -> list[str]:
    if after is None:
        return [f"{'gone' if staged else 'deleted'}{_was_state(before)}"] if before is not None else []
    if before is None:
        return [f"now{_now_state(after)}" if not staged else f"new{_as_state(after)}"]
    return [phrase.text for phrase in phrases_of(diff, States.of(before, after, flag))]


def _sentence(lead: str, phrases: Sequence[str], tail: str) -> str:
    """Join as many phrases as fit; the first is cut rather than left out."""
    room = MAX_LENGTH - len(lead) - len(tail)
    chosen: list[str] = []
    for phrase in phrases[:_MAX_PHRASES]:
        joined = ", ".join([*chosen, phrase])
        if chosen and len(joined) + len(_more(len(phrases))) > room:
            break
        chosen.append(phrase)
    more = _more(len(phrases) - len(chosen)) if phrases else ""
    body = shorten(", ".join(chosen), max(room - len(more), 1)) if chosen else ""
    text = f"{lead}{body}{more}{tail}" if body else f"{lead.removesuffix(': ') or 'changed'}{tail}"
    return shorten(one_line(text), MAX_LENGTH)


def _more(number: int) -> str:
    return f" and {number} more" if number > 0 else ""


def _lead(
    kind: ChangeKind,
    version_before: str | None,
    version_after: str | None,
    environment: str | None,
    reason: str | None,
    deployment: DeploymentInfo | None,
) -> str:
    version = f" version {show_text(version_after)}" if version_after else ""
    if kind is ChangeKind.SAVED:
        return f"saved{version}"
    place = show_text(environment) if environment else ""
    if kind is ChangeKind.DEPLOYED:
        return f"deployed{version}{f' to {place}' if place else ''}"
    verb = "reverted" if deployment is not None and deployment.state == "REVERTED" else "rolled back"
    source = f" from version {show_text(version_before)}" if version_before else ""
    target = f" to{version}" if version_after else ""
    return f"{verb}{source}{target}{f' in {place}' if place else ''}{_because(reason)}"


def _because(reason: str | None) -> str:
    if not reason:
        return ""
    alarm = _ALARM.search(reason)
    if alarm is not None:
        return f" by alarm {show_text(alarm[1].rstrip('.'))}"
    shown = show_text(reason, _REASON_LENGTH)
    return f" {shown}" if shown.startswith("by ") else f" ({shown})"


def _label_moved(label: str | None, source: str | None, target: str | None) -> str:
    name = f"label {show_text(label)}" if label else "label"
    if source and target:
        return f"{name} moved from version {show_text(source)} to {show_text(target)}"
    if target:
        return f"{name} set on version {show_text(target)}"
    return f"{name} removed from version {show_text(source)}" if source else f"{name} moved"


def _why_not(error: str | None, reason: str | None) -> str:
    text = error or reason or "no reason was given"
    action = _DENIED_ACTION.search(text)
    return f"not allowed to call {action[1]}" if action else show_text(text, _ERROR_LENGTH)


def _as_state(state: FlagState | None) -> str:
    """Return a state as it follows "created"."""
    shown = _shown(state)
    return f", {shown}" if shown in {"enabled", "disabled"} else f" {shown}" if shown[:1] == "(" else f" as {shown}"


def _now_state(state: FlagState) -> str:
    return f" {_shown(state)}"


def _was_state(state: FlagState) -> str:
    shown = _shown(state)
    return f" {shown}" if shown[:1] == "(" else f" (was {shown})"


def _shown(state: FlagState | None) -> str:
    if state is None or (state.value is None and state.definition is not None):
        return "(without a value)"
    value: JsonValue = state.value
    if isinstance(value, dict):
        if isinstance(value.get("enabled"), bool):
            return "enabled" if value["enabled"] else "disabled"
        variants = value.get("_variants")
        if isinstance(variants, list):
            return f"({count(len(variants), 'variant')})"
    return show(value)
