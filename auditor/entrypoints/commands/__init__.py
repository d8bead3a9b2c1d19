"""The commands, one file each; a command is loaded when it is called or listed."""

from __future__ import annotations

COMMANDS: dict[str, str] = {
    "notify": "auditor.entrypoints.commands.notify:notify",
}
