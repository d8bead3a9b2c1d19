"""What a call gives: functions of the repository are followed into, known libraries are asked their tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanners.languages.python import documents, execute, fold, members, memory, tree
from scanners.languages.python.arguments import Args
from scanners.languages.python.readers import accessors, calls
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
    InstObj,
    MapObj,
    Method,
    Obj,
    Partial,
    Ref,
    Scope,
    SeqObj,
    Site,
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

_DEEPEST = 14
_SUMMARY_BUDGET = 20_000
_MOST_MADE = 2_000
_CONSTRUCTORS = frozenset({"__init__", "__set_name__"})


def call(m: Machine, funcs: Vals, args: Args, here: Here, site: Site) -> Vals:
    """Call every value that ``funcs`` may be."""
    found = [one(m, func, args, here, site) for func in funcs]
    return union(*found) if found else UNKNOWN


def one(m: Machine, func: Value, args: Args, here: Here, site: Site) -> Vals:
    """Call one value."""
    if isinstance(func, FuncObj):
        return function(m, func, args, here, site)
    if isinstance(func, Method):
        return function(m, func.func, args, here, site, owner=func.owner)
    if isinstance(func, ClassObj):
        return instance(m, func, args, here, site)
    if isinstance(func, Partial):
        return one(m, func.func, _completed(func, args), here, site)
    if isinstance(func, Ref) and isinstance(func.obj, InstObj):
        return call(m, members.attribute(m, (func,), "__call__", here, site), args, here, site)
    if isinstance(func, FlagVal | Doc):
        return (func,)
    if isinstance(func, Ext):
        return calls.external(m, func.name, args, here, site)
    if isinstance(func, Bound):
        return calls.method(m, func.owner, func.name, args, here, site)
    if isinstance(func, Obj):
        return calls.method(m, func, "__call__", args, here, site)
    return calls.unknown(m, func, args, here, site)


def _completed(partial: Partial, args: Args) -> Args:
    return Args(
        args.site,
        [*partial.args, *args.values],
        {**dict(partial.named), **args.named},
        args.rest,
        args.documents,
    )


def _configured(m: Machine, func: FuncObj, args: Args, here: Here, site: Site, owner: Value | None) -> Vals | None:
    """What a function gives that the configuration names, or that may be the method it names; else None."""
    named = _by_name(func, args, owner)
    whole = m.qualname(func.scope, func.name)
    found = calls.configured(m, whole, named, here, site, bound=owner is not None)
    return accessors.of_method(m, func, owner, named, here, site) if found is None else found


def function(m: Machine, func: FuncObj, args: Args, here: Here, site: Site, owner: Value | None = None) -> Vals:
    """Follow a call into a function of the repository."""
    configured = _configured(m, func, args, here, site, owner) if func.name in m.configured else None
    if configured is not None:
        return configured
    if m.budget <= 0 or here.frame.depth >= _DEEPEST or m.running.count(func) > 1:
        return _annotated(m, func)
    if func.lexical is None and func not in m.running and func.name != "__init__":
        told = summary(m, func)
        if not memory.needs_following(told, func, args, owner, m.relevant) and not (
            told.keeps and m.reporter.hands_key(args.everything())
        ):
            return memory.recalled(told.returns, args, owner)
    shape = memory.shape(func, args, owner)
    held = m.memory.get(shape) if shape is not None else None
    if held is not None:
        return memory.recalled(held, args, owner)
    events = m.reporter.events
    found = followed(m, func, args, here, site, owner)
    if shape is not None and m.reporter.events == events and memory.repeatable(found):
        m.memory[shape] = found
    return found


def _by_name(func: FuncObj, args: Args, owner: Value | None) -> Args:
    """The arguments by position and by their parameters' names too."""
    params = [param.name for param in func.node.params if param.kind in {"", "/"}]
    if owner is not None and func.kind != "static":
        params = params[1:]
    named = {**dict(zip(params, args.values, strict=False)), **args.named}
    return Args(args.site, list(args.values), named, args.rest, args.documents)


def summary(m: Machine, func: FuncObj) -> memory.Summary:
    """What a function does when nothing is known of its arguments; told once."""
    if func not in m.summaries:
        m.summaries[func] = memory.Summary(True, True, UNKNOWN)
        budget, m.budget = m.budget, _SUMMARY_BUDGET
        loops, m.loops = m.loops, 0
        waits, keeps = m.reporter.waits, m.reporter.keeps
        found = root(m, func)
        m.budget, m.loops = budget, loops
        tagged = any(memory.depends(value) for value in found)
        m.summaries[func] = memory.Summary(m.reporter.waits > waits, tagged, found, m.reporter.keeps > keeps)
    return m.summaries[func]


def followed(m: Machine, func: FuncObj, args: Args, here: Here, site: Site, owner: Value | None) -> Vals:
    """Follow a call for what it does, whatever is known of the function already."""
    frame = m.frame(func.name, here.frame, func.lexical, constructor=func.name in _CONSTRUCTORS)
    frame.at = site
    scope = Scope({}, func.scope, func.scope.path, "function")
    _bind(m, func, scope, frame, args, owner, site)
    m.running.append(func)
    try:
        found = body(m, func, scope, frame)
    finally:
        m.running.pop()
    if all(isinstance(value, Unknown) for value in found):
        return _annotated(m, func)
    return found


def _said(m: Machine, func: FuncObj, values: Vals) -> None:
    """What a function's own annotation says of a document it gives back."""
    node = func.node
    if isinstance(node, tree.Def) and node.returns is not None and any(isinstance(value, Doc) for value in values):
        documents.typed(m, values, members.annotated_types(m, node.returns, func.scope))


def body(m: Machine, func: FuncObj, scope: Scope, frame: Frame) -> Vals:
    """Follow a function's body, then the functions it made, and say what it gives back."""
    here = m.here(scope, frame)
    node = func.node
    if isinstance(node, tree.Lambda):
        frame.returns += m.eval(node.body, here)
    else:
        m.run(m.body(func, scope), here)
    for closure in frame.closures:
        if closure not in m.running:
            root(m, closure, lexical=frame)
    found = _returned(frame)
    if frame.present is not None:
        frame.lapses += frame.returns[frame.present :]
    if frame.lapses:
        documents.fall_back(m, found, union(frame.lapses))
    _said(m, func, found)
    return found


def _returned(frame: Frame) -> Vals:
    values = union(frame.returns)
    constants = [value for value in values if isinstance(value, Const) and isinstance(value.value, bool)]
    rest = [value for value in values if not isinstance(value, Const | FlagVal)]
    if constants and not rest and frame.tested:
        return union(values, frame.tested)
    return values or (Const(None),)


def root(m: Machine, func: FuncObj, lexical: Frame | None = None, owner: Value | None = None) -> Vals:
    """Follow a function that nobody is known to call: its parameters are unknown."""
    if m.budget <= 0 or m.running.count(func) > 0:
        return UNKNOWN
    frame = m.frame(func.name, None, lexical if lexical is not None else func.lexical)
    if lexical is not None and lexical.caller is not None:
        frame.depth = lexical.depth + 1
    m.roots[frame.id] = func
    scope = Scope({}, func.scope, func.scope.path, "function")
    here = Site(func.scope.path, func.node.pos)
    _bind(m, func, scope, frame, None, owner if owner is not None else _self(m, func), here)
    m.running.append(func)
    try:
        return body(m, func, scope, frame)
    finally:
        m.running.pop()


def _self(m: Machine, func: FuncObj) -> Value | None:
    if func.owner is None or func.kind == "static":
        return None
    return func.owner if func.kind == "class" else m.generic(func.owner)


def _bind(
    m: Machine,
    func: FuncObj,
    scope: Scope,
    frame: Frame,
    args: Args | None,
    owner: Value | None,
    site: Site,
) -> None:
    """Give a function's parameters what a call passes (``args`` None: nobody knows)."""
    params = list(func.node.params)
    if owner is not None and func.kind != "static" and params and params[0].kind in {"", "/"}:
        tag = Tag(frame.id, site, own=True)
        scope.names[params.pop(0).name] = (retagged(owner, (tag,)),)
    rest = list(args.values) if args is not None else []
    named = dict(args.named) if args is not None else {}
    for param in params:
        scope.names[param.name] = _parameter(m, func, frame, param, args, rest, named, site)


def _parameter(
    m: Machine,
    func: FuncObj,
    frame: Frame,
    param: tree.Param,
    args: Args | None,
    rest: list[Vals],
    named: dict[str, Vals],
    site: Site,
) -> Vals:
    if param.kind == "*":
        items = SeqObj("tuple", [_entered(values, frame, site) for values in rest], _open(args, frame, site))
        rest.clear()
        return (Ref(items),)
    if param.kind == "**":
        return _keywords(named, args, frame, site)
    if args is None:
        return _unpassed(m, func, frame, param, site)
    if param.kind != "k" and rest:
        return _entered(rest.pop(0), frame, site)
    if param.kind != "/" and param.name in named:
        return _entered(named.pop(param.name), frame, site)
    if param.name in func.defaults:
        default = _defaulted(m, func.defaults[param.name], frame, site)
        return union(default, _open(args, frame, site))
    return _open(args, frame, site) or _hinted(m, func, param, (Tag(frame.id, site),))


def _keywords(named: dict[str, Vals], args: Args | None, frame: Frame, site: Site) -> Vals:
    entries = MapObj()
    for name, values in named.items():
        entries.items.append(((literal(name, site),), _entered(values, frame, site)))
    entries.more = _open(args, frame, site)
    found: list[Value] = [Ref(entries)]
    if args is not None:
        found += args.documents
    return tuple(found)


def _open(args: Args | None, frame: Frame, site: Site) -> Vals:
    if args is None:
        return (Unknown((Tag(frame.id, site),)),)
    return _entered(args.rest, frame, site)


def _entered(values: Vals, frame: Frame, site: Site) -> Vals:
    """Values that come in as an argument know by which call, and where the argument stands."""
    done = []
    for value in values:
        at, inline = site, False
        if isinstance(value, Text):
            at = value.at
        elif isinstance(value, Unknown):
            at = value.at or site
        elif isinstance(value, Ref):
            at, inline = value.at or site, value.at is None
        done.append(retagged(value, (Tag(frame.id, at, inline),)))
    return tuple(done)


def _defaulted(m: Machine, values: Vals, frame: Frame, site: Site) -> Vals:
    tag = (Tag(frame.id, site),)
    found: list[Value] = []
    for value in values:
        supplied = calls.supplied(m, value)
        found += supplied if supplied is not None else (retagged(value, tag),)
    return tuple(found)


def _unpassed(m: Machine, func: FuncObj, frame: Frame, param: tree.Param, site: Site) -> Vals:
    tag = (Tag(frame.id, site),)
    hinted = _hinted(m, func, param, tag)
    if param.name not in func.defaults:
        return hinted
    return union(_defaulted(m, func.defaults[param.name], frame, site), hinted)


def _hinted(m: Machine, func: FuncObj, param: tree.Param, tags: tuple[Tag, ...]) -> Vals:
    """What a parameter's annotation says of an argument nobody is seen to pass."""
    if param.annotation is None:
        return (Unknown(tags, param.name),)
    found = members.instances_of(m, param.annotation, func.scope)
    if found:
        return tuple(retagged(value, tags) for value in found)
    return (Unknown(tags, members.outside_type(m, param.annotation, func.scope) or param.name),)


def _annotated(m: Machine, func: FuncObj) -> Vals:
    node = func.node
    if isinstance(node, tree.Lambda) or node.returns is None:
        return UNKNOWN
    return members.instances_of(m, node.returns, func.scope) or UNKNOWN


def instance(m: Machine, cls: ClassObj, args: Args, here: Here, site: Site) -> Vals:
    """Make an object of a class of the repository."""
    configured = calls.configured(m, cls.qualname, args, here, site, bound=False)
    if configured is not None:
        return configured
    special = members.special_instance(m, cls, args, here, site)
    if special is not None:
        return special
    m.built += [(cls, text, here.frame) for values in args.everything() for text in fold.texts(values)]
    made = InstObj(cls)
    ref = Ref(made)
    initializer = members.class_attribute(m, cls, "__init__")
    funcs = [value for value in initializer if isinstance(value, FuncObj)]
    if args.values and members.derives_from(cls, "str", "UserString"):
        made.attrs[fold.ITSELF] = args.values[0]
    if funcs:
        _construct(m, funcs[0], args, here, site, ref)
    else:
        execute.fields_given(m, made, args, here, site)
        for after in execute.completing(m, cls):
            _construct(m, after, Args(site), here, site, ref)
    if len(m.made) < _MOST_MADE:
        m.made.append(ref)
    return (ref,)


def _construct(m: Machine, func: FuncObj, args: Args, here: Here, site: Site, ref: Ref) -> None:
    frame = m.frame(f"{func.owner.name if func.owner else ''}", here.frame, func.lexical, constructor=True)
    frame.at = site
    scope = Scope({}, func.scope, func.scope.path, "function")
    first = func.node.params[0].name if func.node.params else "self"
    params = func.node.params[1:]
    rest, named = list(args.values), dict(args.named)
    scope.names = {param.name: _parameter(m, func, frame, param, args, rest, named, site) for param in params}
    scope.names[first] = (ref,)
    if m.running.count(func) > 1 or frame.depth >= _DEEPEST:
        return
    m.running.append(func)
    try:
        m.run(m.body(func, scope), m.here(scope, frame))
    finally:
        m.running.pop()
