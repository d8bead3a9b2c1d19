"""Pages against the floor: what is shown of 10,000 flags and of 100,000 changes, against escaping and joining it.

Both start from the same verdicts and changes and write the same texts to a file, in turns in the same run. Memory is
what a process of its own needs at most while it writes a page, beyond what it needed before.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from html import escape
from pathlib import Path

from auditor.domain.attribution import Actor, ActorKind, Attribution, Certainty, Evidence
from auditor.domain.changes import ChangeKind, Detection, DiffEntry, FlagChange, RecordedChange
from auditor.domain.documents import DocumentRef
from auditor.domain.flags import FlagId, FlagState
from auditor.domain.lifetimes import FlagType, Lifetime
from auditor.domain.lives import Life, Moment, Point, Span, Year
from auditor.domain.readings import Position
from auditor.domain.references import FlagSpec, Reference, ReferenceKind
from auditor.domain.verdicts import EnvironmentFacts, FlagFacts, ReferenceFacts, StaleRules, Verdict, judge
from reports import history, stale

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TIMES, MEGABYTES = 4.0, 20.0
_KIB = 1024
Write = Callable[[Path], None]
Rows = Callable[[], Iterable[object]]


def main() -> None:
    """Print how many times the floor each page takes, and how much memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flags", type=int, default=10_000)
    parser.add_argument("--changes", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=4, help="pairs of rounds, of which the first is dropped")
    options = parser.parse_args()
    compare("stale", options.flags, options.rounds)
    compare("history", options.changes, options.rounds)


def made(name: str, number: int) -> tuple[Write, Rows]:
    """Return what writes a page of so many, and what makes the rows that it shows."""
    if name == "stale":
        flags = stale_input(number)
        return partial(stale.render, flags), partial(stale.rows, flags)
    told = history.HistoryInput(partial(changes, number), [], NOW)
    return partial(history.render, told), lambda: history.rows(told.changes(), told.hours)


def compare(name: str, number: int, rounds: int) -> None:
    """Measure a page and its floor in turns and print the median ratio."""
    page, rows = made(name, number)

    def floor(out: Path) -> None:
        with out.open("w", encoding="utf-8") as file:
            file.writelines("".join(f"<p>{escape(text)}</p>" for text in texts(row)) for row in rows())

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "page.html"
        pairs = [(timed(page, out), timed(floor, out)) for _ in range(rounds)][1:]
        page(out)
        size = out.stat().st_size
        with multiprocessing.get_context("spawn").Pool(1) as alone:
            memory = alone.apply(grown, (name, number, out))
    times = statistics.median(one / other for one, other in pairs)
    seconds, least = (statistics.median(each) for each in zip(*pairs, strict=True))
    print(
        f"{name:<8} page {seconds:6.2f} s   join and escape {least:6.2f} s   {times:.2f} times"
        f"   (wanted: at most {TIMES:g})   {size / 1e6:.0f} MB written,"
        f" {memory:.1f} MB of memory (wanted: at most {MEGABYTES:g})"
    )


def timed(write: Write, out: Path) -> float:
    """Return how many seconds writing took."""
    began = time.perf_counter()
    write(out)
    return time.perf_counter() - began


def grown(name: str, number: int, out: Path) -> float:
    """Return by how many MB at most a fresh process grows while it writes a page; templates are loaded before."""
    few, _ = made(name, 1)
    few(out)
    page, _ = made(name, number)
    before = peak()
    page(out)
    return (peak() - before) / _KIB


def peak() -> float:
    """Return the most KiB that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def texts(row: object) -> Iterator[str]:
    """Yield every text of what a page shows of one flag or change."""
    if isinstance(row, str):
        yield row
    elif isinstance(row, list | tuple | deque):
        for part in row:
            yield from texts(part)
    elif row is not None:
        slots = getattr(row, "__slots__", None)
        if slots is None:
            yield str(row)
        else:
            for name in slots:
                yield from texts(getattr(row, name))


def stale_input(number: int) -> stale.StaleInput:
    """Return a report of so many flags, each with states, reasons, places in code and a year."""
    judgements, references, lives = [], [], {}
    for n in range(number):
        flag, life = FlagId(f"app-{n % 40}", f"flag-{n}"), Life()
        since = NOW - timedelta(days=40 + n % 400)
        states = [EnvironmentFacts(name, FlagState(n % 3 != 0), since, "dana") for name in ("dev", "prod", "staging")]
        counts = {"read": 2, "test": 1}
        facts = FlagFacts(
            flag, tuple(states), since, since, "dana@example.com",
            Lifetime(FlagType.RELEASE, "its name", owner=f"team-{n % 30}"),
            ReferenceFacts(counts, counts, 0, NOW, complete=True),
        )  # fmt: skip
        judgements.append(judge(facts, StaleRules(), NOW))
        spec = FlagSpec(flag.key, "appconfig", flag.application, name=str(flag))
        references += [
            Reference(flag=spec, path=f"src/{n % 900}.py", line=line, column=1, kind=ReferenceKind.READ)
            for line in (3, 9)
        ]
        for name in ("dev", "prod", "staging"):
            life.spans[name] = [Span(None, Position.OFF), Span(since, Position.ON)]
        life.recent.extend(Moment(since, f"enabled in prod, step {step}", "dana@example.com") for step in range(3))
        lives[flag] = life
    begin = NOW - timedelta(weeks=52)
    points = [Point(begin + timedelta(weeks=n), {Verdict.REMOVE: n, Verdict.KEEP: number}) for n in range(53)]
    return stale.StaleInput(judgements, references, NOW, year=Year(tuple(points), lives, begin))


def changes(number: int) -> Iterator[RecordedChange]:
    """Yield so many changes, each made when it is asked for."""
    document = DocumentRef("ssm", "111122223333", "eu-central-1", "/shop/prod/features/new-checkout")
    person = Actor(ActorKind.PERSON, "dana@example.com", "arn:aws:sts::111122223333:assumed-role/ShopAdmin/dana")
    who = Attribution(person, Certainty.CERTAIN, (Evidence("cloudtrail", "CloudTrail names the caller", "e-1"),))
    for n in range(number):
        at = NOW - timedelta(minutes=5 * n)
        before, after = (
            FlagState({"enabled": True, "rollout": n % 100}),
            FlagState({"enabled": True, "rollout": n % 100 + 1}),
        )
        change = FlagChange(
            key=f"k-{n}", cause=f"c-{n}", kind=ChangeKind.UPDATED, document=document, life=1, application="shop",
            flag=f"flag-{n % 5000}", environment="prod", path="", version_before=str(n), version_after=str(n + 1),
            occurred_at=at, occurred_between=None, before=before, after=after,
            diff=(DiffEntry("replace", "/value/rollout", n % 100, n % 100 + 1),),
            summary=f"rollout {n % 100}% → {n % 100 + 1}% in prod", detected_by=Detection.EVENT,
        )  # fmt: skip
        yield RecordedChange(f"c{n:020x}", n, at, change, who)


if __name__ == "__main__":
    main()
