"""What is told to people: one channel-neutral message an alert, composed from the record at the time of sending."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from auditor.application.wording import (
    LONGEST_VALUE,
    actor_text,
    clock_text,
    counted,
    cut,
    knowledge_text,
    line,
    listed,
    store_name,
    value_text,
    verb,
    visible,
    when_text,
)
from auditor.domain.alerts import Alert, AlertKind
from auditor.domain.changes import ChangeKind, Detection, DiffEntry, RecordedChange
from auditor.domain.findings import Finding, Severity
from auditor.domain.flags import JsonValue
from auditor.domain.references import Certainty, Reference
from auditor.domain.revert import RevertCommand, revert_command

MOST_CHANGES = 20
MOST_DETAILED = 5
MOST_DIFF_LINES = 8
MOST_PLACES = 5
MOST_FINDINGS = 5
MOST_COMMANDS = 3
LONGEST_COMMAND = 2_500
LONGEST_TITLE = 140
_SEVERITIES = list(Severity)


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One difference: where in the flag, and what it said before and after (``None``: it was not, or is not, there)."""

    path: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """One change in a message: its id, a sentence, its differences, and how many of them are left out."""

    id: str
    sentence: str
    diff: tuple[DiffLine, ...] = ()
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Fact:
    """A labelled line: the label is ours, the text may hold foreign words."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Revert:
    """How to put it back: a command to run as it stands (``None``: there is none) and what to mind.

    ``account`` is the AWS account whose credentials it needs.
    """

    command: str | None
    notes: tuple[str, ...]
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A message that any channel can render: plain text on single lines, already shortened, nothing masked shown.

    ``key`` is the outbox's. ``changes_left_out`` and ``places_left_out`` count what did not fit.
    """

    kind: AlertKind
    key: str
    title: str
    lines: tuple[str, ...] = ()
    changes: tuple[Told, ...] = ()
    changes_left_out: int = 0
    facts: tuple[Fact, ...] = ()
    findings: tuple[Fact, ...] = ()
    code: str | None = None
    places: tuple[str, ...] = ()
    places_left_out: int = 0
    reverts: tuple[Revert, ...] = ()
    footer: str = ""


def compose(alert: Alert) -> Message:
    """Return the message of an alert, from what the record knows now."""
    return _COMPOSERS[alert.kind](alert)


def _change(alert: Alert) -> Message:
    """Compose the message of one cause: one change, or all that one act changed."""
    changes, references = alert.changes, alert.references
    # Who reads a flag matters where the flag changed, not where somebody failed to change it.
    about_flags = any(change.change.flag and not change.change.kind.is_attempt for change in changes)
    return Message(
        kind=alert.kind,
        key=alert.key,
        title=cut(_title(changes), LONGEST_TITLE),
        changes=tuple(_told(change, len(changes)) for change in changes[:MOST_CHANGES]),
        changes_left_out=max(0, len(changes) - MOST_CHANGES),
        facts=tuple(_facts(changes, alert.titles)),
        findings=_findings(alert.findings),
        code=_code(references) if about_flags else None,
        places=_places(references or ()) if about_flags else (),
        places_left_out=max(0, len(references or ()) - MOST_PLACES) if about_flags else 0,
        reverts=_reverts(alert),
        footer=_footer(changes),
    )


def _update(alert: Alert) -> Message:
    note = "More is known about this now than when it was first told."
    return replace(_change(alert), lines=(note,))


def _digest(alert: Alert) -> Message:
    """Compose what was found late: one line a change, with its own time and person."""
    count = counted(len(alert.changes), "change")
    told = [
        Told(
            change.id,
            line(f"{when_text(change)}: {_sentence(change)} ({actor_text(change.attribution.actor)})"),
        )
        for change in alert.changes[:MOST_CHANGES]
    ]
    return Message(
        kind=alert.kind,
        key=alert.key,
        title=f"{count} found late",
        lines=("No event told of them in time; a comparison with the stores found them.",),
        changes=tuple(told),
        changes_left_out=max(0, len(alert.changes) - MOST_CHANGES),
        facts=_told_facts(alert),
        findings=_findings(alert.findings),
        footer="flagtrail history shows each with its diff",
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
        facts=_told_facts(alert),
        findings=_findings(alert.findings),
        footer="From now on every change is told as it happens.",
    )


def _report(alert: Alert) -> Message:
    removable = dict(alert.facts).get("remove")
    count = f": {counted(removable, 'flag')} can go" if isinstance(removable, int) else ""
    return Message(
        kind=alert.kind,
        key=alert.key,
        title=f"Weekly flag report{count}",
        facts=_told_facts(alert),
        findings=_findings(alert.findings),
        footer=f"Made {clock_text(alert.created_at)}",
    )


def _test(alert: Alert) -> Message:
    return Message(
        kind=alert.kind,
        key=alert.key,
        title="Test message of Flagtrail",
        lines=("This is a test: no flag has changed. Messages about flags will arrive here.",),
        facts=_told_facts(alert),
        footer=f"Sent {clock_text(alert.created_at)}",
    )


_COMPOSERS: Mapping[AlertKind, Callable[[Alert], Message]] = {
    AlertKind.CHANGE: _change,
    AlertKind.UPDATE: _update,
    AlertKind.DIGEST: _digest,
    AlertKind.SUMMARY: _summary,
    AlertKind.REPORT: _report,
    AlertKind.TEST: _test,
}


def _title(changes: Sequence[RecordedChange]) -> str:
    """Return a headline: which flag, what happened, where."""
    if not changes:
        return "A change without flags"
    first = changes[0].change
    where = f" in {first.environment}" if first.environment else ""
    if first.kind.is_attempt:
        outcome = "denied" if first.kind is ChangeKind.DENIED else "failed"
        return visible(f"Attempt {outcome}: {listed(_flag_name(change) for change in changes)}{where}")
    if len({change.change.flag for change in changes}) == 1:
        return visible(f"{_flag_name(changes[0])} {verb(first.kind)}{where}")
    kinds = listed(verb(change.change.kind) for change in changes)
    names = listed(_flag_name(change) for change in changes)
    return visible(f"{counted(len(changes), 'flag')} {kinds}{where}: {names}")


def _flag_name(change: RecordedChange) -> str:
    c = change.change
    if c.flag is None:
        return c.document.name
    return f"{c.application}/{c.flag}" if c.application else c.flag


def _told(change: RecordedChange, among: int) -> Told:
    """Tell one change; among several each gets fewer lines, among many its sentence has to do."""
    if among > MOST_DETAILED:
        return Told(change.id, line(_sentence(change)))
    most = MOST_DIFF_LINES if among == 1 else MOST_DIFF_LINES // 2
    diff = change.change.diff
    lines = tuple(_diff_line(entry) for entry in diff[:most])
    sentence = line(change.change.summary if among == 1 else _sentence(change))
    return Told(change.id, sentence, lines, max(0, len(diff) - most))


def _sentence(change: RecordedChange) -> str:
    """Return what happened, with the flag's name, which a change's own sentence leaves out."""
    return f"{_flag_name(change)}: {change.change.summary}"


def _diff_line(entry: DiffEntry) -> DiffLine:
    return DiffLine(
        path=line(entry.path or "the whole flag", LONGEST_TITLE),
        before=None if entry.op == "add" else value_text(entry.before),
        after=None if entry.op == "remove" else value_text(entry.after),
    )


def _facts(changes: Sequence[RecordedChange], titles: Mapping[str, str]) -> list[Fact]:
    """Return where, which version, who with how we know, and when, each said once for all changes of the cause."""
    if not changes:
        return []
    rows = [
        ("Where", [_place(change) for change in changes]),
        ("Document", [_document(change, titles) for change in changes]),
        ("Version", [text for change in changes if (text := _version(change))]),
        ("Rollout", [text for change in changes if (text := _rollout(change))]),
        ("Who", [actor_text(change.attribution.actor) for change in changes]),
        ("How we know", [text for change in changes if (text := knowledge_text(change.attribution))]),
        ("When", [when_text(change) for change in changes]),
        ("Why", [text for change in changes if (text := _reason(change))]),
        ("Error", [line(change.change.error) for change in changes if change.change.error]),
        ("Detected", [text for change in changes if (text := _DETECTIONS.get(change.change.detected_by))]),
    ]
    return [Fact(label, listed(texts, most=MOST_COMMANDS)) for label, texts in rows if texts]


def _place(change: RecordedChange) -> str:
    """Return application, environment, store, account and Region of a change."""
    c = change.change
    application = c.application or "no application"
    environment = c.environment or ("no environment until deployed" if c.kind is ChangeKind.SAVED else "no environment")
    store = store_name(c.document.source)
    return line(f"{application} / {environment}, {store} in account {c.document.account}, {c.document.region}")


def _reason(change: RecordedChange) -> str | None:
    """Return why it happened; of an attempt only the call is known, which its sentence names."""
    c = change.change
    return None if c.kind.is_attempt or not c.reason or c.reason == c.summary else line(c.reason)


def _document(change: RecordedChange, titles: Mapping[str, str]) -> str:
    """Return a document's name, after what people call it where that is known."""
    name = change.change.document.name
    title = titles.get(name)
    return line(f"{title} ({name})" if title else name, LONGEST_TITLE)


def _version(change: RecordedChange) -> str | None:
    c = change.change
    deployment = f"deployment {c.deployment.number}, " if c.deployment else ""
    label = f"label {c.label}, " if c.label else ""
    before, after = c.version_before or "none", c.version_after or "none"
    if before == after == "none":
        return None
    return line(f"{deployment}{label}{before} → {after}")


def _rollout(change: RecordedChange) -> str | None:
    """Return when a deployment reached which percentage."""
    deployment = change.change.deployment
    if deployment is None or not deployment.steps:
        return None
    steps = [f"{step.percentage:g} % at {step.at:%H:%M:%S}" for step in deployment.steps]
    return f"{listed(steps, most=MOST_DIFF_LINES)} UTC, {deployment.state}"


_DETECTIONS = {
    Detection.RECONCILE: "by a comparison with the store; no event told of it",
    Detection.BACKFILL: "by the first look at the store",
}


def _findings(findings: Sequence[Finding]) -> tuple[Fact, ...]:
    """Return the findings, the worst first, the rest counted."""
    ranked = sorted(findings, key=lambda finding: -_SEVERITIES.index(finding.severity))
    facts = [Fact(finding.severity.value, line(finding.message, LONGEST_VALUE)) for finding in ranked[:MOST_FINDINGS]]
    rest = len(ranked) - MOST_FINDINGS
    return (*facts, Fact("more", f"{counted(rest, 'further finding')}")) if rest > 0 else tuple(facts)


def _code(references: Sequence[Reference] | None) -> str:
    """Return what is known of the code that names the flags; never scanned is not the same as not found."""
    if references is None:
        return "Code was not scanned yet, so it is not known whether any reads it."
    if not references:
        return "The last scan found no code that names it."
    kinds = Counter(reference.kind for reference in references)
    said = ", ".join(f"{kinds[kind]} {kind.value}" for kind in sorted(kinds, key=lambda kind: kind.rank))
    return f"{counted(len(references), 'place')} in code ({said})"


def _places(references: Sequence[Reference]) -> tuple[str, ...]:
    """Return the first places in code, the strongest kinds and the certain ones first."""
    ranked = sorted(references, key=lambda r: (r.kind.rank, r.certainty is not Certainty.CERTAIN, r.path, r.line))
    return tuple(
        line(f"{r.path}:{r.line}  {r.kind.value}{'' if r.certainty is Certainty.CERTAIN else ', possible'}")
        for r in ranked[:MOST_PLACES]
    )


def _reverts(alert: Alert) -> tuple[Revert, ...]:
    """Return how to put the changes back; one command that undoes several is said once."""
    reverts: dict[Revert, None] = {}
    for change in alert.changes:
        found = revert_command(change, alert.former.get(change.id))
        if found is not None:
            reverts.setdefault(_revert(found, change, superseded=change.id in alert.superseded))
    kept = list(reverts)[:MOST_COMMANDS]
    rest = len(reverts) - len(kept)
    more = [Revert(None, (f"{counted(rest, 'more change')} can be put back likewise.",))] if rest > 0 else []
    return tuple(kept + more)


def _revert(found: RevertCommand, change: RecordedChange, *, superseded: bool) -> Revert:
    later = ("Careful: the flag has changed again since; this takes that back, too.",) if superseded else ()
    if found.text is None:
        return Revert(None, found.notes)
    if len(found.text) > LONGEST_COMMAND:
        long = (
            f"The command has {len(found.text):,} characters, too many for a message; the record has the former value."
        )
        return Revert(None, (*later, long, *found.notes))
    return Revert(found.text, (*later, *found.notes), line(change.change.document.account))


def _footer(changes: Sequence[RecordedChange]) -> str:
    if not changes:
        return ""
    ids = listed((change.id for change in changes), most=MOST_COMMANDS)
    return line(f"Change {ids}" if len(changes) == 1 else f"Changes {ids}")


def _told_facts(alert: Alert) -> tuple[Fact, ...]:
    """Return what an alert carries besides changes, in the order it was given."""
    return tuple(Fact(_label(name), _fact_text(value)) for name, value in alert.facts)


def _label(name: str) -> str:
    return line(name.replace("_", " ").capitalize(), LONGEST_TITLE)


def _fact_text(value: JsonValue) -> str:
    if isinstance(value, str):
        return line(value)
    if isinstance(value, list):
        return line(listed(map(_fact_text, value), most=MOST_CHANGES)) or "none"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else value_text(value)
