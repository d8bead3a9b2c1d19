"""Calls of what is not in the repository: known libraries, the language itself, and what cannot be known."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from auditor.domain.references import Certainty
from scanners.languages.python import documents, fold, invoke, members
from scanners.languages.python.arguments import Args
from scanners.languages.python.readers import accessors, aws, builtin, libraries, methods, tables, urls
from scanners.languages.python.values import (
    UNKNOWN,
    Bound,
    ClassObj,
    Doc,
    DocItem,
    DocModel,
    Ext,
    FlagVal,
    FuncObj,
    MapObj,
    Obj,
    Ref,
    SeqObj,
    Site,
    Text,
    Tree,
    TreeName,
    Unknown,
    Vals,
    Value,
    tags_of,
    union,
)

if TYPE_CHECKING:
    from scanners.languages.python.machine import Here, Machine

_VALIDATORS = frozenset(
    [
        "model_validate",
        "parse_obj",
        "model_validate_json",
        "parse_raw",
        "model_construct",
        "construct",
        "from_dict",
        "from_json",
        "schema_load",
        "structure",
    ]
)


def configured(m: Machine, name: str, args: Args, here: Here, site: Site, *, bound: bool) -> Vals | None:
    """What a call of a configured reader gives; None when it is none."""
    return accessors.called(m, name, args, here, site, bound=bound)


def supplied(m: Machine, value: Value) -> Vals | None:
    """What a dependency given as a default supplies when the framework calls; None for other values."""
    if isinstance(value, Obj) and value.kind == "depends":
        here = m.here(m.nowhere, m.nobody)
        site = Site("", 0)
        return invoke.call(m, value.data, Args(site), here, site)
    return None


def external(m: Machine, name: str, args: Args, here: Here, site: Site) -> Vals:
    """A call of something that is imported from outside, or built in."""
    for handler in (accessors.called, builtin.called, libraries.called):
        found = handler(m, name, args, here, site)
        if found is not None:
            return found
    made = tables.instance(name) or accessors.instance(m, name)
    if made is not None:
        return (made,)
    if name.startswith("aws_cdk."):
        libraries.variables_set(m, args.given("environment") or ())
    found = _passed_on(m, args, here, site)
    return (Unknown((), name),) if found == UNKNOWN else found


def _passed_on(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    """A function nobody knows may fetch a URL it is given, or convert a document it is given."""
    read = urls.agent(m, args, here, site)
    if read:
        return read
    fetched = [value for values in args.values[:1] for value in values if isinstance(value, _FETCHED)]
    fetched += [value for value in args.documents if value not in fetched]
    if fetched:
        return tuple(fetched)
    builtin.called_back(m, args, here, site)
    return UNKNOWN


_FETCHED = (Doc, DocItem, Tree)


def unknown(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    """A call of something that cannot be known."""
    return _passed_on(m, args, here, site)


def method(m: Machine, owner: Value, name: str, args: Args, here: Here, site: Site) -> Vals:
    """A call of a method of something that is no object of the repository."""
    handler = _OWNERS.get(type(owner))
    if handler is None:
        return _passed_on(m, args, here, site)
    return handler(m, owner, name, args, here, site)


def _of_obj(m: Machine, owner: Obj, name: str, args: Args, here: Here, site: Site) -> Vals:
    found = accessors.asked_object(m, owner, name, args, here, site)
    if found is None:
        found = aws.method(m, owner, name, args, here, site)
    if found is None:
        found = libraries.method(m, owner, name, args, here, site)
    if found is not None:
        return found
    return urls.agent(m, args, here, site) or (owner if name.startswith("__") else Unknown(),)


def _of_unknown(m: Machine, owner: Value, name: str, args: Args, here: Here, site: Site) -> Vals:
    if name in {"client", "create_client", "resource"} and fold.texts(args.take(0, "service_name") or ()):
        made = aws.client(args, resource=name == "resource")
        if not any(isinstance(value, Obj) and value.kind.startswith("other") for value in made):
            return made
    if name == "add_environment":
        m.binding(args.take(1, "value") or (), "an environment variable")
    wrapped = _project_method(m, owner, name, args, here, site)
    found = _telling(m, owner, name, args, here, site)
    if found is not None:
        return union(wrapped or (), found)
    read = urls.agent(m, args, here, site)
    if read:
        return read
    if wrapped is not None:
        return wrapped
    fetched = [value for values in args.values[:1] for value in values if isinstance(value, _FETCHED)]
    if fetched:
        return tuple(fetched)
    builtin.called_back(m, args, here, site)
    tags = members.root_tags(owner)
    if name in _TAKES_PART:
        tags = tuple(tag._replace(part=True) for tag in tags)
    return (Unknown(tags),)


_TAKES_PART = frozenset({"get", "pop", "getlist", "get_query_string_value"})


def _telling(m: Machine, owner: Value, name: str, args: Args, here: Here, site: Site) -> Vals | None:
    """A method whose name and arguments only a reader of flags has."""
    kind, needed = tables.TELLING.get(name, ("", ""))
    if not kind or (needed and needed not in args.named) or not _enough(kind, name, args):
        return None
    reader = tables.READERS.get(kind) or {"s3": tables.S3, "dynamodb": tables.DYNAMODB}.get(kind, tables.APPCONFIG)
    ask = tables.METHODS.get(kind, {}).get(name)
    if ask is None:
        return aws.method(m, Obj(kind, reader), name, args, here, site)
    sure = Certainty.POSSIBLE if kind in {"unleash", "flagsmith"} else Certainty.CERTAIN
    keys = args.take(*ask.key) or ()
    if not ask.many and not needed and not fold.texts(keys) and not (name in _OWN_WORDS or _named_for_flags(owner)):
        return None
    return aws.asked(m, ask, reader, args, here, site, sure)


_OWN_WORDS = frozenset(tables.METHODS["openfeature"])
_FLAG_NAMES = re.compile(r"unleash|feature|flag|toggle|launch_?darkly|ld_?client|experiment", re.IGNORECASE)


def _named_for_flags(owner: Value) -> bool:
    """Whether something unknown is called what people call what they ask for flags."""
    names: list[str] = []
    while isinstance(owner, Bound):
        names.append(owner.name)
        owner = owner.owner
    names.append(owner.name if isinstance(owner, Ext) else owner.hint if isinstance(owner, Unknown) else "")
    return any(_FLAG_NAMES.search(name) for name in names)


def _enough(kind: str, name: str, args: Args) -> bool:
    if kind == "launchdarkly":
        return len(args.values) + len(args.named) >= _VARIATION_ARGUMENTS
    if kind == "features" and name == "evaluate":
        return bool({"context", "default"} & set(args.named))
    return True


_VARIATION_ARGUMENTS = 3


def _project_method(m: Machine, owner: Value, name: str, args: Args, here: Here, site: Site) -> Vals | None:
    """The one method of the repository that has this name and asks for flags, when the object is unknown."""
    if _comes_from_outside(owner):
        return None
    if not any(fold.texts(values) for values in args.everything()):
        return None
    named = m.asking_methods(name, here.scope.path)
    candidates = [func for func in named if _may_be(owner, name, func) and _takes(func, args)]
    if not candidates:
        return None
    found: list[Value] = []
    for func in candidates:
        if func.owner is not None:
            found += invoke.function(m, func, args, here, site, owner=m.generic(func.owner))
    return tuple(found) or None


def _takes(func: FuncObj, args: Args) -> bool:
    """Whether a function has a parameter for each argument that a call names."""
    params = func.node.params
    return any(param.kind == "**" for param in params) or {param.name for param in params}.issuperset(args.named)


def _comes_from_outside(owner: Value) -> bool:
    """Whether an unknown object was made by a library, or is of a library's class."""
    while isinstance(owner, Bound):
        owner = owner.owner
    return isinstance(owner, Unknown) and "." in owner.hint


def _may_be(owner: Value, name: str, func: FuncObj) -> bool:
    """Whether an unknown object may be the one that has a method: where many things have one, by its name."""
    if name not in _COMMON_METHODS:
        return True
    called = owner.name if isinstance(owner, Bound) else owner.hint if isinstance(owner, Unknown) else ""
    return func.owner is not None and not _words_of(called).isdisjoint(_words_of(func.owner.name))


def _words_of(name: str) -> frozenset[str]:
    words = (word.lower().removesuffix("s") for word in _WORD.findall(name))
    return frozenset(words) - _EMPTY_WORDS


_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_EMPTY = "client service manager store provider helper base aws cache the my util wrapper impl api"
_EMPTY_WORDS = frozenset(_EMPTY.split())
_COMMON = (
    "get set pop put add read write load fetch find lookup value values items keys delete remove update execute query "
    "call run open send post patch request check has contains exists create save resolve apply parse process handle "
    "on off emit subscribe filter format match search append extend insert index count replace join split test start "
    "stop close init register build make info debug warning error log"
)
_COMMON_METHODS = frozenset(_COMMON.split())


def _of_class(m: Machine, owner: ClassObj, name: str, args: Args, here: Here, site: Site) -> Vals:
    if name in _VALIDATORS:
        model = documents.model_made(m, owner, args)
        if model is not None:
            return (model,)
        return (m.generic(owner),)
    return _passed_on(m, args, here, site)


def _of_ext(m: Machine, owner: Ext, name: str, args: Args, here: Here, site: Site) -> Vals:
    return external(m, f"{owner.name}.{name}", args, here, site)


def _of_bound(m: Machine, owner: Bound, name: str, args: Args, here: Here, site: Site) -> Vals:
    if isinstance(owner.owner, Unknown | Bound):
        return _of_unknown(m, owner, name, args, here, site)
    return _passed_on(m, args, here, site)


def _of_text(m: Machine, owner: Text, name: str, args: Args, here: Here, site: Site) -> Vals:
    return methods.of_text(m, owner, name, args, here, site)


def _of_ref(m: Machine, owner: Ref, name: str, args: Args, here: Here, site: Site) -> Vals:
    if isinstance(owner.obj, MapObj):
        return methods.of_mapping(m, owner, name, args, here, site)
    if isinstance(owner.obj, SeqObj):
        return methods.of_sequence(m, owner, name, args, here, site)
    text = fold.text_of(owner)
    if text is not None:
        return methods.of_text(m, text, name, args, here, site)
    if name in {"model_copy", "copy", "_replace", "__enter__", "__aenter__"}:
        return (owner,)
    return urls.agent(m, args, here, site) or (Unknown(tags_of(owner)),)


def _of_document(m: Machine, owner: Doc | DocItem, name: str, args: Args, here: Here, site: Site) -> Vals:
    return methods.of_document(m, owner, name, args, here, site)


def _of_model(m: Machine, owner: DocModel, name: str, args: Args, here: Here, site: Site) -> Vals:
    return methods.of_document(m, Doc(owner.reader), name, args, here, site)


def _of_tree(m: Machine, owner: Tree, name: str, args: Args, here: Here, site: Site) -> Vals:
    return methods.of_tree(m, owner, name, args, here, site)


def _of_tree_name(m: Machine, owner: TreeName, name: str, args: Args, here: Here, site: Site) -> Vals:
    return methods.of_tree_name(m, owner, name, args, here, site)


def _of_flag(m: Machine, owner: FlagVal, name: str, args: Args, here: Here, site: Site) -> Vals:
    if name in {"get", "pop", "__getitem__"} and args.values:
        default = args.take(1, "default")
        return documents.taken(m, owner, args.values[0], here, site, default)
    return (owner,)


_OWNERS: dict[type, Callable[[Any, Any, str, Args, Any, Site], Vals]] = {
    Obj: _of_obj,
    Unknown: _of_unknown,
    Bound: _of_bound,
    ClassObj: _of_class,
    Ext: _of_ext,
    Text: _of_text,
    Ref: _of_ref,
    Doc: _of_document,
    DocItem: _of_document,
    DocModel: _of_model,
    Tree: _of_tree,
    TreeName: _of_tree_name,
    FlagVal: _of_flag,
}
