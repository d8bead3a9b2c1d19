"""What a walk over a parsed module keeps on its way, whichever parser made the module."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field

from scanners.languages.python import tree
from scanners.languages.python.cursor import Cursor, line_starts


@dataclass(slots=True)
class Kept:
    """Where the walk is, and what it met so far; ``mentions`` are those of the functions around, outermost first."""

    cursor: Cursor
    notes: list[tree.Note] = field(default_factory=list)
    mentions: list[set[str]] = field(default_factory=lambda: [set()])
    functions: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    documents: list[tree.Document] = field(default_factory=list)

    def literal(self, spelled: str, begin: int | None = None) -> tree.Str:
        """A literal by itself, and where it begins if that is known."""
        cursor = self.cursor
        pos = cursor.take(spelled) if begin is None else cursor.pass_by(begin, begin + len(spelled))
        found = tree.Str(pos, _literal(spelled))
        self._document(found, (found,))
        return found

    def joined_literals(self, strings: Sequence[tree.Str]) -> tree.Str:
        """Literals side by side."""
        whole = tree.Str(strings[0].pos, "".join(part.value for part in strings), tuple(strings))
        self._document(whole, strings)
        return whole

    def docstring(self, value: tree.Str) -> None:
        """A literal that stands alone is a note, and no document."""
        self.notes.append(tree.Note(value.pos, self.cursor.text[value.pos : self.cursor.at]))
        self.documents[:] = [one for one in self.documents if one.pos != value.pos]

    def function(
        self,
        start: int,
        name: str,
        params: tuple[tree.Param, ...],
        returns: tree.Expr | None,
        decorators: tuple[tree.Expr, ...],
        body: tree.Block | tree.Folded,
    ) -> tree.Def:
        """A function, once its body was walked with mentions of its own."""
        mentions = frozenset(self.mentions.pop())
        self.mentions[-1] |= mentions
        self.functions += [(known_as, mentions) for known_as in (name, *self.classes[-1:])]
        return tree.Def(start, name, params, returns, decorators, body, mentions, self.cursor.at)

    def module(self, body: tree.Block, path: str) -> tree.Module:
        """All that was kept, once the body of a module was walked."""
        self.cursor.finish()
        notes = [*self.notes, *(tree.Note(pos, comment) for pos, comment in self.cursor.comments)]
        return tree.Module(
            path,
            body,
            tuple(sorted(notes)),
            line_starts(self.cursor.text),
            frozenset(self.mentions[0]),
            tuple(self.functions),
            tuple(self.documents),
        )

    def _document(self, whole: tree.Str, pieces: Sequence[tree.Str]) -> None:
        """Keep a literal that may be a document; one that is joined of several counts as a whole."""
        if not _may_be_document(whole.value):
            return
        parts: list[tuple[int, int, bool]] = []
        offset = 0
        for piece in pieces:
            spelled = self.cursor.text.find(piece.value[:_HEAD], piece.pos, piece.pos + _HEAD + _OPENING)
            exact = spelled >= 0 and self.cursor.text.startswith(piece.value, spelled)
            parts.append((offset, spelled if exact else piece.pos, exact))
            offset += len(piece.value)
        first = pieces[0].pos
        self.documents[:] = [one for one in self.documents if one.pos < first]
        self.documents.append(tree.Document(whole.pos, whole.value, tuple(parts)))


def _may_be_document(text: str) -> bool:
    return len(text) >= _SHORTEST_DOCUMENT and (text.lstrip()[:1] == "{" or ("\n" in text and ":" in text))


_SHORTEST_DOCUMENT = 8
_HEAD = 20
# A prefix and three quotes.
_OPENING = 5


def _literal(source: str) -> str:
    """The text of a literal; bytes stand for the text they spell."""
    start = min(index for index in (source.find("'"), source.find('"')) if index >= 0)
    quote = 3 if source[start : start + 3] in {"'''", '"""'} else 1
    inner = source[start + quote : -quote]
    if "\\" not in inner or "r" in source[:start].lower():
        return inner
    try:
        value = ast.literal_eval(source)
    except (ValueError, SyntaxError):
        return inner
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
