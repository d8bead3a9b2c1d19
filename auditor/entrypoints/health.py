"""Whether an installation works: one check a part, each with what it found and what to do about it.

The same checks serve ``flagtrail doctor`` and the function, which answers ``{"job": "doctor"}`` from where it stands:
with its own rights, and by its own way to the database and to Slack.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from auditor.domain.errors import ConfigurationError, FlagtrailError

if TYPE_CHECKING:
    from auditor.adapters.storage import Database
    from auditor.application.ports import FlagSource
    from auditor.bootstrap import Application
    from auditor.domain.flags import JsonValue
    from auditor.settings import Settings

CANARY_SILENCE = timedelta(hours=3)
"""How long nothing of the canary may be recorded; the template flips it every hour."""
INSTALLATION = {
    "queue": "FLAGTRAIL_QUEUE_URL",
    "dead_letters": "FLAGTRAIL_DEAD_LETTERS_URL",
    "rules": "FLAGTRAIL_RULES",
}
"""What a deployment tells the function of itself, by the variable that holds it."""

Checks = Callable[[], Iterator["Check"]]


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

    @classmethod
    def of_json(cls, entry: dict[str, Any]) -> Check:
        """Return a check that a function answered with; raise ``KeyError`` for what is none."""
        return cls(str(entry["check"]), str(entry["status"]), str(entry["detail"]), entry.get("remedy"))


def report(checks: Iterable[Check]) -> dict[str, JsonValue]:
    """Return all checks for outputs; ``ok`` is false when one failed."""
    found = list(checks)
    failed = any(check.status == "failed" for check in found)
    return {"ok": not failed, "checks": [check.to_json() for check in found]}


def of_application(application: Application) -> Iterator[Check]:
    """Yield what a running function finds of its record, its stores and its channel."""
    settings, record = application.settings, application.record
    yield from failing("database", MEND_DATABASE, lambda: of_record(record, settings))
    yield from failing("aws", "", lambda: of_stores(settings))
    yield from failing("slack", "", lambda: of_slack(settings))


def installation() -> dict[str, JsonValue]:
    """Return what the deployment told the function of itself, for whoever looks at the parts around it."""
    return {name: os.environ.get(variable, "") for name, variable in INSTALLATION.items()}


MEND_DATABASE = "see the message; `flagtrail db upgrade` mends an older schema"


def failing(name: str, remedy: str, checks: Checks) -> Iterator[Check]:
    """Yield the checks, with what stops them as a failed one: its sentence says what is wrong and what to do."""
    try:
        yield from checks()
    except ConfigurationError as error:
        yield Check(name, "failed", str(error), remedy or None)
    except FlagtrailError as error:
        detail, advice = parted(error)
        yield Check(name, "failed", detail, advice or remedy or None)


def parted(error: FlagtrailError) -> tuple[str, str]:
    """Return what is wrong, and what to do about it as far as the sentence says it: behind its last semicolon."""
    detail, _, advice = str(error).rpartition("; ")
    return (detail, advice) if detail else (advice, "")


def of_record(record: Database, settings: Settings) -> Iterator[Check]:
    """Yield what the record holds, what waits in it, and when the canary was last heard."""
    with record.reader() as uow:
        reconciled = uow.runs.last_success("reconcile")
        waiting, dead = len(uow.inbox.deferred()), uow.outbox.dead()
        documents = uow.changes.states_held()
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
    yield from of_jobs(record, settings, datetime.now(UTC))
    if settings.canary is not None:
        yield _canary(record, settings.canary, datetime.now(UTC))
    for _, reason in dead[:1]:
        yield Check(
            "alerts",
            "failed",
            f"{len(dead)} given up: {reason}",
            "mend that, then `flagtrail notify --retry-dead` sends them",
        )


def of_jobs(record: Database, settings: Settings, now: datetime) -> Iterator[Check]:
    """Yield who runs the scheduled jobs, which of them have not succeeded for long, and what nobody was told of."""
    from auditor.application.watching import late_jobs, untold

    with record.reader() as uow:
        replicas = uow.runs.replicas()
        late = list(late_jobs(uow.runs, settings.schedule.jobs(), now))
        missing = untold(uow, settings.routing, now)
    for replica in replicas:
        at = f" at {', '.join(replica.running)}" if replica.running else ""
        alive = now - replica.seen_at < SILENT
        yield Check(
            "service",
            "ok" if alive else "remark",
            f"{replica.name} since {replica.started_at:%Y-%m-%d %H:%M} UTC, seen {_ago(now - replica.seen_at)}{at}",
            None if alive else "it did not end by itself; is `flagtrail run` started again when it dies?",
        )
    for job in late:
        yield Check(
            f"job {job.name}",
            "failed",
            f"no success since {job.since:%Y-%m-%d %H:%M} UTC" + (f": {job.error}" if job.error else ""),
            f"see the messages of `flagtrail run`, or try `flagtrail {job.name}`" if job.name in _COMMANDS else _RUN,
        )
    if missing:
        yield Check(
            "told",
            "failed",
            f"{len(missing)} changes of the last days are told by no alert, the first is {missing[0].id}",
            "the watch job tells of them; who can write the database?",
        )


SILENT = timedelta(minutes=2)
_COMMANDS = ("reconcile", "seal", "scan")
_RUN = "see the messages of `flagtrail run`"


def _ago(age: timedelta) -> str:
    seconds = int(age.total_seconds())
    return f"{seconds} s ago" if seconds < 120 else f"{seconds // 60} min ago"  # noqa: PLR2004 - two minutes


def _canary(record: Database, name: str, now: datetime) -> Check:
    """Return when an event last brought a flip of the canary; what reconcile found is no sign that events arrive."""
    from auditor.application.ports import HistoryQuery
    from auditor.domain.changes import Detection

    with record.reader() as uow:
        query = HistoryQuery(flag=name.rpartition("/")[2], source="ssm", limit=50)
        flips = [one for one in uow.changes.query(query) if one.change.document.name == name]
    heard = next((one.recorded_at for one in flips if one.change.detected_by is Detection.EVENT), None)
    remedy = "see `Silence` in docs/operations.md: is its schedule on, are the rules enabled, does the queue move?"
    if heard is None:
        return Check("canary", "failed", f"no event of {name} was ever recorded", remedy)
    ago = f"{name} was last heard at {heard:%Y-%m-%d %H:%M} UTC"
    return Check("canary", "failed", ago, remedy) if now - heard > CANARY_SILENCE else Check("canary", "ok", ago)


def of_stores(settings: Settings) -> Iterator[Check]:
    """Ask who the credentials are, then read a little of every store."""
    from auditor import bootstrap

    clients = bootstrap.aws(settings)
    yield Check("aws", "ok", f"account {clients.account()}, Region {clients.region()}")
    for source in bootstrap.sources(settings).values():
        yield from failing(f"source {source.name}", "", partial(_source, source))


def _source(source: FlagSource) -> Iterator[Check]:
    """Read the first document of every account and Region of a store."""
    for scope in source.scopes():
        place = f"{scope.account} {scope.region}"
        try:
            first = next(iter(source.list_documents(scope)), None)
        except FlagtrailError as error:
            detail, advice = parted(error)
            yield Check(f"source {source.name}", "failed", f"{place}: {detail}", advice or "see the message")
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


def of_slack(settings: Settings) -> Iterator[Check]:
    """Yield whether Slack takes the token, and whether it may do what is needed."""
    from auditor import bootstrap

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
