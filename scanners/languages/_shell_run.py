"""Following a shell script's variables and functions to what its commands are handed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import product

from scanners.keytext import KeyText
from scanners.languages._shell_words import Command, Piece, Script, Word

_MOST = 16
_DEEPEST = 4
_MOST_ENTERED = 20_000
_MOST_PIECES = 500
_ASSIGNED = re.compile(r"(?P<name>[A-Za-z_]\w*)\+?=(?P<rest>.*)", re.DOTALL)
_OPENING = frozenset({"if", "for", "while", "until", "case", "select"})
_CLOSING = frozenset({"fi", "done", "esac"})
_LEADING = frozenset({"if", "then", "elif", "else", "while", "until", "do", "!", "time", "exec", "command", "sudo"})
_DECLARING = frozenset({"export", "declare", "typeset", "local", "readonly"})


@dataclass(frozen=True, slots=True)
class Held:
    """What a word can be, and where it came from: the place to report it at, and the steps there."""

    key: KeyText
    at: int
    steps: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Argument:
    """A word of a command with all that it can be."""

    word: Word
    held: tuple[Held, ...]

    @property
    def text(self) -> str | None:
        """Its text where there is one only."""
        return self.held[0].key.text if len(self.held) == 1 else None


@dataclass(frozen=True, slots=True)
class Called:
    """A command as it is run."""

    command: Command
    arguments: tuple[Argument, ...]
    number: int


@dataclass(frozen=True, slots=True)
class Assigned:
    """A variable that is given a value; ``exported`` to the programs that are run."""

    name: str
    held: tuple[Held, ...]
    at: int
    value_at: int
    exported: bool = False


@dataclass(slots=True)
class Run:
    """All that a script does: commands run and variables given, functions entered where they are called."""

    called: list[Called] = field(default_factory=list)
    assigned: list[Assigned] = field(default_factory=list)
    _variables: dict[str, tuple[Held, ...]] = field(default_factory=dict)
    functions: dict[str, list[Command]] = field(default_factory=dict)
    unfollowed: Word | None = None
    _entered: set[str] = field(default_factory=set)
    _inside: list[tuple[str, tuple[object, ...]]] = field(default_factory=list)
    _branches: int = 0
    _number: int = 0
    _budget: int = _MOST_ENTERED

    def script(self, script: Script, variables: Iterable[tuple[str, Held]] = ()) -> Run:
        """Run a script."""
        for name, held in variables:
            self._variables[name] = (held,)
        body = self._take_functions(script.commands)
        self._commands(body, 0)
        for name, commands in list(self.functions.items()):
            if name not in self._entered:
                self._commands(commands, 1)
        return self

    def _take_functions(self, commands: list[Command]) -> list[Command]:
        body: list[Command] = []
        number = 0
        while number < len(commands):
            command = commands[number]
            name = _function_name(command)
            if name is None:
                body.append(command)
                number += 1
                continue
            end = _function_end(commands, number)
            self.functions[name] = [_unbraced(one) for one in commands[number + 1 : end]]
            number = end
        return body

    def _commands(self, commands: list[Command], depth: int) -> None:
        for command in commands:
            self._number += 1
            self._command(command, depth)

    def _command(self, command: Command, depth: int) -> None:
        words = command.words
        while words and words[0].text in _LEADING | _OPENING | _CLOSING:
            keyword = words[0].text
            self._branches += (keyword in _OPENING) - (keyword in _CLOSING)
            if keyword in {"for", "select"}:
                self._loop(words[1:])
                return
            words = words[1:]
        words = self._assignments(words)
        for word, items in command.arrays:
            held = tuple(one for item in items for one in self.expand(item))[:_MOST]
            self._give((word.text or "").rstrip("+="), held, word.at, word.at, replace=self._branches <= 0)
        if not words and not command.bodies:
            return
        called = Called(command, tuple(Argument(word, self.expand(word)) for word in words), self._number)
        self.called.append(called)
        body = self.functions.get(words[0].text or "") if words else None
        if body is not None and depth < _DEEPEST:
            self._enter(words[0].text or "", body, called, depth)

    def _enter(self, name: str, body: list[Command], called: Called, depth: int) -> None:
        """Follow a call into a function; one that calls itself with the same arguments says nothing new."""
        asked = (name, tuple(frozenset(held.key for held in argument.held) for argument in called.arguments[1:]))
        if asked in self._inside:
            return
        if len(body) > self._budget:
            self.unfollowed = self.unfollowed or called.command.words[0]
            return
        self._budget -= len(body)
        self._inside.append(asked)
        self._entered.add(name)
        before = {key: held for key, held in self._variables.items() if key.isdigit()}
        for number, argument in enumerate(called.arguments[1:], start=1):
            step = f"passed to {name}"
            self._variables[str(number)] = tuple(
                Held(held.key, held.at, (step, *held.steps), held.unknown) for held in argument.held
            )
        self._commands(body, depth + 1)
        self._inside.pop()
        for key in [key for key in self._variables if key.isdigit()]:
            del self._variables[key]
        self._variables |= before

    def _loop(self, words: list[Word]) -> None:
        if len(words) < 2 or words[0].text is None:  # noqa: PLR2004 - a name and the word "in"
            return
        values = [held for word in words[2:] for held in self._loose(word)]
        name = words[0].text
        self._give(name, tuple(values[:_MOST]), words[0].at, words[0].at, replace=True)

    def _loose(self, word: Word) -> tuple[Held, ...]:
        """The elements of a list that a variable holds, split as the shell does."""
        found: list[Held] = []
        for held in self.expand(word):
            text = held.key.text
            if text is None or word.quoted or not re.search(r"\s", text):
                found.append(held)
            else:
                found += [Held(KeyText.known(part), held.at, held.steps) for part in text.split()]
        return tuple(found)

    def _assignments(self, words: list[Word]) -> list[Word]:
        declaring = bool(words) and words[0].text in _DECLARING
        exported = declaring and words[0].text == "export"
        before = len(self.assigned)
        done = 1 if declaring else 0
        for word in words[done:]:
            assignment = _assignment(word)
            if assignment is not None:
                name, value = assignment
                self._give(name, self.expand(value), word.at, value.at, replace=self._branches <= 0)
            elif not declaring:
                break
            done += 1
        if exported or words[done:]:
            self.assigned[before:] = [replace(one, exported=True) for one in self.assigned[before:]]
        return words[done:]

    def _give(self, name: str, held: tuple[Held, ...], at: int, value_at: int, *, replace: bool) -> None:
        self.assigned.append(Assigned(name, held, at, value_at))
        step = f"variable {name}"
        given = tuple(
            one if one.unknown and one.key.parts == (None,) else Held(one.key, one.at, (step, *one.steps), one.unknown)
            for one in held
        )
        self._variables[name] = given if replace else (*self._variables.get(name, ()), *given)[:_MOST]

    def expand(self, word: Word) -> tuple[Held, ...]:
        """All that a word can be."""
        choices = [self._choices(piece) for piece in word.pieces[:_MOST_PIECES]]
        if len(word.pieces) > _MOST_PIECES:
            choices.append((Held(KeyText((None,)), word.at),))
        if len(choices) > 1:
            choices = [_with_others(choice) for choice in choices]
        found: list[Held] = []
        for parts in product(*choices):
            passed = [part.at for part in parts if any(step.startswith("passed to") for step in part.steps)]
            at = passed[-1] if passed else word.at
            steps = tuple(dict.fromkeys(step for part in parts for step in part.steps))
            unknown = tuple(dict.fromkeys(name for part in parts for name in part.unknown))
            found.append(Held(KeyText.of(text for part in parts for text in part.key.parts), at, steps, unknown))
            if len(found) >= _MOST:
                break
        return tuple(found)

    def _choices(self, piece: Piece) -> tuple[Held, ...]:
        if piece.text is not None:
            return (Held(KeyText.known(piece.text), piece.at),)
        known = self._variables.get(piece.name or "", ())
        if piece.name is not None and known:
            return known
        if piece.default is not None and "$" not in piece.default:
            text = piece.default.strip("\"'")
            return (Held(KeyText.known(text), piece.at, (f"the fallback of {piece.name}",), (piece.name or "",)),)
        return (Held(KeyText((None,)), piece.at, (), (piece.name,) if piece.name else ()),)


def _with_others(choice: tuple[Held, ...]) -> tuple[Held, ...]:
    """What a fallback is only a part of can be something else as well."""
    if not any(held.unknown and held.key.text is not None for held in choice):
        return choice
    first = choice[0]
    return (*choice, Held(KeyText((None,)), first.at, (), first.unknown))


def _assignment(word: Word) -> tuple[str, Word] | None:
    first = word.pieces[0] if word.pieces else None
    if first is None or first.text is None:
        return None
    found = _ASSIGNED.fullmatch(first.text)
    if found is None:
        return None
    begin = first.at + found.start("rest")
    value_at = begin if found["rest"] or len(word.pieces) == 1 else word.pieces[1].at
    value = Word(value_at, [], word.quoted)
    if found["rest"] or len(word.pieces) == 1:
        value.pieces.append(Piece(begin, found["rest"]))
    value.pieces += word.pieces[1:]
    return found["name"], value


def _function_name(command: Command) -> str | None:
    words = command.words
    if command.defines and words:
        return words[-1].text
    if len(words) > 1 and words[0].text == "function":
        return words[1].text
    return None


def _function_end(commands: list[Command], begin: int) -> int:
    """Where the function's braces close, which may open on the line of its name or below."""
    depth = 0
    for number in range(begin, len(commands)):
        depth += sum({"{": 1, "}": -1}.get(word.text or "", 0) for word in commands[number].words if not word.quoted)
        if depth <= 0 and number > begin:
            return number + 1
    return len(commands)


def _unbraced(command: Command) -> Command:
    words = [word for word in command.words if word.quoted or word.text not in {"{", "}"}]
    return Command(words, command.piped, command.bodies)
