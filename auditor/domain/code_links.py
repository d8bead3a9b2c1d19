"""Links into the code host: only ours, only https or http, made from a configured template. Pure."""

from __future__ import annotations

from urllib.parse import quote

from auditor.domain.references import Reference


def code_link(template: str | None, reference: Reference, commit: str | None) -> str | None:
    """Return the address of a reference's line, or ``None`` where none is configured or the commit is not known."""
    if not template or not template.startswith(("https://", "http://")):
        return None
    if "{commit}" in template and not commit:
        return None
    filled = template.replace("{commit}", quote(commit or "", safe=""))
    filled = filled.replace("{path}", quote(reference.path, safe="/"))
    return filled.replace("{line}", str(reference.line))
