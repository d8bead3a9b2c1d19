"""Spans of OpenTelemetry, where something else has loaded it: AWS's layer for Lambda, or ``opentelemetry-instrument``.

Nothing here loads it, and nothing is missed without it. Spans carry counts and ids, as the log does, and no value.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_API = "opentelemetry.trace"
_SCOPE = "flagtrail"


@contextmanager
def span(name: str) -> Iterator[dict[str, str | int | bool]]:
    """Put what is done meanwhile into a span; what is added to the mapping given becomes its attributes."""
    facts: dict[str, str | int | bool] = {}
    api: Any = sys.modules.get(_API)
    if api is None:
        yield facts
        return
    with api.get_tracer(_SCOPE).start_as_current_span(f"{_SCOPE}.{name}") as current:
        try:
            yield facts
        finally:
            for key, value in facts.items():
                current.set_attribute(f"{_SCOPE}.{key}", value)
