"""What following files gave in earlier scans, as far as all that it depends on is still the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from scanners.cache import Facts, Table, loaded
from scanners.languages.base import ScanContext
from scanners.languages.python.following import World
from scanners.languages.python.project import Project
from scanners.languages.python.unit import Brief, Consulted, Kept, Print, Unit


def digest_of(*parts: object) -> str:
    """A short name for what a fact depends on besides the file."""
    return hashlib.sha256(repr(parts).encode("utf-8", errors="surrogateescape")).hexdigest()


def context_digest(context: ScanContext) -> str:
    """A short name for what is looked for, and for what documents say of settings."""
    return digest_of(context.flags.flags, context.options, sorted(context.settings.items()))


@dataclass(slots=True)
class Remembered:
    """Units by the files they consulted, and by all answers that they were given; ``brief`` tells of a file."""

    facts: Facts
    project: Project
    brief: Callable[[str], Brief | None]
    table: Table
    _world: World | None = None
    _digests: dict[str, str] = field(default_factory=dict)
    _before: dict[str, list[tuple[Kept, Unit]]] = field(default_factory=dict)
    _made: dict[str, list[Kept]] = field(default_factory=dict)
    _among: str = ""

    def __post_init__(self) -> None:
        """Note which files there are."""
        self._among = digest_of(sorted(self.project.paths))

    def get(self, path: str, world: World) -> Unit | None:
        """What following a file gave, where it would give the same in this world; None where that is not certain."""
        if path not in self._before:
            held = self.table.get(path)
            found = [(one, loaded(one.written)) for one in held[0]] if held is not None else []
            self._before[path] = [(one, unit) for one, unit in found if isinstance(unit, Unit)]
        for one, unit in self._before[path]:
            same = one.among == self._among or self._are_there(unit.consulted)
            if same and self._holds(unit.consulted, world) and self._print(unit.consulted, world) == one.known:
                self._made.setdefault(path, []).append(one)
                return unit
        return None

    def keep(self, unit: Unit, written: bytes, world: World) -> None:
        """Keep what following a file gave in this world, also ``written``."""
        known = self._print(unit.consulted, world) if unit.consulted.whole and not unit.unread else None
        made = self._made.setdefault(unit.path, [])
        if known is not None:
            made.append(Kept(known, self._among, written))
        self.table.put(unit.path, made)

    def _are_there(self, told: Consulted) -> bool:
        """Whether imports mean what they meant, though there may be other files."""
        project = self.project
        if told.settings is not None and told.settings != project.settings_modules():
            return False
        return all(
            project.resolve(f"{folder}/", level, module) == to for folder, level, module, to in told.imports
        ) and all(project.child(package, name) == to for package, name, to in told.children)

    def _holds(self, told: Consulted, world: World) -> bool:
        """Whether all questions about all files have the answers that they had."""
        return (
            all((path in world.candidates) == opened for path, opened in told.opened)
            and all((name in world.known_names) == known for name, known in told.known)
            and all(world.methods.get(name, ()) == sites for name, sites in told.methods)
        )

    def _print(self, told: Consulted, world: World) -> Print | None:
        """The files that were consulted, by what they hold and by what matters of their names."""
        parts: list[tuple[str, ...]] = [tuple(sorted(told.names)), tuple(sorted(told.members))]
        for path in told.files:
            identity = self.facts.identities.get(path)
            relevant = None if identity is None else self._digest(path, world)
            if identity is None or relevant is None:
                return None
            replaced = self.facts.table("replaced").get(path) == (True,)
            parts.append((path, identity, relevant, "replaced") if replaced else (path, identity, relevant))
        for path in told.outlines:
            identity = self.facts.identities.get(path)
            if identity is None:
                return None
            parts.append((path, identity))
        home = self.brief(told.files[0]) if told.files else None
        words = home.vocabulary if home is not None else frozenset()
        given = world.names & (words | told.beyond), world.members & words
        return tuple(parts) if given == (told.names, told.members) else None

    def _digest(self, path: str, world: World) -> str | None:
        """Which of a file's names are those of functions that may ask for flags."""
        if self._world is not world:
            self._world = world
            self._digests.clear()
        if path not in self._digests:
            brief = self.brief(path)
            if brief is None:
                return None
            self._digests[path] = digest_of(sorted(world.telling & brief.vocabulary))
        return self._digests[path]
