"""A record for tests of the commands, filled through the storage adapter as production fills it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from auditor.adapters.storage import open_database
from auditor.domain.attribution import Attribution
from auditor.domain.changes import AttributedChange, FlagChange, Gap
from auditor.domain.documents import DocumentRef
from tests.support.alerts import AT, DANA

RECORDED = AT + timedelta(days=1)


def record(
    url: str,
    changes: Iterable[FlagChange | tuple[FlagChange, Attribution]] = (),
    *,
    gaps: Iterable[Gap] = (),
    checked: Iterable[tuple[DocumentRef, str | None]] = (),
    at: datetime = RECORDED,
) -> str:
    """Record changes (by DANA unless somebody is named), gaps, and which documents were looked at; return the URL."""
    database = open_database(url)
    with database.unit_of_work() as uow:
        for change in changes:
            made, attribution = change if isinstance(change, tuple) else (change, DANA)
            uow.changes.append(AttributedChange(made, attribution), at)
        for gap in gaps:
            uow.gaps.add(gap, at)
        for document, title in checked:
            uow.documents.checked(document, 1, at, alive=True, labels={}, title=title)
        uow.commit()
    database.close()
    return url
