"""Reads when a job runs: a duration, a cron line, or "off"."""

from __future__ import annotations

import re
from typing import Any

from auditor.configuration.values import Report, duration, shown
from auditor.domain.schedules import When

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# Name, first and last value, names for values, and the value of the first name.
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...], int], ...] = (
    ("minute", 0, 59, (), 0),
    ("hour", 0, 23, (), 0),
    ("day of the month", 1, 31, (), 0),
    ("month", 1, 12, _MONTHS, 1),
    ("day of the week", 0, 7, _DAYS, 0),
)
_PART = re.compile(r"(?P<first>\*|\w+)(?:-(?P<last>\w+))?(?:/(?P<step>\d+))?")


def schedule(value: Any, report: Report) -> When | None:
    """Read when a job runs; ``None`` for "off"."""
    if value == "off":
        return None
    if isinstance(value, str) and len(value.split()) == len(_FIELDS):
        return _cron(value, report)
    if isinstance(value, str) and re.match(r"\d+\s*[a-z]$", value):
        return When(every=duration(value, report))
    report(f'has to be a duration like "15m", a cron line like "0 8 * * mon" in UTC, or "off", not {shown(value)}')
    return None


def _cron(line: str, report: Report) -> When | None:
    """Read a five-field cron line; days of the week come out as names, because schedulers number them differently."""
    words = line.lower().split()
    for word, (name, *_) in zip(words, _FIELDS, strict=True):
        try:
            _numbers(word, name)
        except ValueError as fault:
            report(f"{shown(line)}: {fault}")
            return None
    if words[4] != "*":
        days = sorted({number % 7 for number in _numbers(words[4], "day of the week")})
        words[4] = ",".join(_DAYS[day] for day in days)
    return When(cron=" ".join(words))


def _numbers(word: str, name: str) -> set[int]:
    """Return the values that a field of a cron line means; raise ``ValueError`` with what is wrong with it."""
    _, low, high, names, base = next(field for field in _FIELDS if field[0] == name)

    def number(text: str) -> int:
        found = base + names.index(text) if text in names else int(text) if text.isdecimal() else -1
        if not low <= found <= high:
            raise ValueError(f"{text!r} is no {name}")
        return found

    found: set[int] = set()
    for part in word.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise ValueError(f"{part!r} is no {name}")
        every = match["first"] == "*"
        first = low if every else number(match["first"])
        open_ended = every or (match["step"] and not match["last"])
        last = number(match["last"]) if match["last"] else high if open_ended else first
        step = int(match["step"] or 1)
        if last < first or step < 1:
            raise ValueError(f"{part!r} is an empty range")
        found.update(range(first, last + 1, step))
    return found
