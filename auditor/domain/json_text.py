"""Values as text that others read: strict JSON, and cells that no spreadsheet runs. Pure."""

from __future__ import annotations

import json
from typing import Any

# What a spreadsheet takes for the beginning of a formula, full-width forms included.
_FORMULA = frozenset("=+-@|%\uff1d\uff0b\uff0d\uff20")


def to_json(value: Any, *, indent: int | None = None) -> str:
    """Return strict JSON; text that is no Unicode (a lone surrogate) is escaped, and NaN is refused."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, ensure_ascii=True, allow_nan=False, indent=indent)
    return text


def cell(value: Any) -> str:
    """Return a CSV cell: text as it is, nothing for null, everything else as JSON; never the start of a formula."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else to_json(value)
    text = text.encode("utf-8", "backslashreplace").decode()
    first = next((c for c in text if c.isprintable() and not c.isspace()), "")
    return f"'{text}" if first in _FORMULA else text
