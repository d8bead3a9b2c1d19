"""Which extra brings which library, so that a missing one is named by what to install."""

from __future__ import annotations

EXTRAS: dict[str, str] = {
    "ahocorasick_rs": "scan",
    "alembic": "migrate",
    "apscheduler": "service",
    "codeowners": "scan",
    "cryptography": "ledger",
    "jinja2": "reports",
    "libcst": "scan",
    "pathspec": "scan",
    "psycopg": "postgres",
    "rich": "cli",
    "slack_sdk": "slack",
    "tree_sitter": "scan",
    "tree_sitter_go": "scan",
    "tree_sitter_java": "scan",
    "tree_sitter_javascript": "scan",
    "tree_sitter_python": "scan",
    "tree_sitter_typescript": "scan",
    "yaml": "scan",
}
"""The extra of each library that Flagtrail imports and does not always bring along."""


def needs(error: ImportError) -> str | None:
    """Return what is missing and which extra brings it; ``None`` where none does (a broken installation)."""
    library = (error.name or "").partition(".")[0]
    extra = EXTRAS.get(library)
    if extra is None:
        return None
    return f"this needs {library}, which is not installed; install flagtrail[{extra}]"
