"""Following code of one file, whatever its language: names, functions and classes to the calls that ask for flags."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from auditor.domain.references import Certainty, FlagSpec, ReferenceKind
from scanners.flag_index import Reader, is_plain
from scanners.keytext import KeyText
from scanners.languages import _code
from scanners.languages._findings import ENVIRONMENT, Findings
from scanners.languages._flag_documents import find_in_span
from scanners.languages._libraries import Libraries
from scanners.languages._values import (
    UNKNOWN,
    ClassVal,
    External,
    FlagVal,
    FuncVal,
    Instance,
    ListVal,
    MapVal,
    Plain,
    Scope,
    Text,
    Thing,
    Unknown,
    Vals,
    Value,
    joined,
    moved,
    texts,
    union,
)

_MOST_TEXTS = 16
_HELD = "held by an object"
_FLAG_WORDS = re.compile(r"flag|feature|toggle|experiment", re.IGNORECASE)
# A function that asks for a flag, not one that sets or shows it.
_READER = re.compile(
    r"(?:get|is|has|use|check|fetch|read)\w*(?:flag|feature|toggle)\w*|(?:flag|feature|toggle)\w*", re.IGNORECASE
)
_ITSELF = frozenset({"this", "self", "super"})
_DEEPEST_CALL = 6
_DEEPEST_DATA = 8
_MOST_CALLS = 2_000
_MOST_FUNCTIONS = 8
_BIND = ReferenceKind.BIND


def follow(findings: Findings, body: list[_code.Stmt]) -> None:
    """Follow a file; twice where it keeps a document, so that what is read of it earlier in the text is known."""
    first = Follower(findings.fresh())
    first.run(body)
    seeds = first.kept()
    if seeds:
        last = Follower(findings.fresh(), seeds)
        last.run(body)
        findings.take(last.findings)
    else:
        findings.take(first.findings)


@dataclass(slots=True)
class Follower:
    """Goes through a file's statements in order, then through each function that nobody called."""

    findings: Findings
    seeds: dict[tuple[str, str], Vals] = field(default_factory=dict)
    libraries: Libraries = field(init=False)
    functions: list[FuncVal] = field(default_factory=list)
    methods: dict[str, list[FuncVal]] = field(default_factory=dict)
    classes: dict[str, ClassVal] = field(default_factory=dict)
    called: set[int] = field(default_factory=set)
    stack: list[_code.Func] = field(default_factory=list)
    _returned: list[list[Vals]] = field(default_factory=list)
    _waiting: list[Callable[[], None]] = field(default_factory=list)
    _calls: int = 0
    _gave: dict[int, Vals] = field(default_factory=dict)
    _passed: set[int] = field(default_factory=set)
    _known: set[int] = field(default_factory=set)
    _in_test: bool = False
    _naming: list[str] = field(default_factory=list)
    _top: Scope = field(default_factory=Scope)
    _statements: dict[type, Callable[[Any, Scope], None]] = field(init=False, repr=False)
    _values: dict[type, Callable[[Any, Scope], Vals]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Know the libraries, and what to do with each form of code."""
        self.libraries = Libraries(self)
        self._in_test = self.findings.file.is_test
        self._statements = {
            _code.Assign: self._assign,
            _code.Unpack: self._unpack,
            _code.Block: self._block,
            _code.Return: self._return,
            _code.Class: self._declared,
            _code.Import: self._import,
        }
        self._values = {
            _code.Str: self._str,
            _code.Const: self._const,
            _code.Name: self._name,
            _code.Member: self._member,
            _code.Index: self._index,
            _code.Call: self._call,
            _code.Obj: self._obj,
            _code.Items: self._items,
            _code.Either: self._either,
            _code.Within: self._within,
            _code.Compared: self._compared,
            _code.Func: self._func,
            _code.Other: self._other,
        }

    def run(self, body: Iterable[_code.Stmt]) -> None:
        """Follow a file."""
        top = self._top
        statements = list(body)
        self._declare(statements, top)
        self.body(statements, top)
        done = 0
        while done < len(self.functions):
            function = self.functions[done]
            done += 1
            if function.node.name or id(function.node) not in self._passed:
                self.enter(function, None, function.node.at)
        for report in self._waiting:
            report()

    def kept(self) -> dict[tuple[str, str], Vals]:
        """The documents that names of the file and fields of its classes were given, by class and name."""
        holders = [("", self._top)]
        for name, cls in self.classes.items():
            itself = cls.scope.names.get("this", ())
            holders += [(name, one.fields) for one in itself if isinstance(one, Instance) and one.fields is not None]
        found: dict[tuple[str, str], Vals] = {}
        for owner, scope in holders:
            for name, values in scope.names.items():
                things = tuple(value for value in values if isinstance(value, Thing))
                if things:
                    found[owner, name] = things
        return found

    # Statements

    def _declare(self, statements: Iterable[_code.Stmt], scope: Scope) -> None:
        """Functions and classes are known before the statements run."""
        for statement in statements:
            if isinstance(statement, _code.Func) and statement.name:
                self._function(statement, scope)
            elif isinstance(statement, _code.Class):
                self._class(statement, scope)
            elif isinstance(statement, _code.Other):
                self._declare((one for one in statement.inner if isinstance(one, _code.Func | _code.Class)), scope)

    def _function(self, node: _code.Func, scope: Scope) -> FuncVal:
        held = next((value for value in scope.names.get(node.name, ()) if _is(value, node)), None)
        if held is not None and isinstance(held, FuncVal):
            return held
        made = FuncVal(node, scope)
        self._met(made)
        if node.owner:
            self.methods.setdefault(node.name, []).append(made)
        elif node.name:
            scope.names[node.name] = (*scope.names.get(node.name, ()), made)
        return made

    def _met(self, function: FuncVal) -> None:
        """A function is followed by itself once, however often the code around it is."""
        if id(function.node) not in self._known:
            self._known.add(id(function.node))
            self.functions.append(function)

    def _class(self, node: _code.Class, scope: Scope) -> ClassVal:
        held = next((value for value in scope.names.get(node.name, ()) if _is(value, node)), None)
        if held is not None and isinstance(held, ClassVal):
            return held
        inner = Scope(scope)
        made = ClassVal(node, inner)
        if node.name:
            scope.names[node.name] = (made,)
            self.classes.setdefault(node.name, made)
        itself = Instance(made, fields=Scope(inner))
        if itself.fields is not None:
            itself.fields.names |= {name: held for (owner, name), held in self.seeds.items() if owner == node.name}
        inner.names["this"] = (itself,)
        for statement in node.body:
            if isinstance(statement, _code.Func):
                method = FuncVal(statement, inner, itself)
                inner.names[statement.name] = (*inner.names.get(statement.name, ()), method)
                self._met(method)
                self.methods.setdefault(statement.name, []).append(method)
        rest = [one for one in node.body if not isinstance(one, _code.Func)]
        self._naming.append(node.name)
        self._declare(rest, inner)
        self.body(rest, inner)
        self._naming.pop()
        return made

    def body(self, statements: Iterable[_code.Stmt], scope: Scope) -> None:
        """Follow statements."""
        for statement in statements:
            self.statement(statement, scope)

    def statement(self, statement: _code.Stmt, scope: Scope) -> None:
        """Follow one."""
        handler = self._statements.get(type(statement))
        if handler is None:
            self.value(statement, scope)
        else:
            handler(statement, scope)

    def _block(self, statement: _code.Block, scope: Scope) -> None:
        inner = Scope(scope)
        self._declare(statement.body, inner)
        self.body(statement.body, inner)

    def _return(self, statement: _code.Return, scope: Scope) -> None:
        values = self.value(statement.value, scope)
        if self._returned:
            self._returned[-1].append(values)

    def _declared(self, statement: _code.Stmt, scope: Scope) -> None:
        if isinstance(statement, _code.Class):
            self._class(statement, scope)
        elif isinstance(statement, _code.Func):
            self._function(statement, scope)

    def _import(self, statement: _code.Import, scope: Scope) -> None:
        for local, name in statement.names:
            scope.names[local] = (External(statement.module, name),)

    def _assign(self, statement: _code.Assign, scope: Scope) -> None:
        target = statement.target
        if statement.type and isinstance(target, _code.Name):
            scope.types[target.id] = statement.type
        if statement.value is None:
            if isinstance(target, _code.Name):
                self._give(target, self.libraries.typed(statement.type), scope, declares=True)
            return
        self._assign_value(statement, statement.value, scope)

    def _assign_value(self, statement: _code.Assign, value: _code.Expr, scope: Scope) -> None:
        target = statement.target
        values = self.value(value, scope)
        if statement.each:
            values = elements(values, statement.each)
        if not (statement.each and isinstance(value, _code.Name | _code.Member)):
            self._naming.append(_code.spoken(target))
            self._bind_keys(value, values, "a name is given the key")
            self._naming.pop()
        if isinstance(target, _code.Name):
            values = self.libraries.mirrored(values, scope.type_of(target.id) or self._class_held(target.id, scope))
            self._give(target, values, scope, declares=statement.declares)
        elif isinstance(target, _code.Member):
            self._give_member(target, values, scope)
        elif isinstance(target, _code.Index):
            kept = self.value(target.key, scope)  # it is set, not asked for
            self._keep_by_name(target.owner, kept, scope)
        else:
            self.value(target, scope)
        self.libraries.written(target, scope)

    def _keep_by_name(self, target: _code.Expr, keys: Vals, scope: Scope) -> None:
        """A mapping is filled with the parameters of a path, by their names."""
        parameters = (value for value in keys if isinstance(value, Thing) and value.kind == "parameters")
        things = tuple(replace(value, kind="document") for value in parameters)
        if things and isinstance(target, _code.Name):
            self._give(target, things, scope, declares=False)
        elif things and isinstance(target, _code.Member):
            self._give_member(target, things, scope)

    def _class_held(self, name: str, scope: Scope) -> str:
        """The class of the object that a name holds, where its type was not declared."""
        holder = scope.find(name)
        held = holder.names[name] if holder is not None else ()
        return next((value.cls.node.name for value in held if isinstance(value, Instance)), "")

    def _give(self, target: _code.Name, values: Vals, scope: Scope, *, declares: bool) -> None:
        named = tuple(_named(value, target.id) for value in values)
        holder = scope if declares else scope.find(target.id) or scope
        if holder is self._top:
            named = union(named, self.seeds.get(("", target.id), ()))
        if declares:  # a field and a method may share a name
            named = union(named, tuple(one for one in holder.names.get(target.id, ()) if _is_method(one)))
        if declares or holder is scope:
            holder.names[target.id] = named
        else:
            holder.names[target.id] = union(holder.names[target.id], named)

    def _give_member(self, target: _code.Member, values: Vals, scope: Scope) -> None:
        for owner in self.value(target.owner, scope):
            if isinstance(owner, Instance | ClassVal):
                fields = owner.fields if isinstance(owner, Instance) else None
                names = (fields or (owner.cls if isinstance(owner, Instance) else owner).scope).names
                names[target.name] = union(names.get(target.name, ()), tuple(_named(v, target.name) for v in values))

    def _unpack(self, statement: _code.Unpack, scope: Scope) -> None:
        values = self.value(statement.value, scope)
        for key, at, name, default in statement.fields:
            found: list[Vals] = [self.libraries.member(value, key, at) for value in values]
            given = self.value(default, scope) if default is not None else ()
            self.libraries.fall_back(union(*found), given)
            scope.names[name] = union(*found, given) or UNKNOWN

    # Values

    def value(self, expression: Any, scope: Scope) -> Vals:
        """All that an expression can be."""
        handler = self._values.get(type(expression))
        return UNKNOWN if handler is None else handler(expression, scope)

    def _str(self, node: _code.Str, scope: Scope) -> Vals:
        choices: list[Vals] = [
            (Text(KeyText.known(part), node.at),) if isinstance(part, str) else self.value(part, scope)
            for part in node.parts
        ]
        if node.doc is not None:
            find_in_span(self.findings, node.doc)
        documents = tuple(value for values in choices for value in values if isinstance(value, Thing))
        if documents:
            return documents  # its bytes, put together one by one
        made: list[Value] = []
        for parts in product(*choices) if choices else [()]:
            made.append(joined(node.at, parts))
            if len(made) >= _MOST_TEXTS:
                break
        for value in made:
            self._tested(value)
        return union(tuple(made))

    def _tested(self, value: Value) -> None:
        """In test code every place counts where the key stands whole."""
        if self._in_test and isinstance(value, Text) and value.key.text is not None:
            self.findings.exact(value.key.text, (), ReferenceKind.TEST, value.at, "the key stands in test code")

    def _const(self, node: _code.Const, _scope: Scope) -> Vals:
        return (Plain(node.value),)

    def _name(self, node: _code.Name, scope: Scope) -> Vals:
        holder = scope.find(node.id)
        if holder is None:
            return (External("", node.id),)
        values = tuple(moved(value, node.at) for value in holder.names[node.id])
        for value in values:
            self._tested(value)
        return values

    def _member(self, node: _code.Member, scope: Scope) -> Vals:
        owners = self.value(node.owner, scope)
        for owner in owners:
            self._named_alike(owner, node)
        itself = isinstance(node.owner, _code.Name) and node.owner.id in _ITSELF
        found = [self._field(owner, node, itself=itself) for owner in owners]
        values = tuple(moved(value, node.at) for value in union(*found))
        for value in values:
            self._tested(value)
        return values

    def _named_alike(self, owner: Value, node: _code.Member) -> None:
        """``FeatureFlags.NEW_UI``, of another file, where a flag has just that key."""
        if isinstance(owner, External) and owner.module and _FLAG_WORDS.search(owner.name.rsplit(".", 1)[-1]):
            kind, told = ReferenceKind.READ, Certainty.POSSIBLE
            self.findings.exact(node.name, (), kind, node.at, f"{owner.name} may hold the key", certainty=told)

    def _field(self, owner: Value, node: _code.Member, *, itself: bool) -> Vals:
        """``owner.name``; what an object was built with is named where it is taken from outside of the object."""
        held = self.libraries.member(owner, node.name, node.name_at)
        if not isinstance(owner, Instance):
            return held
        asked = [value for value in held if isinstance(value, FuncVal) and value.node.getter]
        if asked:
            return union(*(self.enter(FuncVal(one.node, one.scope, owner), ([], []), node.at) for one in asked))
        return held if itself else tuple(_from_outside(value) for value in held)

    def _index(self, node: _code.Index, scope: Scope) -> Vals:
        owners = self.value(node.owner, scope)
        keys = self.value(node.key, scope)
        self._perhaps(owners, keys, node.owner)
        found = [self.libraries.entry(owner, keys, node.at) for owner in owners]
        return tuple(moved(value, node.at) for value in union(*found))

    def _obj(self, node: _code.Obj, scope: Scope) -> Vals:
        pairs = tuple((self.value(key, scope), self.value(value, scope)) for key, value in node.pairs)
        made = MapVal(pairs)
        return self.libraries.literal(node, made) or (made,)

    def _items(self, node: _code.Items, scope: Scope) -> Vals:
        return (ListVal(tuple(self.value(item, scope) for item in node.items)),)

    def _either(self, node: _code.Either, scope: Scope) -> Vals:
        found = [self.value(choice, scope) for choice in node.choices]
        if node.fallback:
            self.libraries.fall_back(union(*found[:-1]), found[-1])
            if any(isinstance(value, Unknown) and value.environment for values in found[:-1] for value in values):
                self.bind(found[-1], "the fallback of an environment variable")
        return union(*found)

    def _within(self, node: _code.Within, scope: Scope) -> Vals:
        keys, owners = self.value(node.key, scope), self.value(node.owner, scope)
        self._perhaps(owners, keys, node.owner)
        return union(*(self.libraries.entry(owner, keys, node.at) for owner in owners))

    def _compared(self, node: _code.Compared, scope: Scope) -> Vals:
        """A parameter of a path is looked for by its name."""
        sides = self.value(node.left, scope), self.value(node.right, scope)
        for one, other in (sides, reversed(sides)):
            for value in one:
                if isinstance(value, Thing) and value.kind == "parameters" and texts(other):
                    return self.libraries.entry(value, other, node.at)
        return tuple(value for values in sides for value in values if isinstance(value, FlagVal)) or UNKNOWN

    def _perhaps(self, owners: Vals, keys: Vals, owner: _code.Expr) -> None:
        """A key is taken from something that is not known, but called as if it held flags."""
        if all(isinstance(one, Unknown | External) and not _is_environment(one) for one in owners):
            self.libraries.handed(_code.spoken(owner), keys)

    def _func(self, node: _code.Func, scope: Scope) -> Vals:
        return (self._function(node, scope),)

    def _other(self, node: _code.Other, scope: Scope) -> Vals:
        found: list[Vals] = []
        for inner in node.inner:
            if type(inner) in self._statements:
                self.statement(inner, scope)
            else:
                found.append(self.value(inner, scope))
        if node.same:
            return found[-1] if found else UNKNOWN
        derived = tuple(value for values in found for value in values if isinstance(value, FlagVal))
        return derived or UNKNOWN

    # Calls

    def _call(self, node: _code.Call, scope: Scope) -> Vals:
        funcs = self._callee(node, scope)
        args = [self.value(arg, scope) for arg in node.args]
        found = [self._one_call(func, node, args) for func in funcs[:_MOST_FUNCTIONS]]
        return union(*found) or UNKNOWN

    def _callee(self, node: _code.Call, scope: Scope) -> Sequence[Value | _Bound]:
        func = node.func
        if node.new and isinstance(func, _code.Name) and func.id in self.classes:
            return (self.classes[func.id],)  # inside the class its name is also that of its constructor
        if not isinstance(func, _code.Member):
            return self.value(func, scope)
        owners = self.value(func.owner, scope)
        return tuple(_Bound(owner, func.name, func.name_at) for owner in owners)

    def _one_call(self, func: Value | _Bound, node: _code.Call, args: list[Vals]) -> Vals:
        if isinstance(func, FuncVal):
            found = self.enter(func, (args, [arg.at for arg in node.args]), node.at)
            self._asked_somehow(node, args, found)
            return found
        if isinstance(func, ClassVal):
            if not node.new and len(args) == 1:
                return args[0]  # a conversion to a type
            return self._make(func, node, args)
        if isinstance(func, _Bound) and node.new:
            module = func.owner.module if isinstance(func.owner, External) else ""
            return self.libraries.call(External(module, func.name), node, args)
        if isinstance(func, _Bound):
            known = self.method_of(func.owner, func.name)
            if known:
                places = [arg.at for arg in node.args]
                return union(*(self.enter(one, (args, places), node.at) for one in known))
            return self.libraries.method(func.owner, func.name, node, args)
        return self.libraries.call(func, node, args)

    def _asked_somehow(self, node: _code.Call, args: list[Vals], found: Vals) -> None:
        """A function of the file that is called as a reader of flags is, and of which nothing tells what it asks."""
        spoken = _code.spoken(node.func)
        if _READER.fullmatch(spoken) is None or any(isinstance(one, FlagVal) for one in found):
            return
        told = {place for _, place, _ in self.findings.references}
        self.libraries.handed(
            spoken, tuple(text for values in args for text in texts(values) if text.place not in told)
        )

    def method_of(self, owner: Value, name: str) -> list[FuncVal]:
        """The method of an object of the file; of an object not known, the only one of that name."""
        if isinstance(owner, Instance | ClassVal):
            cls = owner.cls if isinstance(owner, Instance) else owner
            held = cls.scope.names.get(name, ())
            known = [value for value in held if isinstance(value, FuncVal)]
            if isinstance(owner, Instance) and owner.given:
                known = [FuncVal(value.node, value.scope, owner) for value in known]
            return known or (self.methods.get(name, []) if not held else [])
        if isinstance(owner, MapVal):
            return [value for value in owner.get(name) or () if isinstance(value, FuncVal)]
        if isinstance(owner, Unknown | External) and not self.libraries.knows(name):
            held_by = self.methods.get(name, [])
            return held_by if len(held_by) == 1 else []
        return []

    def _make(self, cls: ClassVal, node: _code.Call, args: list[Vals]) -> Vals:
        given = tuple(value for values in args for value in values)
        made = Instance(cls, given, Scope(cls.scope))
        for name in ("constructor", cls.node.name):
            for value in cls.scope.names.get(name, ()):
                if isinstance(value, FuncVal):
                    self.enter(FuncVal(value.node, value.scope, made), (args, [arg.at for arg in node.args]), node.at)
        self.built(cls, given)
        return (made,)

    def built(self, cls: ClassVal, given: Vals) -> None:
        """An object of a class is made with these."""
        if given:
            self.called.add(id(cls.node))
        self.bind(given, "an object is built with the key")

    def enter(self, func: FuncVal, given: tuple[list[Vals], list[int]] | None, at: int) -> Vals:
        """Follow a function's body with what it is called with; None: by itself."""
        node = func.node
        plain = given is not None and _tells_nothing(func, given[0], node)
        if given is not None:
            self.called.add(id(node))
        if plain and id(node) in self._gave:
            return tuple(self._used(value, node, at) for value in self._gave[id(node)]) or UNKNOWN
        if any(one is node for one in self.stack) or len(self.stack) > _DEEPEST_CALL or self._calls > _MOST_CALLS:
            return UNKNOWN
        self._calls += 1
        depth = len(self.stack)
        try:
            returned = self._through(func, given, at)
        except RecursionError:
            if not depth:
                raise
            # Calls in calls of deep code; each function is followed by itself as well, where it fits.
            del self.stack[depth:], self._returned[depth:]
            returned = ()
        if plain:
            self._gave[id(node)] = returned
        if given is not None:
            returned = tuple(self._used(value, node, at) for value in returned)
        return returned or UNKNOWN

    def _through(self, func: FuncVal, given: tuple[list[Vals], list[int]] | None, at: int) -> Vals:
        """What a function's body gives."""
        node = func.node
        if given is not None:
            self._passed.add(id(node))  # a callback that is known to be called needs not be followed by itself
        scope = Scope(self._around(func, at), function=True)
        if func.this is not None:
            this = self._seen_from(func.this, scope)
            scope.names |= {name: (this,) for name in ("this", node.receiver) if name}
        for number, param in enumerate(node.params):
            self._param(func, param, number, given, at, scope)
        self.stack.append(node)
        self._returned.append([])
        self._declare(node.body, scope)
        self.body(node.body, scope)
        self.stack.pop()
        return union(*self._returned.pop())

    def _seen_from(self, this: Value, scope: Scope) -> Value:
        if not isinstance(this, Instance) or not this.given or scope.parent is None:
            return this
        if not this.fields or not this.fields.names:
            return this  # it is being built
        return Instance(this.cls, this.given, scope.parent)

    def _around(self, func: FuncVal, at: int) -> Scope:
        """The names around a function; what an object was built with is asked for where its method is called."""
        this = func.this
        if not isinstance(this, Instance) or this.fields is None or not this.given:
            return func.scope
        step = f"{_HELD} of {this.cls.node.name}"
        fields = Scope(func.scope)
        for name, values in this.fields.names.items():
            fields.names[name] = tuple(
                replace(value, passed=at, trail=(step, *value.trail)) if isinstance(value, Text) else value
                for value in values
            )
        return fields

    def _param(
        self,
        func: FuncVal,
        param: _code.Param,
        number: int,
        given: tuple[list[Vals], list[int]] | None,
        at: int,
        scope: Scope,
    ) -> None:
        known = self.libraries.typed(param.type)
        values = known if known != UNKNOWN else (Unknown(frozenset({id(func.node)})),)
        if param.default is not None:
            values = self.value(param.default, func.scope)
            self.bind(values, f"the default of {param.name}")
            if given is not None:
                values = tuple(_handed(value, at, f"the default of {param.name}") for value in values)
            else:
                values = tuple(_open(value, id(func.node)) for value in values)
        if given is not None and number < len(given[0]):
            step = f"passed to {func.node.name or 'a function'}"
            values = tuple(_handed(value, given[1][number], step) for value in given[0][number])
        scope.names[param.name] = values
        for key, name, default in param.fields:
            found = [self.libraries.member(value, key, param.at) for value in values]
            scope.names[name] = union(*found, self.value(default, scope) if default is not None else ())

    def _used(self, value: Value, node: _code.Func, at: int) -> Value:
        """A call of a function that fixes the key asks for the flag too."""
        if not isinstance(value, FlagVal):
            return value
        reads: list[tuple[FlagSpec, ReferenceKind, int]] = []
        for flag, kind, place in value.reads:
            fixed = node.at <= place < node.end and kind is ReferenceKind.READ
            if fixed and node.name:
                sure = self.libraries.sure(flag, place)
                self.findings.add(flag, kind, at, f"{node.name} asks for it", certainty=sure)
            reads.append((flag, kind, at if fixed else place))
        return FlagVal(tuple(reads))

    # Reporting

    def bind(self, values: Vals, what: str, depth: int = 0) -> None:
        """Names, fields and elements are given keys."""
        for value in values if depth < _DEEPEST_DATA else ():
            if isinstance(value, Text):
                self._bound(value, what)
            elif isinstance(value, ListVal):
                self.bind(tuple(one for item in value.items for one in item), "an element of a list", depth + 1)
            elif isinstance(value, MapVal):
                for keys, held in value.pairs:
                    self.bind(tuple(key for key in texts(keys) if key.key.text), "a key of a mapping", depth + 1)
                    self.bind(held, "a value of a mapping", depth + 1)

    def _bind_keys(self, expression: object, values: Vals, what: str) -> None:
        if isinstance(expression, _code.Name | _code.Member | _code.Index):
            self.bind(tuple(texts(values)), what)  # another name for a list is no name for a key
        elif not isinstance(expression, _code.Func):
            self.bind(values, what)

    def _bound(self, text: Text, what: str) -> None:
        known = text.key.text
        if known is None or text.passed is not None:
            return
        if not is_plain(known):
            self.findings.exact(known, (), _BIND, text.at, what, *text.trail)
        elif any(map(_FLAG_WORDS.search, self._naming)):
            # Whoever asks for it may do so in another file, which is not followed to.
            told = Certainty.POSSIBLE
            self.findings.exact(known, (), _BIND, text.at, what, *text.trail, certainty=told)

    def ask(
        self,
        keys: Vals,
        reader: Reader,
        kind: ReferenceKind,
        at: int,
        what: str,
        default: Vals = (),
        certainty: Certainty = Certainty.CERTAIN,
    ) -> FlagVal:
        """A reader, writer or declaration is handed keys."""
        plain = next(((value.value,) for value in default if isinstance(value, Plain)), None)
        said = next(((value.key.text,) for value in default if isinstance(value, Text) and value.key.text), plain)
        reads: list[tuple[FlagSpec, ReferenceKind, int]] = []
        for key in each(keys):
            if isinstance(key, Text):
                report = self._report(key, reader, kind, what, said, certainty)
                if key.holes:
                    self._wait(key.holes, report)
                else:
                    reads += report()
            elif isinstance(key, Unknown):
                self._unknown(key, kind, at, what)
        return FlagVal(tuple(reads))

    def _report(
        self,
        key: Text,
        reader: Reader,
        kind: ReferenceKind,
        what: str,
        default: tuple[Any] | None,
        certainty: Certainty,
    ) -> Callable[[], list[tuple[FlagSpec, ReferenceKind, int]]]:
        def report() -> list[tuple[FlagSpec, ReferenceKind, int]]:
            found = self.findings.ask(
                key.key, reader, kind, key.place, what, *key.trail, certainty=certainty, default=default
            )
            return [(match.flag, kind, key.place) for match in found]

        return report

    def _wait(self, holes: frozenset[int], report: Callable[[], object]) -> None:
        """What a parameter leaves open is said only when nobody here passes it."""

        def later() -> None:
            if not holes & self.called:
                report()

        self._waiting.append(later)

    def _unknown(self, key: Unknown, kind: ReferenceKind, at: int, what: str) -> None:
        if kind is ReferenceKind.DEFINE or key.environment:
            return
        self._wait(key.holes, lambda: self.findings.remark(at, f"{what}: the key is not known"))

    def environment(self, name: Text, default: Vals) -> Vals:
        """A variable is read: it is a flag, or a document says which it holds."""
        known = name.key.text
        flags = self.findings.context.flags.exact(known or "", ENVIRONMENT.providers)
        result: Vals = ()
        if any(flag.provider in {"env", "generic"} for flag in flags):
            result = (self.ask((name,), ENVIRONMENT, ReferenceKind.READ, name.at, "a variable is read", default),)
        self.bind(default, "the fallback of an environment variable")
        held = [self._held(name, known or "")]
        return union(result, *held, tuple(default), (Unknown(environment=True),))

    def _held(self, name: Text, known: str) -> Vals:
        found: list[Value] = []
        for setting in self.findings.context.settings.get(known, ()):
            step = f"{known} is set at {setting.path}:{setting.line}"
            self.findings.ask(setting.value, Reader(), ReferenceKind.READ, name.place, "a variable is read", step)
            found.append(Text(setting.value, name.at, name.passed, (step, *name.trail)))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class _Bound:
    """A method of a value that is about to be called."""

    owner: Value
    name: str
    at: int


def elements(values: Vals, which: str) -> Vals:
    """The keys or the values of lists and mappings, and of what is not known something not known."""
    found: list[Vals] = []
    for value in values:
        if isinstance(value, ListVal):
            found += value.items
        elif isinstance(value, MapVal):
            found += [keys if which == "keys" else held for keys, held in value.pairs]
        else:
            found.append((value,) if isinstance(value, Thing | FlagVal) else UNKNOWN)
    return union(*found)


def each(values: Vals, depth: int = 0) -> Vals:
    """The keys in lists of keys."""
    found: list[Value] = []
    for value in values:
        if isinstance(value, ListVal):
            if depth < _DEEPEST_DATA:
                found += [one for item in value.items for one in each(item, depth + 1)]
        else:
            found.append(value)
    return tuple(found)


def _named(value: Value, name: str) -> Value:
    if isinstance(value, Text):
        return Text(value.key, value.at, value.passed, (f"name {name}", *value.trail)[:8], value.holes)
    return value


def _handed(value: Value, at: int, step: str) -> Value:
    return value.handed(at, step) if isinstance(value, Text) else value


def _tells_nothing(func: FuncVal, args: list[Vals], node: _code.Func) -> bool:
    """Whether a call gives a function nothing that another such call does not."""
    if isinstance(func.this, Instance) and func.this.given:
        return False
    if len(args) < len(node.params) and any(param.default is not None for param in node.params[len(args) :]):
        return False
    return all(
        isinstance(value, Unknown | Plain | External | FuncVal | ClassVal) for values in args for value in values
    )


def _from_outside(value: Value) -> Value:
    """What an object was built with, taken from it by others; its own methods say where they are called."""
    if not isinstance(value, Text) or (value.trail and value.trail[0].startswith(_HELD)):
        return value
    return replace(value, passed=None)


def _is_environment(value: Value) -> bool:
    return isinstance(value, Unknown) and value.environment


def _open(value: Value, function: int) -> Value:
    """A value that counts only where nobody calls the function."""
    return replace(value, holes=value.holes | {function}) if isinstance(value, Text) else value


def _is_method(value: Value) -> bool:
    return isinstance(value, FuncVal) and value.this is not None


def _is(value: Value, node: object) -> bool:
    return isinstance(value, FuncVal | ClassVal) and value.node is node
