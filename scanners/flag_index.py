"""Which flags a key found in code stands for."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ahocorasick_rs import AhoCorasick

from auditor.domain.references import Certainty, FlagSpec
from scanners.keytext import KeyText

_SELECTOR = re.compile(r"(?P<name>/?[\w.\-/]+):(?P<selector>[\w.\-]+)")
_ARN = re.compile(r"arn:aws[\w-]*:ssm:[^:]*:[^:]*:parameter(?P<name>/[^\s]*|[^\s]+)")
_IDENTIFIER = re.compile(r"(?=[a-z0-9]*[0-9])[a-z0-9]{7}")
_QUOTES = "\"'`"


@dataclass(frozen=True, slots=True)
class Reader:
    """What asks for a key: the providers it can ask, and where, as far as code tells; None is unknown.

    Empty ``providers`` means that any store may be behind it; those in ``perhaps``
    make a match possible only.
    """

    providers: frozenset[str] = frozenset()
    perhaps: frozenset[str] = frozenset()
    application: KeyText | None = None
    environment: KeyText | None = None
    profile: KeyText | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """A flag that a key stands for, and how surely."""

    flag: FlagSpec
    certainty: Certainty


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A key that stands whole in a text: from ``start`` to ``end``, with the quote around it, if any."""

    flag: FlagSpec
    start: int
    end: int
    quoted: bool


def is_plain(key: str) -> bool:
    """Whether a key is a plain word, which text alone never proves to be a flag."""
    return not any(character in key for character in "-_./:")


def _differs(known: str | None, said: KeyText | None) -> bool:
    if known is None or said is None or said.text == "":
        return False
    if said.text is not None and _IDENTIFIER.fullmatch(said.text):
        return False  # AppConfig takes an identifier wherever it takes a name
    return said.regex().fullmatch(known) is None


def _unknown(known: str | None, said: KeyText | None) -> bool:
    return known is not None and (said is None or said.text != known)


@dataclass(slots=True)
class FlagIndex:
    """The flags looked for, by key."""

    flags: Sequence[FlagSpec]
    _by_key: dict[str, list[FlagSpec]] = field(init=False, repr=False)
    _engine: AhoCorasick | None = field(init=False, repr=False, default=None)
    _keys: tuple[str, ...] = field(init=False, repr=False, default=())
    _patterns: dict[KeyText, tuple[FlagSpec, ...]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Index the flags once."""
        by_key: dict[str, list[FlagSpec]] = defaultdict(list)
        for flag in dict.fromkeys(self.flags):
            by_key[flag.key].append(flag)
        self._by_key = dict(by_key)
        self._keys = tuple(by_key)

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key, once, in the order given."""
        return self._keys

    def exact(self, text: str, providers: Iterable[str] = ()) -> tuple[FlagSpec, ...]:
        """The flags of which ``text`` is the whole key, of these providers (none: any).

        A version or label selector and an ARN around a parameter's name are taken off.
        """
        if text not in self._by_key and ":" not in text:
            return ()  # nearly every text there is
        wanted = frozenset(providers)
        found = list(self._by_key.get(text, ()))
        name = parameter_name(text)
        if name != text:
            found += [flag for flag in self._by_key.get(name, ()) if flag.provider == "ssm"]
        return tuple(flag for flag in found if _serves(flag, wanted))

    def matching(self, key: KeyText | str, providers: Iterable[str] = ()) -> tuple[FlagSpec, ...]:
        """The flags that a partly known key can stand for; none when its last segment is unknown."""
        said = KeyText.known(key) if isinstance(key, str) else key
        text = said.text
        if text is not None:
            return self.exact(text, providers)
        if not said.selective:
            return ()
        if said not in self._patterns:
            regex = said.regex()
            self._patterns[said] = tuple(
                flag
                for flag in dict.fromkeys(self.flags)
                if regex.fullmatch(flag.key) or (flag.provider == "ssm" and _with_selector(said, flag.key))
            )
        wanted = frozenset(providers)
        return tuple(flag for flag in self._patterns[said] if _serves(flag, wanted))

    def read(self, key: KeyText | str, reader: Reader) -> tuple[Match, ...]:
        """The flags that ``reader`` may answer for ``key``, and how surely; none when it is another's."""
        said = KeyText.known(key) if isinstance(key, str) else key
        providers = reader.providers | reader.perhaps if reader.providers else frozenset()
        return tuple(
            Match(flag, _certainty(flag, said, reader))
            for flag in self.matching(said, providers)
            if not _elsewhere(flag, reader)
        )

    def words(self, text: str) -> Iterator[Occurrence]:
        """Every key that stands in ``text`` as a whole word, punctuation after it apart.

        A plain-word key counts only where it is quoted.
        """
        if self._engine is None:
            self._engine = AhoCorasick(self.keys)
        taken = -1
        for number, start, end in sorted(
            self._engine.find_matches_as_indexes(text, overlapping=True), key=lambda hit: (hit[1], -hit[2])
        ):
            if start < taken or not _stands_whole(text, start, end):
                continue
            taken = end
            key = self.keys[number]
            quoted = start > 0 and text[start - 1] in _QUOTES and text[end : end + 1] == text[start - 1]
            if quoted or not is_plain(key):
                for flag in self._by_key[key]:
                    yield Occurrence(flag, start, end, quoted)

    def __reduce__(self) -> tuple[type[FlagIndex], tuple[Sequence[FlagSpec]]]:
        """Only the flags travel to another process."""
        return FlagIndex, (tuple(self.flags),)


def parameter_name(text: str) -> str:
    """The name of the parameter that ``text`` asks for: less an ARN around it and a selector after it."""
    arn = _ARN.fullmatch(text)
    if arn is not None:
        text = arn["name"]
    selected = _SELECTOR.fullmatch(text)
    return selected["name"] if selected is not None else text


def _with_selector(said: KeyText, key: str) -> bool:
    pattern = said.pattern
    if ":" not in pattern or pattern.startswith("arn:"):
        return False
    bare: list[str | None] = []
    for part in said.parts:
        if part is not None and ":" in part:
            bare.append(part.split(":", 1)[0])
            break
        bare.append(part)
    return KeyText.of(bare).regex().fullmatch(key) is not None


def _serves(flag: FlagSpec, providers: frozenset[str]) -> bool:
    return not providers or flag.provider in providers or flag.provider == "generic"


def _elsewhere(flag: FlagSpec, reader: Reader) -> bool:
    return (
        _differs(flag.application, reader.application)
        or _differs(flag.environment, reader.environment)
        or _differs(flag.profile, reader.profile)
    )


def _certainty(flag: FlagSpec, said: KeyText, reader: Reader) -> Certainty:
    located = flag.provider in {"appconfig", "dynamodb", "s3"} and bool(reader.providers)
    doubtful = (
        said.text is None
        or flag.provider in reader.perhaps
        or (located and _unknown(flag.application, reader.application))
        or (located and _unknown(flag.environment, reader.environment))
        or (located and _unknown(flag.profile, reader.profile))
    )
    return Certainty.POSSIBLE if doubtful else Certainty.CERTAIN


def _stands_whole(text: str, start: int, end: int) -> bool:
    """Whether nothing of a longer key stands around a place; punctuation behind it ends a sentence."""
    if start > 0 and _PART.match(text[start - 1]):
        return False
    return _END.match(text, end) is not None


_PART = re.compile(r"[\w\-./:]")
_END = re.compile(r"[.:,;]*(?:[^\w\-./:]|$)|[.:](?=\s|$)")
