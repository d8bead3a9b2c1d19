"""The statements of a function that can have to do with a flag: in a large tree no others of it are followed.

A statement counts that names what leads to flags, or holds a part of a key; that uses what such a statement gave; that
gives a name which one that counts uses; and whatever the function hands out: what it returns, yields, or puts into
something that others see. A statement that only ends a block still ends it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import NamedTuple

from scanners.languages.python import tree
from scanners.languages.python.quick import block_of


class Part(NamedTuple):
    """A simple statement, or the head of a compound one: the names it uses, those it gives, and all it mentions.

    ``asked`` are those that are no names by themselves, such as attributes. It stands ``always`` where the function
    hands something out by it, and from ``first`` on in the file.
    """

    first: int
    uses: frozenset[str]
    gives: frozenset[str]
    mentions: frozenset[str]
    asked: frozenset[str]
    always: bool


# The parts of a function's or class's body, in order.
Flow = tuple[Part, ...]


class Slice(NamedTuple):
    """What is left of a body, and what the statements mention that are not, by themselves or of an object."""

    body: tree.Block
    idle: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()


def flow(node: tree.Def) -> Flow:
    """What the statements of a function use, give and mention."""
    own = {param.name for param in node.params}
    walk = _Walk(setting_up=node.name in _SETTING_UP)
    walk.block(block_of(node))
    local = frozenset().union(*(part.gives for part in walk.parts)) - own - walk.outer
    return tuple(walk.outward(part, held, local) for part, held in zip(walk.parts, walk.changes, strict=True))


def class_flow(node: tree.Class) -> Flow:
    """What the statements of a class use, give and mention; all stand that make no object out of arguments."""
    walk = _Walk(setting_up=False)
    walk.block(node.body)
    calls = (_makes(part) for part in node.body)
    if len(walk.parts) != len(node.body):
        return tuple(part._replace(always=True) for part in walk.parts)
    return tuple(part._replace(always=not made) for part, made in zip(walk.parts, calls, strict=True))


def _makes(part: tree.Stmt) -> bool:
    """Whether a class's attribute is the object that a call with arguments makes, and says nothing of the class."""
    if isinstance(part, tree.Assign) and any(name in _CONFIGURING for one in part.targets for name in _roots(one)):
        return False
    value = part.value if isinstance(part, tree.Assign | tree.Declare) else None
    return isinstance(value, tree.Call) and bool(value.args)


def sliced(
    node: tree.Def | tree.Class, parts: Flow, telling: AbstractSet[str], charged: AbstractSet[str], spots: Sequence[int]
) -> Slice:
    """What is left of a function where ``telling`` names lead to flags, as the ``charged`` parameters do.

    ``spots`` are the places in its file where parts of keys stand, in order.
    """
    kept = _kept(parts, telling, charged, _touched(node, parts, spots))
    body = block_of(node) if isinstance(node, tree.Def) else node.body
    if len(kept) == len(parts):
        return Slice(body)
    left_out = [part for number, part in enumerate(parts) if number not in kept]
    idle = frozenset().union(*(part.mentions for part in left_out))
    return Slice(_Cut(kept).block(body), idle, frozenset().union(*(part.asked for part in left_out)))


def _touched(node: tree.Def | tree.Class, parts: Sequence[Part], spots: Sequence[int]) -> set[int]:
    """The parts in which a part of a key stands, or may."""
    found: set[int] = set()
    if isinstance(node, tree.Def):
        end = bisect_left(spots, node.end + 1)
    else:
        # Nothing says where a class ends: the first place behind the beginning of its last part may be in it.
        end = bisect_left(spots, max((part.first for part in parts), default=0)) + 1
    for place in spots[bisect_left(spots, node.pos) : end]:
        before = [number for number, part in enumerate(parts) if part.first <= place]
        behind = [number for number, part in enumerate(parts) if part.first > place]
        # What stands between two parts may belong to either.
        found.update(before[-1:], behind[:1])
    return found


def _kept(
    parts: Sequence[Part], telling: AbstractSet[str], charged: AbstractSet[str], touched: AbstractSet[int]
) -> set[int]:
    told = {number for number, part in enumerate(parts) if not part.mentions.isdisjoint(telling)} | touched
    kept = told | {number for number, part in enumerate(parts) if part.always}
    tainted = set(charged).union(*(parts[number].gives for number in told))
    needed = set[str]().union(*(parts[number].uses for number in kept))
    waiting = [number for number in range(len(parts)) if number not in kept]
    while True:
        using = [number for number in waiting if not parts[number].uses.isdisjoint(tainted)]
        giving = [number for number in waiting if not parts[number].gives.isdisjoint(needed)]
        using += [number for number in kept - told if not parts[number].uses.isdisjoint(tainted)]
        more = {*using, *giving} - kept
        if not using and not more:
            return kept
        told.update(using)
        tainted.update(*(parts[number].gives for number in using))
        needed.update(*(parts[number].uses for number in more))
        kept |= more
        waiting = [number for number in waiting if number not in more]


@dataclass(slots=True)
class Slicing:
    """Cuts functions down while a file is followed; ``home`` is that file.

    ``telling`` are the names that lead to flags, ``spots`` the places of parts of keys by file; ``flow_of`` and
    ``functions_of`` tell of a function and of a file. ``idle`` are the names by which more would have been followed,
    ``asked`` those of them that are asked of an object, ``beyond`` those in classes of other files, whether or not
    they stand in the file itself. Nothing is cut of files that are followed ``whole``.
    """

    home: str
    spots: Mapping[str, Sequence[int]]
    flow_of: Callable[[str, tree.Def | tree.Class], Flow]
    functions_of: Callable[[str], Iterable[tuple[str, AbstractSet[str]]]]
    telling: frozenset[str] = frozenset()
    idle: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    beyond: set[str] = field(default_factory=set)
    whole: set[str] = field(default_factory=set)
    _told: dict[str, frozenset[str]] = field(default_factory=dict)
    _made: dict[tuple[str, int, frozenset[str]], tree.Block] = field(default_factory=dict)

    def tell(self, names: frozenset[str]) -> None:
        """From now on these names lead to flags."""
        if names != self.telling:
            self.telling = names
            self._told.clear()
            self._made.clear()

    def body(self, path: str, node: tree.Def, owner: str, charged: frozenset[str]) -> tree.Block:
        """What is left of a function's body."""
        if path in self.whole:
            return block_of(node)
        key = path, node.pos, charged
        if key not in self._made:
            left = self._left(path, node, charged)
            self._made[key] = left.body
            if path == self.home:
                self.idle |= left.idle
                self.asked |= left.asked
            elif left.idle:
                self.idle |= {node.name, owner}
                self.asked |= {node.name, owner}
        return self._made[key]

    def class_body(self, path: str, node: tree.Class) -> tree.Block:
        """What is left of the body of a class, all of it where its file is followed for its own sake."""
        if path == self.home or path in self.whole:
            return node.body
        key = path, node.pos, frozenset[str]()
        if key not in self._made:
            left = self._left(path, node)
            self._made[key] = left.body
            self.beyond |= left.idle
        return self._made[key]

    def _left(self, path: str, node: tree.Def | tree.Class, charged: frozenset[str] = frozenset()) -> Slice:
        return sliced(node, self.flow_of(path, node), self._telling_in(path), charged, self.spots.get(path, ()))

    def _telling_in(self, path: str) -> frozenset[str]:
        """The names that lead to flags in a file: those of its own functions too, as far as its text says."""
        if path not in self._told:
            functions = list(self.functions_of(path))
            known, latest = set(self.telling), set(self.telling)
            while latest:
                latest = {name for name, mentions in functions if name not in known and not latest.isdisjoint(mentions)}
                known |= latest
            self._told[path] = frozenset(known)
        return self._told[path]


# From statements to parts

_SETTING_UP = frozenset(
    {"__init__", "__post_init__", "__new__", "__enter__", "__set_name__", "__init_subclass__", "setUp"}
)
# What a class says by these of its other names holds whoever asks for them.
_CONFIGURING = frozenset({"model_config"})
_PUTTING = frozenset(
    {"add", "append", "appendleft", "extend", "insert", "push", "put", "register", "setdefault", "update"}
)


class _Walk:
    """Finds the parts of a body, in the order in which ``_Cut`` meets them."""

    def __init__(self, *, setting_up: bool) -> None:
        self.parts: list[Part] = []
        # The names of what a part changes, if it does: who else sees that is known at the end.
        self.changes: list[frozenset[str]] = []
        self.setting_up = setting_up
        self.outer: frozenset[str] = frozenset()

    def outward(self, part: Part, changed: frozenset[str], local: frozenset[str]) -> Part:
        """A part that changes something which others see stands always."""
        return part._replace(always=True) if changed - local else part

    def block(self, statements: tree.Block) -> None:
        for statement in statements:
            self.statement(statement)

    def statement(self, node: tree.Stmt) -> None:
        if isinstance(node, tree.If):
            for test, body in node.arms:
                self.head(test, always=answers(body))
                self.block(body)
            self.block(node.orelse)
        elif isinstance(node, tree.For):
            self.head((node.iter, node.target), gives=_roots(node.target))
            self.block(node.body)
            self.block(node.orelse)
        elif isinstance(node, tree.While):
            self.head(node.test)
            self.block(node.body)
            self.block(node.orelse)
        elif isinstance(node, tree.With):
            given = (name for _, target in node.items if target is not None for name in _roots(target))
            self.head(node.items, gives=given)
            self.block(node.body)
        elif isinstance(node, tree.Try):
            self.block(node.body)
            for _, body in node.handlers:
                self.block(body)
            self.block(node.orelse)
            self.block(node.final)
        else:
            self.simple(node)

    def head(self, held: object, gives: Iterator[str] | tuple[str, ...] = (), *, always: bool = False) -> None:
        seen = _seen(held)
        self.add(seen, frozenset(gives), always=always or seen.yields)

    def simple(self, node: tree.Stmt) -> None:
        seen = _seen(node)
        gives: frozenset[str] = frozenset()
        changes: frozenset[str] = frozenset()
        always = seen.yields
        if isinstance(node, tree.Assign):
            gives = frozenset(name for target in node.targets for name in _roots(target))
            changes = (gives & self.outer) | frozenset(name for target in node.targets for name in _changed(target))
        elif isinstance(node, tree.Declare | tree.Augment):
            gives = frozenset(_roots(node.target))
            changes = frozenset(_changed(node.target))
        elif isinstance(node, tree.Do):
            gives, changes, does = self.done(node)
            always = always or does
        elif isinstance(node, tree.Delete):
            gives = frozenset(name for value in node.values for name in _roots(value))
        elif isinstance(node, tree.Def | tree.Class):
            gives = frozenset({node.name})
        elif isinstance(node, tree.Outer):
            always = True
            self.outer |= set(node.names)
        elif isinstance(node, tree.Import | tree.From | tree.Return | tree.Match):
            always = True
        self.add(seen, gives, changes, always=always)

    def done(self, node: tree.Do) -> tuple[frozenset[str], frozenset[str], bool]:
        """What calls give to objects that have names, what they change for others, whether they set the object up."""
        gives: set[str] = set()
        changes: set[str] = set()
        does = False
        for value in node.values:
            if isinstance(value, tree.Call) and isinstance(value.func, tree.Attr):
                roots = frozenset(_roots(value.func))
                gives |= roots
                changes |= roots if value.func.name in _PUTTING else set()
                does = does or (self.setting_up and (not roots or not roots.isdisjoint({"self", "cls", "super"})))
        return frozenset(gives), frozenset(changes), does

    def add(
        self,
        seen: _Seen,
        gives: frozenset[str],
        changes: frozenset[str] = frozenset(),
        *,
        always: bool,
    ) -> None:
        self.parts.append(
            Part(seen.first, seen.names, gives | seen.walrus, seen.names | seen.others, seen.others, always)
        )
        self.changes.append(changes)


def answers(body: tree.Block) -> bool:
    """Whether a branch gives true or false: then what was tested decides what the function answers."""
    last = body[-1] if body else None
    value = last.value if isinstance(last, tree.Return | tree.Assign) else None
    return isinstance(value, tree.Const) and isinstance(value.value, bool)


def _roots(target: object) -> Iterator[str]:
    """The names that a target gives a value to, or changes the value of."""
    if isinstance(target, tree.Name):
        yield target.id
    elif isinstance(target, tree.Attr | tree.Sub | tree.Star):
        yield from _roots(target.value)
    elif isinstance(target, tree.Call):
        yield from _roots(target.func)
    elif isinstance(target, tree.Items):
        for value in target.values:
            yield from _roots(value)


def _changed(target: object) -> Iterator[str]:
    """The names of what a target changes rather than gives a value to; an attribute is seen by others in any case."""
    if isinstance(target, tree.Attr):
        yield "an attribute"
    elif isinstance(target, tree.Sub):
        yield from _roots(target.value)
    elif isinstance(target, tree.Items):
        for value in target.values:
            yield from _changed(value)
    elif isinstance(target, tree.Star):
        yield from _changed(target.value)


class _Seen(NamedTuple):
    """The names in a piece of code, all else that is spelled there, where it begins, and whether it yields."""

    first: int
    names: frozenset[str]
    others: frozenset[str]
    walrus: frozenset[str]
    yields: bool


def _seen(held: object) -> _Seen:
    names: set[str] = set()
    others: set[str] = set()
    walrus: set[str] = set()
    yields = False
    first = _NOWHERE
    waiting: list[object] = [held]
    while waiting:
        one = waiting.pop()
        kind = type(one)
        if kind in _SCALARS:
            continue
        if isinstance(one, tree.Name):
            names.add(one.id)
            first = min(first, one.pos)
        elif isinstance(one, _NAMED):
            others |= {one.name} if one.name else set()
            waiting.append(one.value)
        elif isinstance(one, tree.Str):
            first = min(first, one.pos)
            if one.value.isidentifier():
                others.add(one.value)
        elif isinstance(one, tree.Yield):
            yields = True
            waiting.append(one.value)
        elif isinstance(one, tree.Walrus):
            walrus.add(one.name)
            waiting.append(one.value)
        elif isinstance(one, tree.Def):
            others |= one.mentions
            first = min(first, one.pos)
            waiting += (one.params, one.decorators, getattr(one.body, "spelled", one.body))
        elif isinstance(one, tree.Spelled):
            names |= one.names
            others |= one.others
            walrus |= one.walrus
            yields = yields or one.yields
        elif isinstance(one, tuple):
            if kind is not tuple and one and isinstance(one[0], int):
                first = min(first, one[0])
            waiting += one
    return _Seen(first, frozenset(names), frozenset(others), frozenset(walrus), yields)


_NOWHERE = 1 << 60
_NAMED = (tree.Attr, tree.Arg)
_SCALARS = frozenset({int, str, bool, float, type(None)})


# What is left


class _Cut:
    """Takes out of a body what is not kept."""

    def __init__(self, kept: AbstractSet[int]) -> None:
        self.kept = kept
        self.number = 0

    def next(self) -> bool:
        """Whether the next part is kept."""
        self.number += 1
        return self.number - 1 in self.kept

    def block(self, statements: tree.Block) -> tree.Block:
        return tuple(left for statement in statements if (left := self.statement(statement)) is not None)

    def statement(self, node: tree.Stmt) -> tree.Stmt | None:
        if isinstance(node, tree.If):
            arms = tuple((self.head(test), self.block(body)) for test, body in node.arms)
            orelse = self.block(node.orelse)
            empty = not orelse and all(not body and _is_blank(test) for test, body in arms)
            return None if empty else node._replace(arms=arms, orelse=orelse)
        if isinstance(node, tree.For):
            held, body, orelse = self.head(node.iter), self.block(node.body), self.block(node.orelse)
            empty = _is_blank(held) and not body and not orelse
            return None if empty else node._replace(iter=held, body=body, orelse=orelse)
        if isinstance(node, tree.While):
            held, body, orelse = self.head(node.test), self.block(node.body), self.block(node.orelse)
            empty = _is_blank(held) and not body and not orelse
            return None if empty else node._replace(test=held, body=body, orelse=orelse)
        if isinstance(node, tree.With):
            kept, body = self.next(), self.block(node.body)
            if kept:
                return node._replace(body=body)
            return node._replace(items=(), body=body) if body else None
        if isinstance(node, tree.Try):
            return self.tried(node)
        if self.next():
            return node
        return tree.Stop(node.pos, ()) if isinstance(node, tree.Stop) else None

    def tried(self, node: tree.Try) -> tree.Stmt | None:
        body = self.block(node.body)
        handlers = tuple((name, self.block(inner)) for name, inner in node.handlers)
        orelse, final = self.block(node.orelse), self.block(node.final)
        empty = not body and not orelse and not final and not any(inner for _, inner in handlers)
        return None if empty else node._replace(body=body, handlers=handlers, orelse=orelse, final=final)

    def head(self, held: tree.Expr) -> tree.Expr:
        return held if self.next() else tree.Const(getattr(held, "pos", 0), ...)


def _is_blank(held: tree.Expr) -> bool:
    return isinstance(held, tree.Const) and held.value is ...
