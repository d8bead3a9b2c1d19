"""Print the reference of every command, as its own help tells it: ``python -m tests.house.commands_page``."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from auditor.entrypoints.cli import cli


def page() -> str:
    """Return the reference in Markdown."""
    return "\n".join(_sections(cli, click.Context(cli, info_name="flagtrail")))


def _sections(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f"## {context.command_path}"
    yield ""
    yield "```text"
    yield from (line.rstrip() for line in command.get_help(context).strip().splitlines())
    yield "```"
    yield ""
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None:
                yield from _sections(inner, click.Context(inner, info_name=name, parent=context))


if __name__ == "__main__":
    sys.stdout.write(page())
