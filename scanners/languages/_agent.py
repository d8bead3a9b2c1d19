"""The URLs of AppConfig's local agent, wherever they stand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from scanners.flag_index import Reader
from scanners.keytext import KeyText

_HOLE = "\0"
_URL = re.compile(
    r"/applications/(?P<a>[^/?#\s]+)/environments/(?P<e>[^/?#\s]+)/configurations/(?P<p>[^/?#\s]+)"
    r"(?:\?(?P<query>[^#\s]*))?"
)
_LOOSE = re.compile(r"\0[^?#\s]*\?(?P<query>(?:[^#\s]*&)?flag=[^#\s]*)")
_FLAG = re.compile(r"(?:^|&)flag=(?P<key>[^&\"']*)")


@dataclass(frozen=True, slots=True)
class AgentUrl:
    """What a URL asks the agent for: the flags, or without any the whole document."""

    reader: Reader
    keys: tuple[KeyText, ...]


def agent_url(parts: Sequence[str | None]) -> AgentUrl | None:
    """Read a URL, None standing for unknown parts of it; None when it is no URL of the agent."""
    spelled = "".join(_HOLE if part is None else part for part in parts)
    found = _URL.search(spelled)
    if found is not None:
        places = (_told(found["a"]), _told(found["e"]), _told(found["p"]))
        reader = Reader(frozenset({"appconfig"}), frozenset(), *places)
    else:
        found = _LOOSE.search(spelled)
        if found is None:
            return None
        reader = Reader(frozenset({"appconfig"}))
    return AgentUrl(reader, tuple(_told(flag["key"]) for flag in _FLAG.finditer(found["query"] or "")))


def _told(part: str) -> KeyText:
    return KeyText.of(None if chunk == _HOLE else unquote(chunk) for chunk in re.split(f"({_HOLE})", part))
