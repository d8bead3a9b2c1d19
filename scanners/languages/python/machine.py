"""Follows the code of a repository, module by module, function by function, and call by call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from auditor.domain.scan_options import ScanOptions
from scanners.flag_index import Reader
from scanners.languages.base import Setting
from scanners.languages.python import evaluate, execute, memory, tree
from scanners.languages.python.bindings import Bindings
from scanners.languages.python.exports import Exports, Stars, libraries
from scanners.languages.python.memory import Summary
from scanners.languages.python.project import Project, Watched, dotted_parts
from scanners.languages.python.quick import block_of
from scanners.languages.python.report import Reporter
from scanners.languages.python.slices import Slicing
from scanners.languages.python.values import (
    UNKNOWN,
    ClassObj,
    Ext,
    FlagVal,
    Frame,
    FuncObj,
    Imported,
    ModuleRef,
    Ref,
    Scope,
    Seen,
    Site,
    Text,
    Unknown,
    Vals,
    Value,
    union,
)

_ROOT_BUDGET = 60_000


class Here(NamedTuple):
    """Where the code that is followed stands: its names, and the call it is part of."""

    scope: Scope
    frame: Frame

    def site(self, pos: int) -> Site:
        """A place in the file."""
        return Site(self.scope.path, pos)


@dataclass(slots=True)
class _Late:
    """A module of which only those statements are followed that have to do with the names that are asked of it."""

    body: tree.Block
    bindings: Bindings
    here: Here
    names: dict[str, Vals]
    done: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Machine:
    """All that is known while a repository is followed.

    Where there is a ``home``, that file is followed as a whole, and of others no more than is needed of them.
    """

    project: Project | Watched
    reporter: Reporter
    options: ScanOptions
    settings: Mapping[str, tuple[Setting, ...]]
    words: frozenset[str] = frozenset()
    relevant: frozenset[str] = frozenset()
    modules: dict[str, Scope | None] = field(default_factory=dict)
    functions: list[FuncObj] = field(default_factory=list)
    classes: list[ClassObj] = field(default_factory=list)
    wrappers: dict[str, list[FuncObj]] = field(default_factory=dict)
    wrapper_sites: frozenset[Site] = frozenset()
    running: list[FuncObj] = field(default_factory=list)
    memory: dict[object, Vals] = field(default_factory=dict)
    configured: frozenset[str] = frozenset()
    candidates: frozenset[str] | None = None
    known_names: frozenset[str] = frozenset()
    told: dict[str, Exports | None] = field(default_factory=dict)
    home: str | None = None
    late: dict[str, _Late] = field(default_factory=dict)
    opened: dict[str, bool] = field(default_factory=dict)
    known: dict[str, bool] = field(default_factory=dict)
    asking: Mapping[str, tuple[Site, ...]] = field(default_factory=dict)
    tests: frozenset[str] = frozenset()
    providers: frozenset[str] = frozenset()
    asked_methods: dict[str, set[str]] = field(default_factory=dict)
    built: list[tuple[ClassObj, Text, Frame]] = field(default_factory=list)
    made: list[Ref] = field(default_factory=list)
    roots: dict[int, FuncObj] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    slicing: Slicing | None = None
    scopes: dict[int, ClassObj] = field(default_factory=dict)
    mirrors: set[tuple[ClassObj, Reader]] = field(default_factory=set)
    summaries: dict[FuncObj, Summary] = field(default_factory=dict)
    budget: int = _ROOT_BUDGET
    loops: int = 0
    loading: int = 0
    followed: dict[Imported, Vals] = field(default_factory=dict)
    named: dict[str, Vals] = field(default_factory=dict)
    imports: dict[str, frozenset[str]] = field(default_factory=dict)
    stars: dict[str, Stars] = field(default_factory=dict)
    undecorated: dict[FuncObj, Here] = field(default_factory=dict)
    setters: dict[ClassObj, tuple[int, dict[str, list[FuncObj]]]] = field(default_factory=dict)
    taken_settings: set[str] = field(default_factory=set)
    nowhere: Scope = field(default_factory=lambda: Scope({}, None, ""))
    nobody: Frame = field(default_factory=lambda: Frame(0, "nobody", None, None))
    _frames: int = 0

    def forget(self) -> None:
        """Let go of what refers to each other in circles: a search for those takes a multiple of freeing them."""
        for cls in self.classes:
            cls.scope.names.clear()
            cls.generic = None
            cls.ancestors = ()
        for scope in self.modules.values():
            if scope is not None:
                scope.names.clear()
        for frame in self.reporter.frames.values():
            for closure in frame.closures:
                closure.scope.names.clear()
            frame.closures.clear()
        self.functions.clear()
        self.setters.clear()
        self.made.clear()
        self.memory.clear()
        self.late.clear()
        self.undecorated.clear()

    def here(self, scope: Scope, frame: Frame) -> Here:
        """A place in the code."""
        return Here(scope, frame)

    def assign(self, target: tree.Expr, values: Vals, here: Here) -> None:
        """Give a target what it is assigned."""
        execute.assign(self, target, values, here)

    def binding(self, values: Vals, name: str) -> Vals:
        """A name is given these: each key among them is bound, and knows it."""
        return execute.binding(self, values, name)

    def class_of(self, scope: Scope) -> ClassObj | None:
        """The class whose body a scope is."""
        return self.scopes.get(id(scope))

    def qualname(self, scope: Scope, name: str) -> str:
        """A name of a module or class as code imports it."""
        cls = self.class_of(scope)
        if cls is not None:
            return f"{cls.qualname}.{name}"
        return ".".join((*dotted_parts(scope.path), name))

    def same_name(self, name: str, configured: str) -> bool:
        """Whether a name is the configured one, which may be counted from a directory below the repository."""
        return name == configured or name.endswith(f".{configured}")

    def note_uses(self, values: Vals, own: frozenset[Site], here: Here, site: Site) -> None:
        """A call or property gave the value of a flag that a wrapper below it fixes: this is a use of it.

        Where it was asked for a key itself, what else it may give was kept from calls before.
        """
        flags = [value for value in values if isinstance(value, FlagVal)]
        if any(seen.site in own for value in flags for seen in value.reads):
            return
        for value in flags:
            if value.whole:
                for seen in value.reads:
                    if self._is_use(seen, own, here.frame):
                        self.reporter.used(seen, site, "a wrapper that asks for the flag is used")

    def _is_use(self, seen: Seen, own: frozenset[Site], frame: Frame) -> bool:
        if seen.site is None or seen.site in own:
            return False
        return seen.frame not in frame.outside()

    def frame(
        self,
        name: str,
        caller: Frame | None = None,
        lexical: Frame | None = None,
        *,
        constructor: bool = False,
    ) -> Frame:
        """A new call, or the code nobody calls when there is no caller."""
        self._frames += 1
        depth = 0 if caller is None else caller.depth + 1
        made = Frame(self._frames, name, caller, lexical, constructor, depth)
        self.reporter.frames[made.id] = made
        return made

    def refresh(self) -> None:
        """Start the work of a new root."""
        self.budget = _ROOT_BUDGET // (3 if self.candidates is not None else 1)

    def eval(self, expr: tree.Expr, here: Here) -> Vals:
        """What an expression can be worth."""
        self.budget -= 1
        return evaluate.expression(self, expr, here)

    def run(self, block: tree.Block, here: Here) -> bool:
        """Follow a block; True when nothing goes on after it."""
        return execute.block(self, block, here)

    def body(self, func: FuncObj, scope: Scope) -> tree.Block:
        """The statements of a function that are followed: in a large tree those that can have to do with a flag."""
        node = func.node
        if isinstance(node, tree.Lambda):
            return ()
        if self.slicing is None or func.lexical is not None:
            return block_of(node)
        charged = frozenset(
            name
            for name, values in scope.names.items()
            if any(memory.charged(value, self.relevant) for value in values)
        )
        return self.slicing.body(func.scope.path, node, func.owner.name if func.owner is not None else "", charged)

    def class_body(self, node: tree.Class, path: str) -> tree.Block:
        """The statements of a class that are followed."""
        return node.body if self.slicing is None else self.slicing.class_body(path, node)

    def module(self, path: str) -> Scope | None:
        """The names of a module of the repository, followed when first asked for; None when it cannot be read."""
        if path in self.modules:
            return self.modules[path]
        if path.endswith("/"):
            self.modules[path] = Scope({}, None, path)
            return self.modules[path]
        facts = self.project.load(path)
        if facts is None:
            self.modules[path] = None
            return None
        scope = Scope({}, None, path)
        self.modules[path] = scope
        self.reporter.lines[path] = facts.lines
        here = Here(scope, self.frame(path))
        if self.home in {None, path}:
            self._import(facts.body, here)
        else:
            bound = self.project.bindings(path, facts)
            self.late[path] = _Late(facts.body, bound, here, scope.names)
            self._catch_up(self.late[path], bound.stars)
        return scope

    def _import(self, statements: tree.Block, here: Here) -> None:
        """Follow statements of a module, whoever needs it."""
        with self._aside():
            self.run(statements, here)

    @contextmanager
    def _aside(self) -> Iterator[None]:
        """What is followed here is no part of the call that needs it."""
        budget, self.budget = self.budget, _ROOT_BUDGET
        self.loading += 1
        try:
            yield
        finally:
            self.loading -= 1
            self.budget = budget

    def is_late(self, scope: Scope) -> bool:
        """Whether what decorates the methods of a class may wait: in a file that others are followed from."""
        return scope.kind == "class" and scope.path in self.late

    def class_attribute(self, cls: ClassObj, name: str) -> Vals:
        """A name that a class itself has, each method in its decorators; empty where it has none."""
        held = cls.scope.names.get(name, ())
        for func in held if self.undecorated else ():
            here = self.undecorated.pop(func, None) if isinstance(func, FuncObj) else None
            if here is not None and isinstance(func, FuncObj) and isinstance(func.node, tree.Def):
                with self._aside():
                    made = execute.decorated(self, func.node, func, here)
                rest = tuple(one for one in held if one is not func)
                held = cls.scope.names[name] = union(rest, made or ())
        return held

    def _catch_up(self, late: _Late, numbers: Iterable[int]) -> None:
        """Follow statements of a module that were not needed before."""
        for number in numbers:
            if number in late.done:
                continue
            late.done.add(number)
            scope = late.here.scope
            # It may be needed in the midst of a branch of the same module: what is bound here holds beyond it.
            before, whole = scope.names, scope.names is late.names
            scope.names = late.names
            try:
                self._import(late.body[number : number + 1], late.here)
            finally:
                late.names = scope.names
                if not whole:
                    scope.names = late.names | before

    def whole(self, path: str) -> Scope | None:
        """The names of a module, all of it followed."""
        scope = self.module(path)
        late = self.late.get(path)
        if late is not None:
            self._catch_up(late, range(len(late.body)))
        return scope

    def held(self, scope: Scope, name: str) -> Vals | None:
        """What a name of a module is bound to; None where it is not."""
        late = self.late.get(scope.path) if scope.parent is None else None
        if late is not None:
            self._catch_up(late, late.bindings.of.get(name, ()))
        return scope.names.get(name)

    def names_of(self, scope: Scope) -> list[str]:
        """All names of a module."""
        late = self.late.get(scope.path)
        return list(scope.names if late is None else scope.names | late.bindings.of)

    def member(self, path: str, name: str) -> Vals:
        """A name of a module: what it is bound to there, a module below it, or unknown."""
        configured = self._configured(path, name)
        if configured is not None:
            return (configured,)
        if not self.opens(path):
            return self.looked_up((Imported(path, name),))
        scope = self.module(path)
        held = self.held(scope, name) if scope is not None else None
        if held is not None:
            return self.looked_up(held)
        child = self.project.child(path, name)
        return (ModuleRef(child),) if child is not None else UNKNOWN

    def looked_up(self, values: Vals) -> Vals:
        """Imported names replaced by what they stand for."""
        for value in values:
            if type(value) is Imported:
                break
        else:
            return values
        return union(*(self._followed(value) for value in values))

    def _followed(self, value: Value) -> Vals:
        if not isinstance(value, Imported):
            return (value,)
        held = self.followed.get(value)
        if held is None:
            held = self._follow(value)
            if not self.loading:
                self.followed[value] = held
        return held

    def _follow(self, value: Value) -> Vals:
        seen: set[Imported] = set()
        pending: list[Value] = [value]
        done: list[Value] = []
        while pending:
            value = pending.pop(0)
            if not isinstance(value, Imported):
                done.append(value)
            elif value not in seen:
                seen.add(value)
                pending += self._imported(value)
        return tuple(done) or UNKNOWN

    def _configured(self, path: str, name: str) -> Ext | None:
        """A reader that the configuration names as code imports it, whatever it is inside of its module."""
        if name not in self.configured:
            return None
        whole = ".".join((*dotted_parts(path), name))
        matching = any(self.same_name(whole, accessor.callable) for accessor in self.options.accessors)
        return Ext(whole) if matching else None

    def _configured_owner(self, value: Imported) -> Ext | None:
        """A class, or an object that a module holds, of which the configuration names a method."""
        owners = [accessor.callable.rpartition(".")[0] for accessor in self.options.accessors]
        if not any(owner.endswith(f".{value.name}") for owner in owners):
            return None
        whole = ".".join((*dotted_parts(value.path), value.name))
        return Ext(whole) if any(self.same_name(whole, owner) for owner in owners) else None

    def _imported(self, value: Imported) -> Vals:
        configured = self._configured(value.path, value.name)
        if configured is not None:
            return (configured,)
        if not self.opens(value.path):
            return self._told(value)
        scope = self.module(value.path)
        held = self.held(scope, value.name) if scope is not None else None
        if held is not None:
            return held
        child = self.project.child(value.path, value.name)
        if child is not None:
            return (ModuleRef(child),)
        return UNKNOWN

    def opens(self, path: str) -> bool:
        """Whether a module is worth following; in a large repository only one that may hold a key or a reader."""
        if self.candidates is None or path in self.modules or path.endswith("/"):
            return True
        if path not in self.opened:
            self.opened[path] = path in self.candidates
        return self.opened[path]

    def asking_methods(self, name: str, asker: str) -> list[FuncObj]:
        """The methods of this name, as a round before told, that ask for a key they are handed."""
        self.asked_methods.setdefault(name, set()).add(asker)
        for site in self.asking.get(name, ()):
            self.whole(site.path)
        return self.wrappers.get(name, [])

    def _told(self, value: Imported) -> Vals:
        """A name of a module that is not followed: where the module has it from, as far as its text says."""
        child = self.project.child(value.path, value.name)
        if child is None and (owner := self._configured_owner(value)) is not None:
            return (owner,)
        found = self.exports(value.path) if value.name.isupper() or self._is_known(value.name) else None
        if found is None:
            return (ModuleRef(child),) if child is not None else UNKNOWN
        if value.name in found.own:
            if not value.name.isupper():
                return (Unknown((), value.name),)
            scope = self.module(value.path)
            return (self.held(scope, value.name) if scope is not None else None) or UNKNOWN
        if value.name in found.taken:
            level, module, name = found.taken[value.name]
            path = self.project.resolve(value.path, level, module)
            targets = [Imported(path, name)] if path is not None and self._has(path, name) else []
        else:
            targets = [Imported(path, value.name) for path in self._starred(value.path, found).having(value.name)]
        targets = [target for target in targets if target != value]
        return tuple(targets) or ((ModuleRef(child),) if child is not None else UNKNOWN)

    def _starred(self, path: str, found: Exports) -> Stars:
        """The modules that a module takes all names from; what they are and have is asked anew for every file."""
        if path not in self.stars:
            paths = [self.project.resolve(path, level, module) for level, module in found.stars]
            held = [(one, self.exports(one)) for one in paths if one is not None]
            self.stars[path] = self.project.stars(path, held)
        return self.stars[path]

    def _is_known(self, name: str) -> bool:
        """Whether a module that is worth following has a name of its own like this."""
        if name not in self.known:
            self.known[name] = name in self.known_names
        return self.known[name]

    def _has(self, path: str, name: str) -> bool:
        found = self.exports(path)
        return found is None or name in found.own or name in found.taken or bool(found.stars)

    def exports(self, path: str) -> Exports | None:
        """The names a module makes known; None when it cannot be read."""
        if path not in self.told:
            self.told[path] = None if path.endswith("/") else self.project.outline(path)
        return self.told[path]

    def libraries(self, path: str) -> frozenset[str]:
        """The first names of what a file imports from outside of its package."""
        if path not in self.imports:
            facts = self.project.load(path)
            self.imports[path] = libraries(facts) if facts is not None else frozenset()
        return self.imports[path]

    def name(self, name: str, scope: Scope) -> Vals:
        """What a name stands for at this place."""
        found: Scope | None = scope
        while found is not None:
            visible = found is scope or found.kind != "class"
            if visible and name in found.names and name not in found.globals and name not in found.nonlocals:
                return self.looked_up(found.names[name])
            if name in found.globals:
                return self._global(name, found)
            if found.parent is None and (held := self.held(found, name)) is not None:
                return self.looked_up(held)
            found = found.parent
        return (Ext(f"builtins.{name}"),)

    def _global(self, name: str, scope: Scope) -> Vals:
        held = self.held(module_scope(scope), name)
        return self.looked_up(held) if held is not None else UNKNOWN

    def generic(self, cls: ClassObj) -> Ref:
        """An object of a class of which nothing is known but the class."""
        return execute.generic_instance(self, cls)


def module_scope(scope: Scope) -> Scope:
    """The scope of the module a scope is in."""
    while scope.parent is not None:
        scope = scope.parent
    return scope
