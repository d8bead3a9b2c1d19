"""A large tree, followed file by file: each by itself, so that what it gave can be kept, or made in another process.

What one file gives depends on the files it leads to, and on what all files together tell: which modules are worth
following, and the names by which others may reach a flag. Nothing else goes from one file to the next, so that the
order, the number of processes and what was kept from an earlier scan change no result.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple

from auditor.domain.references import Certainty, FlagSpec, Pattern, Reference, ReferenceKind, Unread, Unresolved
from scanners.depth import DEEPEST, deep
from scanners.keytext import KeyText
from scanners.languages.base import ScanContext, is_test_path
from scanners.languages.python import resolve, tree
from scanners.languages.python.exports import Exports
from scanners.languages.python.machine import Machine
from scanners.languages.python.project import Project, Watched, dotted_parts
from scanners.languages.python.readers import accessors, settings, tables
from scanners.languages.python.report import Reporter, answered
from scanners.languages.python.slices import Slicing
from scanners.languages.python.unit import (
    Brief,
    Claim,
    Consulted,
    End,
    Handing,
    Place,
    Said,
    Unit,
    brief,
    deciding,
    named_alone,
    telling,
)
from scanners.languages.python.values import (
    Bound,
    ClassObj,
    Doc,
    DocModel,
    FlagVal,
    FuncObj,
    Imported,
    InstObj,
    MapObj,
    Obj,
    Partial,
    Ref,
    SeqObj,
    Site,
    Text,
    Value,
)

# What asks a store that also holds much else; a key is needed beside it, by whatever name.
_ASKING = frozenset(tables.TELLING).union(*tables.METHODS.values()) - {"get", "set"}
_MOST_PASSES = 40
_MANY = 200
_NONE = frozenset({"none"})


@dataclass(frozen=True, slots=True)
class World:
    """What is known of all files together while one of them is followed.

    ``spots`` says where in a file parts of keys stand. ``names`` are those by which others may reach a flag, as far as
    earlier passes told, ``members`` the names of methods that ask for one, whoever has them, and ``methods`` the places
    of methods that ask for a key they are handed, by name. ``telling`` are the names in the code that may ask for
    flags, as far as earlier passes told.
    """

    context: ScanContext
    spots: Mapping[str, Sequence[int]]
    words: frozenset[str]
    configured: frozenset[str]
    providers: frozenset[str]
    tests: frozenset[str]
    candidates: frozenset[str] = frozenset()
    known_names: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    members: frozenset[str] = frozenset()
    methods: Mapping[str, tuple[Site, ...]] = field(default_factory=dict)
    telling: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Put the names together that are asked for in every file."""
        telling = self.words | _ASKING | self.names | self.members | self.methods.keys()
        object.__setattr__(self, "telling", telling)

    @classmethod
    def of(cls, paths: Iterable[str], context: ScanContext, spots: Mapping[str, Sequence[int]]) -> World:
        """What is known before any file is followed."""
        words, configured, providers = resolve.asked_for(context)
        tests = frozenset(path for path in paths if is_test_path(path))
        return cls(context, spots, words, configured, providers, tests)

    def among(self, briefs: Mapping[str, Brief]) -> World:
        """The same where just these files are worth following into."""
        return replace(
            self,
            candidates=frozenset(briefs),
            known_names=frozenset().union(*(one.own for one in briefs.values())),
        )


def follow_file(project: Project, world: World, path: str) -> Unit:
    """Follow the code of a file, and whatever it leads to, to every use of a flag."""
    watched = Watched(project)
    slicing = Slicing(path, world.spots, project.flow, partial(_functions_in, project))
    slicing.tell(world.telling)
    machine = Machine(
        watched,
        Reporter(world.context.flags),
        world.context.options,
        world.context.settings,
        words=world.words,
        relevant=world.words | _ASKING | world.names,
        configured=world.configured,
        candidates=world.candidates,
        known_names=world.known_names,
        tests=world.tests,
        providers=world.providers,
        home=path,
        asking=world.methods,
        wrapper_sites=frozenset(site for sites in world.methods.values() for site in sites),
        slicing=slicing,
    )
    facts = watched.load(path)
    vocabulary = brief(facts).vocabulary if facts is not None else frozenset()
    with deep(DEEPEST):
        resolve.modules(machine, [path])
        worth = _functions(machine, slicing, path, world, vocabulary)
        _inherited(machine, path, worth.holds)
        resolve.composed(machine)
        for other in sorted(set(machine.reporter.kept.values()) - {path}):
            slicing.whole.add(other)
            machine.whole(other)  # what it does with the keys that it keeps
            resolve.summaries(machine, frozenset({other}), lambda _: True)
        beyond = frozenset(slicing.beyond)
        given = world.names & (vocabulary | beyond)
        try:
            return _unit(
                machine,
                watched,
                path,
                worth,
                _Cut(slicing.idle & vocabulary, slicing.asked & vocabulary, beyond, given),
            )
        finally:
            machine.forget()


def _functions(machine: Machine, slicing: Slicing, path: str, world: World, vocabulary: frozenset[str]) -> _Worth:
    """Follow the functions of a file that can matter, until those tell of no more names that do."""
    worth = _Worth(world.spots, world.names & vocabulary, world.members & vocabulary)
    told = _Told(machine, vocabulary)
    readers = machine.words | _ASKING | worth.given
    for _ in range(_MOST_PASSES):
        names = readers | told.names()
        worth.asking = names
        names |= _derived(machine, path, names)
        if names == worth.names:
            break
        _forget(machine, path, names - worth.names)
        worth.names = names
        slicing.tell(names | world.telling)
        resolve.summaries(machine, frozenset({path}), worth.holds)
    return worth


def _derived(machine: Machine, path: str, names: frozenset[str]) -> set[str]:
    """The classes of a file that are made from one of these: the file itself may ask their objects.

    To other files they tell nothing: what all pages or tests are made from would have each of their files followed.
    """
    own = [cls for cls in machine.classes if cls.scope.path == path]
    return {cls.name for cls in own if not names.isdisjoint(one.name for one in cls.ancestors[1:])}


def _forget(machine: Machine, path: str, names: frozenset[str]) -> None:
    """Let the functions be followed again that name what is told of only now: statements of theirs were left out."""
    own = [(func, func.node) for func in machine.summaries if func.scope.path == path]
    again = [func for func, node in own if isinstance(node, tree.Def) and not names.isdisjoint(node.mentions)]
    for func in again:
        del machine.summaries[func]
    if again:
        machine.memory.clear()


def _inherited(machine: Machine, path: str, matters: Callable[[FuncObj], bool]) -> None:
    """Follow the methods that the classes of a file have from others."""
    own = [cls for cls in machine.classes if cls.scope.path == path]
    for func in [func for cls in own for func in resolve.inherited(cls)]:
        if func.scope.path != path and func not in machine.summaries and matters(func):
            resolve.summary(machine, func)
    resolve.inheriting(machine, own)


def _functions_in(project: Project, path: str) -> Iterable[tuple[str, frozenset[str]]]:
    facts = project.load(path)
    return facts.functions if facts is not None else ()


@dataclass(slots=True)
class _Worth:
    """Which functions are worth following for their own sake.

    Those that hold a part of a key or one of the ``names``, and those that ask something of one of the ``members``
    where it may be an object that one of the names made: it came as an argument of that type, or the class keeps it.
    Of a class that is only derived from an ``asking`` one no method is worth it for the class alone.
    """

    spots: Mapping[str, Sequence[int]]
    given: frozenset[str]
    members: frozenset[str]
    names: frozenset[str] = frozenset()
    asking: frozenset[str] = frozenset()
    _classes: dict[ClassObj, frozenset[str]] = field(default_factory=dict)

    def holds(self, func: FuncObj) -> bool:
        """Whether a function is worth it."""
        node, names = func.node, self.names
        if isinstance(node, tree.Lambda) or not names.isdisjoint(node.mentions):
            return True
        if func.owner is not None and func.owner.name in self.asking:
            return True
        if not self.members.isdisjoint(node.mentions) and not names.isdisjoint(self.around(func)):
            return True
        held = self.spots.get(func.scope.path, ())
        place = bisect_left(held, node.pos)
        return place < len(held) and held[place] <= node.end

    def around(self, func: FuncObj) -> frozenset[str]:
        """The names that tell what a function may be handed, and what an object may be that it is a method of."""
        node, owner = func.node, func.owner
        found = _named(param.annotation for param in node.params)
        if owner is None:
            return found
        if owner not in self._classes:
            self._classes[owner] = _class_mentions(owner.node)
        return found | self._classes[owner]


def _class_mentions(node: tree.Class) -> frozenset[str]:
    """The names that a class's code mentions, and those of the classes it is made from."""
    found = set(_named(arg.value for arg in node.bases))
    for part in node.body:
        if isinstance(part, tree.Def):
            found |= part.mentions
            found |= _named(param.annotation for param in part.params)
        elif isinstance(part, tree.Assign):
            found |= _named([part.value])
        elif isinstance(part, tree.Declare):
            found |= _named([part.annotation, part.value])
    return frozenset(found)


def _named(expressions: Iterable[object]) -> frozenset[str]:
    """The names in expressions."""
    found: set[str] = set()
    waiting: list[object] = list(expressions)
    while waiting:
        one = waiting.pop()
        if isinstance(one, tree.Name):
            found.add(one.id)
        elif isinstance(one, tree.Attr):
            found.add(one.name)
            waiting.append(one.value)
        elif isinstance(one, tree.Str):
            found.update(_IDENTIFIER.findall(one.value) if len(one.value) <= _LONGEST_NAME else ())
        elif isinstance(one, tuple):
            waiting += one
    return frozenset(found)


# An annotation may stand in quotes.
_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_LONGEST_NAME = 200


# What is kept of it


class _Cut(NamedTuple):
    """The names in what was left out: in the file itself, of objects there, in others; and those it was told of."""

    idle: AbstractSet[str]
    asked: AbstractSet[str]
    beyond: frozenset[str]
    given: frozenset[str]


def _unit(machine: Machine, watched: Watched, path: str, worth: _Worth, cut: _Cut) -> Unit:
    reporter = machine.reporter
    resolve.notes(machine, [path])
    idle: set[str] = {*cut.idle, *cut.beyond}
    asking: set[str] = set(cut.asked)
    for func in machine.functions:
        if func.scope.path == path and func not in machine.summaries and isinstance(func.node, tree.Def):
            idle |= func.node.mentions
            idle |= {func.owner.name} if func.owner is not None else set()
            if not worth.names.isdisjoint(worth.around(func)):
                asking |= func.node.mentions
    known = {one for one in machine.modules if one == path or one not in (machine.candidates or ())}
    return Unit(
        path,
        _said(reporter),
        tuple(Unread(one, reason) for one, reason in sorted(machine.unread.items())),
        tuple(_asked(reporter)),
        tuple(_passed(reporter)),
        frozenset(reporter.reached),
        frozenset(reporter.settled()),
        frozenset(reporter.handed_on),
        tuple(_built(machine)),
        tuple(_claims(machine, known)),
        frozenset(_asking(machine)),
        frozenset(_owners(machine)),
        frozenset(resolve.waiting_owners(machine)),
        tuple(_handing(machine)),
        frozenset(_fixing(machine)),
        frozenset(resolve.wrappers(machine)),
        frozenset(idle - worth.names - cut.given),
        frozenset(asking - worth.members),
        Consulted(
            tuple(watched.files),
            tuple(watched.outlines),
            tuple((*asked, found) for asked, found in watched.imports.items()),
            tuple((*asked, found) for asked, found in watched.children.items()),
            watched.settings,
            tuple(machine.opened.items()),
            tuple(machine.known.items()),
            tuple((name, tuple(machine.asking.get(name, ()))) for name in sorted(machine.asked_methods)),
            cut.given,
            worth.members,
            cut.beyond,
            watched.whole,
        ),
    )


def _asked(reporter: Reporter) -> Iterator[End]:
    for call in reporter.waiting:
        if call not in reporter.reached:
            beside = reporter.beside()
            reporter.say_asked(call, beside)
            yield End(call, bool(reporter.matching(call)), _said(beside))


def _passed(reporter: Reporter) -> Iterator[End]:
    for site in reporter.passing:
        if site not in reporter.handed_on:
            beside = reporter.beside()
            reporter.say_passed(site, beside)
            yield End(site, False, _said(beside))


def _said(reporter: Reporter) -> Said:
    return Said(
        tuple(reporter.found.values()),
        resolve.placed(reporter),
        tuple(reporter.patterns.values()),
        tuple(((site.path, *reporter.place(site)), key) for site, key in reporter.unmatched.items()),
    )


def _built(machine: Machine) -> Iterator[tuple[frozenset[Site], tuple[Reference, ...]]]:
    for owners, text, spot, name in resolve.flag_objects(machine):
        beside = machine.reporter.beside()
        beside.bound(text.moved(spot), f"{name} is built with the key")
        if beside.found:
            yield owners, tuple(beside.found.values())


# By which names others may reach a flag


def _asking(machine: Machine) -> Iterator[Site]:
    """The functions that ask for a key they are handed, or give what a flag is worth."""
    roots = machine.roots
    found = (func for frame in machine.reporter.wrapping_frames if (func := roots.get(frame)) is not None)
    yield from (func.site for func in found)
    for func, told in machine.summaries.items():
        if any(_gives_value(value) for value in told.returns):
            yield func.site


def _owners(machine: Machine) -> Iterator[Site]:
    """The classes of which something asks for a flag."""
    roots, reporter = machine.roots, machine.reporter
    frames = reporter.waiting_frames | reporter.wrapping_frames
    asking = [func for frame in frames if (func := roots.get(frame)) is not None]
    asking += [func for func, told in machine.summaries.items() if any(_gives_value(one) for one in told.returns)]
    yield from (func.owner.site for func in asking if func.owner is not None)
    for cls in machine.classes:
        if settings.flag_fields(machine, cls) or accessors.is_asked(machine, cls):
            yield cls.site


def _gives_value(value: Value) -> bool:
    if isinstance(value, Ref):
        held = value.obj.items if isinstance(value.obj, SeqObj) and value.obj.kind == "tuple" else []
        return len(held) <= _SEVERAL and any(_is_read(one) for item in held for one in item)
    return _is_read(value)


def _is_read(value: Value) -> bool:
    return isinstance(value, Doc | DocModel) or (isinstance(value, FlagVal) and any(seen.flags for seen in value.reads))


# What a function gives together; a longer one is a collection, which many functions fill.
_SEVERAL = 4


def _handing(machine: Machine) -> Iterator[Handing]:
    """Functions that give what is asked for flags: a library's client, or an object of a class of the repository."""
    for func, told in machine.summaries.items():
        held = [value.obj for value in told.returns if isinstance(value, Ref)]
        classes = frozenset(one.cls.site for one in held if isinstance(one, InstObj))
        sure = any(
            isinstance(value, Obj) and value.reader.providers not in {frozenset(), _NONE} for value in told.returns
        )
        if classes or sure:
            owner = func.owner.site if func.owner is not None else None
            yield Handing(func.name, func.site, owner, sure, classes)


def _fixing(machine: Machine) -> Iterator[tuple[str, str, str]]:
    """Methods that ask for a flag whoever calls them: their names, those of their classes, and where they stand."""
    roots, reporter = machine.roots, machine.reporter
    waiting = {func for frame in reporter.waiting_frames if (func := roots.get(frame)) is not None}
    asking = {func for frame in reporter.wrapping_frames if (func := roots.get(frame)) is not None}
    asking |= {func for func, told in machine.summaries.items() if any(_gives_value(one) for one in told.returns)}
    for func in asking - waiting:
        if func.owner is not None:
            yield func.name, func.owner.name, func.scope.path
    for cls in machine.classes:
        for name in settings.flag_fields(machine, cls):
            yield name, cls.name, cls.scope.path


@dataclass(slots=True)
class _Told:
    """Which names of a vocabulary may reach a flag, as far as a file and what it leads to say by now."""

    machine: Machine
    vocabulary: frozenset[str]
    _known: tuple[object, ...] = ()
    _names: frozenset[str] = frozenset()

    def names(self) -> frozenset[str]:
        """The names; those told before, where nothing was found since that could tell of others."""
        machine = self.machine
        sites, handing = deciding(_asking(machine), _owners(machine), _handing(machine))
        alone = named_alone(_fixing(machine), handing)
        held = {
            (path, name): scope.names[name]
            for path, scope in machine.modules.items()
            if scope is not None
            for name in self.vocabulary.intersection(scope.names)
        }
        known = sites, alone, held, [_size(value) for values in held.values() for value in values]
        if known != self._known:
            tells = _Tells(machine, sites, _Grounds(machine))
            self._names = frozenset(alone).union(name for path, name in held if tells.name(path, name))
            self._known = known
        return self._names


def _size(value: Value) -> int:
    """How much a container or class holds, which may come to be more."""
    if isinstance(value, ClassObj):
        return len(value.scope.names)
    if not isinstance(value, Ref):
        return 0
    return len(value.obj.attrs if isinstance(value.obj, InstObj) else value.obj.items)


@dataclass(slots=True)
class _Tells:
    """Which names of modules may reach a flag, where the functions and classes at ``sites`` do."""

    machine: Machine
    sites: frozenset[Site]
    _grounds: _Grounds
    _names: dict[tuple[str, str], bool] = field(default_factory=dict)
    _objects: dict[ClassObj, bool] = field(default_factory=dict)
    _classes: dict[ClassObj, bool] = field(default_factory=dict)

    def name(self, path: str, name: str) -> bool:
        """Whether a name of a module does, or the name that it is taken from."""
        if (path, name) not in self._names:
            self._names[path, name] = False
            scope = self.machine.modules.get(path)
            self._names[path, name] = any(map(self._value, scope.names.get(name, ()) if scope is not None else ()))
        return self._names[path, name]

    def _value(self, value: Value) -> bool:
        if isinstance(value, ClassObj):
            return self._class(value)
        if isinstance(value, Ref) and isinstance(value.obj, InstObj):
            return self._object_of(value.obj.cls) or any(map(self._value, _inside(value.obj)))
        return any(
            self.name(ground.path, ground.name)
            if isinstance(ground, Imported)
            else ground is True or ground in self.sites
            for ground in self._grounds.of(value)
        )

    def _object_of(self, cls: ClassObj) -> bool:
        if cls not in self._objects:
            self._objects[cls] = cls.site in self.sites or not self.sites.isdisjoint(_described(cls))
        return self._objects[cls]

    def _class(self, cls: ClassObj) -> bool:
        if cls not in self._classes:
            self._classes[cls] = any(one.site in self.sites for one in cls.ancestors)
            self._classes[cls] = self._classes[cls] or any(map(self._value, _held_by(cls)))
        return self._classes[cls]


def _claims(machine: Machine, paths: Iterable[str]) -> Iterator[Claim]:
    """The names of modules by which others may reach a flag."""
    found = _Grounds(machine)
    for path in list(paths):
        scope = machine.modules.get(path)
        for name, values in scope.names.items() if scope is not None else ():
            grounds = {ground for value in values for ground in found.of(value)}
            if grounds:
                sites = frozenset(ground for ground in grounds if isinstance(ground, Site))
                taken = tuple(sorted((one.path, one.name) for one in grounds if isinstance(one, Imported)))
                yield Claim(path, name, True in grounds, sites, taken)


@dataclass(slots=True)
class _Grounds:
    """Why values may lead to a flag: they do, or a function or class they are may, or what they are imported from."""

    machine: Machine
    _classes: dict[ClassObj, frozenset[Site]] = field(default_factory=dict)

    def of(self, value: Value) -> Iterator[bool | Site | Imported]:
        """The grounds of one value."""
        if isinstance(value, Text):
            known = value.known
            if (known is not None and self.machine.reporter.flags.exact(known)) or tables.may_ask_agent(value):
                yield True
        elif isinstance(value, FuncObj):
            yield value.site
        elif isinstance(value, ClassObj):
            yield value.site
            yield from self._all(_held_by(value))
        elif isinstance(value, Ref):
            yield from self._object(value)
        elif isinstance(value, Partial):
            given = (text for values in value.args for text in values if isinstance(text, Text))
            yield from self._all((value.func, *given))
        elif isinstance(value, Bound):
            yield from self.of(value.owner)
        elif isinstance(value, Imported):
            yield value
        elif isinstance(value, Doc | DocModel | Obj):
            yield True

    def _all(self, values: Iterable[Value]) -> Iterator[bool | Site | Imported]:
        for value in values:
            yield from self.of(value)

    def _object(self, value: Ref) -> Iterator[bool | Site | Imported]:
        if isinstance(value.obj, InstObj):
            cls = value.obj.cls
            if cls not in self._classes:
                self._classes[cls] = frozenset((cls.site, *_described(cls)))
            yield from self._classes[cls]
        yield from self._all(_inside(value.obj))


def _inside(held: SeqObj | MapObj | InstObj) -> Iterator[Value]:
    """What a container or a member of an enum holds that may lead to a flag."""
    inner: Iterable[Value]
    if isinstance(held, InstObj):
        inner = held.attrs.get("value", ()) if held.member else ()
    elif isinstance(held, SeqObj):
        inner = (one for item in held.items for one in item)
    else:
        inner = (one for keys, values in held.items for one in (*keys, *values))
    return (one for one in inner if isinstance(one, Text | FuncObj))


def _held_by(cls: ClassObj) -> Iterator[Value]:
    """What a class's attributes hold that may lead to a flag."""
    inside = f"{cls.qualname}."
    held = (inner for values in cls.scope.names.values() for inner in values)
    return (
        inner
        for inner in held
        if isinstance(inner, Text | Ref) or (isinstance(inner, ClassObj) and inner.qualname.startswith(inside))
    )


def _described(cls: ClassObj) -> Iterator[Site]:
    """The classes of a class's attributes: they may be objects that ask for a flag when they are taken."""
    held = (value.obj for values in cls.scope.names.values() for value in values if isinstance(value, Ref))
    return (one.cls.site for one in held if isinstance(one, InstObj))


# All files together


@dataclass(slots=True)
class Following:
    """A large tree, followed round by round: files that hold keys, then files that name what those told of.

    No other module is followed, unless a constant is needed from it. In a file only those functions are followed for
    their own sake that hold a part of a key, or name a key's name, a reader, or what leads to one. A file is followed
    anew where others tell of a name, of a method or of a module that it can use. ``run`` follows files in a world.
    """

    project: Project
    world: World
    run: Callable[[World, Sequence[str]], Mapping[str, Unit]]
    briefs: dict[str, Brief] = field(default_factory=dict)
    units: dict[str, Unit] = field(default_factory=dict)
    _told: dict[str, set[str]] = field(default_factory=dict)
    _outlines: dict[str, Exports | None] = field(default_factory=dict)
    _names: dict[str, frozenset[str]] = field(default_factory=dict)

    def follow(self, briefs: Mapping[str, Brief]) -> Mapping[str, frozenset[str]]:
        """Take more files; return the names by which others may reach a flag, with their modules' names."""
        fresh = sorted(briefs.keys() - self.briefs.keys())
        self.briefs.update(briefs)
        due = self._in_order(fresh)
        self.world = self.world.among(self.briefs)
        for _ in range(_MOST_PASSES):
            self.units.update(self.run(self.world, due))
            self._tell()
            due = self._in_order([path for path in sorted(self.units) if self._is_stale(path)])
            if not due:
                break
        return self._names

    def _in_order(self, paths: list[str]) -> list[str]:
        """Many files as they stand, since neighbours need the same trees; of few the largest first.

        Nobody waits at the end for a large one then that began last.
        """
        if len(paths) > _MANY:
            return paths
        return sorted(paths, key=lambda path: len(self.briefs[path].mentions), reverse=True)

    def _tell(self) -> None:
        """Put together what the files tell of each other."""
        units = self.units.values()
        sites, handing = deciding(
            (site for unit in units for site in unit.asking),
            (site for unit in units for site in unit.owners),
            (one for unit in units for one in unit.handing),
        )
        self._told = telling((claim for unit in units for claim in unit.claims), sites)
        asked = {name for unit in units for name, _ in unit.consulted.methods}
        wrapping = {(name, site) for unit in units for name, site in unit.wrapping if name in asked}
        few = resolve.few_owners(wrapping)
        methods: dict[str, tuple[Site, ...]] = dict(self.world.methods)
        for name, site in sorted(wrapping):
            if site in few and site not in methods.get(name, ()):
                methods[name] = (*methods.get(name, ()), site)
        self._names = self._reached_as(named_alone((one for unit in units for one in unit.fixing), handing))
        members = {name for unit in units for name, _ in unit.wrapping}
        members.update(name for unit in units for name, _, _ in unit.fixing)
        self.world = replace(self.world, names=frozenset(self._names), members=frozenset(members), methods=methods)

    def _is_stale(self, path: str) -> bool:
        """Whether a file has to be followed anew."""
        world, told = self.world, self.units[path].consulted
        if any(name in told.beyond or self._may_reach(path, name) for name in self._newly_told(path)):
            return True
        if not self.units[path].asking_idle.isdisjoint(world.members - told.members):
            return True
        if any(world.methods.get(name, ()) != sites for name, sites in told.methods):
            return True
        newly = [one for one, opened in told.opened if not opened and one in world.candidates]
        mentions = self.briefs[path].mentions
        return any(not mentions.isdisjoint(self._told.get(one, ())) for one in newly)

    def _newly_told(self, path: str) -> AbstractSet[str]:
        """The names that a file would have had more followed by, had it been told of them."""
        unit = self.units[path]
        return unit.idle & (self.world.names - unit.consulted.names)

    def _may_reach(self, path: str, name: str) -> bool:
        """Whether a file can mean by a name what others told of: it has or mentions where that is, or who gives it."""
        stems = self._names.get(name, frozenset())
        return (
            "" in stems
            or not stems.isdisjoint(self.briefs[path].vocabulary)
            or not stems.isdisjoint(dotted_parts(path))
        )

    def _reached_as(self, found: dict[str, set[str]]) -> dict[str, frozenset[str]]:
        for path in sorted(self._told):
            for name in sorted(self._told[path]):
                for known_as, stem in self._handed_on(path, name):
                    found.setdefault(known_as, set()).add(stem)
        return {name: frozenset(stems) for name, stems in found.items()}

    def _handed_on(self, path: str, name: str) -> Iterator[tuple[str, str]]:
        """A name with the last part of its module's name, and what the packages around hand it on as."""
        parts = dotted_parts(path)
        yield name, parts[-1] if parts else ""
        names, stem = {name}, parts[-1] if parts else ""
        while len(parts) > 1:
            parts = parts[:-1]
            found = self._exports("/".join((*parts, "__init__.py")))
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

    def _exports(self, path: str) -> Exports | None:
        if path not in self._outlines:
            self._outlines[path] = self.project.outline(path) if path in self.project.paths else None
        return self._outlines[path]

    def resolution(self) -> resolve.Resolution:
        """All that was found."""
        return joined([self.units[path] for path in sorted(self.units)])


def joined(units: Sequence[Unit]) -> resolve.Resolution:
    """What all files together say; of a place first what its own file says."""
    reached = frozenset().union(*(unit.reached for unit in units))
    handed_on = frozenset().union(*(unit.handed_on for unit in units))
    settled = frozenset().union(*(unit.settled for unit in units))
    waiting = frozenset().union(*(unit.waiting_owners for unit in units))
    found = _Found()
    for unit in units:
        built = (one for owners, ones in unit.built if not waiting.isdisjoint(owners) for one in ones)
        found.take(unit.path, unit.said)
        found.take(unit.path, Said(tuple(built)))
    for ends, gone in (([unit.asked for unit in units], reached), ([unit.passed for unit in units], handed_on)):
        open_ends: dict[Site, list[End]] = {}
        for unit, own in zip(units, ends, strict=True):
            for end in own:
                if end.site not in gone and (end.match or end.site not in settled):
                    held = open_ends.setdefault(end.site, [])
                    held.insert(0 if end.site.path == unit.path else len(held), end)
        for held in open_ends.values():
            for end in [one for one in held if one.match] or held[:1]:
                found.take(end.site.path, end.said)
    return found.resolution(tuple(one for unit in units for one in unit.unread))


_Key = tuple[FlagSpec, Place, ReferenceKind, Certainty]


@dataclass(slots=True)
class _Found:
    """What was found, once for each place: by what the file of the place itself says, else by the first that does."""

    references: tuple[dict[_Key, Reference], dict[_Key, Reference]] = field(default_factory=lambda: ({}, {}))
    unresolved: tuple[dict[Place, Unresolved], dict[Place, Unresolved]] = field(default_factory=lambda: ({}, {}))
    patterns: tuple[dict[tuple[str, Place], Pattern], dict[tuple[str, Place], Pattern]] = field(
        default_factory=lambda: ({}, {})
    )
    unmatched: tuple[dict[Place, KeyText], dict[Place, KeyText]] = field(default_factory=lambda: ({}, {}))

    def take(self, home: str, said: Said) -> None:
        """Take what one file says."""
        for one in said.references:
            kept = self.references[one.path != home]
            key = (one.flag, (one.path, one.line, one.column), one.kind, one.certainty)
            held = kept.setdefault(key, one)
            if held.default is None and one.default is not None:
                kept[key] = replace(held, default=one.default)
        for doubt in said.unresolved:
            self.unresolved[doubt.path != home].setdefault((doubt.path, doubt.line, doubt.column), doubt)
        for part in said.patterns:
            place = (part.pattern, (part.path, part.line, part.column))
            self.patterns[part.path != home].setdefault(place, part)
        for at, known in said.unmatched:
            self.unmatched[at[0] != home].setdefault(at, known)

    def resolution(self, unread: tuple[Unread, ...]) -> resolve.Resolution:
        """All of it."""
        own, others = self.references
        references = others | own
        for key in own.keys() & others.keys():
            if own[key].default is None:
                references[key] = replace(own[key], default=others[key].default)
        unresolved = self.unresolved[1] | self.unresolved[0]
        asked = ((place, flag.key) for flag, place, _, _ in references)
        for place in answered(self.unmatched[1] | self.unmatched[0], asked):
            unresolved.pop(place, None)
        return resolve.Resolution(
            tuple(references.values()),
            tuple(unresolved.values()),
            tuple((self.patterns[1] | self.patterns[0]).values()),
            unread,
        )
