"""Names of things in the record: short where a natural key is long, the same whenever they are made."""

from __future__ import annotations

from auditor.adapters.storage.texts import number
from auditor.domain.documents import DocumentRef, EnvironmentRef


def document_number(document: DocumentRef) -> int:
    """Return the number rows about this document are found by."""
    return number(document.source, document.account, document.region, document.name)


def environment_number(environment: EnvironmentRef) -> int:
    """Return the number rows about this environment are found by."""
    return number(environment.account, environment.region, environment.application_id, environment.environment_id)


def cause_number(cause: str) -> int:
    """Return the number changes of this cause are found by."""
    return number(cause)
