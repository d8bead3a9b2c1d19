"""The parts of a message: from the record's changes, findings and references to short lines, each of its own kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from auditor.application.message import DiffLine, Fact, Page, Place, Revert, Told
from auditor.application.wording import (
    LONGEST_VALUE,
    actor_text,
    counted,
    cut,
    is_long,
    knowledge_text,
    line,
    listed,
    store_name,
    value_text,
    verb,
    visible,
    when_text,
)
from auditor.domain.alerts import Alert
from auditor.domain.changes import ChangeKind, Detection, DiffEntry, RecordedChange
from auditor.domain.findings import Finding, Severity
from auditor.domain.flags import JsonValue
from auditor.domain.references import Certainty, Reference
from auditor.domain.revert import RevertCommand, revert_command

MOST_CHANGES = 20
MOST_DETAILED = 5
MOST_DIFF_LINES = 8
MOST_PLACES = 5
MOST_PAGES = 5
MOST_FINDINGS = 5
MOST_COMMANDS = 3
LONGEST_COMMAND = 2_500
LONGEST_TITLE = 140
_SEVERITIES = list(Severity)


def headline(changes: Sequence[RecordedChange]) -> str:
    """Return which flag, what happened and where, short enough for a title."""
    return cut(_headline(changes), LONGEST_TITLE)


def _headline(changes: Sequence[RecordedChange]) -> str:
    if not changes:
        return "A change without flags"
    first = changes[0].change
    places = [change.change.environment for change in changes if change.change.environment]
    where = f" in {listed(places)}" if places else ""
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


def told_change(change: RecordedChange, among: int) -> Told:
    """Tell one change; among several each gets fewer lines, among many its sentence has to do."""
    if among > MOST_DETAILED:
        return Told(change.id, line(sentence_of(change)))
    most = MOST_DIFF_LINES if among == 1 else MOST_DIFF_LINES // 2
    diff = change.change.diff
    lines = tuple(_diff_line(entry) for entry in diff[:most])
    sentence = line(change.change.summary if among == 1 else sentence_of(change))
    return Told(change.id, sentence, lines, max(0, len(diff) - most))


def sentence_of(change: RecordedChange) -> str:
    """Return what happened, with the flag's name, which a change's own sentence leaves out."""
    return f"{_flag_name(change)}: {change.change.summary}"


def _diff_line(entry: DiffEntry) -> DiffLine:
    return DiffLine(
        path=line(entry.path or "the whole flag", LONGEST_TITLE),
        before=None if entry.op == "add" else value_text(entry.before),
        after=None if entry.op == "remove" else value_text(entry.after),
        cut=is_long(entry.before) or is_long(entry.after),
    )


def pages_of(changes: Sequence[RecordedChange]) -> tuple[Page, ...]:
    """Return the first changes as pages may show them."""
    return tuple(Page(one.id, one.change.application, one.change.flag) for one in changes[:MOST_PAGES])


def change_facts(changes: Sequence[RecordedChange], titles: Mapping[str, str]) -> list[Fact]:
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


def finding_facts(findings: Sequence[Finding]) -> tuple[Fact, ...]:
    """Return the findings, the worst first, the rest counted."""
    ranked = sorted(findings, key=lambda finding: -_SEVERITIES.index(finding.severity))
    facts = [Fact(finding.severity.value, line(finding.message, LONGEST_VALUE)) for finding in ranked[:MOST_FINDINGS]]
    rest = len(ranked) - MOST_FINDINGS
    return (*facts, Fact("more", f"{counted(rest, 'further finding')}")) if rest > 0 else tuple(facts)


def code_sentence(references: Sequence[Reference] | None) -> str:
    """Return what is known of the code that names the flags; never scanned is not the same as not found."""
    if references is None:
        return "No code was scanned since this is known, so nobody can say whether any reads it."
    if not references:
        return "The last scan found no code that names it."
    kinds = Counter(reference.kind for reference in references)
    said = ", ".join(f"{kinds[kind]} {kind.value}" for kind in sorted(kinds, key=lambda kind: kind.rank))
    return f"{counted(len(references), 'place')} in code ({said})"


def code_places(references: Sequence[Reference]) -> tuple[Place, ...]:
    """Return the first places in code, the strongest kinds and the certain ones first."""
    ranked = sorted(references, key=lambda r: (r.kind.rank, r.certainty is not Certainty.CERTAIN, r.path, r.line))
    return tuple(
        Place(line(f"{r.path}:{r.line}  {r.kind.value}{'' if r.certainty is Certainty.CERTAIN else ', possible'}"), r)
        for r in ranked[:MOST_PLACES]
    )


def reverts_of(alert: Alert) -> tuple[Revert, ...]:
    """Return how to put the changes back; one command that undoes several is said once."""
    reverts: dict[Revert, None] = {}
    taken_back = any(change.change.kind is ChangeKind.ROLLED_BACK for change in alert.changes)
    for change in alert.changes:
        # A deployment that was taken back needs no command for it.
        if taken_back and change.change.kind is ChangeKind.DEPLOYED:
            continue
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


def footer_of(changes: Sequence[RecordedChange]) -> str:
    """Return the ids by which the record knows the changes."""
    if not changes:
        return ""
    ids = listed((change.id for change in changes), most=MOST_COMMANDS)
    return line(f"Change {ids}" if len(changes) == 1 else f"Changes {ids}")


def alert_facts(alert: Alert) -> tuple[Fact, ...]:
    """Return what an alert carries besides changes, in the order it was given."""
    return tuple(Fact(_label(name), _fact_text(value)) for name, value in alert.facts)


_LABELS = {"could_go_each_week": "Could go each week, snoozed or not"}


def _label(name: str) -> str:
    return _LABELS.get(name) or line(name.replace("_", " ").capitalize(), LONGEST_TITLE)


def _fact_text(value: JsonValue) -> str:
    if isinstance(value, str):
        return line(value)
    if isinstance(value, list):
        return line(listed(map(_fact_text, value), most=MOST_CHANGES)) or "none"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else value_text(value)
