"""How to put a change back: the AWS CLI command, or in words why there is none."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeGuard

from auditor.domain.aws_command import Option, aws_command, survives
from auditor.domain.changes import ChangeKind, FlagChange, RecordedChange
from auditor.domain.credentials import MASK
from auditor.domain.flags import FlagState, JsonValue
from auditor.domain.masking import is_masked
from auditor.domain.people import lacks_people
from auditor.domain.values import children, parse_value, texts

LONGEST = 2_400
"""A command longer than this fetches the former value from the store's history instead of spelling it out."""

_STRATEGY = "AppConfig.AllAtOnce"
_RUNNING = frozenset({"DEPLOYING", "BAKING", "VALIDATING"})
_REGION = re.compile(r"[a-z0-9-]{1,40}")
_LABEL = re.compile(r"[A-Za-z._-][A-Za-z0-9._-]{0,99}")

# What a deleted parameter is made again with, besides name, type and value.
_KEPT = ("description", "tier", "data-type", "allowed-pattern")

Former = Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class RevertCommand:
    """A command for a POSIX shell and what to mind before running it; ``text`` is ``None`` where only words help."""

    text: str | None
    notes: tuple[str, ...] = ()


_NO_REGION = RevertCommand(None, ("The AWS Region is not known.",))


def revert_command(change: RecordedChange, former: Former | None = None) -> RevertCommand | None:
    """Return what puts a change back, or ``None`` where nothing needs to be (attempts, rollbacks).

    ``former`` is the metadata of the version before the change: ``text`` (the value exactly as the store held it),
    ``type``, and what a deleted parameter is made again with. Without the text an update is reverted out of the
    store's own history. A masked value is never part of a command.
    """
    way = _WAYS.get((change.change.document.source, change.change.kind))
    if way is None:
        return None
    if not _REGION.fullmatch(change.change.document.region):
        return _NO_REGION
    return way(change.change, former or {})


def _updated(change: FlagChange, former: Former) -> RevertCommand:
    if change.before is None:
        return RevertCommand(None, ("What it said before is not known: earlier versions could no longer be read.",))
    if _is_hidden(change.before.value):
        return RevertCommand(None, (_hidden(change),))
    text = former.get("text")
    if isinstance(text, str):
        command = _put(change, text, former, overwrite=True)
        if len(command) <= LONGEST or change.version_before is None:
            return RevertCommand(command)
    if change.version_before is None or not survives(change.document.name):
        return RevertCommand(None, ("The text of the former value is not known.",))
    return RevertCommand(_put_from_history(change, change.version_before))


def _created(change: FlagChange, _former: Former) -> RevertCommand:
    command = aws_command("ssm", "delete-parameter", change.document.region, {"name": change.document.name})
    return RevertCommand(command, ("Code that reads it without a fallback fails once it is gone.",))


def _deleted(change: FlagChange, former: Former) -> RevertCommand:
    if change.before is None:
        return RevertCommand(None, ("What it said is not known.",))
    if _is_hidden(change.before.value):
        hidden = "Its value is hidden from the record, and the store keeps no history of a deleted parameter."
        return RevertCommand(None, (f"{hidden} It has to be set anew by someone who knows it.",))
    if lacks_people(change.before.value):
        return RevertCommand(None, (_PEOPLE,))
    notes = ["Labels, tags and policies do not come back with it."]
    text = former.get("text")
    if not isinstance(text, str):
        text = _text_of(change.before, former)
        notes.append("The value is the same, but its spelling (spaces, upper case) may differ from what was stored.")
    return RevertCommand(_put(change, text, former, overwrite=False), tuple(notes))


_PEOPLE = (
    "It listed people, whom the record does not name, and the store keeps no history of a deleted parameter. "
    "It has to be set anew by someone who knows them."
)


def _label_moved(change: FlagChange, _former: Former) -> RevertCommand:
    label = change.label or ""
    if not _LABEL.fullmatch(label):
        return RevertCommand(None, ("The label's name is not shown, so no command is either.",))
    name = change.document.name
    if change.version_before is not None:
        options: dict[str, Option] = {"name": name, "parameter-version": int(change.version_before), "labels": [label]}
        return RevertCommand(aws_command("ssm", "label-parameter-version", change.document.region, options))
    options = {"name": name, "parameter-version": int(change.version_after or 0), "labels": [label]}
    return RevertCommand(aws_command("ssm", "unlabel-parameter-version", change.document.region, options))


def _saved(_change: FlagChange, _former: Former) -> RevertCommand:
    return RevertCommand(None, ("None needed: a saved version changes nothing until it is deployed.",))


def _deployed(change: FlagChange, _former: Former) -> RevertCommand:
    place = _deployment_place(change)
    if place is None:
        return RevertCommand(None, ("The ids of the deployment are not known.",))
    application, environment, number = place
    where: dict[str, Option] = {"application-id": application, "environment-id": environment}
    if change.deployment is not None and change.deployment.state in _RUNNING:
        return stop_command(change.document.region, application, environment, number)
    if change.version_before is None:
        return RevertCommand(None, ("No version was live here before, so there is none to go back to.",))
    options: dict[str, Option] = {
        **where,
        "configuration-profile-id": change.document.name.partition("/")[2],
        "configuration-version": change.version_before,
        "deployment-strategy-id": _STRATEGY,
    }
    note = f"This deploys the whole of version {change.version_before} again, to all targets at once."
    return RevertCommand(aws_command("appconfig", "start-deployment", change.document.region, options), (note,))


def stop_command(region: str, application: str, environment: str, number: int) -> RevertCommand:
    """Return what takes back a deployment that still runs, by its ids."""
    if not _REGION.fullmatch(region):
        return _NO_REGION
    options: dict[str, Option] = {
        "application-id": application,
        "environment-id": environment,
        "deployment-number": number,
    }
    command = aws_command("appconfig", "stop-deployment", region, options)
    return RevertCommand(command, ("This stops the running deployment; AppConfig goes back to what was live.",))


def _profile_deleted(_change: FlagChange, _former: Former) -> RevertCommand:
    return RevertCommand(None, ("A deleted profile has no way back; its last content stays in the record.",))


_WAYS: dict[tuple[str, ChangeKind], Callable[[FlagChange, Former], RevertCommand]] = {
    ("ssm", ChangeKind.UPDATED): _updated,
    ("ssm", ChangeKind.CREATED): _created,
    ("ssm", ChangeKind.DELETED): _deleted,
    ("ssm", ChangeKind.EXPIRED): _deleted,
    ("ssm", ChangeKind.LABEL_MOVED): _label_moved,
    ("appconfig", ChangeKind.SAVED): _saved,
    ("appconfig", ChangeKind.DEPLOYED): _deployed,
    ("appconfig", ChangeKind.DELETED): _profile_deleted,
}


def _is_hidden(value: JsonValue) -> bool:
    """Tell whether a value, a part of it or the name of a part is hidden."""
    return _holds_mark(value) or any(MASK in text for text in texts(value))


def _holds_mark(value: JsonValue) -> bool:
    return is_masked(value) or any(_holds_mark(part) for part in children(value))


def _hidden(change: FlagChange) -> str:
    version = "The former version" if change.version_before is None else f"Version {change.version_before}"
    return (
        "The value is hidden, so no command is shown. "
        f"{version} can be restored from the store's history by someone who may read it."
    )


def _text_of(state: FlagState, former: Former) -> str:
    """Return a text that the store would be read as this value from."""
    value = state.value
    if former.get("type") == "StringList" and isinstance(value, list):
        return ",".join(str(item) for item in value)
    if isinstance(value, str) and parse_value(value, kind="String") == value:
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _put(change: FlagChange, value: str, former: Former, *, overwrite: bool) -> str:
    options: dict[str, Option] = {"name": change.document.name, "value": value}
    kind = former.get("type")
    if isinstance(kind, str):
        options["type"] = kind
    elif not overwrite:
        options["type"] = "String"
    if overwrite:
        options["overwrite"] = True  # what is not named here, the existing parameter keeps
    else:
        options |= {name: text for name in _KEPT if _is_shown(text := former.get(name.replace("-", "_")))}
    return aws_command("ssm", "put-parameter", change.document.region, options)


def _is_shown(text: JsonValue) -> TypeGuard[str]:
    return isinstance(text, str) and MASK not in text and text not in _USUAL


_USUAL = frozenset({"Standard", "text"})


def _put_from_history(change: FlagChange, version: str) -> str:
    """Return a command that lets the store itself hand back the former value, whatever is in it."""
    region = change.document.region
    selector = shlex.quote(f"{change.document.name}:{version}")
    read = (
        f"aws ssm get-parameter --name={selector} --region {region} "
        "--query 'Parameter.{Name:Name,Type:Type,Value:Value}' --output json"
    )
    return f'aws ssm put-parameter --cli-input-json "$({read})" --overwrite --region {region}'


def _deployment_place(change: FlagChange) -> tuple[str, str, int] | None:
    """Return application id, environment id and number, which a deployment's cause spells out."""
    parts = change.cause.split("|")
    if len(parts) < _CAUSE_PARTS or parts[0] != "deployment" or not parts[5].isdigit():
        return None
    return parts[3], parts[4], int(parts[5])


_CAUSE_PARTS = 7
