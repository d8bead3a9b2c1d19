"""Calls of what is not in the repository: known libraries, the language itself, and what cannot be known."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from auditor.domain.references import Certainty
from scanners.flag_index import Reader
from scanners.languages.python import documents, execute, fold, invoke, members
from scanners.languages.python.arguments import Args
from scanners.languages.python.readers import accessors, aws, builtin, libraries, methods, names, settings, tables, urls
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
    InstObj,
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
        return union(*map(execute.handed_out, invoke.call(m, value.data, Args(site), here, site)))
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
    found = _of_object_from_outside(m, name, args, here, site)
    if found is None:
        found = _of_environment(m, name, args, here, site)
    if found is not None:
        return found
    if name.startswith("aws_cdk."):
        libraries.variables_set(m, args.given("environment") or ())
    found = _passed_on(m, args, here, site)
    if found != UNKNOWN:
        return found
    _handed_over(m, Ext(name), args, here, site)
    return (Unknown((), name),)


def _of_environment(m: Machine, name: str, args: Args, here: Here, site: Site) -> Vals | None:
    """A function of a package that is not here asks for a variable, by what it is called and handed."""
    keys = args.take(0, "name", "key", "var_name") if names.asks_environment(name) else None
    if keys is None or not any(_is_whole_key(m, text) for text in fold.texts(keys)):
        return None
    return settings.read(m, keys, here, site, args.take(1, "default"))


def _handed_over(m: Machine, func: Value, args: Args, here: Here, site: Site) -> None:
    """A flag's key is handed to something outside of the repository that is called as what asks for flags is."""
    spelled = names.spelled(func)
    root, last = spelled.partition(".")[0], spelled.rpartition(".")[2]
    if root == "builtins" or root in sys.stdlib_module_names or not names.tells_of_flags(spelled, last):
        return
    texts = fold.texts(tuple(value for values in args.everything() for value in values))
    keys = tuple(text for text in texts if _is_whole_key(m, text))
    what = f"handed to {last}, which is not known"
    documents.ask(m, keys, Reader(), here, site, what, certainty=Certainty.POSSIBLE)


def handed_in(m: Machine, func: FuncObj, args: Args, here: Here, site: Site) -> None:
    """A key that any reader may ask for is handed to a function of the repository that is called as one is.

    What it asks, such as the rows of a table, cannot be known.
    """
    if "generic" not in m.providers:
        return
    whole = m.qualname(func.scope, func.name) if func.owner is None else f"{func.owner.name}.{func.name}"
    if names.tells_of_flags(whole, func.name):
        _handed_in(m, func.name, args, here, site)


def _handed_in(m: Machine, name: str, args: Args, here: Here, site: Site) -> None:
    texts = fold.texts(tuple(value for values in args.everything() for value in values))
    keys = tuple(text for text in texts if _is_whole_key(m, text))
    what = f"handed to {name}, of which is not known what it asks"
    documents.ask(m, keys, _ANY_READER, here, site, what, certainty=Certainty.POSSIBLE)


# Of no known store: only keys that any reader may ask for are its.
_ANY_READER = Reader(frozenset({"generic"}))


def _is_whole_key(m: Machine, text: Text) -> bool:
    known = text.known
    return known is not None and bool(m.reporter.flags.exact(known))


def _of_object_from_outside(m: Machine, name: str, args: Args, here: Here, site: Site) -> Vals | None:
    """A method of an object that a package outside of the repository holds: its name and arguments may tell."""
    owner, _, method = name.rpartition(".")
    root = owner.partition(".")[0]
    if not owner or root == "builtins" or root in sys.stdlib_module_names:
        return None
    found = accessors.of_unknown(m, Ext(owner), method, args, here, site)
    if found is None and method == "get" and args.values:
        found = settings.entry_read(m, Ext(owner), args.values[0], here, site, args.take(1, "default"))
    if found is None and ("." in owner or _named_for_flags(Ext(owner))):
        # A function of a whole module is hardly a library's method, unless the module is called after flags.
        found = _telling(m, Ext(owner), method, args, here, site)
    return found


def _passed_on(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    """A function nobody knows may fetch a URL it is given, or convert a document it is given."""
    read = urls.agent(m, args, here, site)
    if read:
        return read
    fetched = [value for values in args.values[:1] for value in values if isinstance(value, _FETCHED)]
    fetched += [value for value in args.documents if value not in fetched]
    if fetched:
        return tuple(fetched)
    return builtin.called_back(m, args, here, site) or UNKNOWN


_FETCHED = (Doc, DocItem, Tree)


def unknown(m: Machine, func: Value, args: Args, here: Here, site: Site) -> Vals:
    """A call of something that cannot be known but by its name."""
    if isinstance(func, Unknown) and "generic" in m.providers and names.tells_of_flags(func.hint, func.hint):
        _handed_in(m, func.hint, args, here, site)
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
    told = accessors.of_unknown(m, owner, name, args, here, site)
    if told is None and name == "get" and args.values:
        told = settings.entry_read(m, owner, args.values[0], here, site, args.take(1, "default"))
    if told is not None:
        return told
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
    given_back = builtin.called_back(m, args, here, site)
    if given_back:
        return given_back
    _handed_over(m, Bound(owner, name), args, here, site)
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
    told = needed or name in _OWN_WORDS or fold.texts(keys) or _named_for_flags(owner)
    if not ask.many and not told and _IMPORTED[kind].isdisjoint(m.libraries(here.scope.path)):
        return None
    return aws.asked(m, ask, reader, args, here, site, sure)


# What a file imports that keeps the library's client somewhere nobody can follow it, as a framework's extension.
_IMPORTED = {
    "launchdarkly": frozenset({"ldclient"}),
    "unleash": frozenset({"UnleashClient", "flask_unleash"}),
    "flagsmith": frozenset({"flagsmith"}),
    "features": frozenset({"aws_lambda_powertools"}),
}
_OWN_WORDS = frozenset(tables.METHODS["openfeature"])
_FLAG_NAMES = re.compile(r"unleash|feature|flag|toggle|launch_?darkly|ld_?client|experiment", re.IGNORECASE)


def _named_for_flags(owner: Value) -> bool:
    """Whether something unknown is called what people call what they ask for flags."""
    held: list[str] = []
    while isinstance(owner, Bound):
        held.append(owner.name)
        owner = owner.owner
    held.append(owner.name if isinstance(owner, Ext) else owner.hint if isinstance(owner, Unknown) else "")
    return any(_FLAG_NAMES.search(one) for one in held)


def _enough(kind: str, name: str, args: Args) -> bool:
    if kind == "launchdarkly":
        return len(args.values) + len(args.named) >= _VARIATION_ARGUMENTS
    if kind == "features" and name == "evaluate":
        return bool({"context", "default"} & set(args.named))
    return True


_VARIATION_ARGUMENTS = 3


def _project_method(m: Machine, owner: Value, name: str, args: Args, here: Here, site: Site) -> Vals | None:
    """The one method of the repository that has this name and asks for flags, when the object is unknown."""
    if names.comes_from_outside(owner):
        return None
    if not any(fold.texts(values) for values in args.everything()):
        return None
    named = m.asking_methods(name, here.scope.path)
    candidates = [func for func in named if _may_be(owner, name, func) and _takes(func, args)]
    if len({func.owner.name for func in candidates if func.owner is not None}) > _MOST_CLASSES:
        candidates = [func for func in candidates if _is_called_like(owner, func)]
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


def _may_be(owner: Value, name: str, func: FuncObj) -> bool:
    """Whether an unknown object may be the one that has a method: where many things have one, by its name."""
    if name not in names.COMMON_METHODS:
        return True
    return _is_called_like(owner, func)


def _is_called_like(owner: Value, func: FuncObj) -> bool:
    return func.owner is not None and names.share_a_word(names.called(owner), func.owner.name)


# A method that classes of so many names have is known by the object's name only.
_MOST_CLASSES = 3


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
    if isinstance(owner.owner, Unknown | Bound) or names.is_object(owner.owner):
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
    found = _of_another_base(m, owner, name, args, here, site)
    if found is not None:
        return found
    return urls.agent(m, args, here, site) or (Unknown(tags_of(owner)),)


def _of_another_base(m: Machine, owner: Ref, name: str, args: Args, here: Here, site: Site) -> Vals | None:
    """A method that no class of an object's has: a class that is mixed in beside it may."""
    if not isinstance(owner.obj, InstObj) or owner.obj.member:
        return None
    found = accessors.of_unknown(m, owner, name, args, here, site)
    if found is not None or any(isinstance(base, Ext) for one in owner.obj.cls.ancestors for base in one.bases):
        return found
    return _project_method(m, owner, name, args, here, site)


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
