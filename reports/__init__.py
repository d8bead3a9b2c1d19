"""Reports: findings and history as self-contained pages. One file a report, registered here by one line."""

from __future__ import annotations

from typing import Final

REPORTS: Final[dict[str, str]] = {
    "stale": "reports.stale",
    "history": "reports.history",
    "flag": "reports.flag",
}
"""The reports by name and the module each is made in; loaded when asked for, since they bring Jinja2 along."""
