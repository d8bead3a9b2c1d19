"""``flagtrail doctor``: is everything in place, and if not, what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from auditor.domain.errors import ConfigurationError, FlagtrailError
from auditor.entrypoints.cli_options import Context, command

if TYPE_CHECKING:
    from auditor.application.ports import FlagSource
    from auditor.domain.flags import JsonValue
    from auditor.settings import Settings

_FAILURE = 2
_SIGNS = {"ok": "ok", "remark": "--", "failed": "!!"}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: ``ok``, ``remark`` (works, but know this) or ``failed``, and what to do about it."""

    name: str
    status: str
    detail: str
    remedy: str | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """Return the check for outputs."""
        return {"check": self.name, "status": self.status, "detail": self.detail, "remedy": self.remedy}


@command(
    "table",
    "json",
    examples=(
        "flagtrail doctor",
        "flagtrail doctor --config staging.toml",
        "flagtrail doctor --format json",
    ),
)
def doctor(context: Context) -> None:
    """Check the installation: configuration, database, AWS and Slack.

    Reads only: one call to STS, one listing for each store, one auth.test. Each failure
    comes with its remedy. Ends with status 2 if a check failed.
    """
    from auditor.entrypoints import output

    found: list[Check] = []
    for check in _checks(context):
        found.append(check)
        if context.format != "json":
            _say(check)
    failed = sum(check.status == "failed" for check in found)
    if context.format == "json":
        output.write_json({"ok": not failed, "checks": [check.to_json() for check in found]})
    elif not failed:
        output.write("\nAll is in place.")
    if failed:
        output.remark(f"flagtrail doctor: {failed} of {len(found)} checks failed; each says what to do")
        context.exit(_FAILURE)


def _say(check: Check) -> None:
    from auditor.entrypoints import output

    output.write(output.visible(f"{_SIGNS[check.status]}  {check.name}: {check.detail}"))
    if check.remedy:
        output.write(output.visible(f"    -> {check.remedy}"))


def _checks(context: Context) -> Iterator[Check]:
    """Yield each check when it is done; without a readable configuration the others would check something else."""
    configured = _failing("configuration", "mend the file; examples/flagtrail.toml shows every option", _configuration)
    first = list(configured(context))
    yield from first
    if any(check.status == "failed" for check in first):
        return
    yield from _failing("database", "see the message; `flagtrail db upgrade` mends an older schema", _database)(context)
    yield from _failing("aws", "", _aws)(context)
    yield from _failing("slack", "", _slack)(context)


def _failing(
    name: str, remedy: str, checks: Callable[[Context], Iterator[Check]]
) -> Callable[[Context], Iterator[Check]]:
    """Return the checks with what stops them as a failed one: its sentence says what is wrong and what to do."""

    def run(context: Context) -> Iterator[Check]:
        try:
            yield from checks(context)
        except ConfigurationError as error:
            yield Check(name, "failed", str(error), remedy or None)
        except FlagtrailError as error:
            detail, _, advice = str(error).rpartition("; ")
            yield Check(name, "failed", detail or str(error), advice if detail else remedy or None)

    return run


def _configuration(context: Context) -> Iterator[Check]:
    settings = context.settings
    watched = ", ".join(source.name for source in settings.sources)
    if settings.config_path is None:
        yield Check(
            "configuration",
            "remark",
            f"no flagtrail.toml here: watching {watched} as usual",
            "`flagtrail init` proposes a file from what the account holds",
        )
    else:
        yield Check("configuration", "ok", f"{settings.config_path}: watching {watched}")


def _database(context: Context) -> Iterator[Check]:
    record = context.open_database()
    with record.reader() as uow:
        reconciled = uow.runs.last_success("reconcile")
        waiting, dead = len(uow.inbox.deferred()), uow.outbox.dead()
        documents = sum(1 for _ in uow.changes.latest_states(None, None))
    known = f"{documents} flag states held"
    if reconciled is not None:
        known += f", last reconciled by the service at {reconciled:%Y-%m-%d %H:%M} UTC"
    empty = None if documents else "`flagtrail reconcile` reads the stores"
    yield Check("database", "ok" if documents else "remark", f"{record.where}: {known}", empty)
    if waiting:
        yield Check(
            "deferred events",
            "failed",
            f"{waiting} wait for a store that could not be read",
            "allow the reads that the aws checks name, then run `flagtrail reconcile`",
        )
    for _, reason in dead[:1]:
        yield Check("alerts", "failed", f"{len(dead)} given up: {reason}", "`flagtrail notify --test` tries again")


def _aws(context: Context) -> Iterator[Check]:
    """Ask who the credentials are, then read a little of every store."""
    from auditor import bootstrap

    clients = bootstrap.aws(context.settings)
    yield Check("aws", "ok", f"account {clients.account()}, Region {clients.region()}")
    for source in bootstrap.sources(context.settings).values():
        yield from _failing(f"source {source.name}", "", partial(_source, source))(context)


def _source(source: FlagSource, _context: Context) -> Iterator[Check]:
    """Read the first document of every account and Region of a store."""
    for scope in source.scopes():
        place = f"{scope.account} {scope.region}"
        try:
            first = next(iter(source.list_documents(scope)), None)
        except FlagtrailError as error:
            yield Check(f"source {source.name}", "failed", f"{place}: {error}")
            continue
        if first is None:
            yield Check(
                f"source {source.name}",
                "remark",
                f"{place}: readable, but nothing in it is watched",
                "`flagtrail init` shows what is there; set paths, applications or profiles",
            )
        else:
            name = first.title or first.document.name
            yield Check(f"source {source.name}", "ok", f"{place}: readable, {name} for one")


def _slack(context: Context) -> Iterator[Check]:
    from auditor import bootstrap

    settings = context.settings
    usual = next((c.kind for c in settings.channels if c.name == settings.notify.channel), settings.notify.channel)
    if usual != "slack" and all(channel.kind != "slack" for channel in settings.channels):
        name = "the console" if usual == "console" else "SNS"
        yield Check("slack", "ok", f"not used: {name} is the channel")
        return
    if settings.slack.token is None:
        yield _without_token(settings)
        return
    access = bootstrap.slack_access(settings)
    if access.missing:
        yield Check(
            "slack",
            "failed",
            f"the token of {access.user} in {access.team} lacks {', '.join(access.missing)}",
            "add the scope to the Slack app and install the app again",
        )
        return
    yield Check("slack", "ok", f"{access.user} in {access.team}", "`flagtrail notify --test` sends one message")


def _without_token(settings: Settings) -> Check:
    """Return what a missing token means: nothing where nobody asked for Slack."""
    wanted = settings.slack.channel is not None
    return Check(
        "slack",
        "failed" if wanted else "remark",
        "no token: messages are printed and keep waiting",
        "set SLACK_BOT_TOKEN to the bot's token (xoxb-...)",
    )
