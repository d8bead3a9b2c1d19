"""``flagtrail completion``: what makes a shell complete commands and options."""

from __future__ import annotations

import click

from auditor.entrypoints.cli_options import Context, command

_VARIABLE = "_FLAGTRAIL_COMPLETE"


@command(
    "table",
    examples=(
        "flagtrail completion bash >> ~/.bashrc",
        'flagtrail completion zsh > "${fpath[1]}/_flagtrail"',
        "flagtrail completion fish > ~/.config/fish/completions/flagtrail.fish",
    ),
)
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def completion(context: Context, shell: str) -> None:  # noqa: ARG001 -- every command gets a context
    """Print the script that lets SHELL complete commands, options and their choices.

    Put it where the shell looks for completions, then open a new shell. For bash that
    needs bash 4.4 or newer.
    """
    from click.shell_completion import get_completion_class

    from auditor.entrypoints import output
    from auditor.entrypoints.cli import cli

    known = get_completion_class(shell)
    if known is None:
        raise click.UsageError(f"there is no completion for {shell}")
    output.write(known(cli, {}, "flagtrail", _VARIABLE).source().strip("\n"))
