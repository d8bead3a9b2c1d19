"""Rendering: a view and a template become one HTML file that needs no network and no JavaScript to be read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, TextIO

from jinja2 import Environment, PackageLoader, StrictUndefined

_BUFFER = 500
_LONGEST = 2_000


@cache
def environment() -> Environment:
    """Return the one template environment: everything escaped, everything undefined an error."""
    env = Environment(
        loader=PackageLoader("reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    env.filters["moment"] = moment
    env.filters["day"] = day
    env.filters["value"] = value_text
    env.filters["visible"] = visible
    return env


def stream(template: str, view: Mapping[str, Any]) -> Iterator[str]:
    """Yield a page piece by piece; memory stays bounded however long its lists are."""
    chunks = environment().get_template(template).stream(**view)
    chunks.enable_buffering(_BUFFER)
    yield from chunks


def write(template: str, view: Mapping[str, Any], out: Path) -> None:
    """Write a page to a file, whole or not at all: a reader never sees half a page."""
    with unfinished(out) as page:
        page.writelines(stream(template, view))


@contextmanager
def unfinished(out: Path) -> Iterator[TextIO]:
    """Give a file to write to, which takes its name only when all is written."""
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(out.name + ".part")
    with part.open("w", encoding="utf-8") as file:
        yield file
    part.replace(out)


def moment(when: datetime | None) -> str:
    """Return a time for people, in UTC to the second; a dash where none is known."""
    return "-" if when is None else when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def day(when: datetime | None) -> str:
    """Return a day for people; a dash where none is known."""
    return "-" if when is None else when.astimezone(UTC).strftime("%Y-%m-%d")


def value_text(value: object) -> str:
    """Return a flag's value as compact JSON text, a masked one in words, a long one cut with its length."""
    if isinstance(value, dict) and value.get("masked") is True and "comparable" in value:
        return "hidden value"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
    text = visible(text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters in all)"


def visible(text: object) -> str:
    """Return text in which nothing hides: control and direction marks are written as escapes."""
    said = str(text)
    if said.isprintable():  # as nearly all is
        return said
    return "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in said)
