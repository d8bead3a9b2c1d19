"""What following one file gives, as plain data, and all that it was given to know: that is when it holds again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from auditor.domain.references import Pattern, Reference, Unread, Unresolved
from scanners.keytext import KeyText
from scanners.languages.python import tree
from scanners.languages.python.exports import exports
from scanners.languages.python.project import dotted_parts
from scanners.languages.python.values import Site

Place = tuple[str, int, int]


class Brief(NamedTuple):
    """What of a file is asked of all files together: the names in its code, and those at its top.

    ``vocabulary`` are its ``mentions`` and the names that its functions, and the classes around them, have, ``ends``
    the last lines of its statements.
    """

    mentions: frozenset[str]
    vocabulary: frozenset[str]
    own: frozenset[str]
    ends: tuple[int, ...]


def brief(module: tree.Module) -> Brief:
    """What of a file is asked of all files together."""
    vocabulary = module.mentions.union(name for name, _ in module.functions)
    return Brief(module.mentions, vocabulary, exports(module).own, module.ends)


class Consulted(NamedTuple):
    """All answers that the following of one file was given: with the same ones it ends the same.

    Of files by the whole tree or the names only, of imports by folder, dots and module, of names below packages, of
    the modules that a framework's settings are in (None where nobody asked), of modules that are worth following, of
    names that are known, and of methods that ask for what they are handed.
    Of ``names`` that may reach a flag it was told those that stand in its own code, and those ``beyond``.
    It is not ``whole`` where one of the files could not be read.
    """

    files: tuple[str, ...] = ()
    outlines: tuple[str, ...] = ()
    imports: tuple[tuple[str, int, str, str | None], ...] = ()
    children: tuple[tuple[str, str, str | None], ...] = ()
    settings: tuple[str, ...] | None = None
    opened: tuple[tuple[str, bool], ...] = ()
    known: tuple[tuple[str, bool], ...] = ()
    methods: tuple[tuple[str, tuple[Site, ...]], ...] = ()
    names: frozenset[str] = frozenset()
    members: frozenset[str] = frozenset()
    beyond: frozenset[str] = frozenset()
    whole: bool = True


class Claim(NamedTuple):
    """A name of a module by which others may reach a flag.

    It tells where it is ``sure``, where one of the functions and classes at ``sites`` asks, or where a name that it is
    ``taken`` from tells.
    """

    path: str
    name: str
    sure: bool
    sites: frozenset[Site]
    taken: tuple[tuple[str, str], ...]


class Said(NamedTuple):
    """What is said of files: of ``unmatched`` places what is known of a key that no flag has."""

    references: tuple[Reference, ...] = ()
    unresolved: tuple[Unresolved, ...] = ()
    patterns: tuple[Pattern, ...] = ()
    unmatched: tuple[tuple[Place, KeyText], ...] = ()


class Handing(NamedTuple):
    """A function that gives objects of these classes, or is ``sure`` to give what is asked for flags.

    ``owner`` is the class whose method it is, if one.
    """

    name: str
    site: Site
    owner: Site | None
    sure: bool
    classes: frozenset[Site]


class End(NamedTuple):
    """What is to be said of a place, unless it turns out that someone passes a key there.

    Where keys that ``match`` a flag come there, what does not says nothing.
    """

    site: Site
    match: bool
    said: Said


class Unit(NamedTuple):
    """What following one file gave; sites stand for the functions and classes that begin there."""

    path: str
    said: Said
    unread: tuple[Unread, ...]
    asked: tuple[End, ...]
    passed: tuple[End, ...]
    reached: frozenset[Site]
    settled: frozenset[Site]
    handed_on: frozenset[Site]
    built: tuple[tuple[frozenset[Site], tuple[Reference, ...]], ...]
    claims: tuple[Claim, ...]
    asking: frozenset[Site]
    owners: frozenset[Site]
    waiting_owners: frozenset[Site]
    handing: tuple[Handing, ...]
    fixing: frozenset[tuple[str, str, str]]
    wrapping: frozenset[tuple[str, Site]]
    idle: frozenset[str]
    asking_idle: frozenset[str]
    consulted: Consulted


# What a unit depends on of the files that it consulted.
Print = tuple[tuple[str, ...], ...]


class Kept(NamedTuple):
    """A unit as it is ``written`` down, with what it depends on: files, and which files there were ``among``."""

    known: Print
    among: str
    written: bytes


def deciding(
    asking: Iterable[Site], owners: Iterable[Site], handing: Iterable[Handing]
) -> tuple[frozenset[Site], frozenset[str]]:
    """The functions and classes that lead to a flag, and the names of functions that hand out what is asked for one."""
    held, waiting = set(owners), list(handing)
    sites, names = set(asking), set[str]()
    for _ in range(_MOST_HOPS):
        more: list[Handing] = []
        rest: list[Handing] = []
        for one in waiting:
            (more if one.sure or not held.isdisjoint(one.classes) else rest).append(one)
        if not more:
            break
        waiting = rest
        sites.update(one.site for one in more)
        names.update(one.name for one in more)
        held.update(one.owner for one in more if one.owner is not None)
    return frozenset(sites | held), frozenset(names)


def named_alone(fixing: Iterable[tuple[str, str, str]], handing: frozenset[str]) -> dict[str, set[str]]:
    """Methods that fix a flag, asked of an object that others hand out, by names that tell them from others."""
    found: dict[str, set[str]] = {}
    for name, owner, path in fixing:
        if "_" in name.strip("_") and len(name) >= _TELLING_LENGTH:
            found.setdefault(name, set()).update({owner, *dotted_parts(path)[-1:], *handing})
    return found


_TELLING_LENGTH = 8


def telling(claims: Iterable[Claim], sites: frozenset[Site]) -> dict[str, set[str]]:
    """The names of each module by which others may reach a flag; what is taken from elsewhere tells what that does."""
    told: dict[str, set[str]] = {}
    waiting: dict[tuple[str, str], list[Claim]] = {}
    latest: list[Claim] = []
    for claim in claims:
        if claim.sure or not sites.isdisjoint(claim.sites):
            latest.append(claim)
        for source in claim.taken:
            waiting.setdefault(source, []).append(claim)
    while latest:
        claim = latest.pop()
        names = told.setdefault(claim.path, set())
        if claim.name not in names:
            names.add(claim.name)
            latest += waiting.get((claim.path, claim.name), ())
    return told


_MOST_HOPS = 8
