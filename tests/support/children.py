"""What a child process of a test is given."""

from __future__ import annotations

import os


def unmeasured() -> dict[str, str]:
    """The environment without what makes coverage measure a child: that takes time and imports modules of its own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_PROCESS_")}
