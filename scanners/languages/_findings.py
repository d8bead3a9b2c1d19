"""Collects what one file says, so that every language reports alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from auditor.domain.flags import JsonValue
from auditor.domain.references import Certainty, FlagSpec, Pattern, Reference, ReferenceKind, Unresolved
from scanners.flag_index import Match, Reader, is_plain
from scanners.keytext import KeyText
from scanners.languages._places import Lines, Span
from scanners.languages.base import FileFindings, ScanContext, Setting, SourceFile, reference

SSM = Reader(frozenset({"ssm"}))
APPCONFIG = Reader(frozenset({"appconfig"}))
DYNAMODB = Reader(frozenset({"dynamodb"}))
S3 = Reader(frozenset({"s3"}))
OPENFEATURE = Reader(frozenset({"openfeature"}), frozenset({"appconfig", "dynamodb", "s3"}))
LAUNCHDARKLY = Reader(frozenset({"launchdarkly"}))
ENVIRONMENT = Reader(frozenset({"env"}))
GENERIC = Reader(frozenset({"generic"}))

_ASKED = frozenset({ReferenceKind.READ, ReferenceKind.WRITE})


@dataclass(slots=True)
class Findings:
    """The references, remarks and settings of one file, by offset in its text."""

    file: SourceFile
    context: ScanContext
    lines: Lines
    references: dict[tuple[FlagSpec, int, ReferenceKind], Reference] = field(default_factory=dict)
    unresolved: dict[Unresolved, None] = field(default_factory=dict)
    patterns: dict[Pattern, None] = field(default_factory=dict)
    settings: dict[Setting, None] = field(default_factory=dict)

    @classmethod
    def of(cls, file: SourceFile, context: ScanContext, text: str) -> Findings:
        """Begin with a file."""
        return cls(file, context, Lines(text))

    def fresh(self) -> Findings:
        """Findings of the same file without anything found yet."""
        return Findings(self.file, self.context, self.lines)

    def take(self, other: Findings) -> None:
        """Keep all that others found in the same file."""
        self.references |= other.references
        self.unresolved |= other.unresolved
        self.patterns |= other.patterns
        self.settings |= other.settings

    def result(self) -> FileFindings:
        """All that was found."""
        return FileFindings(
            tuple(self.references.values()), tuple(self.unresolved), tuple(self.patterns), tuple(self.settings)
        )

    def add(
        self,
        flag: FlagSpec,
        kind: ReferenceKind,
        offset: int,
        *steps: str,
        certainty: Certainty = Certainty.CERTAIN,
        default: tuple[JsonValue] | None = None,
    ) -> None:
        """Keep a reference; of two at one place the sure one stays."""
        line, column = self.lines.at(offset)
        made = reference(self.file, flag, kind, line, column, *steps, certainty=certainty, default=default)
        key = (flag, offset, made.kind)
        held = self.references.get(key)
        if held is None or _better(made, held):
            self.references[key] = made

    def ask(
        self,
        key: KeyText,
        reader: Reader,
        kind: ReferenceKind,
        offset: int,
        *steps: str,
        certainty: Certainty = Certainty.CERTAIN,
        default: tuple[JsonValue] | None = None,
    ) -> tuple[Match, ...]:
        """A reader, writer or definition is handed a key; says what is only partly known."""
        found = self.context.flags.read(key, reader)
        told = f"key {key.text!r}" if key.text is not None else f"key like {key.pattern!r}"
        for match in found:
            sure = match.certainty if certainty is Certainty.CERTAIN else certainty
            self.add(match.flag, kind, offset, *steps, told, certainty=sure, default=default)
        if key.text is None:
            self._partly_known(key, reader, kind, offset, found, steps[0] if steps else kind.value)
        return found

    def _partly_known(
        self,
        key: KeyText,
        reader: Reader,
        kind: ReferenceKind,
        offset: int,
        found: tuple[Match, ...],
        what: str,
    ) -> None:
        line, column = self.lines.at(offset)
        if found:
            providers = sorted(reader.providers)
            self.patterns[
                Pattern(
                    pattern=key.pattern,
                    provider=providers[0] if len(providers) == 1 else None,
                    path=self.file.path,
                    line=line,
                    column=column,
                    flags=tuple(dict.fromkeys(match.flag.key for match in found)),
                    reason=f"{what}: a part of the key is not known",
                )
            ] = None
        elif kind in _ASKED:
            known = f"the key {key.pattern!r} matches no flag" if key.selective else "the key is not known"
            self.remark(offset, f"{what}: {known}")

    def remark(self, offset: int, reason: str) -> None:
        """Say what cannot be known."""
        line, column = self.lines.at(offset)
        self.unresolved[Unresolved(self.file.path, line, column, reason)] = None

    def exact(
        self,
        text: str,
        providers: Iterable[str],
        kind: ReferenceKind,
        offset: int,
        *steps: str,
        certainty: Certainty = Certainty.CERTAIN,
    ) -> None:
        """A whole key stands somewhere."""
        for flag in self.context.flags.exact(text, providers):
            self.add(flag, kind, offset, *steps, f"key {text!r}", certainty=certainty)

    def prose(self, span: Span, what: str) -> None:
        """A comment or other text for people: every key in it that is a word of its own."""
        for found in self.context.flags.words(span.text):
            self.add(found.flag, ReferenceKind.DOC, span.place(found.start), what)

    def setting(self, variable: str, value: KeyText, offset: int) -> None:
        """A variable is given a value; kept only where the value can stand for a flag.

        A plain word is also the value of many a variable that has nothing to do with flags.
        """
        if not is_plain(value.pattern) and self.context.flags.matching(value):
            line, column = self.lines.at(offset)
            self.settings[Setting(variable, value, self.file.path, line, column)] = None

    def bound(self, variable: str, value: KeyText, offset: int, what: str, held_at: int | None = None) -> None:
        """An environment variable or setting is given a value: the key of a flag, or it is a flag itself."""
        self.setting(variable, value, offset)
        for flag in () if is_plain(value.pattern) else self.context.flags.matching(value):
            sure = Certainty.CERTAIN if value.text is not None else Certainty.POSSIBLE
            self.add(flag, ReferenceKind.BIND, offset, what, f"{variable} holds {value.pattern!r}", certainty=sure)
        name_at = offset if held_at is None else held_at
        for flag in self.context.flags.exact(variable, ENVIRONMENT.providers):
            if flag.provider == "env":
                self.add(flag, ReferenceKind.BIND, name_at, what, f"{variable} is the flag")


def _better(made: Reference, held: Reference) -> bool:
    if made.certainty is not held.certainty:
        return made.certainty is Certainty.CERTAIN
    return held.default is None and made.default is not None
