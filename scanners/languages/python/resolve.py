"""From the files of a repository to what its Python code says of flags."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from auditor.domain.references import Certainty, Pattern, Reference, ReferenceKind, Unread, Unresolved
from scanners.depth import DEEPEST, deep
from scanners.languages.base import ScanContext, is_test_path
from scanners.languages.python import embedded, invoke, members, tree
from scanners.languages.python.exports import exports
from scanners.languages.python.machine import Machine
from scanners.languages.python.project import Project, relevant_names
from scanners.languages.python.readers import tables
from scanners.languages.python.report import Reporter
from scanners.languages.python.values import ClassObj, FuncObj, InstObj, Site, Text


@dataclass(slots=True)
class Resolution:
    """What was found, and the methods that ask for the keys they are handed."""

    references: tuple[Reference, ...] = ()
    unresolved: tuple[Unresolved, ...] = ()
    patterns: tuple[Pattern, ...] = ()
    unread: tuple[Unread, ...] = ()
    wrappers: frozenset[Site] = frozenset()


def resolve(
    project: Project,
    roots: Iterable[str],
    context: ScanContext,
    told: frozenset[Site] = frozenset(),
) -> Resolution:
    """Follow the code of ``roots``, and whatever it leads to, to every use of a flag.

    ``told`` are methods, found by a round before, that an unknown object may be asked by.
    """
    order = sorted(roots)
    with deep(DEEPEST):
        machine = _machine(project, order, context)
        machine.wrapper_sites = told
        modules(machine, order)
        summaries(machine, frozenset(order), lambda _: True)
        inheriting(machine, machine.classes)
        composed(machine)
        return _ended(machine, order)


def composed(machine: Machine) -> None:
    """Follow methods that nobody is seen to call as those of the objects that are made somewhere.

    What an object was made with tells the part of a key that its class alone does not.
    """
    unmatched = machine.reporter.unmatched
    made, before = machine.made[:], dict(machine.reporter.found)
    for ref in made if unmatched else ():
        cls = ref.obj.cls if isinstance(ref.obj, InstObj) else None
        for func in members.methods(cls) if cls is not None else ():
            if any(_stands_in(site, func) for site in unmatched):
                machine.refresh()
                _guarded(machine, func.scope.path, partial(invoke.root, machine, func, owner=ref))
    for _, site, _, _ in machine.reporter.found.keys() - before.keys():
        if unmatched.pop(site, None) is not None:
            machine.reporter.unresolved.pop(site, None)


def _stands_in(site: Site, func: FuncObj) -> bool:
    node = func.node
    return isinstance(node, tree.Def) and site.path == func.scope.path and node.pos <= site.pos <= node.end


def _ended(machine: Machine, order: list[str]) -> Resolution:
    asking = waiting_owners(machine)
    for owners, text, spot, name in flag_objects(machine):
        if not asking.isdisjoint(owners):
            machine.reporter.bound(text.moved(spot), f"{name} is built with the key")
    notes(machine, order)
    machine.reporter.finish()
    return _result(machine)


def asked_for(context: ScanContext) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """The words that tell of a reader, the names of configured ones, and the stores of the flags."""
    configured = [accessor.callable.rsplit(".", 1)[-1] for accessor in context.options.accessors]
    parts = [accessor.callable.split(".")[-2:-1] for accessor in context.options.accessors]
    # An object may be asked by calling it: then the class is all that is named.
    words = {*tables.WORDS, *configured, *(name for part in parts for name in part if name[:1].isupper())}
    providers = frozenset(flag.provider for flag in context.flags.flags)
    if "env" in providers or context.settings:
        words |= {"environ", "getenv", "environs", "decouple", "cfenv"}
    words.update(word for store in ("dynamodb", "s3") if store in providers for word in tables.STORE_WORDS[store])
    return frozenset(words), frozenset(configured), providers


def _machine(project: Project, order: list[str], context: ScanContext) -> Machine:
    trees = [facts for path in order if (facts := project.load(path)) is not None]
    words, configured, providers = asked_for(context)
    return Machine(
        project,
        Reporter(context.flags),
        context.options,
        context.settings,
        words=words,
        relevant=relevant_names((facts.functions for facts in trees), words),
        configured=configured,
        known_names=frozenset(name for facts in trees for name in exports(facts).own),
        tests=frozenset(path for path in project.paths if is_test_path(path)),
        providers=providers,
    )


def modules(machine: Machine, order: Iterable[str]) -> None:
    """Follow what the modules do when they are imported."""
    for path in order:
        _guarded(machine, path, partial(machine.module, path))


def inheriting(machine: Machine, classes: Iterable[ClassObj]) -> None:
    """Follow inherited methods as those of each class that has them."""
    for cls in list(classes):
        for func in inherited(cls):
            if not _may_ask(machine, func):
                continue
            machine.refresh()
            owner = machine.generic(cls)
            _guarded(
                machine,
                func.scope.path,
                partial(invoke.root, machine, func, owner=owner),
            )


def summaries(machine: Machine, wanted: frozenset[str], matters: Callable[[FuncObj], bool]) -> None:
    """Follow the functions of the files, those included that are made on the way."""
    done = 0
    while done < len(machine.functions):
        func = machine.functions[done]
        done += 1
        if func.scope.path in wanted and func not in machine.summaries and matters(func):
            summary(machine, func)


def summary(machine: Machine, func: FuncObj) -> None:
    """Follow a function for its own sake."""
    machine.refresh()
    _guarded(machine, func.scope.path, partial(invoke.summary, machine, func))


def _guarded(machine: Machine, path: str, work: Callable[[], object]) -> None:
    """One function too deep to follow is said, and costs no other."""
    running = len(machine.running)
    try:
        work()
    except RecursionError:
        machine.unread[path] = "code is nested too deeply to be followed"
        del machine.running[running:]
        machine.loops = 0


def inherited(cls: ClassObj) -> list[FuncObj]:
    """The methods a class has from others of the repository."""
    own, *above = cls.ancestors
    seen = set(own.scope.names)
    found: list[FuncObj] = []
    for ancestor in above:
        for name, values in ancestor.scope.names.items():
            if name in seen or name.startswith("__"):
                continue
            seen.add(name)
            found += [value for value in values if isinstance(value, FuncObj)]
    return found


def _may_ask(machine: Machine, func: FuncObj) -> bool:
    told = machine.summaries.get(func)
    if told is not None and told.waits:
        return True
    return isinstance(func.node, tree.Def) and not machine.words.isdisjoint(func.node.mentions)


def wrappers(machine: Machine) -> Iterator[tuple[str, Site]]:
    """Methods that ask for a key they are handed, with their names."""
    for frame in machine.reporter.wrapping_frames:
        func = machine.roots.get(frame)
        if func is not None and func.owner is not None:
            yield func.name, func.site


def few_owners(methods: Iterable[tuple[str, Site]]) -> frozenset[Site]:
    """Those of methods that not many others have the name of: an unknown object may be asked by such a name."""
    found: dict[str, set[Site]] = defaultdict(set)
    for name, site in methods:
        found[name].add(site)
    return frozenset(site for sites in found.values() if len(sites) <= _MOST_OWNERS for site in sites)


_MOST_OWNERS = 16


def waiting_owners(machine: Machine) -> set[Site]:
    """The classes of which a method asks for a key that nobody here passes."""
    roots = machine.roots
    found = (func.owner for frame in machine.reporter.waiting_frames if (func := roots.get(frame)) is not None)
    return {cls.site for cls in found if cls is not None}


def flag_objects(machine: Machine) -> Iterator[tuple[frozenset[Site], Text, Site, str]]:
    """Texts that objects are built with: the classes of the object, the text, where it stands, and the class's name.

    An object that asks for the key it is built with is bound to it, whether or not it is ever asked.
    """
    for cls, text, frame in machine.built:
        known = text.known
        spot = machine.reporter.locate(frame, text) if known and machine.reporter.flags.exact(known) else None
        if spot is not None:
            yield frozenset(one.site for one in cls.ancestors), text, spot[1], cls.name


def notes(machine: Machine, order: list[str]) -> None:
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


def placed(reporter: Reporter) -> tuple[Unresolved, ...]:
    """What could not be resolved, by lines and columns."""
    return tuple(
        Unresolved(site.path, *reporter.place(site), reason) for site, reason in sorted(reporter.unresolved.items())
    )


def _result(machine: Machine) -> Resolution:
    reporter = machine.reporter
    return Resolution(
        tuple(reporter.found.values()),
        placed(reporter),
        tuple(reporter.patterns.values()),
        tuple(Unread(path, reason) for path, reason in sorted(machine.unread.items())),
        few_owners((name, site) for name, site in wrappers(machine) if name in machine.asked_methods),
    )
