"""What is told of a deployment while it runs, at each stage, and when it is over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from auditor.application.message import Fact, Message, Page, Revert, Told
from auditor.application.message_parts import LONGEST_TITLE, MOST_CHANGES
from auditor.application.threads import progress_in
from auditor.application.wording import clock_text, counted, cut, line, visible
from auditor.domain.alerts import Alert
from auditor.domain.changes import ChangeKind, RecordedChange
from auditor.domain.progress import Progress
from auditor.domain.revert import stop_command
from auditor.domain.times import parse_rfc3339


def deployment_message(alert: Alert, progress: Progress) -> Message:
    """Compose the message of a deployment whose changes are not live, or are told elsewhere."""
    return Message(
        kind=alert.kind,
        key=alert.key,
        title=_title(progress, _standing(progress)),
        lines=(counted(len(progress.coming), "flag") + (" to change:" if progress.running else " to be changed:"),),
        changes=tuple(Told("", line(text)) for text in progress.coming[:MOST_CHANGES]),
        changes_left_out=max(0, len(progress.coming) - MOST_CHANGES),
        facts=tuple(_facts(progress)),
        reverts=(_stop(progress),) if progress.running and not progress.taken_back else (),
        footer="This message is kept up while the deployment goes on; its thread has each stage.",
        **_pages(progress),
    )


def deployment_reply(alert: Alert) -> Message:
    """Compose one stage of a deployment, which also stands by itself where a channel has no threads."""
    progress, known = progress_in(alert.facts), dict(alert.facts)
    stages = known.get("stages")
    return Message(
        kind=alert.kind,
        key=alert.key,
        title="" if progress is None else _title(progress, _standing(progress)),
        lines=tuple(line(str(text)) for text in stages) if isinstance(stages, list) else (),
        broadcast=known.get("broadcast") is True,
        **({} if progress is None else _pages(progress)),
    )


def _pages(progress: Progress) -> dict[str, Any]:
    """Return where what it changes stands on pages; of one that was taken back, its message tells."""
    if progress.taken_back:
        return {}
    return {
        "pages": tuple(Page(named, progress.application or None, flag) for flag, named in progress.changes),
        "pages_left_out": max(0, len(progress.coming) - len(progress.changes)) if progress.changes else 0,
        "pages_later": progress.running,
    }


def latest_first(alert: Alert) -> Alert:
    """Return an alert with what its deployment did last before what it did first."""
    newest = newest_of(alert.changes)
    return replace(alert, changes=(*newest, *(one for one in alert.changes if one not in newest)))


def newest_of(changes: Sequence[RecordedChange]) -> Sequence[RecordedChange]:
    """Return the changes by which a deployment was taken back, or all where it was not."""
    back = [one for one in changes if one.change.kind is ChangeKind.ROLLED_BACK]
    return back or changes


def _title(progress: Progress, standing: str) -> str:
    what = f"{progress.application}/{progress.profile}" if progress.application else progress.profile
    return cut(visible(f"Deployment {progress.number} of {what} to {progress.environment}: {standing}"), LONGEST_TITLE)


_STANDINGS = {
    "BAKING": "all targets, alarms watched",
    "COMPLETE": "complete",
    "ROLLING_BACK": "being taken back",
    "ROLLED_BACK": "rolled back",
    "REVERTED": "reverted",
}


def _standing(progress: Progress) -> str:
    if progress.state in _STANDINGS:
        return _STANDINGS[progress.state]
    return "started" if not progress.share else f"{progress.share:g} % of targets"


def _facts(progress: Progress) -> Iterator[Fact]:
    application = progress.application or "no application"
    place = f"{application} / {progress.environment}, AppConfig in account {progress.account}, {progress.region}"
    yield Fact("Where", line(place))
    yield Fact("Version", line(f"{progress.live or 'none'} → {progress.version}"))
    yield Fact("Who", line(progress.who or "not known yet: CloudTrail tells it within minutes"))
    if progress.started_at is not None:
        yield Fact("Started", clock_text(parse_rfc3339(progress.started_at)))
    if progress.growth is not None:
        yield Fact("Plan", line(progress.growth))
    if progress.steps:
        reached = ", ".join(f"{share:g} % at {parse_rfc3339(at):%H:%M:%S}" for at, share in progress.steps)
        yield Fact("Reached", line(f"{reached} UTC"))
    if progress.cause and progress.taken_back:
        yield Fact("Why", line(progress.cause))


def _stop(progress: Progress) -> Revert:
    found = stop_command(progress.region, progress.application_id, progress.environment_id, progress.number)
    return Revert(found.text, found.notes, line(progress.account))
