"""Shell scripts as commands of words, each word with the variables in it and the place it begins at."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from scanners.languages._places import Span
from scanners.unreadable import UnreadableSourceError

_DEEPEST = 40
_PLAIN = re.compile(r"[^\s\"'`\\$;&|()<>#]+|#")
_NAME = re.compile(r"[A-Za-z_]\w*|[0-9@*#?]")
_BRACED = re.compile(r"\{[#!]?(?P<name>[A-Za-z_]\w*|[0-9]+|[@*])(?P<rest>[^{}]*(?:\$\{[^{}]*\}[^{}]*)*)\}")
_MAKE = re.compile(r"\((?P<name>[\w.-]+)\)")
_DEFAULT = re.compile(r":?[-=](?P<text>.*)", re.DOTALL)
_ARRAY = re.compile(r"[A-Za-z_]\w*\+?=")
_HEREDOC = re.compile(r"<<-?[ \t]*(?P<quote>['\"]?)(?P<word>[\w.-]+)(?P=quote)")
_GITHUB = re.compile(r"\$\{\{(?P<inner>[^}]*)\}\}")
_GITHUB_NAME = re.compile(r"\s*(?:env|vars|inputs|matrix)\.(?P<name>[\w-]+)\s*")


@dataclass(frozen=True, slots=True)
class Piece:
    """Known text, or a variable with the text it falls back to; neither: something unknown."""

    at: int
    text: str | None = None
    name: str | None = None
    default: str | None = None


@dataclass(slots=True)
class Word:
    """One argument of a command."""

    at: int
    pieces: list[Piece] = field(default_factory=list)
    quoted: bool = False

    @property
    def text(self) -> str | None:
        """Its text; None when a part comes from a variable."""
        return None if any(piece.text is None for piece in self.pieces) else "".join(p.text or "" for p in self.pieces)

    def add(self, piece: Piece) -> None:
        """Append a piece, joined to known text before it."""
        last = self.pieces[-1] if self.pieces else Piece(piece.at)
        if last.text is not None and piece.text is not None and last.at + len(last.text) == piece.at:
            self.pieces[-1] = Piece(last.at, last.text + piece.text)
        else:
            self.pieces.append(piece)


@dataclass(slots=True)
class Command:
    """The words of a command; whether its input is the output of the one before; the documents it is handed."""

    words: list[Word] = field(default_factory=list)
    piped: bool = False
    bodies: list[Span] = field(default_factory=list)
    arrays: list[tuple[Word, list[Word]]] = field(default_factory=list)
    defines: bool = False


@dataclass(slots=True)
class Script:
    """All commands, in order of their beginning, and all comments."""

    commands: list[Command] = field(default_factory=list)
    comments: list[Span] = field(default_factory=list)


def read(span: Span, *, make: bool = False, depth: int = 0) -> Script:
    """The commands of a script; raises UnreadableSourceError when it is nested too deeply."""
    if depth > _DEEPEST:
        raise UnreadableSourceError(f"commands nested deeper than {_DEEPEST} levels")
    reader = _Reader(span, make, depth)
    reader.run()
    return reader.script


@dataclass(slots=True)
class _Reader:
    span: Span
    make: bool
    depth: int
    script: Script = field(default_factory=Script)
    position: int = 0
    command: Command = field(default_factory=Command)
    word: Word | None = None
    waiting: list[tuple[str, Command]] = field(default_factory=list)

    def run(self) -> None:
        """Read all of it."""
        text = self.span.text
        while self.position < len(text):
            self._step(text[self.position])
        self._end_command()

    def _step(self, character: str) -> None:
        if character in " \t":
            self._end_word()
            self.position += 1
        elif character in "\r\n":
            self._end_line()
        elif character == "#" and self.word is None:
            self._comment()
        elif character in ";&|()":
            self._separator(character)
        elif character in "<>":
            self._redirect()
        else:
            self._part(character)

    # Words

    def _part(self, character: str) -> None:
        word = self._open()
        if character == "'":
            self._single(word)
        elif character == '"':
            self._double(word)
        elif character == "\\":
            self._escape(word)
        elif character == "$":
            self._dollar(word)
        elif character == "`":
            self._backticks(word)
        else:
            found = _PLAIN.match(self.span.text, self.position)
            end = found.end() if found else self.position + 1
            word.add(Piece(self._at(), self.span.text[self.position : end]))
            self.position = end

    def _open(self) -> Word:
        if self.word is None:
            self.word = Word(self._at())
        return self.word

    def _at(self, position: int | None = None) -> int:
        return self.span.place(self.position if position is None else position)

    def _single(self, word: Word) -> None:
        end = self.span.text.find("'", self.position + 1)
        end = len(self.span.text) if end < 0 else end
        word.quoted = True
        word.add(Piece(self._at(self.position + 1), self.span.text[self.position + 1 : end]))
        self.position = end + 1

    def _double(self, word: Word) -> None:
        text = self.span.text
        word.quoted = True
        self.position += 1
        while self.position < len(text) and text[self.position] != '"':
            character = text[self.position]
            if character == "\\":
                self._escape(word)
            elif character == "$":
                self._dollar(word)
            elif character == "`":
                self._backticks(word)
            else:
                found = re.compile(r'[^"\\$`]+').match(text, self.position)
                end = found.end() if found else self.position + 1
                word.add(Piece(self._at(), text[self.position : end]))
                self.position = end
        self.position += 1

    def _escape(self, word: Word) -> None:
        text = self.span.text
        following = text[self.position + 1 : self.position + 3]
        if following.startswith(("\n", "\r")):
            self.position += 3 if following == "\r\n" else 2
            if not word.pieces and not word.quoted:
                self.word = None
            return
        if following:
            word.add(Piece(self._at(), following[0]))
        self.position += 2

    def _dollar(self, word: Word) -> None:
        text = self.span.text
        at = self._at()
        if self.make and text.startswith("$$", self.position):
            self.position += 1
            self._variable(word, at, make=False)
            return
        github = _GITHUB.match(text, self.position)
        if github is not None:
            named = _GITHUB_NAME.fullmatch(github["inner"])
            word.add(Piece(at, name=named["name"] if named else None))
            self.position = github.end()
            return
        self._variable(word, at, make=self.make)

    def _variable(self, word: Word, at: int, *, make: bool) -> None:
        text = self.span.text
        made = _MAKE.match(text, self.position + 1) if make else None
        braced = _BRACED.match(text, self.position + 1)
        plain = _NAME.match(text, self.position + 1)
        if made is not None:
            word.add(Piece(at, name=made["name"]))
            self.position = made.end()
        elif text.startswith("(", self.position + 1):
            self._substitute(word, at)
        elif braced is not None:
            default = _DEFAULT.fullmatch(braced["rest"])
            exact = not braced["rest"] or default is not None or braced["rest"].startswith("[")
            word.add(Piece(at, name=braced["name"] if exact else None, default=default["text"] if default else None))
            self.position = braced.end()
        elif plain is not None:
            word.add(Piece(at, name=plain.group()))
            self.position = plain.end()
        elif text.startswith("'", self.position + 1):
            self.position += 1
            self._single(word)
        else:
            word.add(Piece(at, "$"))
            self.position += 1

    def _substitute(self, word: Word, at: int) -> None:
        begin = self.position + 2
        end = _closing(self.span.text, begin)
        self._nested(begin, end)
        word.add(Piece(at))
        self.position = end + 1

    def _backticks(self, word: Word) -> None:
        end = self.span.text.find("`", self.position + 1)
        end = len(self.span.text) if end < 0 else end
        at = self._at()
        self._nested(self.position + 1, end)
        word.add(Piece(at))
        self.position = end + 1

    def _nested(self, begin: int, end: int) -> None:
        inner = read(self.span.part(begin, end), make=self.make, depth=self.depth + 1)
        self.script.commands += inner.commands
        self.script.comments += inner.comments

    # Between words

    def _end_word(self) -> None:
        if self.word is not None:
            self.command.words.append(self.word)
            self.word = None

    def _end_command(self, *, pipe: bool = False) -> None:
        self._end_word()
        if self.command.words or self.command.bodies or self.command.arrays:
            self.script.commands.append(self.command)
        self.command = Command(piped=pipe)

    def _separator(self, character: str) -> None:
        text = self.span.text
        if character == "(" and self.word is not None and _ARRAY.fullmatch(self.word.text or ""):
            self._array(self.word)
            return
        if character == "(" and text.startswith("()", self.position):
            self._end_word()
            self.command.defines = True
            self._end_command()
            self.position += 2
            return
        pipe = character == "|" and not text.startswith("||", self.position)
        self._end_command(pipe=pipe)
        self.position += 1 if pipe or character in ";()" or text[self.position : self.position + 2] not in _TWO else 2

    def _array(self, name: Word) -> None:
        end = _closing(self.span.text, self.position + 1)
        inner = read(self.span.part(self.position + 1, end), make=self.make, depth=self.depth + 1)
        self.script.comments += inner.comments
        self.command.arrays.append((name, [word for command in inner.commands for word in command.words]))
        self.word = None
        self.position = end + 1

    def _redirect(self) -> None:
        text = self.span.text
        heredoc = _HEREDOC.match(text, self.position)
        if heredoc is not None and not text.startswith("<<<", self.position):
            self._end_word()
            self.waiting.append((heredoc["word"], self.command))
            self.position = heredoc.end()
            return
        if text.startswith(("<(", ">("), self.position):
            self._substitute(self._open(), self._at())
            return
        self._end_word()
        while self.position < len(text) and text[self.position] in "<>&":
            self.position += 1

    def _comment(self) -> None:
        end = _line_end(self.span.text, self.position)
        self.script.comments.append(self.span.part(self.position, end))
        self.position = end

    def _end_line(self) -> None:
        waiting, self.waiting = self.waiting, []
        self._end_command()
        self.position += 1
        for word, command in waiting:
            self._heredoc_body(word, command)

    def _heredoc_body(self, word: str, command: Command) -> None:
        text = self.span.text
        begin = self.position + (1 if text.startswith("\n", self.position) and text[self.position - 1] == "\r" else 0)
        found = re.compile(rf"^[ \t]*{re.escape(word)}[ \t]*\r?$", re.MULTILINE).search(text, begin)
        end = found.start() if found else len(text)
        command.bodies.append(self.span.part(begin, end))
        self.position = found.end() if found else len(text)


_TWO = ("&&", "||")


def _line_end(text: str, position: int) -> int:
    found = re.compile(r"[\r\n]").search(text, position)
    return found.start() if found else len(text)


_NESTING = re.compile(r"\\.|'[^']*'|[()]", re.DOTALL)
_MOST_OPEN = 1000


def _closing(text: str, begin: int) -> int:
    """Where the parenthesis that was opened before ``begin`` closes; raises UnreadableSourceError beyond a depth."""
    depth = 1
    for found in _NESTING.finditer(text, begin):
        depth += {"(": 1, ")": -1}.get(found.group(), 0)
        if depth > _MOST_OPEN:
            raise UnreadableSourceError(f"parentheses nested deeper than {_MOST_OPEN} levels")
        if depth == 0:
            return found.start()
    return len(text)
