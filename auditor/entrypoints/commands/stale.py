"""``flagtrail stale``: which flags can go, which stay, and what is not known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import click

from auditor.domain.flags import JsonValue
from auditor.domain.verdicts import Judgement, Verdict
from auditor.entrypoints.cli_options import Context, command

_WIDTH = 76


@command(
    "table",
    "json",
    "jsonl",
    examples=(
        "flagtrail stale                            # removals first, with reasons",
        "flagtrail stale --verdict remove",
        "flagtrail stale --format json --now 2026-03-01T00:00:00Z",
    ),
)
@click.option("--verdict", type=click.Choice([v.value for v in Verdict]), help="Only flags with this verdict.")
@click.option("--application", metavar="NAME", help="Only flags of this application.")
def stale(context: Context, verdict: str | None, application: str | None) -> None:
    """Judge every flag: remove, keep or unknown.

    Each verdict comes with its reasons, the evidence with its date, and the evidence
    that is missing. A flag is only proposed for removal where the code was scanned:
    run `flagtrail scan PATH` first. Nothing found is not the same as nothing there.
    """
    from auditor.entrypoints import output

    judgements = [j for j in judge_all(context) if _wanted(j, verdict, application)]
    if context.format == "json":
        output.write_json([j.to_json() for j in judgements])
    elif context.format == "jsonl":
        output.write_jsonl(j.to_json() for j in judgements)
    else:
        for line in _table(judgements):
            output.write(line)


def judge_all(context: Context) -> Sequence[Judgement]:
    """Return the verdicts on all flags as the context asks for them."""
    from auditor import bootstrap
    from auditor.application.staleness import stale_flags

    rules = bootstrap.stale_rules(context.settings)
    with context.open_database().reader() as uow:
        return stale_flags(uow, rules, context.moment, context.now)


def _snoozed(snooze: Mapping[str, JsonValue]) -> str:
    """Say until when somebody lets the flag be, and how often that was so."""
    times = "" if snooze["times"] == 1 else f", {snooze['times']} times by now"
    return f"snoozed until {str(snooze['until'])[:10]} by {snooze['by']}{times}: {snooze['reason']}"


def _wanted(judgement: Judgement, verdict: str | None, application: str | None) -> bool:
    if verdict is not None and judgement.verdict.value != verdict:
        return False
    return application is None or judgement.facts.flag.application == application


def _wrapped(text: str, sign: str) -> list[str]:
    """Return a text as lines, with nothing in it that could steer a terminal."""
    from auditor.entrypoints.output import visible

    return click.wrap_text(visible(text), _WIDTH, sign, "    ").splitlines()


def _table(judgements: Sequence[Judgement]) -> Iterator[str]:
    if not judgements:
        yield "No flags are recorded yet. `flagtrail reconcile` reads them, `flagtrail doctor` says what is missing."
        return
    from auditor.entrypoints.output import visible

    for judgement in judgements:
        owner = judgement.facts.lifetime.owner
        named = f"{judgement.facts.flag}" + (f"  ({owner})" if owner else "")
        yield visible(f"{judgement.verdict.value.upper():8} {named}".replace("\n", " "))
        for reason in judgement.reasons:
            yield from _wrapped(reason.text, "  - ")
        if judgement.snoozed is not None:
            yield from _wrapped(_snoozed(judgement.snoozed), "  z ")
        if judgement.missing:
            yield from _wrapped(f"not known: {', '.join(judgement.missing)}", "  ? ")
    counts = {v: sum(j.verdict is v for j in judgements) for v in Verdict}
    yield ""
    yield ", ".join(f"{n} {v.value}" for v, n in counts.items()) + f" of {len(judgements)} flags"
