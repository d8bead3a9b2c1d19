"""Answers on stdout: JSON that holds nothing else, CSV that no spreadsheet runs, tables that no value can disturb."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, TypeAlias

import click

from auditor.domain import json_text
from auditor.domain.errors import UsageError

Json: TypeAlias = Any

NARROWEST = 80

cell, to_json = json_text.cell, json_text.to_json


def write(text: str) -> None:
    """Write a line to stdout, in UTF-8 whatever the locale says; a terminal sees it at once."""
    stream = sys.stdout.buffer
    stream.write(text.encode() + b"\n")
    if sys.stdout.isatty():
        stream.flush()


def write_json(value: Json) -> None:
    """Write one JSON value."""
    write(to_json(value, indent=2))


def write_jsonl(rows: Iterable[Json]) -> None:
    """Write one JSON value a line."""
    for row in rows:
        write(to_json(row))


def write_json_list(rows: Iterable[Json]) -> None:
    """Write a JSON list row by row, so that a long one needs no memory."""
    beginning = "["
    for row in rows:
        write(f"{beginning}\n{to_json(row)}" if beginning == "[" else f",{to_json(row)}")
        beginning = ","
    write("[]" if beginning == "[" else "]")


def write_csv(columns: Sequence[str], rows: Iterable[Sequence[Json]]) -> None:
    """Write CSV; a cell that a spreadsheet would run gets an apostrophe before it."""
    for row in chain((columns,), rows):
        line = io.StringIO()
        # All quoted: an unquoted cell with a semicolon falls apart where that is the separator.
        csv.writer(line, quoting=csv.QUOTE_ALL, lineterminator="").writerow([cell(value) for value in row])
        write(line.getvalue())


def visible(text: str) -> str:
    """Return text with everything that could steer a terminal or hide from the eye written out as an escape."""
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def moment(at: datetime | None) -> str:
    """Return a time as tables show it: in UTC, to the minute, "?" where nothing dates it."""
    return "?" if at is None else at.strftime("%Y-%m-%d %H:%M")


def width() -> int:
    """Return how wide a table may be: the terminal's width, 80 where there is none."""
    if not sys.stdout.isatty():
        return NARROWEST
    import shutil

    return max(NARROWEST, shutil.get_terminal_size((NARROWEST, 24)).columns)


def write_table(columns: Sequence[tuple[str, int | None]], rows: Iterable[Sequence[str]], *, title: str = "") -> None:
    """Write a table whose cells wrap; a column is its heading and its width (``None``: what is left)."""
    try:
        from rich import box
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError as error:
        raise UsageError(
            "a table needs rich, which is not installed; use --format json, or install flagtrail[cli]"
        ) from error
    if title:
        write(visible(title))
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for heading, size in columns:
        table.add_column(heading, width=size, overflow="fold", ratio=1 if size is None else None)
    for row in rows:
        table.add_row(*(Text(visible(text)) for text in row))
    buffer = io.StringIO()
    terminal = sys.stdout.isatty()
    Console(file=buffer, width=width(), force_terminal=terminal, no_color=not terminal, highlight=False).print(table)
    for line in buffer.getvalue().splitlines():
        if line.strip():
            write(line.rstrip())


def remark(text: str) -> None:
    """Say something beside the answer, in one line on stderr."""
    click.echo(visible(" ".join(text.split())), err=True)
