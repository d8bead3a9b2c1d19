"""What a statement does to the names around it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from scanners.languages.python import documents, fold, invoke, members, memory, tree
from scanners.languages.python.arguments import Args, from_container
from scanners.languages.python.readers import options, settings
from scanners.languages.python.slices import answers
from scanners.languages.python.values import (
    UNKNOWN,
    Bound,
    ClassObj,
    Const,
    Doc,
    Ext,
    FlagVal,
    Frame,
    FuncObj,
    Imported,
    InstObj,
    MapObj,
    Method,
    ModuleRef,
    Obj,
    Ref,
    Scope,
    SeqObj,
    Site,
    Step,
    Tag,
    Text,
    Unknown,
    Vals,
    Value,
    literal,
    retagged,
    union,
)

if TYPE_CHECKING:
    from scanners.languages.python.machine import Here, Machine

_PROPERTIES = frozenset({"property", "cached_property", "hybrid_property", "classproperty", "computed_field"})
# What libraries call the decorators by which a method is asked for as an attribute.
_LIKE_A_PROPERTY = re.compile(r"property|^(?:computed_field|lazy|reify)$", re.IGNORECASE)
_DOTTED = re.compile(r"[A-Za-z_][\w.]*")


def block(m: Machine, statements: tree.Block, here: Here) -> bool:
    """Follow statements in order; those behind a return are followed too, for dead code counts."""
    ended = False
    for statement in statements:
        ended = bool(_KINDS[type(statement)](m, statement, here)) or ended
    return ended


# Names


def assign(m: Machine, target: tree.Expr, values: Vals, here: Here) -> None:
    """Give a target what it is assigned."""
    if isinstance(target, tree.Name):
        scope = _scope_of(target.id, here.scope)
        if scope is not here.scope:
            # Whoever looks at it from there may do so before or after.
            values = union(m.held(scope, target.id) or (), values)
        scope.names[target.id] = values
    elif isinstance(target, tree.Attr):
        _assign_attribute(m, target, values, here)
    elif isinstance(target, tree.Sub):
        _assign_entry(m, target, values, here)
    elif isinstance(target, tree.Items):
        _unpack(m, target, values, here)
    elif isinstance(target, tree.Star):
        assign(m, target.value, (Ref(SeqObj("list", [], values)),), here)


def _scope_of(name: str, scope: Scope) -> Scope:
    if name in scope.globals:
        while scope.parent is not None:
            scope = scope.parent
    elif name in scope.nonlocals:
        outer = scope.parent
        while outer is not None and name not in outer.names:
            outer = outer.parent
        return outer or scope
    return scope


def _assign_attribute(m: Machine, target: tree.Attr, values: Vals, here: Here) -> None:
    for owner in m.eval(target.value, here):
        if isinstance(owner, Ref) and isinstance(owner.obj, InstObj):
            before = owner.obj.attrs.get(target.name, ())
            kept = tuple(value for value in before if not _is_none(value))
            owner.obj.attrs[target.name] = memory.gathered(kept, values)
        elif isinstance(owner, ClassObj):
            owner.scope.names[target.name] = union(owner.scope.names.get(target.name, ()), values)


def _tells_nothing(value: Value) -> bool:
    """Whether a value is none, or an attribute of something that cannot be known."""
    while isinstance(value, Bound):
        value = value.owner
    return isinstance(value, Unknown) or _is_none(value)


def _is_none(value: Value) -> bool:
    return isinstance(value, Const) and value.value is None


def _assign_entry(m: Machine, target: tree.Sub, values: Vals, here: Here) -> None:
    keys = m.eval(target.key, here)
    for owner in m.eval(target.value, here):
        if settings.is_environment(owner) or settings.is_configuration(owner):
            settings.written(m, keys, here, here.site(target.pos))
        elif isinstance(owner, Ref) and isinstance(owner.obj, MapObj):
            m.reporter.keep((*keys, *values), here.scope.path)
            put_entry(owner.obj, keys, values)


def put_entry(mapping: MapObj, keys: Vals, values: Vals) -> None:
    """Add an entry, once."""
    memory.put(mapping, keys, values)


def _unpack(m: Machine, target: tree.Items, values: Vals, here: Here) -> None:
    parts: list[Vals] = [() for _ in target.values]
    for value in values:
        items = members.in_order(m, value)
        if isinstance(value, Ref) and len(items) == len(parts):
            for index, item in enumerate(items):
                parts[index] = union(parts[index], from_container(value, item))
        else:
            element = members.elements(m, (value,), here)
            parts = [union(part, element) for part in parts]
    for part, inner in zip(parts, target.values, strict=True):
        assign(m, inner, part or UNKNOWN, here)


def binding(m: Machine, values: Vals, name: str, frame: Frame | None = None) -> Vals:
    """A name is given these: each key among them is bound, and knows it.

    What came in as an argument is bound where it was passed, unless a function called in ``frame`` made a key of it.
    """
    return tuple(_bind_one(m, value, name, frame) for value in values)


def _bind_one(m: Machine, value: Value, name: str, frame: Frame | None) -> Value:
    if isinstance(value, Text):
        if value.tags and (frame is None or m.reporter.comes_in(frame, value)):
            return value
        m.reporter.bound(value, f"{name} is given the key")
        return value.stepped(Step(value.at, f"{name} is given the key", value.key))
    if isinstance(value, Ref) and isinstance(value.obj, InstObj):
        member = fold.text_of(value)
        if member is not None and value.at is not None and not value.tags:
            m.reporter.bound(member, f"{name} is given the key")
        return value
    if isinstance(value, Ref) and value.at is None and not documents.declared_document(m, value):
        _bind_inside(m, value, name)
    return value


def _bind_inside(m: Machine, value: Ref, name: str) -> None:
    if isinstance(value.obj, SeqObj):
        value.obj.items = [binding(m, item, name) for item in value.obj.items]
        value.obj.more = binding(m, value.obj.more, name)
    elif isinstance(value.obj, MapObj):
        value.obj.items = [(binding(m, keys, name), binding(m, entries, name)) for keys, entries in value.obj.items]


# Simple statements


def _assign(m: Machine, node: tree.Assign, here: Here) -> None:
    values = m.eval(node.value, here)
    for target in node.targets:
        assign(m, target, binding(m, values, spelled(target), here.frame), here)
    if len(node.targets) == 1 and isinstance(node.targets[0], tree.Name):
        settings.defined(m, node.targets[0].id, here, here.site(node.pos))


def _declare(m: Machine, node: tree.Declare, here: Here) -> None:
    if not _only_names(node.annotation):
        m.eval(node.annotation, here)
    if isinstance(node.target, tree.Name):
        settings.defined(m, node.target.id, here, here.site(node.pos))
    if node.value is not None:
        values = m.eval(node.value, here)
        if all(_tells_nothing(value) for value in values):
            values = members.instances_of(m, node.annotation, here.scope) or values
        if any(isinstance(value, Doc) for value in values):
            documents.typed(m, values, members.annotated_types(m, node.annotation, here.scope))
        assign(m, node.target, binding(m, values, spelled(node.target)), here)
    elif isinstance(node.target, tree.Name) and here.scope.kind != "class":
        found = members.instances_of(m, node.annotation, here.scope)
        if found:
            assign(m, node.target, found, here)


def _augment(m: Machine, node: tree.Augment, here: Here) -> None:
    values = m.eval(tree.Binary(node.pos, node.op, (node.target, node.value)), here)
    assign(m, node.target, binding(m, values, spelled(node.target)), here)


def _do(m: Machine, node: tree.Do, here: Here) -> None:
    for value in node.values:
        if not isinstance(value, tree.Str):
            m.eval(value, here)


def _note_tests(values: Vals, here: Here) -> None:
    here.frame.tested += [value for value in values if isinstance(value, FlagVal)]


def _return(m: Machine, node: tree.Return, here: Here) -> bool:
    if node.value is None:
        here.frame.returns.append(Const(None))
        return True
    here.frame.returns += returned(m.eval(node.value, here), node.value)
    return True


def returned(values: Vals, expr: tree.Expr) -> Vals:
    """What an expression is worth, given back by a function: a key that stands in it knows that."""
    written = _ends_in_text(expr)
    return tuple(_returned(value, written=written) for value in values)


def _ends_in_text(expr: tree.Expr) -> bool:
    """Whether at least the last segment of a key stands in an expression itself."""
    if isinstance(expr, tree.Joined):
        last = expr.parts[-1] if expr.parts else expr
        return isinstance(last, tree.Str) and "/" in last.value
    if isinstance(expr, tree.Binary):
        return _ends_in_text(expr.values[-1])
    if isinstance(expr, tree.Attr) and expr.name == "value":
        return False  # an enum's own way to hand out what its member was given
    return not isinstance(expr, tree.Call)


def _returned(value: Value, *, written: bool) -> Value:
    if isinstance(value, Text) and not value.tags and written:
        return value.stepped(Step(value.at, "a function returns the key", value.key))
    return value


def _stop(m: Machine, node: tree.Stop, here: Here) -> bool:
    for value in node.values:
        m.eval(value, here)
    return True


def _delete(m: Machine, node: tree.Delete, here: Here) -> None:
    for value in node.values:
        if isinstance(value, tree.Sub):
            keys = m.eval(value.key, here)
            for owner in m.eval(value.value, here):
                if settings.is_environment(owner):
                    settings.written(m, keys, here, here.site(value.pos))


def _outer(_m: Machine, node: tree.Outer, here: Here) -> None:
    if node.kind == "global":
        here.scope.globals |= frozenset(node.names)
    else:
        here.scope.nonlocals |= frozenset(node.names)


def spelled(target: tree.Expr) -> str:
    """A target as people read it."""
    if isinstance(target, tree.Name):
        return target.id
    if isinstance(target, tree.Attr):
        return f"{spelled(target.value)}.{target.name}"
    return "an entry" if isinstance(target, tree.Sub) else "a name"


# Branches


def _branches(m: Machine, here: Here, bodies: Iterable[Callable[[], bool]]) -> bool:
    """Follow alternatives from the same start, and join what those that go on left behind."""
    scope = here.scope
    before = scope.names
    after: list[dict[str, Vals]] = []
    ended: list[dict[str, Vals]] = []
    for body in bodies:
        scope.names = dict(before)
        (ended if body() else after).append(scope.names)
    scope.names = _joined(after or ended or [before])
    return not after


def _joined(branches: list[dict[str, Vals]]) -> dict[str, Vals]:
    if len(branches) == 1:
        return branches[0]
    joined: dict[str, Vals] = {}
    for branch in branches:
        for name, values in branch.items():
            held = joined.get(name)
            joined[name] = values if held is None or held is values else union(held, values)
    return joined


def _if(m: Machine, node: tree.If, here: Here) -> bool:
    if not node.arms:
        return block(m, node.orelse, here)
    bodies: list[Callable[[], bool]] = []
    for test, body in node.arms:
        tested = members.truth(m, m.eval(test, here), here, here.site(test.pos))
        if answers(body):
            _note_tests(tested, here)
        missing = _tells_missing(test) if any(isinstance(value, FlagVal) for value in tested) else None
        bodies.append(lambda body=body, missing=missing: _arm(m, body, here, missing=missing))  # type: ignore[misc]
    bodies.append(lambda: block(m, node.orelse, here))
    return _branches(m, here, bodies)


def _arm(m: Machine, body: tree.Block, here: Here, *, missing: bool | None) -> bool:
    if missing:
        return _lapsed(here, lambda: block(m, body, here))
    ended = block(m, body, here)
    if missing is False and ended:
        here.frame.present = len(here.frame.returns)
    return ended


def _for(m: Machine, node: tree.For, here: Here) -> None:
    values = m.eval(node.iter, here)
    if not isinstance(node.iter, tree.Name | tree.Attr):
        values = binding(m, values, spelled(node.target))
    _loop(m, here, lambda: _turn(m, node, values, here))
    block(m, node.orelse, here)


def _turn(m: Machine, node: tree.For, values: Vals, here: Here) -> bool:
    assign(m, node.target, members.elements(m, values, here), here)
    return block(m, node.body, here)


def _while(m: Machine, node: tree.While, here: Here) -> None:
    _loop(m, here, lambda: _while_turn(m, node, here))
    block(m, node.orelse, here)


def _while_turn(m: Machine, node: tree.While, here: Here) -> bool:
    members.truth(m, m.eval(node.test, here), here, here.site(node.test.pos))
    return block(m, node.body, here)


def _loop(m: Machine, here: Here, turn: Callable[[], bool]) -> None:
    """Follow a loop's body twice, so that what it leaves behind is seen at its start."""
    turns = 2 if m.loops == 0 else 1
    m.loops += 1
    for _ in range(turns):
        _branches(m, here, (lambda: False, lambda: turn() and False))
    m.loops -= 1


def _try(m: Machine, node: tree.Try, here: Here) -> bool:
    before = dict(here.scope.names)
    ended = block(m, node.body, here)
    reached = _joined([before, here.scope.names])
    bodies: list[Callable[[], bool]] = [lambda: block(m, node.orelse, here) or ended]
    for name, body in node.handlers:
        bodies.append(lambda name=name, body=body: _handler(m, name, body, reached, here))  # type: ignore[misc]
    stopped = _branches(m, here, bodies)
    return block(m, node.final, here) or stopped


def _handler(m: Machine, name: str | None, body: tree.Block, reached: dict[str, Vals], here: Here) -> bool:
    here.scope.names = dict(reached)
    if name is not None:
        here.scope.names[name] = UNKNOWN
    ended = _lapsed(here, lambda: block(m, body, here))
    for given, values in here.scope.names.items():
        if values is not reached.get(given, values):
            documents.fall_back(m, reached[given], values)
    return ended


def _lapsed(here: Here, body: Callable[[], bool]) -> bool:
    """Follow what is done where a read failed or gave nothing: what is given back there is what the code falls to."""
    before = len(here.frame.returns)
    ended = body()
    here.frame.lapses += here.frame.returns[before:]
    return ended


def _tells_missing(test: tree.Expr) -> bool | None:
    """Whether a test holds where something is not there (``x is None``) or where it is; None for other tests."""
    if isinstance(test, tree.Unary) and test.op == "not":
        return True
    if isinstance(test, tree.Name | tree.Walrus):
        return False
    if not isinstance(test, tree.Compare) or len(test.rest) != 1:
        return None
    op, other = test.rest[0]
    if not isinstance(other, tree.Const) or other.value is not None:
        return None
    return op in {"is", "=="}


# What stands before the names of variables in the block that it is entered for.
PREFIX = "env-prefix"


def _with(m: Machine, node: tree.With, here: Here) -> bool:
    prefixes: list[Vals] = []
    for value, target in node.items:
        values = m.eval(value, here)
        if target is not None:
            site = here.site(node.pos)
            assign(m, target, union(*(_entered(m, one, here, site) for one in values)), here)
        prefixes += [one.data for one in values if isinstance(one, Obj) and one.kind == PREFIX]
    here.frame.prefixes += prefixes
    ended = block(m, node.body, here)
    del here.frame.prefixes[len(here.frame.prefixes) - len(prefixes) :]
    return ended


def _entered(m: Machine, value: Value, here: Here, site: Site) -> Vals:
    if isinstance(value, Ref) and isinstance(value.obj, InstObj):
        for name in ("__enter__", "__aenter__"):
            if members.class_attribute(m, value.obj.cls, name):
                func = members.attribute(m, (value,), name, here, site)
                return invoke.call(m, func, Args(site), here, site)
    return handed_out(value)


YIELDED = "yielded"


def handed_out(value: Value) -> Vals:
    """What a generator hands out where it is entered or supplied, not gone through."""
    if isinstance(value, Ref) and isinstance(value.obj, SeqObj) and value.obj.kind == YIELDED:
        return from_container(value, value.obj.more)
    return (value,)


def _match(m: Machine, node: tree.Match, here: Here) -> bool:
    subject = m.eval(node.subject, here)
    bodies: list[Callable[[], bool]] = []
    for pattern, guard, body in node.cases:
        bodies.append(
            lambda pattern=pattern, guard=guard, body=body: _case(m, subject, pattern, guard, body, here)  # type: ignore[misc]
        )
    bodies.append(lambda: False)
    return _branches(m, here, bodies)


def _case(
    m: Machine,
    subject: Vals,
    pattern: tree.Case,
    guard: tree.Expr | None,
    body: tree.Block,
    here: Here,
) -> bool:
    documents.matched(m, subject, pattern, here)
    if guard is not None:
        m.eval(guard, here)
    return block(m, body, here)


# Functions and classes


def _def(m: Machine, node: tree.Def, here: Here) -> None:
    func = FuncObj(node, here.scope, node.name, here.frame if here.scope.kind == "function" else None)
    func.owner = m.class_of(here.scope)
    for param in node.params:
        if param.annotation is not None and not _only_names(param.annotation):
            m.eval(param.annotation, here)
        if param.default is not None:
            func.defaults[param.name] = binding(m, m.eval(param.default, here), f"parameter {param.name}")
    if func.site in m.wrapper_sites:
        m.wrappers.setdefault(node.name, []).append(func)
    if here.frame.caller is None and here.scope.kind != "function":
        m.functions.append(func)
    else:
        here.frame.closures.append(func)
    made = decorated(m, node, func, here, late=m.is_late(here.scope)) if node.decorators else (func,)
    if made is not None:
        here.scope.names[node.name] = made


def _only_names(annotation: tree.Expr) -> bool:
    """Whether an annotation is made of names alone: it does nothing, and no key stands in it."""
    if isinstance(annotation, tree.Sub):
        return _only_names(annotation.value) and _only_names(annotation.key)
    if isinstance(annotation, tree.Items | tree.Binary):
        return all(map(_only_names, annotation.values))
    if isinstance(annotation, tree.Attr):
        return _only_names(annotation.value)
    return isinstance(annotation, tree.Name | tree.Const)


def decorated(m: Machine, node: tree.Def, func: FuncObj, here: Here, *, late: bool = False) -> Vals | None:
    """The function with its decorators around it; None for the setter of a property, which names nothing new.

    With ``late`` those that need to be followed wait until someone asks for the function.
    """
    made: Vals = (func,)
    for decorator in reversed(node.decorators):
        name = _decorator_name(decorator)
        if name in {"setter", "deleter", "overload"}:
            return None
        if name in _PROPERTIES:
            func.kind = "property"
        elif name in {"staticmethod", "classmethod"}:
            func.kind = name.removesuffix("method")
        elif late and not _registers(decorator):
            m.undecorated[func] = here
        else:
            decorators = m.eval(decorator, here)
            _registered(m, decorator, made, here)
            options.given(decorators, func)
            wrapped = _wrapped(m, decorators, made, here, here.site(decorator.pos))
            if wrapped is made and _LIKE_A_PROPERTY.search(_decorator_name(_called(decorator))) is not None:
                func.kind = "property"
            made = wrapped
    return made


def _registered(m: Machine, decorator: tree.Expr, made: Vals, here: Here) -> None:
    """``@name.register`` and ``@name.register(type)``: a call of the name may be one of this function."""
    name = _registers(decorator)
    held = here.scope.names.get(name, ())
    if any(isinstance(value, FuncObj) for value in held):
        here.scope.names[name] = union(held, made)


def _registers(decorator: tree.Expr) -> str:
    """The name of the function by which a decorator registers another; empty where it does not."""
    named = _called(decorator)
    if not isinstance(named, tree.Attr) or named.name != "register" or not isinstance(named.value, tree.Name):
        return ""
    return named.value.id


def _called(decorator: tree.Expr) -> tree.Expr:
    """What is called to make a decorator, or the decorator itself."""
    return decorator.func if isinstance(decorator, tree.Call) else decorator


def _decorator_name(decorator: tree.Expr) -> str:
    if isinstance(decorator, tree.Call):
        return ""
    if isinstance(decorator, tree.Attr):
        return decorator.name
    return decorator.id if isinstance(decorator, tree.Name) else ""


def _wrapped(m: Machine, decorators: Vals, made: Vals, here: Here, site: Site) -> Vals:
    known = [value for value in decorators if isinstance(value, FuncObj | Method | ClassObj | Ref)]
    if not known:
        return made
    inner = [value for value in made if isinstance(value, FuncObj) and not value.inner]
    for func in inner:
        func.inner = True
    found = invoke.call(m, tuple(known), Args(site, [made]), here, site)
    for func in inner:
        func.inner = func not in found
    for value in known:
        if isinstance(value, FuncObj) and value.lexical is None:
            _note_guard(m, value, site)
    callables = tuple(value for value in found if isinstance(value, FuncObj | Method | Ref))
    return callables or made


def _note_guard(m: Machine, decorator: FuncObj, site: Site) -> None:
    """A decorator that fixes the key of a flag, and asks for it around each function it decorates, is used."""
    for frame, reads in list(m.reporter.fixed.items()):
        if m.roots.get(frame) is decorator:
            for seen in list(reads):
                m.reporter.used(seen, site, "a decorator that asks for the flag is used")


def _class(m: Machine, node: tree.Class, here: Here) -> None:
    scope = Scope({}, here.scope, here.scope.path, "class")
    qualname = m.qualname(here.scope, node.name)
    bases = tuple(_class_base(value) for arg in node.bases if arg.name is None for value in m.eval(arg.value, here))
    cls = ClassObj(node, scope, node.name, bases, qualname)
    cls.options = {arg.name: m.eval(arg.value, here) for arg in node.bases if arg.name is not None}
    decorators = [m.eval(decorator, here) for decorator in node.decorators]
    cls.is_dataclass = any(
        isinstance(value, Ext) and value.name.rsplit(".", 1)[-1] in {"dataclass", "define", "frozen", "attrs"}
        for values in decorators
        for value in values
    ) or any(_decorator_name(d) == "" and isinstance(d, tree.Call) for d in node.decorators)
    m.scopes[scope_id(scope)] = cls
    here.scope.names[node.name] = (cls,)
    cls.fields = {
        part.target.id: part
        for part in node.body
        if isinstance(part, tree.Declare) and isinstance(part.target, tree.Name)
    }
    m.classes.append(cls)
    m.run(m.class_body(node, scope.path), here._replace(scope=scope))
    if members.is_enum(cls):
        _make_members(m, cls, here)
    _tell_descriptors(m, cls, here)
    _tell_bases(m, cls, here)
    documents.declared(m, cls, here)


def scope_id(scope: Scope) -> int:
    """What tells one scope from another."""
    return id(scope)


def _class_base(value: Value) -> Value:
    if isinstance(value, Bound) and isinstance(value.owner, Ext):
        return Ext(f"{value.owner.name}.{value.name}")
    return value


def _tell_descriptors(m: Machine, cls: ClassObj, here: Here) -> None:
    """Each object of the class's body that wants to know its name is told it."""
    for part in cls.node.body:
        for target in part.targets if isinstance(part, tree.Assign) else ():
            for value in cls.scope.names.get(target.id, ()) if isinstance(target, tree.Name) else ():
                func = members.special_method(m, value, "__set_name__")
                if func is not None and func.owner is not None and isinstance(target, tree.Name):
                    name = literal(target.id, here.site(target.pos))
                    args = Args(here.site(part.pos), [(cls,), (name,)])
                    invoke.followed(m, func, args, here, args.site, value)
                    m.built.append((func.owner, name, here.frame))


def _tell_bases(m: Machine, cls: ClassObj, here: Here) -> None:
    """``class A(Base, key="...")`` hands its keywords to the base that asks for them."""
    for ancestor in cls.ancestors[1:]:
        for func in ancestor.scope.names.get("__init_subclass__", ()):
            if isinstance(func, FuncObj):
                site = here.site(cls.node.pos)
                args = Args(site, named={name: binding(m, values, name) for name, values in cls.options.items()})
                invoke.followed(m, func, args, here, site, cls)
                for name, values in cls.scope.names.items():
                    cls.scope.names[name] = tuple(_untagged(value) for value in values)
                return


def _make_members(m: Machine, cls: ClassObj, here: Here) -> None:
    texts = members.derives_from(cls, "StrEnum")
    for part in cls.node.body:
        names = part.targets if isinstance(part, tree.Assign) else ()
        for target in names:
            if isinstance(target, tree.Name) and not target.id.startswith("_"):
                values = cls.scope.names.get(target.id, UNKNOWN)
                if any(isinstance(value, Unknown) and value.hint == "enum.nonmember" for value in values):
                    continue
                if all(isinstance(value, Unknown) for value in values) and (made := _generated(m, cls, target, here)):
                    values = binding(m, made, f"{cls.name}.{target.id}")
                elif texts and all(isinstance(value, Unknown) for value in values):
                    automatic = literal(target.id.lower(), here.site(target.pos))
                    values = binding(m, (automatic,), f"{cls.name}.{target.id}")
                cls.scope.names[target.id] = (_make_member(m, cls, target.id, values, here),)


def _generated(m: Machine, cls: ClassObj, target: tree.Name, here: Here) -> Vals:
    """The value that an enum makes of a member's name by a method of its own; empty where it has none."""
    makers = [v for v in members.class_attribute(m, cls, "_generate_next_value_") if isinstance(v, FuncObj)]
    if not makers:
        return ()
    site = here.site(target.pos)
    args = Args(site, [(literal(target.id, site),), UNKNOWN, UNKNOWN, UNKNOWN])
    found = invoke.followed(m, makers[0], args, here, site, None)
    return tuple(text.moved(site) for text in map(_untagged, fold.texts(found)) if isinstance(text, Text))


def _make_member(m: Machine, cls: ClassObj, name: str, values: Vals, here: Here) -> Ref:
    made = InstObj(cls, {"value": values, "_value_": values}, name)
    ref = Ref(made)
    initializers = [v for v in members.class_attribute(m, cls, "__init__") if isinstance(v, FuncObj)]
    if initializers:
        site = here.site(cls.node.pos)
        args = Args(site)
        for value in values:
            if isinstance(value, Ref) and isinstance(value.obj, SeqObj):
                args.values = list(value.obj.items)
        args.values = args.values or [values]
        invoke.function(m, initializers[0], args, here, site, owner=ref)
        _plain(made)
    return ref


def _plain(made: InstObj) -> None:
    """A member is built where it stands: what it holds came in nowhere else."""
    for name, values in made.attrs.items():
        made.attrs[name] = tuple(_untagged(value) for value in values)


def _untagged(value: Value) -> Value:
    if isinstance(value, Text):
        return Text(tuple(piece._replace(tags=()) for piece in value.pieces), value.at, value.trail)
    return value


def generic_instance(m: Machine, cls: ClassObj) -> Ref:
    """An object of a class, made by nobody known: its constructor's arguments are unknown."""
    if cls.generic is not None:
        return cls.generic
    made = InstObj(cls)
    cls.generic = Ref(made)
    initializers = [v for v in members.class_attribute(m, cls, "__init__") if isinstance(v, FuncObj)]
    if initializers:
        loops, m.loops = m.loops, 0
        invoke.root(m, initializers[0], owner=cls.generic)
        m.loops = loops
    frame = m.frame(cls.name, constructor=True)
    site = Site(cls.scope.path, cls.node.pos)
    for ancestor in cls.ancestors:
        for name, field in ancestor.fields.items():
            if name not in made.attrs and field.value is None:
                hinted = members.instances_of(m, field.annotation, ancestor.scope)
                tag = (Tag(frame.id, site),)
                made.attrs[name] = tuple(retagged(v, tag) for v in hinted) or (Unknown(tag, name),)
    for after in completing(m, cls):
        invoke.root(m, after, owner=cls.generic)
    return cls.generic


def completing(m: Machine, cls: ClassObj) -> list[FuncObj]:
    """What is called once the fields of an object of a class are filled."""
    names = ("__post_init__", "__attrs_post_init__", "model_post_init")
    found = (value for name in names for value in members.class_attribute(m, cls, name))
    return [value for value in found if isinstance(value, FuncObj)]


def fields_given(m: Machine, made: InstObj, args: Args, here: Here, site: Site) -> None:
    """Fill the fields of a dataclass, a named tuple or a model from what its constructor is given."""
    order: list[str] = []
    for ancestor in reversed(made.cls.ancestors):
        order += [name for name in ancestor.fields if name not in order]
    if not order:
        return
    frame = m.frame(made.cls.name, here.frame, constructor=True)
    given = dict(zip(order, args.values, strict=False))
    given |= {name: values for name, values in args.named.items() if name in order}
    for name, values in given.items():
        made.attrs[name] = tuple(
            retagged(value, (Tag(frame.id, value.at if isinstance(value, Text) else site),)) for value in values
        )


# Imports


def _import(m: Machine, node: tree.Import, here: Here) -> None:
    name = node.name if node.name is not None else node.module.split(".")[0]
    module = node.module if node.name is not None else name
    path = m.project.resolve(here.scope.path, 0, module)
    here.scope.names[name] = (ModuleRef(path),) if path is not None else (Ext(module),)


def _from(m: Machine, node: tree.From, here: Here) -> None:
    path = m.project.resolve(here.scope.path, node.level, node.module)
    for name, local in node.names:
        if path is None:
            here.scope.names[local] = (Ext(f"{node.module}.{name}"),) if not node.level else UNKNOWN
        elif name == "*":
            _star(m, path, here)
        else:
            own = m.project.child(path, name) if path == here.scope.path and here.scope.kind == "module" else None
            # What a package takes from itself by a module's name is the module.
            here.scope.names[local] = (Imported(path, name),) if own is None else (ModuleRef(own),)
            settings.taken(m, path, name, local)


def _star(m: Machine, path: str, here: Here) -> None:
    if not m.opens(path):
        found = m.exports(path)
        for name in sorted(found.own | found.taken.keys()) if found is not None else ():
            here.scope.names[name] = (Imported(path, name),)
            settings.taken(m, path, name, name)
        return
    scope = m.module(path)
    if scope is None:
        return
    m.held(scope, "__all__")
    exported = [text.known for value in scope.names.get("__all__", ()) for text in _names(value)]
    for name in m.names_of(scope):
        if name in exported if exported else not name.startswith("_"):
            here.scope.names[name] = (Imported(path, name),)
            settings.taken(m, path, name, name)


def _names(value: Value) -> list[Text]:
    if isinstance(value, Ref) and isinstance(value.obj, SeqObj):
        return [text for item in value.obj.items for text in fold.texts(item)]
    return []


def parsed_annotation(annotation: tree.Str) -> tree.Expr | None:
    """The class that an annotation in quotes names first."""
    for found in _DOTTED.findall(annotation.value):
        if found.rsplit(".", 1)[-1] not in {"None", "Optional", "Union", "Final", "ClassVar"}:
            first, *rest = found.split(".")
            expr: tree.Expr = tree.Name(annotation.pos, first)
            for name in rest:
                expr = tree.Attr(annotation.pos, expr, name)
            return expr
    return None


_KINDS: dict[type, Callable[[Any, Any, Any], bool | None]] = {
    tree.Assign: _assign,
    tree.Declare: _declare,
    tree.Augment: _augment,
    tree.Do: _do,
    tree.Return: _return,
    tree.Stop: _stop,
    tree.Delete: _delete,
    tree.If: _if,
    tree.For: _for,
    tree.While: _while,
    tree.Try: _try,
    tree.With: _with,
    tree.Def: _def,
    tree.Class: _class,
    tree.Import: _import,
    tree.From: _from,
    tree.Outer: _outer,
    tree.Match: _match,
}
