"""Where a use of a key is reported, and how it is told."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeVar

from auditor.domain.references import (
    Certainty,
    Fallback,
    FlagSpec,
    Pattern,
    Reference,
    ReferenceKind,
)
from scanners.flag_index import FlagIndex, Match, Reader, is_plain
from scanners.keytext import KeyText
from scanners.languages.base import is_test_path
from scanners.languages.python.values import Frame, Piece, Seen, Site, Tag, Text, Unknown, Vals, Value

_MOST_STEPS = 8
Place = TypeVar("Place", bound=tuple[object, ...])


class Way(NamedTuple):
    """Where a key came from: the outermost call that passes it, where it stands there, and every call on the way.

    ``open`` is the argument that nobody here is known to pass, if that is where the way ends.
    """

    frame: Frame
    site: Site
    through: tuple[str, ...]
    calls: tuple[Site, ...]
    open: Tag | None


class Waiting(NamedTuple):
    """A reader whose key is a parameter, until someone is seen to pass it; ``own`` where it is an object's own.

    That is so of what is taken from an object or mapping that is a parameter too.
    """

    site: Site
    what: str
    reader: Reader
    own: bool
    story: tuple[str, ...]


class Passing(NamedTuple):
    """A call that passes on an argument which nobody is seen to pass, or a ``part`` of one, as a key."""

    site: Site
    what: str
    key: KeyText
    reader: Reader
    part: bool


@dataclass(slots=True)
class Reporter:
    """Collects what is found, placed in the files it was found in."""

    flags: FlagIndex
    lines: dict[str, tuple[int, ...]] = field(default_factory=dict)
    found: dict[tuple[FlagSpec, Site, ReferenceKind, Certainty], Reference] = field(default_factory=dict)
    patterns: dict[tuple[str, Site], Pattern] = field(default_factory=dict)
    unresolved: dict[Site, str] = field(default_factory=dict)
    frames: dict[int, Frame] = field(default_factory=dict)
    waiting: dict[Site, dict[KeyText, Waiting]] = field(default_factory=dict)
    events: int = 0
    waits: int = 0
    keeps: int = 0
    kept: dict[int, str] = field(default_factory=dict)
    wrapping_frames: set[int] = field(default_factory=set)
    waiting_frames: set[int] = field(default_factory=set)
    reached: set[Site] = field(default_factory=set)
    passing: dict[Site, Passing] = field(default_factory=dict)
    handed_on: set[Site] = field(default_factory=set)
    told: set[Site] = field(default_factory=set)
    answered: set[Site] = field(default_factory=set)
    unmatched: dict[Site, KeyText] = field(default_factory=dict)
    fixed: dict[int, dict[Seen, None]] = field(default_factory=dict)

    def place(self, site: Site) -> tuple[int, int]:
        """Line and column, from 1."""
        starts = self.lines[site.path]
        line = bisect_right(starts, site.pos)
        return line, site.pos - starts[line - 1] + 1

    def shown(self, site: Site) -> str:
        """A place for people."""
        return f"{site.path}:{self.place(site)[0]}"

    def add(
        self,
        flag: FlagSpec,
        site: Site,
        kind: ReferenceKind,
        certainty: Certainty,
        steps: Iterable[str],
        default: Fallback | None = None,
    ) -> None:
        """Keep a reference."""
        self.events += 1
        if is_test_path(site.path):
            kind = ReferenceKind.TEST
        held = self.found.get((flag, site, kind, certainty))
        if held is not None:
            if held.default is None and default is not None:
                self.found[flag, site, kind, certainty] = replace(held, default=default)
            return
        line, column = self.place(site)
        self.found[flag, site, kind, certainty] = Reference(
            flag=flag,
            path=site.path,
            line=line,
            column=column,
            kind=kind,
            certainty=certainty,
            resolution=tuple(dict.fromkeys(steps)),
            default=default,
        )

    def fall_back(self, seen: Seen, default: Fallback) -> None:
        """A read that was met falls back to a value that the code gives further on."""
        if seen.site is None or (seen.default is not None and seen.default.value not in ({}, None)):
            return
        for flag, _ in seen.flags:
            for key, held in list(self.found.items()):
                if key[0] != flag or key[1] != seen.site or key[2] is ReferenceKind.BIND:
                    continue
                if held.default is None or held.default.value in ({}, None):  # the nearest one holds
                    self.found[key] = replace(held, default=default)

    def bound(self, text: Text, what: str) -> None:
        """A name is given the whole key of a flag; a plain word has to reach a reader first."""
        known = text.known
        if known is None or is_plain(known):
            return
        for flag in self.flags.exact(known):
            self.add(flag, text.at, ReferenceKind.BIND, Certainty.CERTAIN, (what, *self.story(text)))

    def tested(self, text: Text) -> None:
        """A key stands whole in test code."""
        known = text.known
        for flag in self.flags.exact(known) if known is not None else ():
            self.add(flag, text.at, ReferenceKind.TEST, Certainty.CERTAIN, self.story(text))

    def tested_name(self, text: Text) -> None:
        """A keyword in test code sets what is called as a variable or setting is: ``override_settings(NAME=True)``."""
        for flag in self.flags.exact(text.known or ""):
            if flag.provider == "env":
                self.add(flag, text.at, ReferenceKind.TEST, Certainty.CERTAIN, self.story(text))

    def asked(
        self,
        text: Text,
        reader: Reader,
        frame: Frame,
        call: Site,
        what: str,
        kind: ReferenceKind = ReferenceKind.READ,
        default: Fallback | None = None,
        certainty: Certainty = Certainty.CERTAIN,
        *,
        direct: bool = True,
    ) -> Seen:
        """A reader, writer or definition is handed a key: report it where the key is asked for.

        ``direct`` is False where the key is an attribute of something unknown: what passes that is no wrapper.
        """
        self.events += 1
        way = self._way(frame, text)
        matches = self.matches(text, reader, certainty)
        found = tuple((match.flag, match.certainty) for match in matches)
        key = text.key
        if way.open is not None and not (way.open.part and way.calls and key.text is not None):
            self.waits += 1
            if way.calls and not way.open.own:
                self.passing.setdefault(way.calls[-1], Passing(way.site, what, key, reader, way.open.part))
                self.reached.add(call)
            at = text.at if key.text is None else way.site
            self.waiting.setdefault(call, {}).setdefault(
                key, Waiting(at, what, reader, way.open.own or way.open.part, self.story(text))
            )
            root = _outermost(frame).id
            self.waiting_frames.add(root)
            if direct and any(tag.frame == root and not tag.own for tag in decisive_tags(text)):
                self.wrapping_frames.add(root)
            return Seen(found, None, frame.id, key.pattern, text.trail, default)
        if key.text is None and self._may_be_told(frame, text):
            self.waits += 1
        if key.text is None and not found and text.tags and way.open is None and self._is_kept(text):
            self.waiting.setdefault(call, {}).setdefault(key, Waiting(way.site, what, reader, True, self.story(text)))
            return Seen(found, None, frame.id, key.pattern, text.trail, default)
        holder, site, through = way.frame, way.site, way.through
        if found:
            self.answered.update(way.calls)
        if through:
            self.reached.add(call)
            self.handed_on.update(way.calls[:-1])
        elif found:
            self.told.add(call)
        if key.text is None:
            self._partly_known(key, site, reader, found, what)
        steps = (what, *through, *self.story(text))
        for flag, sure in found:
            self.add(flag, site, kind, sure, steps, default)
            self._bindings(flag, text, sure)
        seen = Seen(found, site, holder.id, key.pattern, text.trail, default)
        if found and kind is ReferenceKind.READ:
            self.fixed.setdefault(_outermost(frame).id, {})[seen] = None
        return seen

    def matches(self, text: Text, reader: Reader, certainty: Certainty) -> tuple[Match, ...]:
        """The flags a key can stand for with this reader."""
        found = self.flags.read(text.key, reader)
        looser = text.looser
        if looser is not None and looser.selective:
            told = {match.flag for match in found}
            others = (match.flag for match in self.flags.read(looser, reader) if match.flag not in told)
            found += tuple(Match(flag, Certainty.POSSIBLE) for flag in others)
        if certainty is Certainty.POSSIBLE:
            return tuple(Match(match.flag, certainty) for match in found)
        return found

    def used(self, seen: Seen, site: Site, what: str) -> None:
        """A wrapper that fixes the key is used."""
        self.events += 1
        origin = f"{seen.key} is asked for at {self.shown(seen.site)}" if seen.site else seen.key
        steps = (what, origin, *(f"{step.text} ({self.shown(step.site)})" for step in seen.trail[-_MOST_STEPS:]))
        for flag, sure in seen.flags:
            self.add(flag, site, ReferenceKind.READ, sure, steps, seen.default)

    def locate(self, frame: Frame, text: Text) -> tuple[Frame, Site, tuple[str, ...]] | None:
        """The call that passes the key, outermost first; None when it is a parameter that nobody here passes."""
        way = self._way(frame, text)
        return None if way.open is not None else (way.frame, way.site, way.through)

    def _way(self, frame: Frame, text: Text) -> Way:
        site = text.at
        through: list[str] = []
        calls: list[Site] = []
        tags = decisive_tags(text)
        tag = _entrance(frame, tags)
        while tag is not None and len(through) < _MOST_FRAMES:
            owner = self.frames[tag.frame]
            if owner.caller is None:
                break
            through.append(f"passed to {owner.name} at {self.shown(tag.site)}")
            calls.append(owner.at or tag.site)
            site, frame = tag.site, owner.caller
            tag = _entrance(frame, tags)
        return Way(frame, site, tuple(through), tuple(calls), tag)

    def comes_in(self, frame: Frame, text: Text) -> bool:
        """Whether a text is an argument: of the call that is followed, one it is made in, or given back unchanged."""
        if all(piece.tags for piece in text.pieces):
            return True
        around = {frame.id, *frame.outside()}
        frames = self.frames
        return any(
            tag.frame in around or frames[tag.frame].constructor or frames[tag.frame].caller is None
            for tag in text.tags
        )

    def _may_be_told(self, frame: Frame, text: Text) -> bool:
        """Whether a part of a key that is not known, before the last segment, is a parameter that callers pass."""
        tag = _entrance(frame, text.tags)
        return tag is not None and self.frames[tag.frame].caller is None

    def _is_kept(self, text: Text) -> bool:
        """Whether what is not known of a key is a parameter of another function, which keeps what callers pass."""
        return all(self.frames[tag.frame].caller is None for tag in text.tags)

    def story(self, text: Text) -> tuple[str, ...]:
        """The way of a key, newest step first."""
        steps = [f"{step.text} ({self.shown(step.site)})" for step in reversed(text.trail[-_MOST_STEPS:])]
        known = text.known
        spelled = f"key {known!r}" if known is not None else f"key like {text.key.pattern!r}"
        looser = text.looser
        other = () if looser is None else (f"{looser.pattern!r} where the environment says another",)
        return (*steps, spelled, *other)

    def keep(self, values: Iterable[Value], path: str) -> None:
        """What came in as an argument is put into a container of the file ``path``, which may outlive the call."""
        for value in values:
            if isinstance(value, Unknown) and self.is_open(value):
                self.keeps += 1
            elif isinstance(value, Text) and value.tags and value.known and self.flags.exact(value.known):
                self.kept.update((tag.frame, path) for tag in decisive_tags(value))

    def is_open(self, value: Unknown) -> bool:
        """Whether something unknown is a parameter, of a function that is followed as nobody calls it."""
        return any(self.frames[tag.frame].caller is None for tag in value.tags)

    def hands_key(self, arguments: Iterable[Vals]) -> bool:
        """Whether the whole key of a flag is among the arguments of a call."""
        texts = (value.known for values in arguments for value in values if isinstance(value, Text))
        return any(known is not None and bool(self.flags.exact(known)) for known in texts)

    def settled(self) -> set[Site]:
        """Calls of which the key is an object's own, and known of those of its class: nobody has to pass it."""
        return {call for call in self.told if all(one.own for one in self.waiting.get(call, {}).values())}

    def finish(self) -> None:
        """Say what nobody passed a key to, once everything is followed."""
        settled = self.settled()
        for call in self.waiting:
            if call not in self.reached and (call not in settled or self.matching(call)):
                self.say_asked(call, self)
        for site in self.passing:
            if site not in self.handed_on:
                self.say_passed(site, self)
        asked = {(site, flag.key) for flag, site, _, _ in self.found}
        for site in answered(self.unmatched, asked):
            self.unresolved.pop(site, None)

    def beside(self) -> Reporter:
        """Another one for the same files and calls, that nothing was found by yet."""
        return Reporter(self.flags, self.lines, frames=self.frames)

    def say_asked(self, call: Site, to: Reporter) -> None:
        """Say of a call that its key is a parameter that nobody passes: what defaults say, else what is known of it."""
        waiting = self.waiting[call]
        for key in self.matching(call) or list(waiting)[:1]:
            one = waiting[key]
            rest = "the rest comes from a parameter" if key.text is None else "unless a caller passes another"
            to.say_open(one.site, one.what, key, one.reader, (one.what, *one.story, rest))

    def matching(self, call: Site) -> list[KeyText]:
        """The keys of a waiting call that a flag has."""
        return [key for key, one in self.waiting[call].items() if self.flags.read(key, one.reader)]

    def say_passed(self, call: Site, to: Reporter) -> None:
        """Say of a call that it passes on what nobody here is seen to pass, or what it takes out of that."""
        one = self.passing[call]
        if not (one.part and call in self.answered):  # a default of the argument may have told it
            to.say_open(one.site, one.what, one.key, one.reader, (one.what, f"key like {one.key.pattern!r}"))

    def say_open(self, site: Site, what: str, key: KeyText, reader: Reader, steps: tuple[str, ...]) -> None:
        """Report a key that is known as far as nobody has to pass it."""
        found = tuple((match.flag, match.certainty) for match in self.flags.read(key, reader))
        self._partly_known(key, site, reader, found, what)
        for flag, sure in found:
            self.add(flag, site, ReferenceKind.READ, sure, steps)

    def _partly_known(
        self,
        key: KeyText,
        site: Site,
        reader: Reader,
        found: Sequence[tuple[FlagSpec, Certainty]],
        what: str,
    ) -> None:
        if not found:
            self.unresolved.setdefault(site, f"{what}: {_doubt(key)}")
            if key.selective:
                self.unmatched[site] = key
            return
        line, column = self.place(site)
        providers = sorted(reader.providers)
        self.patterns[key.pattern, site] = Pattern(
            pattern=key.pattern,
            provider=providers[0] if len(providers) == 1 else None,
            path=site.path,
            line=line,
            column=column,
            flags=tuple(dict.fromkeys(flag.key for flag, _ in found)),
            reason=f"{what}: a part of the key is not known",
        )

    def _bindings(self, flag: FlagSpec, text: Text, certainty: Certainty) -> None:
        for step in text.trail:
            if step.bound is not None and step.bound == text.key:
                self.add(flag, step.site, ReferenceKind.BIND, certainty, (step.text, f"key like {flag.key!r}"))
        for tag in decisive_tags(text):
            frame = self.frames[tag.frame]
            if (frame.constructor or frame.id in self.kept) and frame.caller is not None:
                spot = self.locate(frame.caller, text.moved(tag.site))
                if spot is not None:
                    what = "is built with the key" if frame.constructor else "keeps the key"
                    steps = (f"{frame.name} {what}", *self.story(text))
                    self.add(flag, spot[1], ReferenceKind.BIND, certainty, steps)


def _doubt(key: KeyText) -> str:
    """What is not known of a key."""
    if key.selective:
        return f"the key {key.pattern!r} matches no flag"
    told = any(key.parts)
    return f"of the key no more than {key.pattern!r} is known" if told else "the key is not known"


def answered(unmatched: Mapping[Place, KeyText], asked: Iterable[tuple[Place, str]]) -> list[Place]:
    """Where one of several readers is told the whole key: what is not known of it to another says nothing there."""
    keys: dict[Place, set[str]] = {}
    for place, key in asked:
        if place in unmatched:
            keys.setdefault(place, set()).add(key)
    return [place for place, held in keys.items() if any(unmatched[place].fits(key) for key in held)]


_MOST_FRAMES = 64


def decisive_tags(text: Text) -> tuple[Tag, ...]:
    """Where the last segment of a key came in, the last part of it first."""
    tags: dict[Tag, None] = {}
    for piece in reversed(text.pieces):
        tags.update(dict.fromkeys(_last_tags(piece)))
        if piece.text is not None and "/" in piece.text:
            break
    return tuple(tags)


def _last_tags(piece: Piece) -> tuple[Tag, ...]:
    if piece.text is not None and piece.text.endswith("/"):
        return ()
    return piece.tags


def _outermost(frame: Frame) -> Frame:
    while frame.caller is not None or frame.lexical is not None:
        frame = frame.caller or frame.lexical or frame
    return frame


def _entrance(frame: Frame, tags: tuple[Tag, ...]) -> Tag | None:
    for holder in frame.holders():
        for tag in tags:
            if tag.frame == holder.id:
                return tag
    return None
