"""Links into the code host and to published pages: only https or http, made from a configured template. Pure."""

from __future__ import annotations

from typing import Protocol
from urllib.parse import quote

_SCHEMES = ("https://", "http://")
# A browser goes up for these, percent-encoded or not.
_STEPS = ("", ".", "..")


class Place(Protocol):
    """What stands on a line of a file."""

    @property
    def path(self) -> str:
        """Return the file, below what was scanned."""
        ...

    @property
    def line(self) -> int:
        """Return the line, from 1."""
        ...


def code_link(template: str | None, place: Place, commit: str | None) -> str | None:
    """Return the address of a line, or ``None`` where none is configured or the commit is not known."""
    if not template or not template.startswith(_SCHEMES):
        return None
    if "{commit}" in template and not commit:
        return None
    filled = template.replace("{commit}", quote(commit or "", safe=""))
    filled = filled.replace("{path}", quote(place.path, safe="/"))
    return filled.replace("{line}", str(place.line))


def page_link(template: str | None, application: str | None, flag: str | None, change: str) -> str | None:
    """Return the address of a change on a published page, or ``None`` where no page is configured or none can be named.

    ``template`` may have ``{application}``, ``{flag}`` and ``{change}``; a change without one of them has no address
    where the template asks for it.
    """
    if not template or not template.startswith(_SCHEMES):
        return None
    link = template
    for placeholder, name in (("{application}", application), ("{flag}", flag), ("{change}", change)):
        if placeholder not in template:
            continue
        if name is None or name in _STEPS:
            return None
        link = link.replace(placeholder, quote(name, safe="", errors="replace"))
    return link
