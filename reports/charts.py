"""Charts as numbers for inline SVG: the trend of a year, and what a flag was set to over time. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from auditor.domain.lives import Point, Span
from auditor.domain.verdicts import Verdict

WIDTH, HEIGHT = 520, 120
_ORDER = (Verdict.REMOVE, Verdict.UNKNOWN, Verdict.KEEP)


@dataclass(frozen=True, slots=True)
class Column:
    """One week of the trend: a stack of three, each with its verdict, top and height, and what it says in words."""

    x: float
    width: float
    parts: Sequence[tuple[str, float, float]]
    label: str


@dataclass(frozen=True, slots=True)
class Trend:
    """The weeks as columns; ``top`` is what the highest stands for, ``said`` the whole in a sentence."""

    columns: Sequence[Column]
    top: int
    first: datetime
    last: datetime
    said: str


def trend(points: Sequence[Point]) -> Trend | None:
    """Return the trend of the weeks, ``None`` where no flag ever was."""
    top = max((point.total for point in points), default=0)
    if not top:
        return None
    width = WIDTH / len(points)
    columns = [_column(number * width, width, point, top) for number, point in enumerate(points)]
    first, last = points[0], points[-1]
    said = (
        f"Flags each week from {first.at:%Y-%m-%d} to {last.at:%Y-%m-%d}: "
        f"{first.total} at first, {last.total} now, of which {last.counts.get(Verdict.REMOVE, 0)} can go "
        f"({first.counts.get(Verdict.REMOVE, 0)} at first). The most were {top}."
    )
    return Trend(columns, top, first.at, last.at, said)


def _column(x: float, width: float, point: Point, top: int) -> Column:
    parts, base = [], float(HEIGHT)
    for verdict in _ORDER:
        height = round(HEIGHT * point.counts.get(verdict, 0) / top, 2)
        base -= height
        if height:
            parts.append((verdict.value, round(base, 2), height))
    counts = ", ".join(f"{point.counts.get(verdict, 0)} {verdict.value}" for verdict in _ORDER)
    return Column(round(x, 2), round(width - 1, 2), parts, f"{point.at:%Y-%m-%d}: {counts}")


@dataclass(frozen=True, slots=True)
class Lane:
    """What a flag was set to in one environment over time: pieces in percent of the width, and all of it in words.

    The words are ours alone: they stand in an attribute.
    """

    name: str
    pieces: Sequence[tuple[float, float, str]]
    now: str
    since: datetime | None
    said: str


def lane(name: str, spans: Sequence[Span], begin: datetime, end: datetime) -> Lane:
    """Return one environment's lane between two times."""
    pieces = list(_pieces(spans, begin, end))
    said = "; ".join(_said(span) for span in spans)
    newest = spans[-1]
    return Lane(name, pieces, newest.position.value, newest.since, said)


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened on a timeline: where in percent of the width, what in words, and of which kind."""

    x: float
    label: str
    kind: str


def marks(told: Sequence[tuple[datetime, str, str]], begin: datetime, end: datetime) -> list[Mark]:
    """Return marks for what happened between two times."""
    whole = (end - begin).total_seconds() or 1.0
    inside = [(when, label, kind) for when, label, kind in told if begin <= when <= end]
    return [Mark(round((when - begin).total_seconds() * 100 / whole, 2), label, kind) for when, label, kind in inside]


def _pieces(spans: Sequence[Span], begin: datetime, end: datetime) -> Iterator[tuple[float, float, str]]:
    whole = (end - begin).total_seconds() or 1.0
    starts = [_within(span.since, begin, end) for span in spans]
    for span, start, stop in zip(spans, starts, [*starts[1:], end], strict=True):
        left, right = ((moment - begin).total_seconds() * 100 / whole for moment in (start, stop))
        if right > left:
            yield round(left, 2), round(right - left, 2), span.position.value


def _within(moment: datetime | None, begin: datetime, end: datetime) -> datetime:
    return begin if moment is None or moment < begin else min(moment, end)


def _said(span: Span) -> str:
    return f"{span.position.value} from {span.since:%Y-%m-%d}" if span.since else f"{span.position.value} before that"


def change_of(now: int, before: int | None) -> str:
    """Return how a number moved since last week, in words."""
    if before is None:
        return ""
    if now == before:
        return "as last week"
    return f"{abs(now - before)} {'more' if now > before else 'fewer'} than last week"
