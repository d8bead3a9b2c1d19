"""Python files, each parsed once in a process that may die; trees lie on disk, so that no process holds all of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from scanners.cache import Facts, Packs, Place, Table, lasting
from scanners.languages.base import SourceFile
from scanners.languages.python import tree
from scanners.languages.python.exports import Exports
from scanners.languages.python.mentions import asks_one_of
from scanners.languages.python.outline import outline
from scanners.languages.python.quick import folded_tree, judged, quick_tree
from scanners.languages.python.unit import Brief, brief
from scanners.repository import FoundFile, read_bytes
from scanners.unreadable import UnreadableSourceError
from scanners.workers import Crew, Failed, ask

LARGEST_SOURCE = 2 << 20


class Shelved(NamedTuple):
    """What of a file is asked of all files together, and where its tree lies."""

    brief: Brief
    place: Place | None


@dataclass(slots=True)
class Shelf:
    """Trees on disk: in the cache where there is one, else in a folder that goes when the scan ends.

    Nothing depends on it: a tree that is not there is parsed again. ``places`` are where those lie that were put there
    or asked for.
    """

    facts: Facts | None = None
    packs: Packs | None = None
    spots: Mapping[str, Sequence[int]] | None = None
    places: dict[str, Place | None] = field(default_factory=dict)

    @classmethod
    def of(cls, facts: Facts | None) -> Shelf:
        """A shelf in the cache, or none."""
        return cls(facts, None if facts is None else facts.cache.trees)

    @classmethod
    @contextmanager
    def beside(cls, facts: Facts | None, spots: Mapping[str, Sequence[int]]) -> Iterator[Shelf]:
        """A shelf in the cache, or in a folder of its own where there is none; functions lie folded on it.

        ``spots`` are the places in the files where parts of keys stand: what is there is not folded.
        """
        with ExitStack() as stack:
            made = cls.of(facts)
            if facts is None:
                with suppress(OSError):
                    made.packs = Packs(Path(stack.enter_context(TemporaryDirectory(prefix="flagtrail-"))))
            made.spots = spots
            yield made

    def __reduce__(self) -> tuple[type[Shelf], tuple[object, ...]]:
        """A process that is no fork needs the places only."""
        return Shelf, (None, self.packs, self.spots, self.places)

    def read(self, file: SourceFile) -> tree.Module:
        """A file as it lies there; raises UnreadableSourceError."""
        return quick_tree(file) if self.spots is None else folded_tree(file, self.spots.get(file.path, ()))

    def _kind(self, path: str) -> tuple[int, ...] | None:
        """What a tree depends on besides the file."""
        return None if self.spots is None else tuple(self.spots.get(path, ()))

    def keep(self, module: tree.Module) -> Place | None:
        """Put a tree there; None where that cannot be."""
        return None if self.packs is None else self.packs.keep(module)

    def put(self, path: str, place: Place | None) -> None:
        """Know where a file's tree was put."""
        self.places[path] = place
        if self.facts is not None:
            self.facts.table("trees").put(path, None if place is None else (self._kind(path), *place))

    def place(self, path: str) -> Place | None:
        """Where the tree of a file lies; None when it does not."""
        if path not in self.places and self.facts is not None:
            (held,) = self.facts.table("trees").get(path) or (None,)
            self.places[path] = Place(*held[1:]) if held is not None and held[0] == self._kind(path) else None
        return self.places.get(path)

    def get(self, path: str) -> tree.Module | None:
        """The tree of a file; None when it is not there."""
        place = self.place(path)
        held = None if place is None or self.packs is None else self.packs.get(place)
        return held if isinstance(held, tree.Module) and held.path == path else None


@dataclass(frozen=True, slots=True)
class Task:
    """A Python file to understand; with ``words`` only if its code asks for one, with ``outline`` only its names.

    With ``judge`` libcst says of these lines whether its tree of the file is another one; ``ends`` are those of its
    statements, where known. With ``whole`` the tree itself is wanted, else only what is asked of all files together.
    """

    file: FoundFile
    words: frozenset[bytes] = frozenset()
    outline: bool = False
    judge: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()
    whole: bool = False


Answer = tree.Module | Shelved | Exports | None


def parse(shelf: Shelf, task: Task) -> Answer:
    """Understand a file, and put its tree on the shelf; None when nothing is wanted of it."""
    file = task.file
    if file.size > LARGEST_SOURCE:
        raise UnreadableSourceError(f"larger than {LARGEST_SOURCE >> 20} MB")
    data = read_bytes(file.place, LARGEST_SOURCE)
    if task.outline:
        return outline(data)
    if task.words and not asks_one_of(data, task.words):
        return None
    source = SourceFile(file.path, data)
    module = judged(source, task.judge, task.ends) if task.judge else shelf.read(source)
    if module is None:
        return None
    if task.whole:
        return module
    return Shelved(brief(module), shelf.keep(module))


@dataclass(slots=True)
class Modules:
    """The Python files of a tree, understood when they are first asked for.

    Where they are followed ``together``, in this process, their trees are held in it. ``doubtful`` are files that only
    may ask for a reader, with the words that tell.
    """

    files: Mapping[str, FoundFile]
    crew: Crew[Task, Answer]
    shelf: Shelf
    facts: Facts | None
    together: bool
    progress: Callable[[int, int | None, str], None]
    doubtful: dict[str, frozenset[bytes]] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    briefs: dict[str, Brief] = field(default_factory=dict)
    _trees: dict[str, tree.Module] = field(default_factory=dict)
    _outlines: dict[str, Exports | None] = field(default_factory=dict)

    def load_all(self, paths: Sequence[str]) -> None:
        """Parse many at once, save those that only speak of a reader; they are ``silent``.

        A silent file stays so even where an earlier scan kept its tree, because a later round told of it: each scan
        goes through the same rounds, so that what was followed in one holds in the next.
        """
        due = [path for path in paths if not self._is_silent(path) and not self._is_told_of(path)]
        jobs = [self._task(path, self.doubtful.get(path, frozenset())) for path in due]
        for done, (number, answer) in enumerate(self.crew.all(jobs), start=1):
            self._take(due[number], answer)
            self.progress(done, len(jobs), "reading Python")

    def brief(self, path: str) -> Brief | None:
        """What of a file is asked of all files together; None when it cannot be understood."""
        if not self._is_told_of(path):
            self._take(path, self.crew.one(self._task(path)))
        return self.briefs.get(path)

    def tree(self, path: str) -> tree.Module | None:
        """The tree of a file; None when it cannot be understood."""
        if path in self._trees:
            return self._trees[path]
        held = None if path in self.unread else self.shelf.get(path)
        if held is None and path not in self.unread:
            answer = self.crew.one(Task(self.files[path], whole=True))
            self._take(path, answer)
            held = answer if isinstance(answer, tree.Module) else None
        elif held is not None and self.together:
            self._trees[path] = held
        return held

    def outline(self, path: str) -> Exports | None:
        """The names a module makes known; None when it cannot be understood."""
        if path not in self._outlines:
            table = self._table(_OUTLINES)
            held = None if table is None else table.get(path)
            answer = held[0] if held is not None else self.crew.one(Task(self.files[path], outline=True))
            self._outlines[path] = answer if isinstance(answer, Exports) else None
            if table is not None and held is None and isinstance(answer, Exports):
                table.put(path, answer)
        return self._outlines[path]

    def told(self, question: tuple[str, str]) -> object:
        """What a worker asks: where on the shelf a file's tree is, the tree itself, or the file's names."""
        what, path = question
        if what == "shelf":
            return None if self.brief(path) is None else (self.shelf.place(path),)
        return self.tree(path) if what == "tree" else self.outline(path)

    def wake(self, paths: Iterable[str]) -> None:
        """Files that a round has told of are parsed whether or not they only speak of a reader."""
        for path in paths:
            self.doubtful.pop(path, None)
            self.silent.discard(path)

    def judge(self, places: Mapping[str, frozenset[int]]) -> bool:
        """Ask libcst of the lines where something was found; False where it reads a file otherwise than was followed.

        What it says then takes the place of what was followed.
        """
        table = self._table("judged")
        jobs = []
        for path, found in places.items():
            lines = tuple(sorted(found))
            held = None if table is None else table.get(path)
            if self._is_understood(path) and (held is None or held[0] != lines):
                ends = self.briefs[path].ends if path in self.briefs else ()
                jobs.append(Task(self.files[path], judge=lines, ends=ends, whole=self.together))
        same = True
        for number, answer in self.crew.all(jobs):
            path = jobs[number].file.path
            if answer is None:
                if table is not None:
                    table.put(path, jobs[number].judge)
                continue
            same = False
            self._take(path, answer)
            if (replaced := self._table("replaced")) is not None:
                replaced.put(path, not isinstance(answer, Failed))
        return same

    def _task(self, path: str, words: frozenset[bytes] = frozenset()) -> Task:
        return Task(self.files[path], words, whole=self.together)

    def _table(self, name: str) -> Table | None:
        return None if self.facts is None else self.facts.table(name)

    def _is_told_of(self, path: str) -> bool:
        """Whether a file is understood or cannot be, in this scan or since an earlier one."""
        if self.together:
            if path not in self._trees and path not in self.unread and (module := self.shelf.get(path)) is not None:
                self._trees[path] = module
            return path in self._trees or path in self.unread
        table = self._table("briefs")
        if table is not None and path not in self.briefs and path not in self.unread:
            held = table.get(path)
            if held is not None and isinstance(held[0], Brief):
                self.briefs[path] = held[0]
            elif held is not None:
                self.unread[path] = str(held[0])
        return path in self.briefs or path in self.unread

    def _is_silent(self, path: str) -> bool:
        """Whether an earlier scan found that a file only speaks of a reader."""
        words = self.doubtful.get(path)
        table = self._table("silent") if words else None
        if words and table is not None and table.get(path) == (sorted(words),):
            self.silent.add(path)
            return True
        return False

    def _is_understood(self, path: str) -> bool:
        return path in self.briefs or path in self._trees

    def _take(self, path: str, answer: Answer | Failed) -> None:
        if isinstance(answer, tree.Module):
            place = self.shelf.keep(answer)
            if self.together:
                self.shelf.put(path, place)
                self._trees[path] = answer
                return
            answer = Shelved(brief(answer), place)
        if isinstance(answer, Shelved):
            self.shelf.put(path, answer.place)
            self.briefs[path] = answer.brief
            if (table := self._table("briefs")) is not None:
                table.put(path, answer.brief)
        elif answer is None:
            self.silent.add(path)
            if (table := self._table("silent")) is not None:
                table.put(path, sorted(self.doubtful.get(path, ())))
        else:
            self._fail(path, answer.reason if isinstance(answer, Failed) else "no tree")

    def _fail(self, path: str, reason: str) -> None:
        self._trees.pop(path, None)
        self.briefs.pop(path, None)
        self.unread[path] = reason
        if lasting(reason) and (table := self._table("briefs")) is not None:
            table.put(path, reason)


_OUTLINES = "outlines"


@dataclass(slots=True)
class Source:
    """In a worker: the trees that it needs, and a few more; what is not on the shelf is asked of who hired it.

    Of each tree that goes, ``forget`` is told.
    """

    shelf: Shelf
    forget: Callable[[str], None] | None = None
    _trees: OrderedDict[str, tree.Module | None] = field(default_factory=OrderedDict)
    _outlines: dict[str, Exports | None] = field(default_factory=dict)

    def load(self, path: str) -> tree.Module | None:
        """The tree of a file; None when it cannot be understood."""
        if path in self._trees:
            self._trees.move_to_end(path)
            return self._trees[path]
        held = self.shelf.get(path)
        if held is None and (told := ask(("shelf", path))) is not None:
            (self.shelf.places[path],) = told
            held = self.shelf.get(path) or ask(("tree", path))
        self._trees[path] = held
        while len(self._trees) > _MOST_TREES:
            gone, _ = self._trees.popitem(last=False)
            if self.forget is not None:
                self.forget(gone)
        return self._trees[path]

    def outline(self, path: str) -> Exports | None:
        """The names a module makes known; None when it cannot be understood."""
        if path not in self._outlines:
            held = self.shelf.facts.table(_OUTLINES).get(path) if self.shelf.facts is not None else None
            self._outlines[path] = held[0] if held is not None else ask(("outline", path))
        return self._outlines[path]


# A tree takes some ten times what the file does, once its functions are unfolded.
_MOST_TREES = 110
