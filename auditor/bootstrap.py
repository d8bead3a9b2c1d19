"""Builds the parts, the only place that knows them all: one function a part, imported when it is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditor.adapters.storage import Database


def database(url: str) -> Database:
    """Open the record, making a missing SQLite file; raise ``DatabaseError`` or ``SchemaOutdatedError``."""
    from auditor.adapters.storage import open_database

    return open_database(url)
