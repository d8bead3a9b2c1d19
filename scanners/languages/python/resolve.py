"""From the files of a repository to what its Python code says of flags."""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from auditor.domain.references import Certainty, Pattern, Reference, ReferenceKind, Unread, Unresolved
from scanners.languages.base import ScanContext, is_test_path
from scanners.languages.python import embedded, invoke, members, tree
from scanners.languages.python.exports import exports
from scanners.languages.python.machine import Machine
from scanners.languages.python.project import Project, dotted_parts, relevant_names
from scanners.languages.python.readers import accessors, settings, tables
from scanners.languages.python.report import Reporter
from scanners.languages.python.values import (
    Bound,
    ClassObj,
    Doc,
    FlagVal,
    FuncObj,
    Imported,
    InstObj,
    Obj,
    Partial,
    Ref,
    SeqObj,
    Site,
    Text,
    Vals,
    Value,
)


@dataclass(slots=True)
class Resolution:
    """What was found, and the names under which other modules may find more."""

    references: tuple[Reference, ...] = ()
    unresolved: tuple[Unresolved, ...] = ()
    patterns: tuple[Pattern, ...] = ()
    unread: tuple[Unread, ...] = ()
    names: Mapping[str, frozenset[str]] = field(default_factory=dict)
    wrappers: frozenset[Site] = frozenset()


def resolve(
    project: Project,
    roots: Iterable[str],
    context: ScanContext,
    wrappers: frozenset[Site] = frozenset(),
) -> Resolution:
    """Follow the code of ``roots``, and whatever it leads to, to every use of a flag.

    ``wrappers`` are methods, told by a round before, that an unknown object may be asked by.
    """
    order = sorted(roots)
    with _deep():
        machine = _machine(project, order, context, narrow=False)
        machine.wrapper_sites = wrappers
        _modules(machine, order)
        _summaries(machine, frozenset(order), lambda _: True)
        _inheriting(machine, machine.classes)
        return _ended(machine, order)


@dataclass(slots=True)
class Following:
    """A large tree, followed round by round: files that hold keys, then files that name what those told of.

    No other module is followed, unless a constant is needed from it. In a file only those functions are followed for
    their own sake that hold a part of a key (``spots`` says where these stand), or name a key's name, a reader, or
    what leads to one. A file is followed anew where a later round tells of a name that it uses.
    """

    project: Project
    context: ScanContext
    spots: Mapping[str, Sequence[int]]
    _machine: Machine | None = None
    _paths: list[str] = field(default_factory=list)

    def follow(self, paths: Iterable[str]) -> Mapping[str, frozenset[str]]:
        """Take more files; return the names by which others may reach a flag, with their modules' names."""
        fresh = sorted(set(paths) - set(self._paths))
        with _deep():
            machine = self._opened(fresh)
            known = frozenset(_telling_names(machine)) if self._paths else frozenset()
            earlier, self._paths = self._paths, sorted({*self._paths, *fresh})
            self._run(machine, fresh)
            for _ in range(_MOST_PASSES):
                names = _telling_names(machine)
                again = _naming(machine, earlier, frozenset(names) - known) | self._asked_by_wrappers(machine)
                if not again:
                    return names
                known = frozenset(names)
                _forget(machine, again)
                self._run(machine, sorted(again))
            return _telling_names(machine)

    def resolution(self) -> Resolution:
        """All that was found."""
        with _deep():
            return _ended(self._opened([]), self._paths)

    def _opened(self, fresh: list[str]) -> Machine:
        made = _machine(self.project, [*self._paths, *fresh], self.context, narrow=True)
        if self._machine is None:
            self._machine = made
        machine = self._machine
        machine.candidates, machine.relevant, machine.known_names = made.candidates, made.relevant, made.known_names
        return machine

    def _run(self, machine: Machine, paths: list[str]) -> None:
        machine.followed.clear()
        machine.memory.clear()
        classes = len(machine.classes)
        _modules(machine, paths)
        _relevant_summaries(machine, frozenset(paths), self.spots)
        _inheriting(machine, machine.classes[classes:])

    def _asked_by_wrappers(self, machine: Machine) -> set[str]:
        """The files that call something unknown by the name of a wrapper's method that was not known before."""
        new = _wrappers(machine) - machine.wrapper_sites
        machine.wrapper_sites |= new
        functions = [func for func in machine.functions if Site(func.scope.path, func.node.pos) in new]
        for func in functions:
            machine.wrappers.setdefault(func.name, []).append(func)
        return {path for func in functions for path in machine.asked_methods.get(func.name, ())}


def _naming(machine: Machine, paths: Iterable[str], names: frozenset[str]) -> set[str]:
    """The files that use one of these names."""
    trees = ((path, machine.project.load(path)) for path in paths) if names else ()
    return {path for path, facts in trees if facts is not None and not names.isdisjoint(facts.mentions)}


def _forget(machine: Machine, paths: set[str]) -> None:
    """Let files be followed anew; what was found in them stays, and is found again."""
    for path in paths:
        machine.modules.pop(path, None)
    machine.functions = [func for func in machine.functions if func.scope.path not in paths]
    machine.classes = [cls for cls in machine.classes if cls.scope.path not in paths]


@contextmanager
def _deep() -> Iterator[None]:
    """Let code be nested deeper than the interpreter's own limit."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _DEEPEST))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


_DEEPEST = 5000


def _ended(machine: Machine, order: list[str]) -> Resolution:
    _flag_objects(machine)
    _notes(machine, order)
    machine.reporter.finish()
    return _result(machine)


def _machine(project: Project, order: list[str], context: ScanContext, *, narrow: bool) -> Machine:
    modules = [facts for path in order if (facts := project.load(path)) is not None]
    configured = [accessor.callable.rsplit(".", 1)[-1] for accessor in context.options.accessors]
    words = {*tables.WORDS, *configured}
    providers = frozenset(flag.provider for flag in context.flags.flags)
    if "env" in providers or context.settings:
        words |= {"environ", "getenv"}
    return Machine(
        project,
        Reporter(context.flags),
        context.options,
        context.settings,
        words=frozenset(words),
        relevant=relevant_names(modules, frozenset(words)),
        configured=frozenset(configured),
        candidates=frozenset(order) if narrow else None,
        known_names=frozenset(name for facts in modules for name in exports(facts).own),
        tests=frozenset(path for path in project.paths if is_test_path(path)),
        providers=providers,
    )


def _modules(machine: Machine, order: Iterable[str]) -> None:
    for path in order:
        _guarded(machine, path, partial(machine.module, path))


def _inheriting(machine: Machine, classes: Iterable[ClassObj]) -> None:
    """Follow inherited methods as those of each class that has them."""
    for cls in list(classes):
        for func in _inherited(machine, cls):
            machine.refresh()
            owner = machine.generic(cls)
            _guarded(
                machine,
                func.scope.path,
                partial(invoke.root, machine, func, owner=owner),
            )


def _summaries(machine: Machine, wanted: frozenset[str], matters: Callable[[FuncObj], bool]) -> None:
    """Follow the functions of the files, those included that are made on the way."""
    done = 0
    while done < len(machine.functions):
        func = machine.functions[done]
        done += 1
        if func.scope.path in wanted and func not in machine.summaries and matters(func):
            machine.refresh()
            _guarded(machine, func.scope.path, partial(invoke.summary, machine, func))


def _relevant_summaries(machine: Machine, wanted: frozenset[str], spots: Mapping[str, Sequence[int]]) -> None:
    """Follow the functions that can matter, until those tell of no more names that do."""
    readers = machine.relevant | _ASKING
    names: frozenset[str] = frozenset()
    for _ in range(_MOST_PASSES):
        known, names = names, readers.union(_telling_names(machine))
        if names == known:
            return
        _summaries(machine, wanted, partial(_matters, spots, names))


def _matters(spots: Mapping[str, Sequence[int]], names: frozenset[str], func: FuncObj) -> bool:
    """Whether a function holds a part of a key, or one of these names."""
    node = func.node
    if isinstance(node, tree.Lambda) or not names.isdisjoint(node.mentions):
        return True
    if func.owner is not None and func.owner.name in names:
        return True
    held = spots.get(func.scope.path, ())
    place = bisect_left(held, node.pos)
    return place < len(held) and held[place] <= node.end


# What asks a store that also holds much else; a key is needed beside it, by whatever name.
_ASKING = frozenset(tables.TELLING).union(*tables.METHODS.values()) - {"get", "set"}
_MOST_PASSES = 4


def _guarded(machine: Machine, path: str, work: Callable[[], object]) -> None:
    """One function too deep to follow is said, and costs no other."""
    running = len(machine.running)
    try:
        work()
    except RecursionError:
        machine.unread[path] = "code is nested too deeply to be followed"
        del machine.running[running:]
        machine.loops = 0


def _inherited(machine: Machine, cls: ClassObj) -> list[FuncObj]:
    """The methods a class has from others of the repository, as far as they may ask for flags."""
    own, *above = members.ancestors(cls)
    seen = set(own.scope.names)
    found: list[FuncObj] = []
    for ancestor in above:
        for name, values in ancestor.scope.names.items():
            if name in seen or name.startswith("__"):
                continue
            seen.add(name)
            found += [v for v in values if isinstance(v, FuncObj) and _may_ask(machine, v)]
    return found


def _may_ask(machine: Machine, func: FuncObj) -> bool:
    told = machine.summaries.get(func)
    if told is not None and told.waits:
        return True
    return isinstance(func.node, tree.Def) and not machine.words.isdisjoint(func.node.mentions)


def _wrappers(machine: Machine) -> frozenset[Site]:
    """Methods that ask for a key they are handed, of names that something unknown is asked by."""
    found: dict[str, set[Site]] = {}
    for frame in machine.reporter.wrapping_frames:
        func = machine.roots.get(frame)
        if func is not None and func.owner is not None and func.name in machine.asked_methods:
            found.setdefault(func.name, set()).add(Site(func.scope.path, func.node.pos))
    return frozenset(site for sites in found.values() if len(sites) <= _MOST_OWNERS for site in sites)


_MOST_OWNERS = 3


def _flag_objects(machine: Machine) -> None:
    """An object that asks for the key it is built with is bound to it, whether or not it is ever asked."""
    reporter = machine.reporter
    asking = {func.owner for frame in reporter.waiting_frames if (func := machine.roots.get(frame)) is not None}
    for cls, text, frame in machine.built:
        spot = reporter.locate(frame, text) if asking.intersection(members.ancestors(cls)) else None
        if spot is not None:
            reporter.bound(text.moved(spot[1]), f"{cls.name} is built with the key")


def _notes(machine: Machine, order: list[str]) -> None:
    """Comments and docstrings that name a key, and documents that stand as text."""
    for path in order:
        embedded.declared(machine, path)
        facts = machine.project.load(path)
        for note in facts.notes if facts is not None else ():
            _note(machine, path, note)


def _note(machine: Machine, path: str, note: tree.Note) -> None:
    what = "a comment names it" if note.text.startswith("#") else "a docstring names it"
    for found in machine.reporter.flags.words(note.text):
        site = Site(path, note.pos + found.start)
        machine.reporter.add(found.flag, site, ReferenceKind.DOC, Certainty.CERTAIN, (what,))


def _result(machine: Machine) -> Resolution:
    reporter = machine.reporter
    unresolved = [
        Unresolved(site.path, *reporter.place(site), reason) for site, reason in sorted(reporter.unresolved.items())
    ]
    unread = [Unread(path, reason) for path, reason in sorted(machine.unread.items())]
    return Resolution(
        tuple(reporter.found.values()),
        tuple(unresolved),
        tuple(reporter.patterns.values()),
        tuple(unread),
        _telling_names(machine),
        _wrappers(machine),
    )


def _telling_names(machine: Machine) -> dict[str, frozenset[str]]:
    """Names by which other modules may reach a key or a wrapper, with the last parts of their modules' names."""
    roots, reporter = machine.roots, machine.reporter
    waiting = {func for frame in reporter.waiting_frames if (func := roots.get(frame)) is not None}
    asking = {func for frame in reporter.wrapping_frames if (func := roots.get(frame)) is not None}
    asking |= {func for func, told in machine.summaries.items() if _gives_flag(told.returns)}
    owners = {func.owner for func in waiting | asking if func.owner is not None}
    owners |= {
        cls for cls in machine.classes if settings.declares_flag(machine, cls) or accessors.is_asked(machine, cls)
    }
    handing: set[FuncObj] = set()
    for _ in range(_MOST_PASSES):
        more = {func for func, told in machine.summaries.items() if _hands_out(told.returns, owners)} - handing
        handing |= more
        owners |= {func.owner for func in more if func.owner is not None}
        if not more:
            break
    found = _asked_by_name(asking - waiting, {func.name for func in handing})
    asking |= handing
    for path, scope in list(machine.modules.items()):
        for name, values in scope.names.items() if scope is not None else ():
            followed = [one for value in values for one in _imported_from_loaded(machine, value)]
            if any(_tells(machine, value, asking, owners) for value in followed):
                for known_as, stem in _reached_as(machine, path, name):
                    found.setdefault(known_as, set()).add(stem)
    return {name: frozenset(stems) for name, stems in found.items()}


def _asked_by_name(asking: Iterable[FuncObj], handing: set[str]) -> dict[str, set[str]]:
    """Methods that fix a flag, asked of an object that others hand out, by names that tell them from others."""
    found: dict[str, set[str]] = {}
    for func in asking:
        if func.owner is not None and "_" in func.name.strip("_") and len(func.name) >= _TELLING_LENGTH:
            parts = dotted_parts(func.scope.path)
            found.setdefault(func.name, set()).update({func.owner.name, *parts[-1:], *handing})
    return found


_TELLING_LENGTH = 8


def _imported_from_loaded(machine: Machine, value: Value) -> Vals:
    """What an imported name stands for, as far as its module is followed already: a re-export tells too."""
    for _ in range(_MOST_HOPS):
        if not isinstance(value, Imported):
            return (value,)
        scope = machine.modules.get(value.path)
        held = scope.names.get(value.name, ()) if scope is not None else ()
        if len(held) != 1:
            return held
        value = held[0]
    return ()


_MOST_HOPS = 8


def _reached_as(machine: Machine, path: str, name: str) -> Iterator[tuple[str, str]]:
    """A name with the last part of its module's name, and what the packages around hand it on as."""
    parts = dotted_parts(path)
    yield name, parts[-1] if parts else ""
    names, stem = {name}, parts[-1] if parts else ""
    while len(parts) > 1:
        parts = parts[:-1]
        package = "/".join((*parts, "__init__.py"))
        found = machine.exports(package) if package in machine.project.paths else None
        if found is None:
            return
        taken = {
            local
            for local, (_, module, original) in found.taken.items()
            if original in names and (not module or module.rsplit(".", 1)[-1] in {stem, parts[-1]})
        }
        names = taken | (names if found.stars else set())
        stem = parts[-1]
        yield from ((one, stem) for one in sorted(names))


def _gives_flag(values: Vals) -> bool:
    return any(
        isinstance(value, Doc) or (isinstance(value, FlagVal) and any(seen.flags for seen in value.reads))
        for value in values
    )


def _hands_out(values: Vals, owners: set[ClassObj]) -> bool:
    """Whether a function gives what flags are asked of: a library's client, or an object of a class that asks."""
    return any(
        (isinstance(value, Obj) and value.reader.providers and value.reader.providers != _NONE)
        or (isinstance(value, Ref) and isinstance(value.obj, InstObj) and value.obj.cls in owners)
        for value in values
    )


_NONE = frozenset({"none"})


def _tells(machine: Machine, value: Value, asking: set[FuncObj], owners: set[ClassObj]) -> bool:
    if isinstance(value, Text):
        known = value.known
        return known is not None and bool(machine.reporter.flags.exact(known))
    if isinstance(value, FuncObj):
        return value in asking
    if isinstance(value, ClassObj):
        return value in owners or any(
            _tells(machine, inner, asking, owners)
            for values in value.scope.names.values()
            for inner in values
            if isinstance(inner, Text | Ref)
        )
    if isinstance(value, Ref):
        return _object_tells(machine, value, asking, owners)
    if isinstance(value, Partial):
        given = (text for values in value.args for text in values if isinstance(text, Text))
        return any(_tells(machine, one, asking, owners) for one in (value.func, *given))
    if isinstance(value, Bound):
        return _tells(machine, value.owner, asking, owners)
    return isinstance(value, Doc | Obj)


def _describes(cls: ClassObj, owners: set[ClassObj]) -> bool:
    """Whether attributes of a class are objects that ask for a flag when they are taken."""
    held = (value for values in cls.scope.names.values() for value in values if isinstance(value, Ref))
    return any(isinstance(value.obj, InstObj) and value.obj.cls in owners for value in held)


def _object_tells(machine: Machine, value: Ref, asking: set[FuncObj], owners: set[ClassObj]) -> bool:
    held = value.obj
    if isinstance(held, InstObj):
        inner = held.attrs.get("value", ()) if held.member else ()
        if held.cls in owners or _describes(held.cls, owners):
            return True
        return any(isinstance(v, Text) and _tells(machine, v, asking, owners) for v in inner)
    if isinstance(held, SeqObj):
        return any(_tells(machine, v, asking, owners) for item in held.items for v in item if isinstance(v, Text))
    return any(
        _tells(machine, v, asking, owners)
        for keys, values in held.items
        for v in (*keys, *values)
        if isinstance(v, Text)
    )
