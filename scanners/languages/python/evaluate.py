"""What an expression is worth, and the reads it makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from scanners.languages.python import documents, execute, fold, invoke, members, tree
from scanners.languages.python.arguments import Args, from_container
from scanners.languages.python.readers import calls, settings
from scanners.languages.python.values import (
    UNKNOWN,
    Bound,
    Const,
    Doc,
    DocItem,
    Ext,
    FlagVal,
    FuncObj,
    MapObj,
    Method,
    Obj,
    Ref,
    Scope,
    Seen,
    SeqObj,
    Site,
    Text,
    Unknown,
    Vals,
    Value,
    literal,
    tags_of,
    union,
)

if TYPE_CHECKING:
    from scanners.languages.python.machine import Here, Machine


def expression(m: Machine, expr: tree.Expr, here: Here) -> Vals:
    """Evaluate an expression; in test code every whole key that stands there is noted."""
    kind = type(expr)
    values = _KINDS[kind](m, expr, here)
    if kind in _STANDS and here.scope.path in m.tests:
        for text in fold.texts(values):
            m.reporter.tested(text)
    return values


def _string(m: Machine, expr: tree.Str, here: Here) -> Vals:
    if expr.pieces:
        _missing_comma(m, expr, here)
    return (literal(expr.value, here.site(expr.pos)),)


def _missing_comma(m: Machine, expr: tree.Str, here: Here) -> None:
    flags = m.reporter.flags
    if flags.exact(expr.value):
        return
    for piece in expr.pieces:
        if flags.exact(piece.value):
            reason = f"{piece.value!r} is joined to its neighbour: a comma may be missing"
            m.reporter.unresolved.setdefault(here.site(piece.pos), reason)


def _constant(_m: Machine, expr: tree.Const, _here: Here) -> Vals:
    return UNKNOWN if expr.value is ... else (Const(expr.value),)


def _joined(m: Machine, expr: tree.Joined, here: Here) -> Vals:
    parts = [m.eval(part, here) for part in expr.parts]
    return tuple(fold.combined(parts, here.site(expr.pos)))


def _name(m: Machine, expr: tree.Name, here: Here) -> Vals:
    values = m.name(expr.id, here.scope)
    if expr.id in m.taken_settings and (read := settings.name_read(m, expr.id, here, here.site(expr.pos))):
        values = union(read, tuple(value for value in values if isinstance(value, Text)))
    return placed(values, here.site(expr.pos))


def placed(values: Vals, site: Site) -> Vals:
    """The values, standing at ``site`` now."""
    if len(values) == 1:
        return (_placed(values[0], site),)
    return tuple([_placed(value, site) for value in values])


def _placed(value: Value, site: Site) -> Value:
    kind = type(value)
    if kind is Unknown:
        return Unknown(value.tags, value.hint, site)  # type: ignore[union-attr]
    if kind is Ref:
        return Ref(value.obj, site, value.tags)  # type: ignore[union-attr]
    if kind is Text:
        return Text(value.pieces, site, value.trail)  # type: ignore[union-attr]
    return value


def _attribute(m: Machine, expr: tree.Attr, here: Here) -> Vals:
    site = here.site(expr.pos)
    found = members.attribute(m, m.eval(expr.value, here), expr.name, here, site)
    return placed(found, site)


def _subscript(m: Machine, expr: tree.Sub, here: Here) -> Vals:
    owners = m.eval(expr.value, here)
    keys = m.eval(expr.key, here)
    site = here.site(expr.pos)
    return placed(members.subscript(m, owners, keys, expr, here, site), site)


def _slice(m: Machine, expr: tree.Slice, here: Here) -> Vals:
    for part in (expr.lower, expr.upper, expr.step):
        if part is not None:
            m.eval(part, here)
    return UNKNOWN


def _call(m: Machine, expr: tree.Call, here: Here) -> Vals:
    site = here.site(expr.pos)
    funcs = m.eval(expr.func, here)
    args = arguments(m, expr, here)
    found = invoke.call(m, funcs, args, here, site)
    if args.named and any(isinstance(func, Ext) and func.name in settings.DECLARING for func in funcs):
        settings.declared(m, expr, here)
    fresh = _fresh(found, funcs, args)
    if fresh and not all(isinstance(func, FuncObj) and func.inner for func in funcs):
        m.note_uses(fresh, args.sites(site), here, site)
    for func in funcs:
        called = func.func if isinstance(func, Method) else func
        if isinstance(called, FuncObj) and not any(isinstance(value, FlagVal) for value in found):
            calls.handed_in(m, called, args, here, site)
    if all(isinstance(func, Ext) and func.name in _DISPLAYS for func in funcs):
        return found  # as written out as a display is: what it holds stands where it stands
    return placed(found, site)


_DISPLAYS = frozenset(
    {f"builtins.{name}" for name in ("dict", "list", "tuple", "set", "frozenset")}
    | {"types.MappingProxyType", "collections.OrderedDict", "collections.ChainMap"}
)


def _fresh(found: Vals, funcs: Vals, args: Args) -> Vals:
    """Flag values that the call itself made: it was not handed them, nor a key that came in and may be kept by it."""
    values = list(_flag_values(found))
    if not values or all(_takes_out(func) for func in funcs):
        return ()
    held = {seen for values in (funcs, *args.everything()) for value in values for seen in _held(value)}
    passed = {text.known for values in args.everything() for text in fold.texts(values) if text.tags}
    return tuple(
        value for value in values if not all(seen in held or _ends_in(seen.key, passed) for seen in value.reads)
    )


def _ends_in(key: str, passed: set[str | None]) -> bool:
    """Whether a key is one of these, or one of these is what it ends in, as the name behind a prefix is."""
    return any(one and key.endswith(one) for one in passed)


def _flag_values(found: Vals) -> Iterator[FlagVal]:
    """Flag values, and those in a list or tuple that is given back as it was written out."""
    for value in found:
        if isinstance(value, FlagVal):
            yield value
        elif isinstance(value, Ref) and value.at is None and isinstance(value.obj, SeqObj):
            yield from (one for item in value.obj.items for one in item if isinstance(one, FlagVal))
            if value.obj.kind == execute.YIELDED:
                yield from _flag_values(value.obj.more)


def _takes_out(func: Value) -> bool:
    """Whether a call only takes out of a list or mapping what was put there."""
    return isinstance(func, Bound) and isinstance(func.owner, Ref) and isinstance(func.owner.obj, SeqObj | MapObj)


def _held(value: Value) -> tuple[Seen, ...]:
    container = value.owner if isinstance(value, Bound) and _takes_out(value) else value
    if isinstance(container, Ref):
        return tuple(seen for inner in _contents(container) for seen in _held(inner))
    if isinstance(value, Bound):
        return _held(value.owner)
    return value.reads if isinstance(value, FlagVal) else ()


def _contents(container: Ref) -> Iterator[Value]:
    """What a list or a mapping holds."""
    made = container.obj
    if isinstance(made, SeqObj):
        yield from union(made.more, *made.items)
    elif isinstance(made, MapObj):
        yield from union(made.more, *(values for _, values in made.items))


def arguments(m: Machine, expr: tree.Call, here: Here) -> Args:
    """Evaluate the arguments of a call."""
    args = Args(here.site(expr.pos))
    for arg in expr.args:
        values = m.eval(arg.value, here)
        if arg.star == "*":
            args.spread_items(values)
        elif arg.star == "**":
            args.spread_mapping(values)
        elif arg.name is not None:
            args.named[arg.name] = values
            if here.scope.path in m.tests:
                m.reporter.tested_name(literal(arg.name, here.site(arg.value.pos)))
        else:
            args.values.append(values)
    return args


def _binary(m: Machine, expr: tree.Binary, here: Here) -> Vals:
    parts = [m.eval(value, here) for value in expr.values]
    site = here.site(expr.pos)
    if expr.op == "+":
        return _sum(parts, site)
    if expr.op == "%":
        return (
            tuple(result for template in fold.texts(parts[0]) for result in fold.percent(template, parts[1], site))
            or UNKNOWN
        )
    if expr.op == "/" and fold.texts(parts[0]):
        return tuple(fold.path_joined(parts, site))
    conditions = [value for values in parts for value in values if isinstance(value, Obj) and value.kind == "condition"]
    if conditions:
        return (Obj("condition", data=tuple(inner for value in conditions for inner in value.data)),)
    if expr.op == "|":
        return _merged_mappings(parts)
    return (fold.tags_together(value for values in parts for value in values),)


def _sum(parts: list[Vals], site: Site) -> Vals:
    if any(isinstance(value, Ref) and isinstance(value.obj, SeqObj) for values in parts for value in values):
        together = SeqObj("list")
        for values in parts:
            _extend(together, values)
        return (Ref(together),)
    if any(fold.texts(values) for values in parts):
        return tuple(fold.combined(parts, site))
    return (fold.tags_together(value for values in parts for value in values),)


def _extend(together: SeqObj, values: Vals) -> None:
    for value in values:
        if isinstance(value, Ref) and isinstance(value.obj, SeqObj):
            items = [from_container(value, item) for item in value.obj.items]
            room = max(0, _MOST_TOGETHER - len(together.items))
            together.items += items[:room]
            # A list that is put together of itself again and again doubles each time.
            together.more = union(together.more, *items[room : room + _MOST_TOGETHER])
            together.more = union(together.more, value.obj.more)
        else:
            together.more = union(together.more, (Unknown(tags_of(value)),))


def _merged_mappings(parts: list[Vals]) -> Vals:
    documents_found = [value for values in parts for value in values if isinstance(value, Doc | DocItem)]
    if documents_found:
        return tuple(documents_found)
    together = MapObj()
    types: list[Value] = []
    for values in parts:
        for value in values:
            if isinstance(value, Ref) and isinstance(value.obj, MapObj):
                together.items += value.obj.items
                together.more = union(together.more, value.obj.more)
            else:
                types.append(value)
    together.items = documents.latest(together.items)
    return (Ref(together),) if together.items else (tuple(types) or UNKNOWN)


def _logic(m: Machine, expr: tree.Logic, here: Here) -> Vals:
    parts = [members.truth(m, m.eval(value, here), here, here.site(value.pos)) for value in expr.values]
    together = union(*parts)
    if expr.op == "or":
        return documents.with_fallback(m, parts, here)
    return tuple(value for value in together if isinstance(value, FlagVal)) or together


def _unary(m: Machine, expr: tree.Unary, here: Here) -> Vals:
    values = m.eval(expr.value, here)
    if expr.op == "not":
        values = members.truth(m, values, here, here.site(expr.value.pos))
    flagged = tuple(value for value in values if isinstance(value, FlagVal))
    if flagged and expr.op == "not":
        return flagged
    return (fold.tags_together(values),)


def _compare(m: Machine, expr: tree.Compare, here: Here) -> Vals:
    left = m.eval(expr.left, here)
    found: list[Value] = []
    for op, right_expr in expr.rest:
        right = m.eval(right_expr, here)
        found += documents.compared(m, op, left, right, here, here.site(expr.pos))
        left = right
    return tuple(found) or UNKNOWN


def _choice(m: Machine, expr: tree.Choice, here: Here) -> Vals:
    tested = members.truth(m, m.eval(expr.test, here), here, here.site(expr.test.pos))
    body, orelse = m.eval(expr.body, here), m.eval(expr.orelse, here)
    for one, other in ((body, orelse), (orelse, body)):
        documents.fall_back(m, tuple(value for value in one if value in tested), other)
    values = union(body, orelse)
    flagged = tuple(value for value in tested if isinstance(value, FlagVal))
    if flagged and all(isinstance(value, Const) and isinstance(value.value, bool) for value in values):
        return flagged
    return values


def _lambda(m: Machine, expr: tree.Lambda, here: Here) -> Vals:
    func = FuncObj(expr, here.scope, "lambda", here.frame)
    func.defaults = {param.name: m.eval(param.default, here) for param in expr.params if param.default is not None}
    here.frame.closures.append(func)
    if here.frame.caller is None and here.scope.kind != "function":
        m.functions.append(func)
    return (func,)


def _items(m: Machine, expr: tree.Items, here: Here) -> Vals:
    made = SeqObj(expr.kind)
    for value in expr.values:
        if isinstance(value, tree.Star):
            _extend(made, m.eval(value.value, here))
        else:
            made.items.append(m.eval(value, here))
    return (Ref(made),)


def _dict(m: Machine, expr: tree.Dict, here: Here) -> Vals:
    made = MapObj()
    spread: list[Value] = []
    for key, value in expr.items:
        if key is not None:
            made.items.append((m.eval(key, here), m.eval(value, here)))
            continue
        for inner in m.eval(value, here):
            if isinstance(inner, Ref) and isinstance(inner.obj, MapObj):
                made.items += inner.obj.items
                made.more = union(made.more, inner.obj.more)
            elif isinstance(inner, Doc) or settings.is_environment(inner):
                spread.append(inner)
            else:
                made.more = union(made.more, (Unknown(tags_of(inner)),))
    if any(key is None for key, _ in expr.items):
        made.items = documents.latest(made.items)
    documents.declared_document(m, Ref(made))
    return (*spread, Ref(made)) if made.items or made.more or not spread else tuple(spread)


def _comprehension(m: Machine, expr: tree.Comp, here: Here) -> Vals:
    scope = Scope({}, here.scope, here.scope.path, "function")
    inner = here._replace(scope=scope)
    if expr.key is None and len(expr.clauses) == 1 and not expr.clauses[0].tests:
        items = _few_items(m, expr.clauses[0].iter, inner)
        if items is not None:
            return (Ref(SeqObj(expr.kind, [_one_item(m, expr, item, inner) for item in items])),)
    narrowed: list[FlagVal] = []
    for clause in expr.clauses:
        m.assign(clause.target, members.elements(m, m.eval(clause.iter, inner), inner), inner)
        for test in clause.tests:
            narrowed += [value for value in m.eval(test, inner) if isinstance(value, FlagVal)]
    values = m.eval(expr.value, inner)
    if expr.key is not None:
        return documents.comprehended(m.eval(expr.key, inner), values)
    made = SeqObj(expr.kind)
    made.more = values
    return (Ref(made),)


def _few_items(m: Machine, expr: tree.Expr, here: Here) -> list[Vals] | None:
    """What a comprehension goes through, one by one, where that is a short display written out in it."""
    if not isinstance(expr, tree.Items) or len(expr.values) > _MOST_ITEMS:
        return None
    (held,) = m.eval(expr, here)
    if not isinstance(held, Ref) or not isinstance(held.obj, SeqObj) or held.obj.more:
        return None
    return held.obj.items


_MOST_ITEMS = 8
_MOST_TOGETHER = 1_000


def _one_item(m: Machine, expr: tree.Comp, item: Vals, here: Here) -> Vals:
    m.assign(expr.clauses[0].target, item, here)
    return m.eval(expr.value, here)


def _star(m: Machine, expr: tree.Star, here: Here) -> Vals:
    return m.eval(expr.value, here)


def _yield(m: Machine, expr: tree.Yield, here: Here) -> Vals:
    if expr.value is not None:
        values = execute.returned(m.eval(expr.value, here), expr.value)
        here.frame.returns += values if isinstance(expr.value, tree.Star) else map(_handed_out, values)
    return UNKNOWN


def _handed_out(value: Value) -> Value:
    """What a loop over a generator takes: of a list that is handed out, the list itself."""
    if isinstance(value, Ref) and isinstance(value.obj, SeqObj):
        return Ref(SeqObj(execute.YIELDED, [], (value,)))
    return value


def _walrus(m: Machine, expr: tree.Walrus, here: Here) -> Vals:
    values = m.eval(expr.value, here)
    m.assign(tree.Name(expr.pos, expr.name), m.binding(values, expr.name), here)
    return values


_KINDS: dict[type, Callable[[Any, Any, Any], Vals]] = {
    tree.Str: _string,
    tree.Const: _constant,
    tree.Joined: _joined,
    tree.Name: _name,
    tree.Attr: _attribute,
    tree.Sub: _subscript,
    tree.Slice: _slice,
    tree.Call: _call,
    tree.Binary: _binary,
    tree.Logic: _logic,
    tree.Unary: _unary,
    tree.Compare: _compare,
    tree.Choice: _choice,
    tree.Lambda: _lambda,
    tree.Items: _items,
    tree.Dict: _dict,
    tree.Comp: _comprehension,
    tree.Star: _star,
    tree.Yield: _yield,
    tree.Walrus: _walrus,
}
_STANDS = frozenset({tree.Str, tree.Name, tree.Attr, tree.Sub, tree.Joined, tree.Binary})
