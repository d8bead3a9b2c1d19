"""What the language and its standard library do with keys, callables and documents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from scanners.languages.python import documents, fold, invoke, members, tree
from scanners.languages.python.arguments import Args, from_container
from scanners.languages.python.readers import settings
from scanners.languages.python.values import (
    UNKNOWN,
    Bound,
    ClassObj,
    Const,
    Doc,
    DocItem,
    Ext,
    FlagVal,
    FuncObj,
    InstObj,
    MapObj,
    Method,
    ModuleRef,
    Obj,
    Partial,
    Ref,
    Scope,
    SeqObj,
    Site,
    Text,
    Tree,
    TreeName,
    Unknown,
    Vals,
    Value,
    literal,
    retagged,
    union,
)

if TYPE_CHECKING:
    from scanners.languages.python.machine import Here, Machine

Handler = Callable[["Machine", Args, "Here", Site], Vals]
_CALLABLE = (FuncObj, Method, Partial)


def called(m: Machine, name: str, args: Args, here: Here, site: Site) -> Vals | None:
    """What a call of something built in or of the standard library gives; None when it is not known."""
    handler = _HANDLERS.get(name.removeprefix("builtins.").replace("os.environb.", "os.environ."))
    if handler is None:
        handler = _BY_LAST.get(name.rsplit(".", 1)[-1]) if not name.startswith("builtins.") else None
    return None if handler is None else handler(m, args, here, site)


def called_back(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    """Something unknown is handed callables: it may call them, with what stands behind them or with nothing.

    What they read it may hand on, one by one or as what comes of it later.
    """
    found: list[Value] = []
    for values in args.everything():
        for value in values:
            if isinstance(value, Partial):
                found += invoke.one(m, value, Args(site), here, site)
    for position, values in enumerate(args.values):
        if following := args.values[position + 1 :]:
            found += _called_with(m, values, Args(site, following, dict(args.named)), here)
        elif args.named:
            found += _called_with(m, values, Args(site, named=dict(args.named)), here)
    if "args" in args.named or "kwargs" in args.named:
        inner = Args(site)
        inner.spread_items(args.given("args") or ())
        inner.spread_mapping(args.given("kwargs") or ())
        for name in ("target", "func", "function", "callback"):
            found += _called_with(m, args.given(name) or (), inner, here)
        for values in args.values:
            found += _called_with(m, values, inner, here)
    return tuple(value for value in found if isinstance(value, FlagVal | Doc | Tree))


def _called_with(m: Machine, funcs: Vals, args: Args, here: Here) -> Vals:
    """``submit(func, a, b)`` calls with the arguments themselves, ``map(func, [a, b])`` with their elements."""
    ours = tuple(func for func in funcs if isinstance(func, FuncObj | Method) or _known_method(func))
    if not ours:
        return ()
    together = [value for values in args.values for value in values]
    if together and all(isinstance(value, Ref) and isinstance(value.obj, SeqObj) for value in together):
        args = Args(args.site, [members.elements(m, values, here) for values in args.values])
    return invoke.call(m, ours, args, here, args.site)


def _known_method(func: Value) -> bool:
    return isinstance(func, Bound) and isinstance(func.owner, Obj)


def _getattr(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    found: list[Vals] = []
    default = args.take(2)
    for text in fold.texts(args.take(1) or ()):
        known = text.known
        if known is not None:
            asked = members.attribute(m, args.values[0], known, here, text.at)
            found.append(tuple(retagged(value, text.tags) for value in asked))
    asked_of = args.values[0] if args.values else ()
    if any(isinstance(value, Obj) for value in asked_of) and any(
        isinstance(name, Unknown) and m.reporter.is_open(name) for name in args.take(1) or ()
    ):
        m.reporter.waits += 1  # which method of a client it is, callers say
    plain = documents.fallback(default)
    for values in found:
        for value in values:
            for seen in value.reads if isinstance(value, FlagVal) and plain is not None else ():
                if plain is not None:
                    m.reporter.fall_back(seen, plain)
    return union(*found, default or ()) or (fold.tags_together(args.take(1) or ()),)


def _property(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    """``name = property(getter)``."""
    getters = (value for value in args.take(0, "fget", "func") or () if isinstance(value, FuncObj))
    return tuple(replace(value, kind="property") for value in getters) or UNKNOWN


def _partial(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    made: list[Partial] = []
    for func in args.values[0] if args.values else ():
        one = Partial(func, tuple(args.values[1:]), tuple(args.named.items()))
        made.append(one)
        if any(fold.texts(values) for values in (*args.values[1:], *args.named.values())):
            said = site in m.reporter.unresolved
            invoke.one(m, one, Args(site), here, site)
            if not said:  # what is left open here is told where the callable is called
                m.reporter.unresolved.pop(site, None)
    return tuple(made) or UNKNOWN


def _partial_method(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    """A method with some of its arguments given; what it fixes is asked for here, of an object that is not known."""
    _partial(m, Args(site, [*args.values[:1], UNKNOWN, *args.values[1:]], args.named), here, site)
    made = (Partial(func, tuple(args.values[1:]), tuple(args.named.items())) for func in args.take(0) or ())
    return tuple(Obj("partialmethod", data=(one,)) for one in made) or UNKNOWN


def _first(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    """A call that hands on its first argument, converted."""
    if args.documents:
        return tuple(args.documents)
    values = args.take(0) or UNKNOWN
    values = tuple(v.owner if isinstance(v, Bound) and isinstance(v.owner, Doc | DocItem) else v for v in values)
    if len(args.values) == 1:
        return tuple(v.moved(site) if isinstance(v, Text) else v for v in values)
    return values


def _type(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    """The class of an object."""
    if len(args.values) != 1:
        return UNKNOWN
    made = [value.obj for value in args.values[0] if isinstance(value, Ref)]
    return tuple(one.cls for one in made if isinstance(one, InstObj)) or UNKNOWN


def _vars(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    values = args.take(0) or UNKNOWN
    return tuple(members.namespace(value, site) if isinstance(value, ClassObj) else value for value in values)


def _sequence(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    done: list[Value] = []
    for value in args.take(0) or ():
        if isinstance(value, Doc | DocItem | Tree | TreeName | FlagVal):
            done.append(value)
        elif isinstance(value, Ref) and isinstance(value.obj, SeqObj):
            done.append(Ref(SeqObj("list", list(value.obj.items), value.obj.more), value.at, value.tags))
        else:
            done.append(Ref(SeqObj("list", [], members.elements(m, (value,), here))))
    return tuple(done) or (Ref(SeqObj("list")),)


def _mapping(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    made = MapObj()
    passed: list[Value] = list(args.documents)
    for values in args.values:
        for value in values:
            if isinstance(value, Ref) and isinstance(value.obj, MapObj):
                made.items += value.obj.items
                made.more = union(made.more, value.obj.more)
            elif isinstance(value, Doc | Tree | FlagVal) or settings.is_environment(value):
                passed.append(value)
            else:
                _pairs_into(m, made, value, here)
    for name, values in args.named.items():
        made.items.append(((literal(name, site),), values))
    made.items = documents.latest(made.items)
    return (*passed, Ref(made)) if made.items or not passed else tuple(passed)


def _pairs_into(m: Machine, made: MapObj, value: object, here: Here) -> None:
    if isinstance(value, Ref) and isinstance(value.obj, SeqObj):
        for item in (*value.obj.items, value.obj.more):
            for pair in item:
                if isinstance(pair, Ref) and isinstance(pair.obj, SeqObj) and len(pair.obj.items) == _PAIR:
                    made.items.append((pair.obj.items[0], pair.obj.items[1]))
    else:
        made.more = UNKNOWN
    del m, here


_PAIR = 2


def _enumerate(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    pair = Ref(SeqObj("tuple", [UNKNOWN, members.elements(m, args.take(0) or (), here)]))
    return (Ref(SeqObj("list", [], (pair,))),)


def _zip(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    row = Ref(SeqObj("tuple", [members.elements(m, values, here) for values in args.values]))
    return (Ref(SeqObj("list", [], (row,))),)


def _chain(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    return (Ref(SeqObj("list", [], union(*(members.elements(m, values, here) for values in args.values)))),)


def _chain_inner(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    inner = members.elements(m, args.take(0) or (), here)
    return (Ref(SeqObj("list", [], members.elements(m, inner, here))),)


def _map(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    """A callable is called with each element."""
    rows = [members.elements(m, values, here) for values in args.values[1:]]
    found = invoke.call(m, args.take(0) or (), Args(site, rows), here, site)
    return (Ref(SeqObj("list", [], found)),)


def _reduce(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    """A callable is called with what it gave before and the next element."""
    found = args.take(2, "initial") or ()
    for values in args.take(1) or ():
        items = value_items(values)
        for item in items if found else items[1:]:
            found = invoke.call(m, args.take(0) or (), Args(site, [found or items[0], item]), here, site)
    return found or UNKNOWN


def value_items(value: Value) -> list[Vals]:
    """The elements of a list that is written out."""
    if isinstance(value, Ref) and isinstance(value.obj, SeqObj):
        return [from_container(value, item) for item in value.obj.items]
    return []


def _get_item(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    found: list[Vals] = [
        documents.taken(m, owner, args.take(1) or (), here, site, None) for owner in args.take(0) or ()
    ]
    return union(*found) or UNKNOWN


def _filter(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    rows = [members.elements(m, values, here) for values in args.values[1:2]]
    invoke.call(m, args.take(0) or (), Args(site, rows), here, site)
    return args.take(1) or UNKNOWN


def _next(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    return union(members.elements(m, args.take(0) or (), here), args.take(1) or ())


def _bool(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    return members.truth(m, _first(m, args, here, site), here, site)


def _any(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    found = members.elements(m, args.take(0) or (), here)
    return tuple(value for value in found if isinstance(value, FlagVal)) or UNKNOWN


def _forward(position: int) -> Handler:
    """A call that calls one of its arguments with those behind it."""

    def handler(m: Machine, args: Args, here: Here, site: Site) -> Vals:
        funcs = args.take(position) or ()
        inner = Args(site, list(args.values[position + 1 :]), dict(args.named), args.rest, args.documents)
        return invoke.call(m, funcs, inner, here, site)

    return handler


def _super(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    func = m.running[-1] if m.running else None
    if func is None or func.owner is None or not func.node.params:
        return UNKNOWN
    found = here.scope.names.get(func.node.params[0].name, ())
    return tuple(Obj("super", data=(value, func.owner)) for value in found) or UNKNOWN


def _environment(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    return settings.read(m, args.take(0, "key") or (), here, site, args.take(1, "default"))


def _set_environment(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    settings.written(m, args.take(0, "key") or (), here, site)
    return UNKNOWN


def _update_environment(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    for values in args.values[:1]:
        for value in values:
            for keys, _ in value.obj.items if isinstance(value, Ref) and isinstance(value.obj, MapObj) else ():
                settings.written(m, keys, here, site)
    settings.written(m, tuple(literal(name, site) for name in args.named), here, site)
    return UNKNOWN


def _copied_environment(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    return (Ext("os.environ"),)


def _module(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    """A module of the repository that is imported by its name."""
    found: list[Value] = []
    for text in fold.texts(args.take(0, "name") or ()):
        path = m.project.resolve(here.scope.path, 0, text.known) if text.known else None
        found.append(ModuleRef(path) if path is not None else Ext(text.known) if text.known else Unknown(text.tags))
    return tuple(found) or UNKNOWN


def _path(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    return tuple(fold.path_joined(args.values, site)) if args.values else UNKNOWN


def _basename(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    found: list[Vals] = []
    for value in args.take(0) or ():
        if isinstance(value, TreeName):
            found.append((TreeName(value.prefix, "last"),))
        elif isinstance(value, Text):
            found.append((fold.transformed(value, lambda whole: whole.rsplit("/", 1)[-1], site),))
    return union(*found) or UNKNOWN


def _item_getter(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    return (Obj("item-getter", data=tuple(value for values in args.values for value in values)),)


def _type_adapter(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    return (Obj("type-adapter", data=tuple(v for v in args.take(0) or () if isinstance(v, ClassObj))),)


def _structured(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    """``from_dict(Class, document)``, ``convert(document, type=Class)`` and their kin."""
    together = [value for values in args.everything() for value in values]
    classes = [value for value in together if isinstance(value, ClassObj)]
    fetched = [value for value in together if isinstance(value, Doc)]
    for cls in classes:
        if fetched:
            return (documents.mirrored(m, cls, fetched[0].reader),)
    return tuple(fetched) or UNKNOWN


def _namespace(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    """An object that has an attribute for each argument."""
    if args.documents or args.values:
        return _first(m, args, here, site)
    made = MapObj()
    made.items = [((literal(name, site),), m.binding(values, name)) for name, values in args.named.items()]
    made.more = args.rest
    return (Obj("namespace", data=(Ref(made),)),)


def _field(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    factory = args.given("default_factory") or args.given("factory")
    made = invoke.call(m, factory, Args(site), here, site) if factory is not None else ()
    made = m.binding(made, "a default of a field")
    given = args.take("default", 0) if "default" in args.named or args.values else None
    return tuple(v for v in union(given or (), made) if not isinstance(v, Ext)) or UNKNOWN


def _depends(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    asked = args.take(0, "dependency") or ()
    invoke.call(m, tuple(one for one in asked if isinstance(one, Ref)), Args(site), here, site)
    return (Obj("depends", data=tuple(asked)),)


def _same(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    """What gives back what it is called with: a decorator that changes nothing, or a new name of a type."""
    return (Ext("copy.deepcopy"),)


def _options(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    made = MapObj()
    made.items = [((literal(name, site),), values) for name, values in args.named.items()]
    return (Ref(made),)


def _cast(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    values = args.take(1, "val") or UNKNOWN
    documents.typed(m, values, args.take(0, "typ") or ())
    return values


def _type_arguments(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    """What a Literal type names."""
    types = (value.data for value in args.take(0) or () if isinstance(value, Obj) and value.kind == "literal-type")
    items = [item for keys in types for key in keys for item in value_items(key) or [(key,)]]
    return (Ref(SeqObj("tuple", items)),) if items else UNKNOWN


def _typed_dict(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    return (Obj("typed-dict", data=args.take(1, "fields") or ()),)


def _named_tuple(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    """An enum made by a call, ``Enum("Name", {...})``, is followed as the mapping it is made of."""
    return m.binding(args.take(1, "names") or UNKNOWN, "a member of an enum")


def _variable(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    """A variable of the context holds whatever it is set to."""
    return (Ref(SeqObj("variable", [], args.given("default") or ())),)


def _tuple_class(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    """A class of named tuples, made by a call."""
    listed = args.take(1, "field_names", "fields") or ()
    names = [name for text in fold.texts(listed) for name in (text.known or "").replace(",", " ").split()]
    for item in (item for value in listed for item in value_items(value)):
        first = next(iter(value_items(item[0])), item) if item else ()
        names += [text.known for text in fold.texts(first) if text.known is not None]
    scope = Scope({}, here.scope, here.scope.path, "class")
    title = next((text.known for text in fold.texts(args.take(0, "typename") or ()) if text.known), "named tuple")
    cls = ClassObj(tree.Class(site.pos, title, (), (), ()), scope, title, (Ext("typing.NamedTuple"),), title)
    some = tree.Name(site.pos, "object")
    cls.fields = {name: tree.Declare(site.pos, tree.Name(site.pos, name), some, None) for name in names}
    given = [values for value in args.given("defaults") or () for values in value_items(value)]
    scope.names.update(zip(names[len(names) - len(given) :], given, strict=False))
    m.scopes[id(scope)] = cls
    return (cls,)


def _made(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    """``object.__new__(cls)``."""
    return tuple(m.generic(value) for value in args.take(0) or () if isinstance(value, ClassObj)) or UNKNOWN


def _nothing(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    return (Const(None),)


def _unknown(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    return (fold.tags_together(value for values in args.values for value in values),)


_CONVERSIONS = "int float str bytes bytearray repr format iter aiter reversed deepcopy copy"
_HANDLERS: dict[str, Handler] = {
    "getattr": _getattr,
    "vars": _vars,
    "type": _type,
    "object.__new__": _made,
    "functools.partial": _partial,
    "functools.partialmethod": _partial_method,
    "functools.wraps": _same,
    "property": _property,
    "functools.cached_property": _property,
    "list": _sequence,
    "tuple": _sequence,
    "set": _sequence,
    "frozenset": _sequence,
    "sorted": _sequence,
    "dict": _mapping,
    "collections.OrderedDict": _mapping,
    "types.MappingProxyType": _first,
    "types.SimpleNamespace": _namespace,
    "argparse.Namespace": _namespace,
    "enumerate": _enumerate,
    "zip": _zip,
    "map": _map,
    "filter": _filter,
    "functools.reduce": _reduce,
    "operator.getitem": _get_item,
    "next": _next,
    "itertools.chain": _chain,
    "itertools.chain.from_iterable": _chain_inner,
    "itertools.cycle": _sequence,
    "itertools.islice": _sequence,
    "itertools.product": _zip,
    "bool": _bool,
    "any": _any,
    "all": _any,
    "super": _super,
    "len": _unknown,
    "isinstance": _unknown,
    "print": _nothing,
    "typing.cast": _cast,
    "typing.get_args": _type_arguments,
    "typing_extensions.get_args": _type_arguments,
    "importlib.import_module": _module,
    "os.environ.copy": _copied_environment,
    "dotenv.dotenv_values": _copied_environment,
    "typing.NewType": _same,
    "typing_extensions.NewType": _same,
    "typing.TypedDict": _typed_dict,
    "typing_extensions.TypedDict": _typed_dict,
    "os.getenv": _environment,
    "os.environ.get": _environment,
    "os.environ.pop": _environment,
    "os.environ.__getitem__": _environment,
    "os.getenvb": _environment,
    "os.putenv": _set_environment,
    "os.unsetenv": _set_environment,
    "os.environ.setdefault": _set_environment,
    "os.environ.update": _update_environment,
    "os.path.join": _path,
    "posixpath.join": _path,
    "urllib.parse.urljoin": _path,
    "pathlib.PurePosixPath": _path,
    "pathlib.PurePath": _path,
    "pathlib.Path": _path,
    "pathlib.PosixPath": _path,
    "os.path.basename": _basename,
    "posixpath.basename": _basename,
    "os.fspath": _first,
    "sys.intern": _first,
    "string.Template": _first,
    "operator.itemgetter": _item_getter,
    "json.loads": _first,
    "json.load": _first,
    "asyncio.to_thread": _forward(0),
    "anyio.to_thread.run_sync": _forward(0),
    "asgiref.sync.sync_to_async": _first,
    "asgiref.sync.async_to_sync": _first,
    "asyncio.run": _first,
    "asyncio.wait_for": _first,
    "asyncio.shield": _first,
    "asyncio.create_task": _first,
    "asyncio.ensure_future": _first,
    "asyncio.gather": _sequence,
    "contextvars.copy_context": _unknown,
    "staticmethod": _first,
    "contextvars.ContextVar": _variable,
    "collections.namedtuple": _tuple_class,
    "typing.NamedTuple": _tuple_class,
    "dataclasses.make_dataclass": _tuple_class,
    "enum.member": _first,
    "enum.Enum": _named_tuple,
    "enum.StrEnum": _named_tuple,
    "collections.ChainMap": _mapping,
} | dict.fromkeys(_CONVERSIONS.split(), _first)
_BY_LAST: dict[str, Handler] = {
    "Depends": _depends,
    "Field": _field,
    "field": _field,
    "PrivateAttr": _field,
    "attrib": _field,
    "ib": _field,
    "SettingsConfigDict": _options,
    "ConfigDict": _options,
    "TypeAdapter": _type_adapter,
    "from_dict": _structured,
    "convert": _structured,
    "structure": _structured,
    "deepcopy": _first,
    "strtobool": _first,
    "parse_bool": _first,
}
