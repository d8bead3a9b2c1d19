"""A whole scan: list, search the bytes for what can matter, understand those files, join what they say."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import TypeVar

from auditor.domain.references import (
    Certainty,
    FlagSpec,
    Pattern,
    Reference,
    ScanResult,
    Skipped,
    Unread,
    Unresolved,
)
from auditor.domain.scan_options import ScanOptions
from scanners.beside import Looking, Remembering, grouped
from scanners.cache import Facts, Table, dumped, loaded
from scanners.depth import roomy
from scanners.flag_index import FlagIndex
from scanners.languages import LANGUAGES
from scanners.languages.base import (
    MINIFIED,
    FileFindings,
    Language,
    ScanContext,
    Setting,
    SourceFile,
)
from scanners.languages.python.following import Following, World, follow_file
from scanners.languages.python.project import Project
from scanners.languages.python.resolve import Resolution, resolve
from scanners.languages.python.unit import Unit
from scanners.ownership import with_owners
from scanners.parsed import LARGEST_SOURCE, Modules, Shelf, Source, parse
from scanners.remembered import Remembered, context_digest, digest_of
from scanners.repository import FoundFile, Listing, list_files, read_bytes, read_chunks
from scanners.searching import LARGEST_TEXT, Mentions, Searcher, TooLarge, is_python, language_of
from scanners.text_search import search_pieces, search_text
from scanners.workers import Batches, Crew, Failed

Job = TypeVar("Job")
Answer = TypeVar("Answer")
Progress = Callable[[int, int | None, str], None]

_SMALL_PROJECT = 400
_SMALL_BYTES = 2 << 20
_MOST_ROUNDS = 40
# A file is followed with all that it leads to: that may take so many times as long as reading it.
_FOLLOWED = 10
# A small project is followed at once, in this process.
_AT_ONCE = 2.5
# So many files are looked into at once, and a few such batches in this process.
_BATCH = 256
_FEW = 8


def silent(done: int, total: int | None, what: str) -> None:
    """Show no progress."""


def scan(
    paths: Sequence[str],
    flags: Sequence[FlagSpec],
    options: ScanOptions | None = None,
    progress: Progress = silent,
) -> ScanResult:
    """Scan paths for references to flags; raises UsageError when one of the paths cannot be read."""
    listings = [(path, list_files(path)) for path in paths]
    return ScanResult.joined(
        with_owners(path, scan_listing(listing, flags, options, progress)) for path, listing in listings
    )


def scan_listing(
    listing: Listing,
    flags: Sequence[FlagSpec],
    options: ScanOptions | None = None,
    progress: Progress = silent,
    facts: Facts | None = None,
) -> ScanResult:
    """Scan what was listed; what ``facts`` holds of Python files is not made again."""
    return _Scan(listing, ScanContext(FlagIndex(flags), options or ScanOptions()), progress, facts).run()


class _TookTooLongError(BaseException):
    """What was to be quick was not; nothing in between may take it for a failure of its own."""


@contextmanager
def _no_longer_than(seconds: float) -> Iterator[None]:
    """Give up after a time, by a signal, which only the main thread can have."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: object) -> None:
        raise _TookTooLongError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@dataclass(slots=True)
class _Candidate:
    file: FoundFile
    keyed: bool
    words: frozenset[bytes]
    spots: tuple[int, ...]


@dataclass(slots=True)
class _Scan:
    listing: Listing
    context: ScanContext
    progress: Progress
    facts: Facts | None = None
    references: list[Reference] = field(default_factory=list)
    unresolved: list[Unresolved] = field(default_factory=list)
    patterns: list[Pattern] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)

    def run(self) -> ScanResult:
        """Scan what was listed."""
        with _seldom_collecting():
            return roomy(self._run)

    def _run(self) -> ScanResult:
        candidates = self._search()
        python = [one for one in candidates if is_python(one.file.path)]
        others = [(one, language_of(one.file)) for one in candidates if not is_python(one.file.path)]
        documents = [(one, language) for one, language in others if language is not None and not language.code]
        settings = self._understand(documents)
        self.context = ScanContext(self.context.flags, self.context.options, settings)
        exported = self._understand([(one, language) for one, language in others if language is None or language.code])
        if exported:
            merged = {name: (*settings.get(name, ()), *exported.get(name, ())) for name in {**settings, **exported}}
            self.context = ScanContext(self.context.flags, self.context.options, merged)
        self._python(python)
        return self._result()

    # Reading

    def _search(self) -> list[_Candidate]:
        """Look into files, unless an earlier scan did for the same keys."""
        table = self._table("search", self.context.flags.flags, self.context.options)
        known = {
            file.path: held[0]
            for file in self.listing.files
            if table is not None and (held := table.get(file.path)) is not None
        }
        due = [file for file in self.listing.files if file.path not in known]
        for file, outcome in self._looked(Searcher(self.context), due, "searching"):
            if isinstance(outcome, Failed):
                self.unread[file.path] = outcome.reason
            elif isinstance(outcome, TooLarge):
                self._large(file)
            else:
                known[file.path] = outcome
            if table is not None and file.path not in self.unread:
                table.put(file.path, known.get(file.path))
        found: list[_Candidate] = []
        for file in self.listing.files:
            outcome = known.get(file.path)
            if isinstance(outcome, str):
                self.skipped.append(Skipped(file.path, outcome))
            elif isinstance(outcome, tuple):
                found.append(_Candidate(file, *outcome))
        return found

    def _looked(
        self, look: Callable[[Sequence[FoundFile]], list[Answer]], files: Sequence[FoundFile], what: str
    ) -> Iterator[tuple[FoundFile, Answer]]:
        """What a look into each of the files gives; into many in several processes."""
        begins = range(0, len(files), _BATCH)
        batch = Batches(look, files, _BATCH)
        with self._crew(batch) as crew:
            crew.seconds *= _FOLLOWED
            for done, (number, answers) in enumerate(crew.surely(begins, _FEW), start=1):
                self.progress(min(done * _BATCH, len(files)), len(files), what)
                yield from zip(batch.of(begins[number]), answers, strict=True)

    def _table(self, what: str, *parts: object) -> Table | None:
        """What is kept of all files by this name and these parts."""
        return None if self.facts is None else self.facts.table(what, digest_of(*parts))

    # Other languages

    def _understand(self, work: Sequence[tuple[_Candidate, Language | None]]) -> dict[str, tuple[Setting, ...]]:
        settings: dict[str, list[Setting]] = {}
        jobs = [(one.file, language.name if language else "") for one, language in work if _wanted(one, language)]
        answers: dict[int, FileFindings | Failed] = {}
        table = None if self.facts is None else self.facts.table("findings", context_digest(self.context))
        if table is not None:
            known = ((number, table.get(file.path)) for number, (file, _) in enumerate(jobs))
            answers.update((number, held[0]) for number, held in known if held is not None)
        due = [number for number in range(len(jobs)) if number not in answers]
        crew: Crew[tuple[FoundFile, str], FileFindings] = self._crew(partial(_find, self.context))
        with crew:
            for number, answer in crew.all([jobs[number] for number in due]):
                answers[due[number]] = answer
                if table is not None and isinstance(answer, FileFindings):
                    table.put(jobs[due[number]][0].path, answer)
                self.progress(len(answers), len(jobs), "reading documents and code")
        for number, (file, _) in enumerate(jobs):
            findings = self._findings(file, answers[number])
            for setting in findings.settings:
                settings.setdefault(setting.variable, []).append(setting)
        return {name: tuple(values) for name, values in settings.items()}

    def _findings(self, file: FoundFile, answer: FileFindings | Failed) -> FileFindings:
        if isinstance(answer, Failed):
            if answer.reason == MINIFIED:
                self.skipped.append(Skipped(file.path, MINIFIED))
            else:
                self.unread[file.path] = answer.reason
            return self._as_text(file, None)
        self._keep(answer)
        return answer

    def _keep(self, findings: FileFindings) -> None:
        self.references += findings.references
        self.unresolved += findings.unresolved
        self.patterns += findings.patterns

    def _large(self, file: FoundFile) -> None:
        """Search a file as text that is too large to be held."""
        seconds = self.context.options.seconds_per_file
        pieces = _Hurried(read_chunks(file.place), time.monotonic() + seconds)
        try:
            self._keep(search_pieces(file.path, pieces, self.context))
        except OSError as error:
            self.unread[file.path] = f"not readable: {error.strerror or error}"
            return
        how = f"only the first {pieces.size >> 20} MB were searched in {seconds:g} s, as text"
        how = how if pieces.stopped else "searched as text"
        self.unread[file.path] = f"larger than {LARGEST_TEXT >> 20} MB; {how}"

    def _as_text(self, file: FoundFile, data: bytes | None) -> FileFindings:
        """Search a file as text that nothing understood."""
        try:
            held = read_bytes(file.place, LARGEST_TEXT) if data is None else data
        except OSError as error:
            self.unread[file.path] = f"not readable: {error.strerror or error}"
            return FileFindings()
        findings = search_text(SourceFile(file.path, held), self.context)
        self._keep(findings)
        return findings

    def _crew(self, work: Callable[[Job], Answer]) -> Crew[Job, Answer]:
        options = self.context.options
        count = options.workers or len(os.sched_getaffinity(0))
        return Crew(work, count, options.seconds_per_file)

    # Python

    def _python(self, candidates: list[_Candidate]) -> None:
        """Follow Python: a small project at once, unless that takes too long, else file by file in processes."""
        files = {file.path: file for file in self.listing.files if is_python(file.path)}
        small = len(files) <= _SMALL_PROJECT and sum(file.size for file in files.values()) <= _SMALL_BYTES
        try:
            self._follow_python(candidates, files, small=small)
        except (_TookTooLongError, Exception):
            if not small:
                raise
            # File by file, in processes of their own, whatever is too much or goes wrong costs the one file.
            self._follow_python(candidates, files, small=False)

    def _follow_python(self, candidates: list[_Candidate], files: dict[str, FoundFile], *, small: bool) -> None:
        roots = sorted(files) if small else sorted(one.file.path for one in candidates)
        left_out = {skipped.path for skipped in self.skipped}
        roots = [path for path in roots if path not in self.unread and path not in left_out]
        doubtful = {} if small else {one.file.path: one.words for one in candidates if not one.keyed}
        with ExitStack() as stack:
            spots = {one.file.path: one.spots for one in candidates}
            shelf = Shelf.of(self.facts) if small else stack.enter_context(Shelf.beside(self.facts, spots))
            crew = stack.enter_context(self._crew(partial(parse, shelf)))
            modules = Modules(files, crew, shelf, self.facts, small, self.progress, doubtful)
            project = Project(frozenset(files), modules.tree, modules.outline)
            kept = None
            if not small and self.facts is not None:
                units = self.facts.table("units", context_digest(self.context))
                kept = Remembered(self.facts, project, modules.brief, units)
            found = Resolution()
            for _ in range(_MOST_ROUNDS):
                if small:
                    found = self._whole(project, modules, roots)
                else:
                    found = self._rounds(project, World.of(files, self.context, spots), modules, roots, kept)
                if modules.judge(_places(found)):
                    break
        self.references += found.references
        self.unresolved += found.unresolved
        self.patterns += found.patterns
        self.unread |= modules.unread
        for unread in found.unread:
            self.unread[unread.path] = unread.reason
        searched = {one.file.path for one in candidates if one.keyed}
        for path in sorted(modules.unread.keys() & searched):
            self._as_text(files[path], None)

    def _whole(self, project: Project, modules: Modules, roots: list[str]) -> Resolution:
        """Follow all files; anew where methods turn out to ask for the keys they are handed."""
        modules.load_all(roots)
        readable = [path for path in roots if modules.tree(path) is not None]
        found = Resolution()
        for _ in range(_MOST_ROUNDS):
            wrappers = found.wrappers
            with _no_longer_than(self.context.options.seconds_per_file * _AT_ONCE):
                found = resolve(project, readable, self.context, wrappers)
            if found.wrappers <= wrappers:
                break
        return found

    def _rounds(
        self, project: Project, world: World, modules: Modules, roots: list[str], kept: Remembered | None
    ) -> Resolution:
        """Follow the roots, then the files that mention what was found there, until there are no more."""
        source = Source(modules.shelf)
        served = project.served(source.load, source.outline)
        source.forget = served.forget
        crew: Crew[str, bytes] = self._crew(_Follower(served, world))
        crew.told, crew.seconds = modules.told, crew.seconds * _FOLLOWED
        with crew:
            following = Following(project, world, partial(self._follow, crew, modules, kept))
            return self._followed(following, modules, roots)

    def _followed(self, following: Following, modules: Modules, roots: list[str]) -> Resolution:
        more = roots
        known: set[str] = set()
        for _ in range(_MOST_ROUNDS):
            modules.load_all(more)
            known.update(more)
            heard = [path for path in more if path in modules.briefs and path not in modules.silent]
            names = following.follow({path: modules.briefs[path] for path in heard})
            more = self._mentioning(names, modules.files, (known - modules.silent) | modules.unread.keys())
            modules.wake(more)
            if not more:
                break
        return following.resolution()

    def _follow(
        self, crew: Crew[str, bytes], modules: Modules, kept: Remembered | None, world: World, paths: Sequence[str]
    ) -> dict[str, Unit]:
        """Follow files, each for itself, in processes that may die."""
        held = {} if kept is None else {path: kept.get(path, world) for path in paths}
        found = {path: unit for path, unit in held.items() if unit is not None}
        due = [path for path in paths if path not in found]
        crew.hear(world)
        for done, (number, answer) in enumerate(crew.all(due), start=1):
            self.progress(done, len(due), "following Python")
            if isinstance(answer, Failed):
                modules.unread[due[number]] = answer.reason
            else:
                found[due[number]] = unit = loaded(answer)
                if kept is not None:
                    kept.keep(unit, answer, world)
        return found

    def _mentioning(
        self, names: Mapping[str, frozenset[str]], files: Mapping[str, FoundFile], known: AbstractSet[str]
    ) -> list[str]:
        """The files that hold one of these names, and the last part of a module that has it."""
        look = Mentions.of(names)
        table = self._table("mentions", look.names)
        found: dict[str, bool] = {}
        due = []
        for path, file in sorted(files.items()):
            if path in known or path in self.unread:
                continue
            held = None if table is None else table.get(path)
            if held is None:
                due.append(file)
            else:
                found[path] = held[0]
        for file, outcome in self._looked(look, due, "searching for what was found"):
            if isinstance(outcome, Failed):
                self.unread[file.path] = outcome.reason
                continue
            found[file.path] = outcome
            if table is not None:
                table.put(file.path, outcome)
        return sorted(path for path, mentions in found.items() if mentions)

    # Joining

    def _result(self) -> ScanResult:
        unread = [*self.listing.unread, *(Unread(path, reason) for path, reason in self.unread.items())]
        skipped = [*self.listing.skipped, *self.skipped]
        bytes_of = partial(_bytes_at, {file.path: file.place for file in self.listing.files})
        return ScanResult(
            tuple(self._looked_around(tuple(one_per_line(self.references)), bytes_of)),
            tuple(sorted(set(self.unresolved), key=lambda one: (one.path, one.line, one.column, one.reason))),
            tuple(sorted(unread, key=lambda one: one.path)),
            tuple(sorted(skipped, key=lambda one: one.path)),
            tuple(sorted(set(self.patterns), key=lambda one: (one.path, one.line, one.column, one.pattern))),
            not unread,
            self.listing.commit,
        )

    def _looked_around(
        self, references: Sequence[Reference], read: Callable[[str], bytes | None]
    ) -> Iterator[Reference]:
        """The references with what the code around them says, unless an earlier scan saw it of the same ones."""
        look = Looking.among(references, read)
        groups = grouped(references)
        table = self._table("beside")
        kept = None if table is None else Remembering(table, look.inner)
        done = {} if kept is None else {path: kept.get(path, group) for path, group in groups.items()}
        due = [path for path in groups if done.get(path) is None]
        with self._crew(look) as crew:
            for number, beside in crew.surely([groups[path] for path in due], _FEW):
                path = due[number]
                done[path] = beside.references
                if kept is not None:
                    kept.keep(path, groups[path], beside)
        return (one for path in groups for one in done[path] or ())


@dataclass(slots=True)
class _Hurried:
    """The pieces of a file, as many as there is time for."""

    pieces: Iterator[bytes]
    until: float
    size: int = 0
    stopped: bool = False

    def __iter__(self) -> Iterator[bytes]:
        """Go on until the end or until it is time."""
        for piece in self.pieces:
            if time.monotonic() > self.until:
                self.stopped = True
                return
            self.size += len(piece)
            yield piece


@dataclass(slots=True)
class _Follower:
    """Follows one file after another, each in the world that it heard of last; a unit goes as it is kept."""

    project: Project
    world: World

    def hear(self, world: World) -> None:
        """From now on this is the world."""
        self.world = world

    def __call__(self, path: str) -> bytes:
        """Follow a file."""
        return dumped(follow_file(self.project, self.world, path))


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Look for cyclic garbage seldom: trees have none, and looking through all of them takes a third of the time."""
    before = gc.get_threshold()
    gc.set_threshold(_MADE_BETWEEN, 20, 1000)
    try:
        yield
    finally:
        # What there is by now counts as old, else the next object that is made has all of it looked through.
        if not gc.get_freeze_count():
            gc.freeze()
            gc.unfreeze()
        gc.set_threshold(*before)


_MADE_BETWEEN = 500_000


def _places(found: Resolution) -> dict[str, frozenset[int]]:
    """The lines of each file where something was found."""
    lines: dict[str, set[int]] = {}
    met: tuple[Reference | Unresolved | Pattern, ...] = (*found.references, *found.unresolved, *found.patterns)
    for one in met:
        lines.setdefault(one.path, set()).add(one.line)
    return {path: frozenset(held) for path, held in sorted(lines.items())}


def _wanted(candidate: _Candidate, language: Language | None) -> bool:
    if candidate.keyed:
        return True
    return language is not None and not candidate.words.isdisjoint(language.words)


def _find(context: ScanContext, job: tuple[FoundFile, str]) -> FileFindings:
    file, name = job
    source = SourceFile(file.path, read_bytes(file.place, LARGEST_TEXT))
    for language in LANGUAGES:
        if language.name == name:
            return language.find(source, context)
    return search_text(source, context)


def _bytes_at(places: Mapping[str, str], path: str) -> bytes | None:
    """Return what is in a listed file, or ``None`` where it cannot be read any more."""
    try:
        return read_bytes(places[path], LARGEST_SOURCE) if path in places else None
    except OSError:
        return None


def one_per_line(references: Iterable[Reference]) -> Iterator[Reference]:
    """One reference per flag and line: the first kind that fits, the surest of it."""
    ordered = sorted(references, key=_order)
    for _, group in groupby(ordered, key=lambda one: (one.path, one.line, _flag_order(one.flag))):
        yield next(group)


def _order(one: Reference) -> tuple[object, ...]:
    return (
        one.path,
        one.line,
        _flag_order(one.flag),
        one.kind.rank,
        one.certainty is not Certainty.CERTAIN,
        one.default is None,
        one.column,
        one.resolution,
    )


def _flag_order(flag: FlagSpec) -> tuple[str, ...]:
    return (
        flag.key,
        flag.provider,
        flag.application or "",
        flag.environment or "",
        flag.profile or "",
        flag.name or "",
    )
