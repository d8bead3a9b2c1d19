"""AWS CLI commands as text: for a POSIX shell, and safe to show anywhere on the way there."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping

# The CLI takes what follows these for a place to read the value from.
_REFERENCES = ("file://", "fileb://", "http://", "https://")
# A chat shows these as markup, or eats them; inside JSON they can be written as escapes.
_FRAGILE = frozenset("<>&`")

Option = str | int | bool | list[str]


def aws_command(service: str, operation: str, region: str, options: Mapping[str, Option]) -> str:
    """Return one line for a POSIX shell that the AWS CLI, old or new, takes as it stands."""
    simple = all(survives(value) for value in options.values())
    spelled = [_option(name, value) for name, value in options.items()] if simple else [_as_json(options)]
    return " ".join(["aws", service, operation, *spelled, f"--region {region}"])


def survives(value: Option) -> bool:
    """Tell whether a value reaches AWS unchanged on its way through a chat, a shell and the CLI's own reading."""
    if isinstance(value, list):
        return all(survives(item) for item in value)
    if not isinstance(value, str):
        return True
    return value.isprintable() and _FRAGILE.isdisjoint(value) and not value.lower().startswith(_REFERENCES)


def _option(name: str, value: Option) -> str:
    if isinstance(value, bool):
        return f"--{name}"
    if isinstance(value, list):
        return " ".join([f"--{name}", *(shlex.quote(item) for item in value)])
    text = str(value)
    # What begins like an option would be taken for one.
    return f"--{name}{'=' if text.startswith('-') else ' '}{shlex.quote(text)}"


def _as_json(options: Mapping[str, Option]) -> str:
    """Return the options as one JSON argument, in ASCII and without a character that a chat could change."""
    members = {"".join(part.title() for part in name.split("-")): value for name, value in options.items()}
    text = json.dumps(members)
    for character in _FRAGILE:
        text = text.replace(character, f"\\u{ord(character):04x}")
    return f"--cli-input-json {shlex.quote(text)}"
