"""What is told to people: one channel-neutral message an alert, composed from the record at the time of sending."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from auditor.application.deployment_messages import (
    deployment_message,
    deployment_reply,
    latest_first,
    newest_of,
)
from auditor.application.message import Message, Told
from auditor.application.message_parts import (
    LONGEST_TITLE,
    MOST_CHANGES,
    MOST_PAGES,
    MOST_PLACES,
    alert_facts,
    change_facts,
    code_places,
    code_sentence,
    finding_facts,
    footer_of,
    headline,
    pages_of,
    reverts_of,
    sentence_of,
    told_change,
)
from auditor.application.threads import progress_in
from auditor.application.wording import actor_text, clock_text, counted, line, when_text
from auditor.domain.alerts import Alert, AlertKind
from auditor.domain.flags import JsonValue


def compose(alert: Alert) -> Message:
    """Return the message of an alert, from what the record knows now."""
    return _COMPOSERS[alert.kind](alert)


def _change(alert: Alert) -> Message:
    """Compose the message of one cause: one change, all that one act changed, or a deployment as far as it is."""
    progress = progress_in(alert.facts)
    if progress is not None and (progress.running or not alert.changes):
        return deployment_message(alert, progress)
    return _changes(alert if progress is None else latest_first(alert))


def _changes(alert: Alert) -> Message:
    changes, references = alert.changes, alert.references
    # Who reads a flag matters where the flag changed, not where somebody failed to change it.
    about_flags = any(change.change.flag and not change.change.kind.is_attempt for change in changes)
    return Message(
        kind=alert.kind,
        key=alert.key,
        title=headline(newest_of(changes)),
        changes=tuple(told_change(change, len(changes)) for change in changes[:MOST_CHANGES]),
        changes_left_out=max(0, len(changes) - MOST_CHANGES),
        facts=tuple(change_facts(newest_of(changes), alert.titles)),
        findings=finding_facts(alert.findings),
        code=code_sentence(references) if about_flags else None,
        places=code_places(references or ()) if about_flags else (),
        places_left_out=max(0, len(references or ()) - MOST_PLACES) if about_flags else 0,
        reverts=reverts_of(alert),
        footer=footer_of(changes),
        commit=alert.commit,
        pages=pages_of(changes),
        pages_left_out=max(0, len(changes) - MOST_PAGES),
    )


def _update(alert: Alert) -> Message:
    note = "More is known about this now than when it was first told."
    return replace(_change(alert), lines=(note,))


_FOUND_LATE = ("found late", "No event told of them in time; a comparison with the stores found them.")
_DIGESTS = {
    "quiet": ("in quiet hours", "This channel was left in peace meanwhile."),
    "budget": ("more in one hour", "This channel has had its share of single messages in that hour."),
    "missing": ("without a message", "Their messages were missing: somebody or something took them out of the outbox."),
}


def _digest(alert: Alert) -> Message:
    """Compose what is told together: a line a change with its own time and person, and why it was not told before."""
    count, why = counted(len(alert.changes), "change"), dict(alert.facts).get("held_back")
    title, reason = _DIGESTS.get(str(why), _FOUND_LATE)
    told = [
        Told(
            change.id,
            line(f"{when_text(change)}: {sentence_of(change)} ({actor_text(change.attribution.actor)})"),
        )
        for change in alert.changes[:MOST_CHANGES]
    ]
    return Message(
        kind=alert.kind,
        key=alert.key,
        title=f"{count} {title}",
        lines=(reason,),
        changes=tuple(told),
        changes_left_out=max(0, len(alert.changes) - MOST_CHANGES),
        facts=alert_facts(replace(alert, facts=tuple(fact for fact in alert.facts if fact[0] != "held_back"))),
        findings=finding_facts(alert.findings),
        footer="flagtrail history shows each with its diff",
        pages=pages_of(alert.changes),
        pages_left_out=max(0, len(alert.changes) - MOST_PAGES),
    )


def _summary(alert: Alert) -> Message:
    """Compose what a first run back-filled: counts, nothing that would wake anybody."""
    return Message(
        kind=alert.kind,
        key=alert.key,
        title="Flag history filled in from what the stores still hold",
        lines=(
            "This was the first look at these flags. Older changes are in the record now, marked as back-fill;"
            " no message is sent for them.",
        ),
        facts=alert_facts(alert),
        findings=finding_facts(alert.findings),
        footer="From now on every change is told as it happens.",
    )


def _report(alert: Alert) -> Message:
    """Compose the week of all, or of one team; what there is none of is left out."""
    known = dict(alert.facts)
    removable, team = known.get("remove"), known.get("team")
    count = f": {counted(removable, 'flag')} can go" if isinstance(removable, int) else ""
    whose = f" for {team}" if isinstance(team, str) else ""
    thanks = ("Thank you for what was removed.",) if known.get("removed") else ()
    counted_up = frozenset(_COUNTS) if _COUNTS.keys() <= known.keys() else frozenset()
    said = tuple((n, v) for n, v in alert.facts if v != [] and n not in {"team", *counted_up})
    page = known.get("page")
    report = page if isinstance(page, str) and page.startswith(("https://", "http://")) else None
    if report is not None:
        said = tuple(fact for fact in said if fact[0] != "page")
    return Message(
        kind=alert.kind,
        key=alert.key,
        title=line(f"Weekly flag report{whose}{count}", LONGEST_TITLE),
        lines=(*(_counts(known) if counted_up else ()), *thanks),
        facts=alert_facts(replace(alert, facts=said)),
        findings=finding_facts(alert.findings),
        footer=f"Made {clock_text(alert.created_at)}",
        report=report,
    )


_COUNTS = {
    "flags": "",
    "remove": "can go",
    "remove_last_week": "",
    "snoozed": "snoozed",
    "unknown": "not known",
    "keep": "stay",
}


def _counts(known: Mapping[str, JsonValue]) -> tuple[str]:
    """Return how many flags there are, and what becomes of how many; those that are let be are told apart."""
    before = f" ({known['remove_last_week']} a week ago)"
    parts = [f"{known[name]} {words}{before if name == 'remove' else ''}" for name, words in _COUNTS.items() if words]
    return (f"{counted(int(str(known['flags'])), 'flag')}: {', '.join(parts)}.",)


_TROUBLE = {
    "reconcile": "What no event told stays unknown until it does.",
    "dispatch": "Messages about changes wait until it does.",
    "scan": "Which code reads a flag is told from an older scan.",
    "seal": "What was recorded since can be altered without a trace.",
    "watch": "Nobody looks whether every change was told.",
}


def _trouble(alert: Alert) -> Message:
    """Compose what is wrong with Flagtrail itself: a job that has not succeeded for long."""
    known = dict(alert.facts)
    job = line(str(known.get("job")))
    said = tuple(fact for fact in alert.facts if fact[0] != "job")
    return Message(
        kind=alert.kind,
        key=alert.key,
        title=line(f"Flagtrail itself: the job {job} has not succeeded for long", LONGEST_TITLE),
        lines=(_TROUBLE.get(job, "It should have, several times by now."),),
        facts=alert_facts(replace(alert, facts=said)),
        footer="flagtrail doctor says more",
    )


def _test(alert: Alert) -> Message:
    return Message(
        kind=alert.kind,
        key=alert.key,
        title="Test message of Flagtrail",
        lines=("This is a test: no flag has changed. Messages about flags will arrive here.",),
        facts=alert_facts(alert),
        footer=f"Sent {clock_text(alert.created_at)}",
    )


_COMPOSERS: Mapping[AlertKind, Callable[[Alert], Message]] = {
    AlertKind.CHANGE: _change,
    AlertKind.REPLY: deployment_reply,
    AlertKind.UPDATE: _update,
    AlertKind.DIGEST: _digest,
    AlertKind.SUMMARY: _summary,
    AlertKind.REPORT: _report,
    AlertKind.TROUBLE: _trouble,
    AlertKind.TEST: _test,
}
