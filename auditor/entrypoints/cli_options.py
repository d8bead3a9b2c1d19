"""What every command shares: the common options, the context they make, and how a command is declared.

A command is one file in ``auditor/entrypoints/commands/`` and one line in that package's ``COMMANDS``::

    @command("table", "json", examples=("flagtrail gaps", "flagtrail gaps --format json"))
    @click.option("--source", metavar="NAME", help="Only this source.")
    def gaps(context: Context, source: str | None) -> None:
        ...

The common options may stand before or after the command's name; the one nearest to the end counts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any, NoReturn

import click

from auditor.domain.times import parse_rfc3339

if TYPE_CHECKING:
    from auditor.adapters.storage import Database
    from auditor.entrypoints.progress import TerminalProgress
    from auditor.settings import Settings

_META = "flagtrail."
HELP_WIDTH = 80


class Rfc3339(click.ParamType[datetime]):
    """A time with an offset, as RFC 3339 writes it."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the aware UTC time, or refuse with an example of the right form."""
        if isinstance(value, datetime):
            return value
        try:
            return parse_rfc3339(str(value))
        except ValueError:
            self.fail(
                f"{value!r} is no RFC 3339 time with an offset; write it like 2026-03-01T00:00:00Z",
                param,
                ctx,
            )


_AGE = re.compile(r"(\d{1,5})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Moment(click.ParamType[Callable[[datetime], datetime]]):
    """A time, a day (its beginning, or its end), or an age; gives a function from the present to the time."""

    name = "when"

    def __init__(self, *, end: bool = False) -> None:
        self.end = end

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002 -- click's signature
        """Return how help calls the value."""
        return "WHEN"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Callable[[datetime], datetime]:
        """Return the function, or refuse with examples of the right forms."""
        if callable(value):
            return value  # type: ignore[no-any-return] # click converts a value twice at times
        text = str(value)
        try:
            return self._read(text)
        except (ValueError, OverflowError):
            self.fail(f"{text!r} is no time; write it like 2026-03-01T08:00:00Z, 2026-03-01 or 7d", param, ctx)

    def _read(self, text: str) -> Callable[[datetime], datetime]:
        age = _AGE.fullmatch(text)
        if age is not None:
            past = timedelta(**{_UNITS[age[2]]: int(age[1])})
            return lambda present: present - past
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            day = datetime.combine(date.fromisoformat(text), time.max if self.end else time.min, UTC)
            return lambda _present: day
        moment = parse_rfc3339(text)
        return lambda _present: moment


class Context:
    """What a command works with: settings, as of when, in which form; parts are built when asked for."""

    def __init__(
        self,
        *,
        format: str = "table",  # noqa: A002 -- the option's name
        config: str | None = None,
        database: str | None = None,
        now: datetime | None = None,
        debug: bool = False,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.format = format
        self.config = config
        self.now = now
        self.debug = debug
        self.environ = os.environ if environ is None else environ
        self._database = database

    @cached_property
    def settings(self) -> Settings:
        """Return the settings; raise ``ConfigurationError`` with every fault of the configuration."""
        from auditor.settings import Settings

        return Settings.load(self.environ, config=self.config, database_url=self._database)

    @property
    def database_url(self) -> str:
        """Return where the record is; a URL given on the command line needs no readable configuration."""
        return self._database or self.settings.database_url

    @property
    def moment(self) -> datetime:
        """Return the time the answer is for: ``--now``, else the present."""
        return self.now or datetime.now(UTC)

    def open_database(self, *, create: bool = True, recording: bool = False) -> Database:
        """Open the record, making a missing file where ``create`` is set; raise ``DatabaseError``.

        Whoever is ``recording`` shows by a key that it was them, where the configuration names one.
        """
        from auditor import bootstrap
        from auditor.settings import login_of

        mac_key = self.settings.ledger.mac_key if recording else None
        # How to sign in is told by the environment: a URL on the command line needs no readable configuration.
        login, shown = login_of(self.environ), self._people_shown()
        record = bootstrap.database(self.database_url, mac_key, create=create, login=login, people_shown=shown)
        command = click.get_current_context(silent=True)
        if command is not None:
            command.call_on_close(record.close)
        return record

    def _people_shown(self) -> tuple[str, ...]:
        """Return whose lists of people are shown by name; of nobody's, where the configuration cannot be read."""
        from auditor.domain.errors import ConfigurationError

        try:
            return self.settings.people_shown
        except ConfigurationError:
            if self._database is None:
                raise
            return ()

    def progress(self) -> AbstractContextManager[TerminalProgress]:
        """Return a progress display on stderr, silent where that is no terminal; use it by ``with``."""
        from auditor.entrypoints.progress import TerminalProgress

        return TerminalProgress()

    def exit(self, status: int) -> NoReturn:
        """End the command with this status: 1 for findings, 2 for bad input."""
        raise click.exceptions.Exit(status)


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Keep an option's value for the context; what stands nearer to the end replaces what stood before."""
    if value is not None and param.name is not None:
        ctx.meta[_META + param.name.removeprefix("common_")] = value
    return value


class CommonOption(click.Option):
    """An option that every command has; help shows it in a section of its own."""


def _options(formats: Sequence[str] | None) -> list[click.Option]:
    """Return the common options, ``--format`` with a command's own choices (``None``: still open)."""

    def option(name: str, help_text: str, **attrs: Any) -> click.Option:
        names = (f"--{name}", f"common_{name}")
        return CommonOption(names, help=help_text, expose_value=False, callback=_remember, default=None, **attrs)

    chosen: click.ParamType[Any] = click.STRING if formats is None else click.Choice(formats)
    shown = "FORMAT" if formats is None else None
    default = "" if formats is None else f" Default: {formats[0]}."
    return [
        option("config", "Configuration; else $FLAGTRAIL_CONFIG, else ./flagtrail.toml.", metavar="FILE"),
        option(
            "database",
            "The record; else $FLAGTRAIL_DATABASE_URL, else as configured, else sqlite:///flagtrail.db.",
            metavar="URL",
        ),
        option("now", "Answer as known at this time (RFC 3339).", type=Rfc3339(), metavar="T"),
        option(
            "format",
            f"How the answer is written.{default}",
            type=chosen,
            metavar=shown,
        ),
        option("debug", "Show a traceback when something fails.", is_flag=True, flag_value=True),
    ]


class _Help(click.Command):
    """Help at 80 columns with examples, the common options apart."""

    examples: Sequence[str] = ()

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Set the help's width, which else follows the terminal's."""
        extra = {"max_content_width": HELP_WIDTH, **extra}
        return super().make_context(info_name, args, parent, **extra)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options, then those all commands share."""
        records: dict[str, list[tuple[str, str]]] = {"Options": [], "Common options": []}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None and not isinstance(param, click.Argument):
                records["Common options" if isinstance(param, CommonOption) else "Options"].append(record)
        for title, rows in records.items():
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the examples as they are to be typed."""
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"{'':>{formatter.current_indent}}{example}\n")


class FlagtrailCommand(_Help):
    """A command with the common options."""


class FlagtrailGroup(_Help, click.Group):
    """A command of commands; common options given to it reach them."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options and what can be asked for."""
        _Help.format_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)


def _context(ctx: click.Context, formats: Sequence[str]) -> Context:
    """Make the context of a command from the common options, wherever they stood."""
    given = {name.removeprefix(_META): value for name, value in ctx.meta.items() if name.startswith(_META)}
    chosen = given.setdefault("format", formats[0])
    if chosen not in formats:
        raise click.UsageError(f"there is no --format {chosen} here; choose from {', '.join(formats)}", ctx)
    return Context(**given)


Declare = Callable[[Callable[..., Any]], click.Command]


def command(*formats: str, examples: Sequence[str] = (), **attrs: Any) -> Declare:
    """Declare a command that gets a ``Context`` first; ``--format`` takes ``formats``, the default first."""
    known = formats or ("table", "json")

    def declare(function: Callable[..., Any]) -> click.Command:
        @wraps(function)
        def run(**arguments: Any) -> Any:
            return function(_context(click.get_current_context(), known), **arguments)

        made = click.command(cls=FlagtrailCommand, **attrs)(run)
        made.examples = examples
        made.params.extend(_options(known))
        return made

    return declare


def group(
    *, examples: Sequence[str] = (), cls: type[FlagtrailGroup] = FlagtrailGroup, **attrs: Any
) -> Callable[[Callable[..., Any]], FlagtrailGroup]:
    """Declare a command of commands; declare each of those by ``command`` and add it by ``add_command``."""

    def declare(function: Callable[..., Any]) -> FlagtrailGroup:
        made = click.group(cls=cls, **attrs)(function)
        made.examples = examples
        made.params.extend(_options(None))
        return made

    return declare
