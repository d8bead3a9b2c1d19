"""Putting text together as the code does, as far as its parts are known."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable, Sequence
from itertools import product

from scanners.keytext import LONGEST
from scanners.languages.python.values import (
    Const,
    InstObj,
    MapObj,
    Piece,
    Ref,
    SeqObj,
    Site,
    Step,
    Tag,
    Text,
    Unknown,
    Vals,
    Value,
    merged,
    tags_of,
)

_MOST_PRODUCTS = 400
_MOST_PIECES = 400
_PERCENT = re.compile(r"%(?:\((?P<name>[^)]*)\))?[-+ #0-9.]*(?P<kind>[a-zA-Z%])")
_DOLLAR = re.compile(r"\$(?:(?P<name>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)\}|(?P<escaped>\$))")

Pieces = tuple[Piece, ...]
Part = tuple[Pieces, tuple[Step, ...]]


# Where an object of a class of texts keeps what it is worth itself.
ITSELF = ""


def text_of(value: Value) -> Text | None:
    """The text a value is worth: its own, that of a member of an enum of texts, or of a class of texts."""
    if isinstance(value, Text):
        return value
    if isinstance(value, Ref) and isinstance(value.obj, InstObj):
        inner = value.obj.attrs.get("value" if value.obj.member else ITSELF, ())
        texts = [entry for entry in inner if isinstance(entry, Text)]
        if texts:
            text = texts[0].tagged(value.tags)
            return text.moved(value.at) if value.at is not None else text
    return None


def texts(values: Vals) -> list[Text]:
    """All texts among some values."""
    return [text for value in values if (text := text_of(value)) is not None]


def part(value: Value) -> Part:
    """The pieces a value adds to a text; one unknown piece where it is none."""
    text = text_of(value)
    if text is not None:
        return text.pieces, text.trail
    if isinstance(value, Const) and isinstance(value.value, int | float | str):
        return (Piece(str(value.value)),), ()
    return (Piece(None, tags_of(value)),), ()


def combined(parts: Sequence[Vals], at: Site) -> list[Text]:
    """Every text that comes of one alternative of each part, in order."""
    choices = [_choices(values) for values in parts]
    total = 1
    for choice in choices:
        total *= len(choice)
    if total > _MOST_PRODUCTS:
        choices = [choice if len(choice) == 1 else [_forgotten(choice)] for choice in choices]
    found: dict[Text, None] = {}
    for chosen in product(*choices):
        pieces = joined(piece for chunk, _ in chosen for piece in chunk)
        trail = tuple(dict.fromkeys(step for _, steps in chosen for step in steps))
        found[Text(pieces, at, trail[-12:])] = None
    return list(found)


def joined(pieces: Iterable[Piece]) -> Pieces:
    """Neighbouring pieces that came the same way become one."""
    done: list[Piece] = []
    for piece in pieces:
        if piece.text == "" and not piece.tags:
            continue
        last = done[-1] if done else None
        alike = last is not None and (last.text is None, last.tags, last.loose) == (piece.text is None, *piece[1:])
        if last is not None and alike:
            done[-1] = piece if piece.text is None else piece._replace(text=(last.text or "") + piece.text)
        else:
            done.append(piece)
    if len(done) > _MOST_PIECES or sum(len(piece.text or "") for piece in done) > LONGEST:
        return (Piece(None, tuple(dict.fromkeys(tag for piece in done for tag in piece.tags))),)
    return tuple(done)


def _choices(values: Vals) -> list[Part]:
    told = [value for value in values if not (isinstance(value, Const) and value.value is None)]
    return list(dict.fromkeys(part(value) for value in told or values)) or [((Piece(None),), ())]


def _forgotten(choices: Sequence[Part]) -> Part:
    tags = [tag for pieces, _ in choices for piece in pieces for tag in piece.tags]
    return (Piece(None, tuple(dict.fromkeys(tags))),), ()


def percent(template: Text, values: Vals, at: Site) -> list[Text]:
    """``template % values``."""
    known = template.known
    if known is None:
        return [opaque(template, at)]
    parts: list[Vals] = []
    position, turn = 0, 0
    for found in _PERCENT.finditer(known):
        parts.append((_like(template, known[position : found.start()]),))
        position = found.end()
        if found["kind"] == "%":
            parts.append((_like(template, "%"),))
        elif found["name"] is not None:
            parts.append(entry(values, found["name"]))
        else:
            parts.append(_turn(values, turn))
            turn += 1
    parts.append((_like(template, known[position:]),))
    return combined(parts, at)


def _turn(values: Vals, turn: int) -> Vals:
    for value in values:
        if isinstance(value, Ref) and isinstance(value.obj, SeqObj) and value.obj.kind == "tuple":
            items = value.obj.items
            return items[turn] if turn < len(items) else (Unknown(),)
    return values if turn == 0 else (Unknown(),)


def entry(values: Vals, name: str) -> Vals:
    """What mappings hold under a name."""
    for value in values:
        if isinstance(value, Ref) and isinstance(value.obj, MapObj):
            for keys, entries in value.obj.items:
                if any(text.known == name for text in texts(keys)):
                    return entries
    return (Unknown(),)


def formatted(
    template: Text, args: Sequence[Vals], named: dict[str, Vals], at: Site, attribute: Callable[[Vals, str], Vals]
) -> list[Text]:
    """``template.format(*args, **named)``."""
    known = template.known
    try:
        chunks = list(string.Formatter().parse(known)) if known is not None else None
    except ValueError:
        chunks = None
    if chunks is None:
        return [opaque(template, at)]
    parts: list[Vals] = []
    turn = 0
    for before, field, spec, _ in chunks:
        parts.append((_like(template, before),))
        if field is None:
            continue
        first, *rest = re.split(r"[.\[]", field.replace("]", ""))
        if first == "":
            first, turn = str(turn), turn + 1
        values = _argument(args, named, first)
        for name in rest:
            values = attribute(values, name)
        parts.append((Unknown(),) if spec else values)
    return combined(parts, at)


def _argument(args: Sequence[Vals], named: dict[str, Vals], name: str) -> Vals:
    if name.isdigit():
        return args[int(name)] if int(name) < len(args) else (Unknown(),)
    return named.get(name, (Unknown(),))


def substituted(template: Text, named: dict[str, Vals], at: Site) -> list[Text]:
    """``string.Template(template).substitute(**named)``."""
    known = template.known
    if known is None:
        return [opaque(template, at)]
    parts: list[Vals] = []
    position = 0
    for found in _DOLLAR.finditer(known):
        parts.append((_like(template, known[position : found.start()]),))
        position = found.end()
        name = found["name"] or found["braced"]
        parts.append(named.get(name, (Unknown(),)) if name else (_like(template, "$"),))
    parts.append((_like(template, known[position:]),))
    return combined(parts, at)


def path_joined(parts: Sequence[Vals], at: Site) -> list[Text]:
    """``posixpath.join(*parts)``."""
    separated: list[Vals] = []
    for index, values in enumerate(parts):
        if index:
            separated.append((_slash(parts[index - 1], at),))
        separated.append(values)
    return [_single_slashes(text) for text in combined(separated, at)]


def _slash(before: Vals, at: Site) -> Value:
    ends = [text.pieces[-1].text for text in texts(before) if text.pieces]
    closed = bool(ends) and all(end is not None and end.endswith("/") for end in ends)
    return Text(() if closed else (Piece("/"),), at)


def _single_slashes(text: Text) -> Text:
    known = text.known
    if known is None or "//" not in known:
        return text
    return transformed(text, lambda whole: "/" + whole.rsplit("//", 1)[1], text.at)


def transformed(text: Text, change: Callable[[str], str], at: Site) -> Text:
    """A known text changed as a whole; an unknown one stays unknown."""
    known = text.known
    if known is None:
        return opaque(text, at)
    if not text.tags:
        return Text((Piece(change(known)),), at, text.trail)
    after = change(known)
    if after == known:
        return text.moved(at)
    return Text(_cut(text.pieces, known, after), at, text.trail)


_ANYWHERE = frozenset({"lower", "upper", "casefold", "swapcase", "replace"})
_AT_THE_START = frozenset({"strip", "lstrip", "removeprefix"})
_AT_THE_END = frozenset({"strip", "rstrip", "removesuffix"})


def partly_changed(text: Text, name: str, plain: Sequence[str | int], at: Site) -> Text:
    """A text of which only parts are known, each changed by itself as far as that says what becomes of the whole."""

    def changed(piece: Piece, method: str) -> Piece:
        if piece.text is None or len(piece.text) * max(len(str(one)) for one in (*plain, "")) > LONGEST:
            return Piece(None, piece.tags)
        return piece._replace(text=str(getattr(piece.text, method)(*plain)))

    pieces = list(text.pieces)
    if name in _ANYWHERE:
        return Text(joined(changed(piece, name) for piece in pieces), at, text.trail)
    if name not in _AT_THE_START | _AT_THE_END:
        return opaque(text, at)
    if name in _AT_THE_START and pieces[0].text is not None:
        pieces[0] = changed(pieces[0], "lstrip" if name == "strip" else name)
    if name in _AT_THE_END and pieces[-1].text is not None:
        pieces[-1] = changed(pieces[-1], "rstrip" if name == "strip" else name)
    return Text(joined(pieces), at, text.trail)


def _cut(pieces: Pieces, known: str, after: str) -> Pieces:
    """Keep the way each part came where the change only cut or added at the ends."""
    start = known.find(after)
    if start >= 0 and after:
        return joined(_slice(pieces, start, start + len(after)))
    start = after.find(known)
    if start >= 0 and known:
        return joined((Piece(after[:start]), *pieces, Piece(after[start + len(known) :])))
    tags = tuple(dict.fromkeys(tag for piece in pieces for tag in piece.tags))
    return (Piece(after, tags),)


def _slice(pieces: Pieces, start: int, end: int) -> Iterable[Piece]:
    position = 0
    for piece in pieces:
        text = piece.text or ""
        low, high = max(start - position, 0), min(end - position, len(text))
        if low < high:
            yield piece._replace(text=text[low:high])
        position += len(text)


def opaque(text: Text, at: Site) -> Text:
    """Nothing is known of the text any more but the arguments it came from."""
    return Text((Piece(None, text.tags),), at, text.trail)


def _like(template: Text, chunk: str) -> Text:
    return Text((Piece(chunk, template.tags),), template.at, template.trail)


def loosened(values: Vals) -> Vals:
    """What stands only where nobody says another: a word or two, not the path to a key."""

    def one(value: Value) -> Value:
        if not isinstance(value, Text) or not value.known or "/" in value.known:
            return value
        return value._replace(pieces=tuple(piece._replace(loose=True) for piece in value.pieces))

    return tuple(one(value) for value in values)


def tags_together(values: Iterable[Value]) -> Unknown:
    """Something unknown made of all these."""
    together: tuple[Tag, ...] = ()
    for value in values:
        together = merged(together, tags_of(value))
    return Unknown(together)
