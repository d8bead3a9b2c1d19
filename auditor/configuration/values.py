"""Readers of single values: each returns what an option means, or reports what is wrong with what stands there."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from auditor.configuration.faults import did_you_mean

Report: TypeAlias = Callable[..., None]
Reader: TypeAlias = Callable[[Any, Report], Any]

_DURATION = re.compile(r"(\d{1,6})\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_CALLABLE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")
_SHOWN = 60


def shown(value: Any) -> str:
    """Return a value as a fault quotes it: short."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _inside(report: Report, *path: str | int) -> Report:
    """Return a report for something inside the value."""
    return lambda what, *deeper: report(what, *path, *deeper)


def text(value: Any, report: Report) -> str:
    """Read a text that says something."""
    if isinstance(value, str) and value.strip():
        return value
    report(f"has to be a text in quotes, not {shown(value)}")
    return ""


def matching(pattern: str, what: str, *, secret: bool = False) -> Reader:
    """Return a reader of texts of a form; ``what`` says which, with an example.

    ``secret`` keeps a wrong value out of the fault: somebody may have put the secret itself there.
    """
    compiled = re.compile(pattern)

    def read(value: Any, report: Report) -> str:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            report(f"has to be {what}" if secret else f"has to be {what}, not {shown(value)}")
            return ""
        return value

    return read


def choice(*choices: str) -> Reader:
    """Return a reader of one of these words; another one reads as ``None``."""

    def read(value: Any, report: Report) -> str | None:
        if isinstance(value, str) and value in choices:
            return value
        report(f"{shown(value)} is not known; {did_you_mean(str(value), choices)}")
        return None

    return read


def switch(value: Any, report: Report) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        report(f"has to be true or false, not {shown(value)}")
        return False
    return value


def clock(value: Any, report: Report) -> time:
    """Read a time of day."""
    if isinstance(value, str) and re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        return time.fromisoformat(value)
    report(f'has to be a time of day like "08:30", not {shown(value)}')
    return time()


def zone(value: Any, report: Report) -> str:
    """Read a time zone's name."""
    try:
        return ZoneInfo(value).key
    except (ZoneInfoNotFoundError, TypeError, ValueError, OSError):
        report(f'has to be a time zone like "Europe/Berlin", not {shown(value)}')
        return "UTC"


def moment(*, end: bool = False) -> Reader:
    """Return a reader of a time with an offset or of a day in UTC, which means its beginning or its ``end``."""

    def read(value: Any, report: Report) -> datetime:
        given = _parsed(value) if isinstance(value, str) else value
        if isinstance(given, datetime) and given.tzinfo is not None:
            return given.astimezone(UTC)
        if isinstance(given, date) and not isinstance(given, datetime):
            return datetime.combine(given, time.max if end else time.min, UTC)
        report(f'has to be a day like "2026-12-20" or a time like "2026-12-20T18:00:00Z", not {shown(value)}')
        return datetime.max.replace(tzinfo=UTC)

    return read


def _parsed(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == len("2026-12-20") else datetime.fromisoformat(text)
    except ValueError:
        return None


def table(value: Any, report: Report) -> dict[str, Any]:
    """Read a table whose keys are read later, when it is known what they belong to."""
    if isinstance(value, dict):
        return value
    report(f'has to be a table like {{ after = "20d" }}, not {shown(value)}')
    return {}


def number(least: float, most: float, *, whole: bool = True) -> Reader:
    """Return a reader of a number within bounds, both inclusive."""

    def read(value: Any, report: Report) -> float:
        kind = int if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kind) or not least <= value <= most:
            report(f"has to be a {'whole ' if whole else ''}number from {least} to {most}, not {shown(value)}")
            return least
        return value

    return read


def many(reader: Reader, example: str) -> Reader:
    """Return a reader of a list."""

    def read(value: Any, report: Report) -> tuple[Any, ...]:
        if not isinstance(value, list):
            report(f"has to be a list like {example}, not {shown(value)}")
            return ()
        return tuple(reader(item, _inside(report, index)) for index, item in enumerate(value))

    return read


def mapping(reader: Reader, example: str) -> Reader:
    """Return a reader of a table whose keys are free, as pairs in their order; anything else reads as ``None``."""

    def read(value: Any, report: Report) -> tuple[tuple[str, Any], ...] | None:
        if not isinstance(value, dict):
            report(f"has to be a table like {example}, not {shown(value)}")
            return None
        return tuple((key, reader(item, _inside(report, key))) for key, item in value.items())

    return read


def duration(value: Any, report: Report) -> timedelta:
    """Read a length of time."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None or int(match[1]) == 0:
        report(f'has to be a duration like "45s", "15m", "12h", "30d" or "6w", not {shown(value)}')
        return timedelta(1)
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def days(value: Any, report: Report) -> int:
    """Read a number of days."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None or match[2] not in "dw" or int(match[1]) == 0:
        report(f'has to be a number of days or weeks like "30d" or "6w", not {shown(value)}')
        return 1
    return int(match[1]) * (7 if match[2] == "w" else 1)


def days_or_never(value: Any, report: Report) -> int | None:
    """Read a number of days, ``None`` for "never"."""
    return None if value == "never" else days(value, report)


def template(*known: str, needs: str | None = None) -> Reader:
    """Return a reader of a text with placeholders; ``needs`` names one that has to be there."""

    def read(value: Any, report: Report) -> str:
        if not isinstance(value, str) or not value:
            report(f"has to be a template in quotes, not {shown(value)}")
            return ""
        for fault in _template_faults(value, known, needs):
            report(f"{shown(value)}: {fault}")
        return value

    return read


def address(*known: str, needs: str | None = None) -> Reader:
    """Return a reader of a template of web addresses."""
    inner = template(*known, needs=needs)

    def read(value: Any, report: Report) -> str:
        found: str = inner(value, report)
        if found and not found.startswith(("https://", "http://")):
            report(f"{shown(found)}: has to begin with https:// or http://")
        return found

    return read


def _template_faults(value: str, known: tuple[str, ...], needs: str | None) -> list[str]:
    """Return what is wrong with a template."""
    names = placeholders(value)
    faults = [f"{{{name}}} is no placeholder; {did_you_mean(name, known)}" for name in names if name not in known]
    faults += [f"{{{name}}} stands twice" for name in dict.fromkeys(names) if names.count(name) > 1]
    if re.search(r"[{}]", _PLACEHOLDER.sub("", value)):
        faults.append("a brace is not closed or not opened")
    if "}{" in value:
        faults.append("two placeholders touch, so nobody can tell where one ends; put text between them")
    if needs is not None and needs not in names:
        faults.append(f"{{{needs}}} is missing")
    return faults


def placeholders(value: str) -> list[str]:
    """Return the names of a template's placeholders in order."""
    return _PLACEHOLDER.findall(value)


def ssm_path(value: Any, report: Report) -> str:
    """Read a template of parameter names."""
    found: str = template("application", "environment", "flag", needs="flag")(value, report)
    if found and not found.startswith(("/", "{")) and "/" in found:
        report(f"{shown(found)}: a parameter name with a slash begins with one")
    return found


def arguments(value: Any, report: Report) -> tuple[int | str, ...]:
    """Read which argument is meant: its place from 0, its name, both in a list, or a template over parameters."""
    items = value if isinstance(value, list) else [value]
    good = items and all((isinstance(i, int) and not isinstance(i, bool) and i >= 0) or _named(i) for i in items)
    if not good:
        report(f'has to be 0, "name", [0, "name"] or a template like "{{a}}.{{b}}", not {shown(value)}')
        return (0,)
    return tuple(items)


def _named(item: Any) -> bool:
    """Tell whether this names a parameter, or is a template over parameters."""
    if not isinstance(item, str):
        return False
    names = placeholders(item)
    rest = _PLACEHOLDER.sub("", item)
    return all(n.isidentifier() for n in names) and not re.search(r"[{}]", rest) if names else item.isidentifier()


def callable_name(value: Any, report: Report) -> str:
    """Read a callable as code imports it."""
    if not isinstance(value, str) or not _CALLABLE.fullmatch(value):
        report(f'has to be a callable like "pkg.mod.func" or "pkg.mod.Class.method", not {shown(value)}')
        return ""
    return value


def json_pointer(value: Any, report: Report) -> str:
    """Read a JSON Pointer."""
    if not isinstance(value, str) or (value and not value.startswith("/")) or re.search(r"~(?![01])", value):
        report(f'has to be a JSON Pointer like "/flags", not {shown(value)}')
        return ""
    return value
