"""Print a file as a Markdown block of code: ``python -m tests.house.code_page examples/extending/policy.py``."""

from __future__ import annotations

import sys
from pathlib import Path

LANGUAGES = {".py": "python", ".j2": "jinja"}


def main(path: str) -> None:
    """Print the file between fences."""
    text = Path(path).read_text(encoding="utf-8").strip("\n")
    sys.stdout.write(f"`{path}`:\n\n```{LANGUAGES[Path(path).suffix]}\n{text}\n```\n")


if __name__ == "__main__":
    main(sys.argv[1])
