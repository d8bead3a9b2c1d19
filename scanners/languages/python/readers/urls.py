"""The local agent's URLs, asked with whatever client."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from scanners.flag_index import Reader
from scanners.keytext import KeyText
from scanners.languages.python import documents, fold
from scanners.languages.python.arguments import from_container
from scanners.languages.python.readers import tables
from scanners.languages.python.values import Doc, FlagVal, MapObj, Piece, Ref, SeqObj, Site, Text, Vals, Value

if TYPE_CHECKING:
    from scanners.languages.python.arguments import Args
    from scanners.languages.python.machine import Here, Machine

_HOLE = "\0"
_AGENT = re.compile(
    r"/applications/(?P<a>[^/?#]+)/environments/(?P<e>[^/?#]+)/configurations/(?P<p>[^/?#]+)(?:\?(?P<query>[^#]*))?"
)
_LOOSE = re.compile(r"\0[^?#]*\?(?P<query>(?:[^#]*&)?flag=[^#]*)")
_FLAG = re.compile(r"(?:^|&)flag=(?P<key>[^&]*)")


def agent(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    """What a call gives whose argument is a URL of the agent; empty when none is."""
    for values in args.everything():
        for text in fold.texts(values):
            found = _read(m, text, args, here, site)
            if found is not None:
                return (found,)
    return ()


def _read(m: Machine, text: Text, args: Args, here: Here, site: Site) -> Value | None:
    if not tables.may_ask_agent(text):
        return None
    spelled = with_holes(text)
    found = _AGENT.search(spelled)
    if found is not None:
        reader = Reader(frozenset({"appconfig"}), frozenset(), *(_told(found[part]) for part in ("a", "e", "p")))
    else:
        found = _LOOSE.search(spelled)
        if found is None:
            return None
        reader = Reader(frozenset({"appconfig"}))
    keys = [part(text, *span) for span in _flags(found)]
    if args.given("params") is not None:
        keys += _parameters(args.given("params") or (), site)
    if not keys:
        return Doc(reader)
    read = documents.ask(m, tuple(keys), reader, here, site, "asked of the AppConfig agent")
    return FlagVal(read.reads, whole=len(keys) == 1)


def _parameters(given: Vals, site: Site) -> list[Text]:
    """The flags that parameters beside the URL ask for."""
    mapped = any(isinstance(value, Ref) and isinstance(value.obj, MapObj) for value in given)
    asked = fold.entry(given, "flag") if mapped else _paired(given)
    return [text for text in documents.key_texts(asked, site) if text.known is not None or text.tags] if asked else []


def _paired(given: Vals) -> Vals:
    """What ``[("flag", key), ...]`` pairs with the name of the parameter."""
    found: list[Value] = []
    for value in given:
        rows = [*value.obj.items, value.obj.more] if isinstance(value, Ref) and isinstance(value.obj, SeqObj) else []
        for row in (one for values in rows for one in values if isinstance(one, Ref)):
            name, *rest = row.obj.items if isinstance(row.obj, SeqObj) and row.obj.items else [()]
            if "flag" in {text.known for text in fold.texts(name)}:
                found += (one for values in rest for one in from_container(row, values))
    return tuple(found)


def _flags(found: re.Match[str]) -> list[tuple[int, int]]:
    if not found["query"]:
        return []
    start = found.start("query")
    return [(start + flag.start("key"), start + flag.end("key")) for flag in _FLAG.finditer(found["query"])]


def _told(part: str) -> KeyText:
    return KeyText.of(None if chunk == _HOLE else unquote(chunk) for chunk in re.split(f"({_HOLE})", part))


def with_holes(text: Text) -> str:
    """A text as far as it is known; each unknown piece is one character that stands in no code."""
    return "".join(_HOLE if piece.text is None else piece.text for piece in text.pieces)


def part(text: Text, start: int, end: int) -> Text:
    """A part of a text that keeps the way it came; each unknown piece counts one character."""
    pieces: list[Piece] = []
    position = 0
    for piece in text.pieces:
        chunk = _HOLE if piece.text is None else piece.text
        low, high = max(start - position, 0), min(end - position, len(chunk))
        if low < high:
            pieces.append(piece if piece.text is None else Piece(unquote(chunk[low:high]), piece.tags))
        position += len(chunk)
    return Text(tuple(pieces), text.at, text.trail)
