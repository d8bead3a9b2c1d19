"""The command line: finds the command, and turns every failure into one line and an exit status."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import Any

import click

from auditor import __version__
from auditor.domain.errors import FlagtrailError
from auditor.domain.extras import needs
from auditor.entrypoints.cli_options import FlagtrailGroup, group
from auditor.entrypoints.commands import COMMANDS

FAILURE = 2
INTERRUPTED = 130
_LONGEST = 100_000


class Flagtrail(FlagtrailGroup):
    """The whole command; knows its commands by name and loads the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        """Return every command's name."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- as above
        """Load a command; return ``None`` when there is none of that name."""
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        found: click.Command = getattr(import_module(module), name)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; a wrong name is answered with the nearest one."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(name, COMMANDS, n=1)
            meant = f"did you mean {near[0]!r}?" if near else "`flagtrail --help` lists them."
            raise click.UsageError(f"there is no command {name!r}; {meant}", ctx)
        return super().resolve_command(ctx, args)

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run a command line; in standalone mode leave the process with the contract's status."""
        given = args[0] if args else extra.pop("args", None)
        words = list(sys.argv[1:] if given is None else given)
        name = extra.pop("prog_name", None) or "flagtrail"
        self._main_shell_completion(extra, name, extra.pop("complete_var", None))
        run = partial(self._run, name, words, extra)
        return sys.exit(_status(run, words)) if standalone_mode else run()

    def _run(self, name: str, words: list[str], extra: dict[str, Any]) -> int:
        """Run the words and return the status the command ends with; click's own way takes EPIPE for a failure."""
        try:
            with self.make_context(name, words, **extra) as ctx:
                self.invoke(ctx)
        except click.exceptions.Exit as end:
            return end.exit_code
        return 0


def _status(run: Callable[[], int], words: Sequence[str]) -> int:
    """Run and return the exit status; whatever fails is said in one line."""
    try:
        status = run()
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_stdout()
        return 0
    except (click.Abort, KeyboardInterrupt):
        _say("flagtrail: interrupted")
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 -- the one place where a bug becomes a line instead of a traceback
        if "--debug" in words:
            import traceback

            click.echo(traceback.format_exc(), err=True, nl=False)
        _say(_sentence(error))
        _drop_stdout_if_full()
        return FAILURE
    return status


def _sentence(error: Exception) -> str:
    """Return what failed, where and what to do."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError) and error.ctx is not None:
        return f"{error.ctx.command_path}: name a command; `{error.ctx.command_path} --help` lists them"
    if isinstance(error, click.ClickException):
        return _misuse(error)
    if isinstance(error, FlagtrailError):
        return f"flagtrail: {error}"
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return f"flagtrail: {place}{error.strerror or error}"
    missing = needs(error) if isinstance(error, ImportError) else None
    if missing is not None:
        return f"flagtrail: {missing}"
    what = f"{type(error).__name__}: {error}".removesuffix(": ")
    return f"flagtrail: unexpected failure: {what}; --debug shows where"


def _misuse(error: click.ClickException) -> str:
    """Return what click says of a wrong use, begun by the command, ended by where its help is."""
    ctx = getattr(error, "ctx", None)
    path = ctx.command_path if ctx is not None else "flagtrail"
    message = error.format_message().rstrip(".")
    ending = "" if message.endswith("?") or "--help" in message else f"; see `{path} --help`"
    return f"{path}: {message}{ending}"


def _say(sentence: str) -> None:
    """Write to stderr: as it is for a person at a terminal, as one line for everything else."""
    lines = [part.strip() for part in sentence[:_LONGEST].splitlines() if part.strip()]
    shown = "\n".join(lines) if sys.stderr.isatty() else "; ".join(lines).replace(":; ", ": ")
    # What failed may quote hostile input: nothing in it may steer a terminal.
    click.echo("".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in shown), err=True)


def _drop_stdout_if_full() -> None:
    """Write what waits, if that can be: the interpreter would else try at its end, with a status of its own."""
    try:
        sys.stdout.flush()
    except OSError:
        _drop_stdout()


def _drop_stdout() -> None:
    """Send what is still to be written nowhere: the reader has gone."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError:
        return  # not a real stream: nothing will be flushed later


@group(
    name="flagtrail",
    cls=Flagtrail,
    examples=(
        "flagtrail init --out flagtrail.toml   # propose a configuration",
        "flagtrail reconcile                   # read the stores into the record",
        "flagtrail history --since 7d          # who changed what",
        "flagtrail doctor                      # is everything in place?",
    ),
)
@click.version_option(__version__, "--version", prog_name="flagtrail", message="%(prog)s %(version)s")
def cli() -> None:
    """Governance and audit for feature flags kept in AWS.

    Flagtrail records who changed which flag, when, from what to what; finds where
    code reads each flag; and says which flags can go. `flagtrail COMMAND --help`
    explains a command with examples.

    Every command ends with status 0 when all is fine, 1 when it has findings, 2
    when it was used wrongly or failed.
    """


def main() -> None:
    """Run the command line and leave the process."""
    try:
        cli.main()
    finally:
        gc.freeze()  # all goes now: there is no need to look for what could go
