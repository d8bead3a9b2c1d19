"""What an attribute, an entry or an element of a value is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from types import EllipsisType
from typing import TYPE_CHECKING, Any

from scanners.languages.python import documents, execute, fold, invoke, tree
from scanners.languages.python.arguments import Args, from_container
from scanners.languages.python.quick import block_of
from scanners.languages.python.readers import accessors, calls, objects, settings, tables
from scanners.languages.python.values import (
    UNKNOWN,
    Bound,
    ClassObj,
    Const,
    Doc,
    DocItem,
    DocModel,
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
    tags_of,
    union,
)

if TYPE_CHECKING:
    from scanners.languages.python.machine import Here, Machine


def attribute(m: Machine, owners: Vals, name: str, here: Here, site: Site) -> Vals:
    """What ``name`` of any of these is."""
    read = settings.field_read(m, owners, name, here, site)
    if read is not None:
        return read
    some = [owner for owner in owners if not (isinstance(owner, Const) and owner.value is None)]
    return union(*(_attribute(m, owner, name, here, site) for owner in some or owners)) or UNKNOWN


def _attribute(m: Machine, owner: Value, name: str, here: Here, site: Site) -> Vals:
    handler = _ATTRIBUTES.get(type(owner))
    return (Bound(owner, name),) if handler is None else handler(m, owner, name, here, site)


def _of_module(m: Machine, owner: ModuleRef, name: str, _here: Here, _site: Site) -> Vals:
    return m.member(owner.path, name)


def _of_ext(m: Machine, owner: Ext, name: str, _here: Here, _site: Site) -> Vals:
    if owner.name == "django.conf.settings":
        return settings.of_modules(m, name) or (Ext(f"{owner.name}.{name}"),)
    if owner.name in _HOLDERS:
        return (Bound(Unknown((), owner.name.rsplit(".", 1)[-1]), name),)
    return (Ext(f"{owner.name}.{name}"),)


# Where a framework lets code keep whatever it likes.
_HOLDERS = frozenset(f"{name}.{held}" for name in ("flask", "quart") for held in ("g", "current_app", "request"))


def _of_ref(m: Machine, owner: Ref, name: str, here: Here, site: Site) -> Vals:
    if not isinstance(owner.obj, InstObj):
        return (Bound(owner, name),)
    made = owner.obj
    if name == "__class__":
        return (made.cls,)
    if name in made.attrs:
        held = _set_later(m, made.cls, name, made.attrs[name])
        if any(isinstance(value, Doc) for value in held) and _complete(m, owner, name, here, site):
            held = made.attrs[name]
        if made.member:
            return tuple(retagged(value, owner.tags) for value in held)
        return from_instance(m, owner, held)
    if made.member and name == "name":
        return (retagged(literal(made.member, site), owner.tags),)
    found = _set_later(m, made.cls, name, class_attribute(m, made.cls, name))
    if not found and (dynamic := class_attribute(m, made.cls, "__getattr__")):
        args = Args(site, [(literal(name, site),)])
        return union(*(invoke.one(m, bound(value, owner), args, here, site) for value in dynamic))
    held = from_instance(m, owner, found)
    whole = union(*(_bound(m, value, owner, here, site) for value in held)) or _outside(m, owner, name)
    if any(isinstance(value, FuncObj) and is_stub(value) for value in found):
        told = (value for value in whole if not isinstance(value, Unknown))
        # The name of a protocol tells what its object is for; a base class may have any.
        hint = made.cls.name if derives_from(made.cls, "Protocol") else ""
        return (*told, Bound(Unknown(owner.tags, hint), name))
    return whole


def _set_later(m: Machine, cls: ClassObj, name: str, held: Vals) -> Vals:
    """What an attribute holds; what other methods put there later, where it is empty at first."""
    if not all(_is_empty(value) for value in held):
        return held
    setters = _setters(m, cls, name)
    if len(setters) > _MOST_SETTERS:
        return held
    itself = m.generic(cls)
    for func in setters:
        if func not in m.running:
            invoke.summary(m, func)
    later = itself.obj.attrs.get(name, ()) if isinstance(itself.obj, InstObj) else ()
    return tuple(value for value in later if isinstance(value, Obj | Ref | FuncObj | Method | Doc | Bound)) or held


_MOST_SETTERS = 6


def _complete(m: Machine, owner: Ref, name: str, here: Here, site: Site) -> bool:
    """Whether the methods that fetch what an attribute holds could be followed for the object itself.

    What it was made with may tell them which document it is.
    """
    made = owner.obj
    if not isinstance(made, InstObj) or not all(map(_is_empty, made.attrs[name])) or name in made.completed:
        return False
    made.completed.add(name)
    for func in _setters(m, made.cls, name):
        if func not in m.running and len(func.node.params) == 1:
            invoke.followed(m, func, Args(site), here, site, owner)
    return any(isinstance(value, Doc) for value in made.attrs[name])


def _is_empty(value: Value) -> bool:
    """Whether a value is none, or a list or mapping that holds nothing."""
    if isinstance(value, Ref):
        return isinstance(value.obj, SeqObj | MapObj) and not value.obj.items and not value.obj.more
    return isinstance(value, Const) and value.value is None


def _setters(m: Machine, cls: ClassObj, name: str) -> list[FuncObj]:
    """The methods of a class, but its constructor, that assign an attribute."""
    names = sum(len(ancestor.scope.names) for ancestor in cls.ancestors)
    known = m.setters.get(cls)
    if known is None or known[0] != names:  # more of the class was followed since
        found: dict[str, list[FuncObj]] = {}
        for func in methods(cls):
            for attribute in m.project.assigned(func.scope.path, func.node):
                found.setdefault(attribute, []).append(func)
        known = m.setters[cls] = (names, found)
    return known[1].get(name, [])


def methods(cls: ClassObj) -> Iterator[FuncObj]:
    """The methods of a class and of what it derives from, but those that make an object of it."""
    for ancestor in cls.ancestors:
        for name, values in ancestor.scope.names.items():
            if name != "__init__":
                yield from (one for one in values if isinstance(one, FuncObj))


def held(owner: Ref) -> Vals:
    """What an object's attributes, or the elements of a list, are; what a mapping holds is none of these."""
    if isinstance(owner.obj, InstObj):
        return tuple(value for values in owner.obj.attrs.values() for value in values)
    return tuple(value for item in owner.obj.items for value in item) if isinstance(owner.obj, SeqObj) else ()


def is_stub(func: FuncObj) -> bool:
    """Whether a function only says what others do: the method of a protocol or of an abstract class."""
    if isinstance(func.node, tree.Lambda):
        return False
    return all(isinstance(part, tree.Do | tree.Stop) and not _does_something(part) for part in block_of(func.node))


def _does_something(part: tree.Do | tree.Stop) -> bool:
    if isinstance(part, tree.Stop):
        return not any(_named(value) == "NotImplementedError" for value in part.values)
    return not all(isinstance(value, tree.Str | tree.Const) for value in part.values)


def _named(expr: tree.Expr) -> str:
    if isinstance(expr, tree.Call):
        return _named(expr.func)
    return expr.id if isinstance(expr, tree.Name) else ""


def _outside(m: Machine, owner: Ref, name: str) -> Vals:
    """An attribute no class of the repository has: a library's base class may."""
    base = external_base(m, owner.obj.cls) if isinstance(owner.obj, InstObj) else None
    return (Bound(base, name),) if base is not None else (Bound(owner, name),)


def external_base(m: Machine, cls: ClassObj) -> Value | None:
    """The known library object that a class derives from."""
    for base in cls.ancestors:
        for entry in base.bases:
            if isinstance(entry, Ext):
                made = tables.instance(entry.name)
                if made is not None:
                    return made
    return None


def from_instance(m: Machine, owner: Ref, values: Vals) -> Vals:
    """What an object holds came in where the object did; of the object itself, what its constructor was given."""
    if not owner.tags:
        return values
    frames = m.reporter.frames
    passed = tuple(tag._replace(part=True) for tag in owner.tags if not tag.own)
    return tuple(
        retagged(value, owner.tags)
        if any(frames[tag.frame].constructor or frames[tag.frame].caller is None for tag in tags_of(value))
        else retagged(value, passed)
        for value in values
    )


def special_method(m: Machine, value: Value, name: str) -> FuncObj | None:
    """A method that the language itself calls on an object of the repository; None where there is none."""
    if not isinstance(value, Ref) or not isinstance(value.obj, InstObj):
        return None
    if value.obj.member and name != "__bool__":
        return None
    for ancestor in value.obj.cls.ancestors:
        for held in m.class_attribute(ancestor, name):
            if isinstance(held, FuncObj):
                return held
    return None


def truth(m: Machine, values: Vals, here: Here, site: Site) -> Vals:
    """What is tested where these are taken for true or false: an object may answer by asking for a flag."""
    found: list[Value] = []
    for value in values:
        answer = special_method(m, value, "__bool__")
        if answer is not None:
            told = invoke.function(m, answer, Args(site), here, site, owner=value)
            m.note_uses(told, frozenset({site}), here, site)
            found += [one for one in told if isinstance(one, FlagVal)]
    return (*values, *found) if found else values


def _described(m: Machine, value: Value, owner: Value, here: Here, site: Site) -> Vals | None:
    """What a descriptor gives where it is asked as an attribute; None for what is none."""
    getter = special_method(m, value, "__get__")
    if getter is None:
        return None
    found = invoke.function(m, getter, Args(site, [(owner,), UNKNOWN]), here, site, owner=value)
    m.note_uses(found, frozenset({site}), here, site)
    return found


def _bound(m: Machine, value: Value, owner: Ref, here: Here, site: Site) -> Vals:
    described = _described(m, value, owner, here, site)
    if described is not None:
        return described
    if isinstance(value, FuncObj) and value.kind == "property":
        found = invoke.function(m, value, Args(site), here, site, owner=owner)
        m.note_uses(found, frozenset({site}), here, site)
        return tuple(_called(one, value.name) for one in found)
    return (bound(value, owner),)


def _called(value: Value, name: str) -> Value:
    """Something unknown is at least what the property that gives it is called."""
    if isinstance(value, Unknown) and (not value.hint or _PLACE.search(value.hint) is None):
        return Unknown(value.tags, name, value.at)
    return value


# What an unknown thing is called already: a library's class says more than a name does.
_PLACE = re.compile(r"\.[A-Z]")


def bound(value: Value, owner: Value) -> Value:
    """A function taken from an object becomes a method of it."""
    if isinstance(value, Obj) and value.kind == "partialmethod":
        return _partial_of(value, owner)
    if not isinstance(value, FuncObj) or value.kind == "static":
        return value
    if value.kind == "class" and isinstance(owner, Ref) and isinstance(owner.obj, InstObj):
        return Method(value, owner.obj.cls)
    return Method(value, owner)


def _partial_of(value: Obj, owner: Value) -> Value:
    given = value.data[0]
    return given._replace(func=bound(given.func, owner)) if isinstance(given, Partial) else value


def _of_class(m: Machine, owner: ClassObj, name: str, here: Here, site: Site) -> Vals:
    found = class_attribute(m, owner, name)
    if name == "__members__":
        return (members_by_name(m, owner, site),)
    if name == "__dict__":
        return (namespace(owner, site),)
    if name in {"__name__", "__qualname__"}:
        return (literal(owner.name, site),)
    if not found:
        metaclasses = [value for value in owner.options.get("metaclass", ()) if isinstance(value, ClassObj)]
        dynamic = union(*(class_attribute(m, one, "__getattr__") for one in metaclasses))
        if dynamic:
            args = Args(site, [(literal(name, site),)])
            bound_ones = [Method(one, owner) for one in dynamic if isinstance(one, FuncObj)]
            return union(*(invoke.one(m, one, args, here, site) for one in bound_ones)) or UNKNOWN
        base = external_base(m, owner)
        return (Bound(owner, name),) if base is None else (Bound(base, name),)
    return union(*(_described(m, value, owner, here, site) or (_of_its_class(value, owner),) for value in found))


def _of_its_class(value: Value, owner: ClassObj) -> Value:
    return Method(value, owner) if isinstance(value, FuncObj) and value.kind == "class" else value


def class_attribute(m: Machine, cls: ClassObj, name: str) -> Vals:
    """A name of a class or of the first ancestor that has it; empty when none has."""
    for ancestor in cls.ancestors:
        if name in ancestor.scope.names:
            return m.looked_up(m.class_attribute(ancestor, name))
    return ()


def derives_from(cls: ClassObj, *names: str) -> bool:
    """Whether a class derives from a library's class of one of these last names."""
    return not cls.libraries.isdisjoint(names)


def is_enum(cls: ClassObj) -> bool:
    """Whether a class is an enum."""
    return derives_from(cls, "Enum", "StrEnum", "IntEnum", "Flag", "TextChoices", "Choices")


def enum_members(cls: ClassObj) -> list[Ref]:
    """The members of an enum, in order."""
    return [
        value
        for values in cls.scope.names.values()
        for value in values
        if isinstance(value, Ref) and isinstance(value.obj, InstObj) and value.obj.member and value.obj.cls is cls
    ]


def members_by_name(_m: Machine, cls: ClassObj, site: Site) -> Ref:
    """``__members__`` of an enum."""
    entries = MapObj()
    for member in enum_members(cls):
        if isinstance(member.obj, InstObj):
            entries.items.append(((literal(member.obj.member, site),), (member,)))
    return Ref(entries)


def namespace(owner: ClassObj, site: Site) -> Ref:
    """``vars`` of a class."""
    entries = MapObj()
    entries.items = [((literal(name, site),), values) for name, values in owner.scope.names.items()]
    return Ref(entries, site)


def _of_unknown(_m: Machine, owner: Unknown, name: str, _here: Here, _site: Site) -> Vals:
    return (Bound(owner, name),)


def _of_bound(m: Machine, owner: Bound, name: str, here: Here, site: Site) -> Vals:
    if isinstance(owner.owner, Unknown | Bound):
        return (Bound(Unknown(root_tags(owner), settings.called(owner)), name),)
    if isinstance(owner.owner, Doc | DocItem):
        return _of_doc(m, owner.owner, name, here, site)
    return (Bound(owner, name),)


def root_tags(value: Value) -> tuple[Any, ...]:
    """The arguments that something asked of an unknown object came from."""
    while isinstance(value, Bound):
        value = value.owner
    return tags_of(value)


def _of_doc(m: Machine, owner: Doc | DocItem, name: str, here: Here, site: Site) -> Vals:
    found = documents.field_of(m, owner, name, here, site)
    return (Bound(owner, name),) if found is None else (found,)


def _of_model(m: Machine, owner: DocModel, name: str, here: Here, site: Site) -> Vals:
    return documents.model_field(m, owner, name, here, site)


def _of_flag(_m: Machine, owner: FlagVal, name: str, _here: Here, _site: Site) -> Vals:
    return (Bound(owner, name),) if name in _ASKED_OF_VALUES else (owner,)


_ASKED_OF_VALUES = frozenset({"get", "items", "keys", "values", "lower", "upper", "strip", "split", "pop"})


def _of_obj(m: Machine, owner: Obj, name: str, here: Here, site: Site) -> Vals:
    return objects.attribute(m, owner, name, here, site)


def _of_func(m: Machine, owner: FuncObj, name: str, _here: Here, _site: Site) -> Vals:
    if name == "__name__":
        return (literal(owner.name, _site),)
    return (owner,) if name == "__wrapped__" else (Bound(owner, name),)


def _of_text(_m: Machine, owner: Text, name: str, _here: Here, site: Site) -> Vals:
    """No text has a value but the member of an enum that a call made."""
    return (owner.moved(site),) if name == "value" else (Bound(owner, name),)


_ATTRIBUTES: dict[type, Callable[[Any, Any, str, Any, Site], Vals]] = {
    ModuleRef: _of_module,
    Ext: _of_ext,
    Ref: _of_ref,
    ClassObj: _of_class,
    Unknown: _of_unknown,
    Bound: _of_bound,
    Doc: _of_doc,
    DocItem: _of_doc,
    DocModel: _of_model,
    FlagVal: _of_flag,
    Obj: _of_obj,
    FuncObj: _of_func,
    Text: _of_text,
}


# Entries


def subscript(m: Machine, owners: Vals, keys: Vals, expr: tree.Sub, here: Here, site: Site) -> Vals:
    """``owner[key]`` for any of these."""
    return union(*(_entry(m, owner, keys, expr, here, site) for owner in owners)) or UNKNOWN


def _entry(m: Machine, owner: Value, keys: Vals, expr: tree.Sub, here: Here, site: Site) -> Vals:
    if isinstance(owner, Text):
        return text_slice(owner, expr, keys, site)
    if isinstance(expr.key, tree.Slice) and isinstance(owner, Doc | DocItem | FlagVal):
        return (owner,)
    if isinstance(owner, ClassObj) and is_enum(owner):
        return enum_by_name(owner, keys)
    if isinstance(owner, Ext) and owner.name.endswith(".Literal"):
        return _literal_type(m, keys)
    if isinstance(owner, ClassObj | FuncObj | Ext) and not (
        settings.is_environment(owner) or settings.is_configuration(owner)
    ):
        return (owner,)
    if isinstance(owner, Ref) and isinstance(owner.obj, SeqObj):
        return _by_index(owner, expr)
    if isinstance(owner, Ref) and isinstance(owner.obj, InstObj):
        given = class_attribute(m, owner.obj.cls, "__getitem__")
        special = "__getitem__" if given or owner.obj.member else "__missing__"
        found = attribute(m, (owner,), special, here, site)
        return invoke.call(m, found, Args(site, [keys]), here, site)
    return documents.taken(m, owner, keys, here, site, None)


def _literal_type(m: Machine, keys: Vals) -> Vals:
    for key in keys:
        items = key.obj.items if isinstance(key, Ref) and isinstance(key.obj, SeqObj) else [(key,)]
        for item in items:
            for text in fold.texts(item):
                m.reporter.bound(text, "a Literal type names the key")
    return (Obj("literal-type", data=keys),)


def enum_by_name(cls: ClassObj, keys: Vals) -> Vals:
    """``Enum[name]``."""
    names = {text.known for text in fold.texts(keys)}
    members = [member for member in enum_members(cls) if isinstance(member.obj, InstObj)]
    found = [member for member in members if isinstance(member.obj, InstObj) and member.obj.member in names]
    return tuple(found) or tuple(members) or UNKNOWN


def text_slice(text: Text, expr: tree.Sub, keys: Vals, site: Site) -> Vals:
    """A part of a text, where the code says with numbers which."""
    index = expr.key
    if isinstance(index, tree.Slice):
        low, high = _bound_of(index.lower), _bound_of(index.upper)
        if index.step is None and low is not ... and high is not ...:
            return (fold.transformed(text, lambda whole: whole[low:high], site),)
    return (fold.opaque(text, site),)


def _bound_of(part: tree.Expr | None) -> int | EllipsisType | None:
    """A bound of a slice: a number, none, or an ellipsis where it cannot be known."""
    if part is None:
        return None
    return part.value if isinstance(part, tree.Const) and isinstance(part.value, int) else ...


def _by_index(owner: Ref, expr: tree.Sub) -> Vals:
    if isinstance(expr.key, tree.Slice):
        return (owner,)
    index = expr.key.value if isinstance(expr.key, tree.Const) else None
    return element(owner, index if isinstance(index, int) else None)


def element(owner: Ref, index: int | None) -> Vals:
    """What a list holds at an index, or anywhere where it is not known."""
    items = owner.obj.items if isinstance(owner.obj, SeqObj) else []
    if index is not None and -len(items) <= index < len(items):
        return from_container(owner, items[index])
    more = owner.obj.more if isinstance(owner.obj, SeqObj) else ()
    return from_container(owner, union(*items, more)) or UNKNOWN


# Elements


def elements(m: Machine, values: Vals, here: Here) -> Vals:
    """What a loop over any of these can take."""
    return union(*(_elements(m, value, here) for value in values)) or UNKNOWN


def in_order(m: Machine, value: Value) -> list[Vals]:
    """What a list or a named tuple holds, one by one; empty where that is not known."""
    held = value.obj if isinstance(value, Ref) else None
    if isinstance(held, SeqObj):
        return held.items
    if not isinstance(held, InstObj) or not derives_from(held.cls, "NamedTuple"):
        return []
    fields = dict.fromkeys(name for ancestor in reversed(held.cls.ancestors) for name in ancestor.fields)
    return [held.attrs.get(name) or class_attribute(m, held.cls, name) or UNKNOWN for name in fields]


def _elements(m: Machine, value: Value, here: Here) -> Vals:
    if isinstance(value, Text):
        return (value,)  # what a generator yields one by one
    if isinstance(value, Ref) and isinstance(value.obj, InstObj):
        return from_container(value, union(*in_order(m, value))) or (Unknown(value.tags),)
    if isinstance(value, Ref):
        return _container_elements(m, value)
    if isinstance(value, ClassObj) and is_enum(value):
        return tuple(enum_members(value)) or UNKNOWN
    if isinstance(value, Tree):
        return (TreeName(value.prefix, value.form),) if value.form in _NAMED_TREES else (Tree(value.prefix, "item"),)
    if isinstance(value, Doc | DocItem):
        return (DocItem(value.reader),)
    if isinstance(value, FlagVal):
        return (value,)
    return (Unknown(root_tags(value)),)


_NAMED_TREES = frozenset({"full", "below", "last"})


def _container_elements(m: Machine, value: Ref) -> Vals:
    if isinstance(value.obj, SeqObj):
        return from_container(value, union(*value.obj.items, value.obj.more))
    if isinstance(value.obj, MapObj):
        more = (Unknown(),) if value.obj.more else ()
        return from_container(value, union(*(keys for keys, _ in entries(m, value.obj)), more))
    return (Unknown(value.tags),)


def entries(m: Machine, mapping: MapObj) -> list[tuple[Vals, Vals]]:
    """The entries of a mapping; what a parameter stands for there is left out where callers are seen to pass it."""
    if not any(isinstance(key, Text) and key.tags for keys, _ in mapping.items for key in keys):
        return mapping.items
    return [
        item for item in mapping.items if not all(isinstance(k, Unknown) and m.reporter.is_open(k) for k in item[0])
    ]


# Types


def instances_of(m: Machine, annotation: tree.Expr, scope: Scope) -> Vals:
    """Objects of the classes an annotation names; empty when it names none that is known."""
    if isinstance(annotation, tree.Str):
        parsed = execute.parsed_annotation(annotation)
        return instances_of(m, parsed, scope) if parsed is not None else ()
    if isinstance(annotation, tree.Sub):
        return _generic_type(m, annotation, scope)
    if isinstance(annotation, tree.Binary) and annotation.op == "|":
        return union(*(instances_of(m, value, scope) for value in annotation.values))
    if isinstance(annotation, tree.Name | tree.Attr):
        return union(*(type_instance(m, value) for value in _type_values(m, annotation, scope)))
    return ()


def _type_values(m: Machine, expr: tree.Expr, scope: Scope) -> Vals:
    if isinstance(expr, tree.Name):
        return m.name(expr.id, scope)
    if isinstance(expr, tree.Attr):
        here = m.here(scope, m.nobody)
        owners = _type_values(m, expr.value, scope)
        return attribute(m, owners, expr.name, here, here.site(expr.pos))
    return ()


def type_instance(m: Machine, value: Value) -> Vals:
    """An object of a class, as a parameter annotated with it holds."""
    if isinstance(value, ClassObj):
        model = documents.model_of(m, value)
        if model is not None:
            return (model,)
        if is_enum(value):
            return ()
        return (m.generic(value),)
    if isinstance(value, Ext):
        made = tables.instance(value.name) or accessors.instance(m, value.name)
        return (made,) if made is not None else ()
    return ()


def outside_type(m: Machine, annotation: tree.Expr, scope: Scope) -> str:
    """The whole name of the library's or built-in class that an annotation names; empty for others."""
    if isinstance(annotation, tree.Sub):
        return outside_type(m, annotation.value, scope)
    for value in _type_values(m, annotation, scope) if isinstance(annotation, tree.Name | tree.Attr) else ():
        if isinstance(value, Ext) and value.name.rsplit(".", 1)[-1] not in _ANY_TYPES:
            return value.name
    return ""


_ANY_TYPES = frozenset({"Any", "object", "Optional", "Union", "Annotated", "TypeVar", "Self"})


def _generic_type(m: Machine, annotation: tree.Sub, scope: Scope) -> Vals:
    last = annotation.value.name if isinstance(annotation.value, tree.Attr) else ""
    last = annotation.value.id if isinstance(annotation.value, tree.Name) else last
    index = annotation.key
    parts = index.values if isinstance(index, tree.Items) else (index,)
    if last == "Annotated":
        return _annotated_type(m, parts, scope)
    if last in _TRANSPARENT_TYPES:
        return union(*(instances_of(m, part, scope) for part in parts))
    if last in {"list", "List", "Sequence", "Iterable", "tuple", "Tuple"}:
        found = union(*(instances_of(m, part, scope) for part in parts))
        return (Ref(SeqObj("list", [], found)),) if found else ()
    return instances_of(m, annotation.value, scope)


_TRANSPARENT_TYPES = frozenset({"Optional", "Union", "Final", "ClassVar", "Awaitable", "InitVar"})


def _annotated_type(m: Machine, parts: tuple[tree.Expr, ...], scope: Scope) -> Vals:
    here = m.here(scope, m.nobody)
    for part in parts[1:]:
        for value in m.eval(part, here):
            supplied = calls.supplied(m, value)
            if supplied is not None:
                return supplied
    return instances_of(m, parts[0], scope)


def annotated_types(m: Machine, annotation: tree.Expr, scope: Scope) -> Vals:
    """What the names of an annotation stand for, containers looked through."""
    if isinstance(annotation, tree.Sub):
        index = annotation.key
        parts = index.values if isinstance(index, tree.Items) else (index,)
        return union(*(annotated_types(m, part, scope) for part in parts))
    if isinstance(annotation, tree.Binary):
        return union(*(annotated_types(m, part, scope) for part in annotation.values))
    if isinstance(annotation, tree.Str):
        parsed = execute.parsed_annotation(annotation)
        return annotated_types(m, parsed, scope) if parsed is not None else ()
    return _type_values(m, annotation, scope)


def annotated_classes(m: Machine, annotation: tree.Expr, scope: Scope) -> list[ClassObj]:
    """The classes of the repository that an annotation names, containers looked through."""
    return [value for value in annotated_types(m, annotation, scope) if isinstance(value, ClassObj)]


def special_instance(m: Machine, cls: ClassObj, args: Args, here: Here, site: Site) -> Vals | None:
    """What making an object of an enum, or of a model of a fetched document, gives; None for other classes."""
    if is_enum(cls) and args.values:
        # The member that a key of what was fetched is, is not known: it stands for that key.
        listed = tuple(value for value in args.values[0] if isinstance(value, DocItem | TreeName))
        return listed or enum_by_value(cls, args.values[0])
    found = documents.model_made(m, cls, args)
    return None if found is None else (found,)


def enum_by_value(cls: ClassObj, values: Vals) -> Vals:
    """``Enum(value)``."""
    wanted = {text.known for text in fold.texts(values)}
    members = enum_members(cls)
    found = [member for member in members if (text := fold.text_of(member)) and text.known in wanted]
    return tuple(found) or tuple(members) or UNKNOWN
