"""Flags as code declares them: in a template or a flag document, before any store holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from auditor.domain.flags import JsonValue


@dataclass(frozen=True, slots=True)
class Declaration:
    """A flag that a file declares, and what it says beside the value.

    ``key`` is how code asks for it: a parameter's full name, a document's key; ``*`` stands for each part that only
    a deployment knows. ``definition`` is the entry in an AppConfig document. ``metadata`` is in the form of a store's:
    ``description``, ``tags``, ``expires_at``.
    """

    key: str
    provider: str
    path: str
    line: int
    column: int
    definition: JsonValue = None
    metadata: Mapping[str, JsonValue] = field(default_factory=dict)
