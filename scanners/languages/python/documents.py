"""Following what was fetched to the keys that are taken from it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from auditor.domain.references import Certainty, Fallback, ReferenceKind
from scanners.flag_index import Reader
from scanners.keytext import KeyText
from scanners.languages import _flag_shapes
from scanners.languages.python import fold, invoke, members, tree
from scanners.languages.python.arguments import Args, from_container
from scanners.languages.python.readers import objects, settings
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
    Obj,
    Piece,
    Ref,
    Seen,
    SeqObj,
    Site,
    Tag,
    Text,
    Tree,
    TreeName,
    Unknown,
    Vals,
    Value,
    literal,
    to_json,
    union,
)

if TYPE_CHECKING:
    from scanners.languages.python.machine import Here, Machine

SSM = Reader(frozenset({"ssm"}))


def fallback(values: Vals | None) -> Fallback | None:
    """The value code falls back to, where it is plain."""
    if not values or len(values) != 1:
        return None
    plain = to_json(values[0])
    return None if plain is None else Fallback(plain[0])


def key_texts(keys: Vals, site: Site) -> list[Text]:
    """The texts a key can be; one unknown text for what is not known."""
    keys = tuple(one for key in keys for one in _each(key))
    found = fold.texts(keys)
    for key in keys:
        if isinstance(key, Unknown | Bound | Ref) and fold.text_of(key) is None:
            at = key.at if isinstance(key, Unknown) else None
            found.append(Text((Piece(None, members.root_tags(key)),), at or site))
    if not found and any(isinstance(key, _OTHERS) for key in keys):
        found.append(Text((Piece(None),), site))
    return found


# What may be a text as well, of which nothing can be said; beside one that is known it is the lesser alternative.
_OTHERS = Ext | Obj | Doc | DocItem | FlagVal


def _each(key: Value) -> Vals:
    """A list of keys stands for each of them."""
    if isinstance(key, Ref) and isinstance(key.obj, SeqObj) and key.obj.items:
        return union(*(from_container(key, item) for item in key.obj.items))
    return (key,)


def ask(
    m: Machine,
    keys: Vals,
    reader: Reader,
    here: Here,
    site: Site,
    what: str,
    default: Vals | None = None,
    kind: ReferenceKind = ReferenceKind.READ,
    certainty: Certainty = Certainty.CERTAIN,
) -> FlagVal:
    """A reader is asked for each of these keys."""
    plain = fallback(default)
    direct = not any(isinstance(key, Bound) for key in keys)
    seen = [
        m.reporter.asked(text, reader, here.frame, site, what, kind, plain, certainty, direct=direct)
        for text in key_texts(keys, site)
    ]
    return FlagVal(tuple(seen))


def taken(m: Machine, owner: Value, keys: Vals, here: Here, site: Site, default: Vals | None) -> Vals:
    """``owner[key]`` or ``owner.get(key, default)``."""
    if isinstance(owner, Bound) and isinstance(owner.owner, Doc | DocItem):
        owner = owner.owner  # the body of an answer, under whatever name
    if isinstance(owner, Doc) and owner.within:
        return _nearer(owner, keys)
    if isinstance(owner, Doc | DocItem):
        return _from_document(m, owner.reader, keys, here, site, default)
    if isinstance(owner, DocModel):
        return _from_document(m, owner.reader, keys, here, site, default)
    if isinstance(owner, Tree):
        return _from_tree(m, owner, keys, here, site, default)
    if isinstance(owner, TreeName):
        return (TreeName(owner.prefix, "last"),)
    if isinstance(owner, FlagVal):
        return _from_results(m, owner, keys, here, default)
    if isinstance(owner, Ref) and isinstance(owner.obj, MapObj):
        return _from_mapping(m, owner, keys, here, site, default)
    if settings.is_environment(owner):
        return settings.read(m, keys, here, site, default)
    if isinstance(owner, Obj) and owner.kind == "settings":
        return objects.setting(m, owner, keys, here, site, default)
    if isinstance(owner, Obj):
        return (owner,)
    setting = settings.entry_read(m, owner, keys, here, site, default)
    if setting is not None:
        return setting
    return (Unknown(tuple(tag._replace(part=True) for tag in members.root_tags(owner))),)


def _nearer(owner: Doc, keys: Vals) -> Vals:
    """A step towards where the flags stand in a document; what lies beside the way holds none."""
    first, *rest = owner.within
    known = {text.known for text in fold.texts(keys)}
    return (Doc(owner.reader, tuple(rest)),) if not known or first in known or None in known else UNKNOWN


def _from_document(m: Machine, reader: Reader, keys: Vals, here: Here, site: Site, default: Vals | None) -> Vals:
    found: list[Value] = []
    for text in key_texts(keys, site):
        known = text.known
        if known is not None and not m.reporter.matches(text, reader, Certainty.CERTAIN):
            found.append(Doc(reader))
            continue
        if known is None and reader.providers <= _ANYTHING and m.providers.isdisjoint(reader.providers):
            continue  # such a store holds flags only where some are known to be in it
        found.append(ask(m, (text,), reader, here, site, "taken from the flag document", default))
    if not found:
        found.append(DocItem(reader))
    return tuple(found)


_ANYTHING = frozenset({"dynamodb", "s3"})


def _from_tree(m: Machine, owner: Tree, keys: Vals, here: Here, site: Site, default: Vals | None) -> Vals:
    found: list[Value] = []
    if owner.form not in {"list", "item"}:
        _wait(m, keys)
    for text in fold.texts(keys):
        if owner.form in {"list", "item"}:
            found += _from_response(owner, text)
        else:
            full = under(owner.prefix, text, owner.form)
            if owner.form == "full" and _elsewhere(owner.prefix, text):
                found.append(Unknown())
                continue
            found.append(ask(m, tuple(full), SSM, here, site, "taken from parameters read by path", default))
    return tuple(found) or (Tree(owner.prefix, "item") if owner.form == "list" else FlagVal(()),)


def _wait(m: Machine, keys: Vals) -> None:
    """Which of the parameters read by path is taken, callers say."""
    m.reporter.waits += any(isinstance(key, Unknown) and m.reporter.is_open(key) for key in keys)


def _elsewhere(prefix: Text | Unknown, text: Text) -> bool:
    """Whether a name cannot be among those that were read below a path."""
    below, name = prefix.known if isinstance(prefix, Text) else None, text.known
    return below is not None and name is not None and not name.startswith(below.rstrip("/") + "/")


def _from_response(owner: Tree, text: Text) -> Vals:
    if text.known == "Name":
        return (TreeName(owner.prefix, "full"),)
    return (FlagVal(()),) if text.known == "Value" else (Tree(owner.prefix, "list"),)


def under(prefix: Text | Unknown, text: Text, form: str) -> list[Text]:
    """The full name of a parameter from what is left of it below a path."""
    if form == "full":
        return [text]
    known = text.known
    bare = text if known is None or not known.startswith("/") else fold.transformed(text, _unslashed, text.at)
    base: Vals = (prefix,)
    if isinstance(prefix, Text):
        base = (fold.transformed(prefix, lambda whole: whole.rstrip("/"), prefix.at),)
    return fold.combined((base, (literal("/", text.at),), (bare,)), text.at)


def _unslashed(whole: str) -> str:
    return whole.lstrip("/")


def _from_results(m: Machine, owner: FlagVal, keys: Vals, here: Here, default: Vals | None) -> Vals:
    if owner.whole:
        plain = fallback(default)
        for seen in owner.reads:
            if plain is not None:
                m.reporter.fall_back(seen, plain)
        return (owner,)
    texts = fold.texts(keys)
    for text in texts:
        result_taken(m, owner, text, here, default)
    taken = tuple(seen for seen in owner.reads if any(_is_result(seen, text.known) for text in texts))
    return (FlagVal(taken) if taken else owner,)


def _is_result(seen: Seen, known: str | None) -> bool:
    """Whether what was read stands among results under a name: its key, or the last segment of it."""
    return bool(known) and any(flag.key == known or flag.key.endswith(f"/{known}") for flag, _ in seen.flags)


def result_taken(m: Machine, owner: FlagVal, text: Text, here: Here, default: Vals | None = None) -> bool:
    """A flag's value is taken from the results of several reads, by its key or the last segment of it."""
    known = text.known
    spot = m.reporter.locate(here.frame, text)
    if known is None or spot is None:
        return False
    hit = False
    for seen in owner.reads:
        for flag, sure in seen.flags:
            if flag.key == known or (known and flag.key.endswith("/" + known)):
                steps = (f"taken from what was read at {m.reporter.shown(seen.site or text.at)}", *spot[2])
                kind = ReferenceKind.READ
                m.reporter.add(flag, spot[1], kind, sure, (*steps, *m.reporter.story(text)), fallback(default))
                hit = True
    return hit


def _from_mapping(m: Machine, owner: Ref, keys: Vals, here: Here, site: Site, default: Vals | None) -> Vals:
    mapping = owner.obj
    if not isinstance(mapping, MapObj):
        return UNKNOWN
    texts = fold.texts(keys)
    wanted = {text.known for text in texts}
    exact = bool(texts) and len(texts) == len(keys) and None not in wanted
    passed = tuple(dict.fromkeys(tag for key in keys for tag in members.root_tags(key)))
    found: list[Value] = []
    for entry_keys, values in mapping.items:
        found += _from_entry(m, entry_keys, values, texts, here, site, default)
        if any(isinstance(key, TreeName) for key in entry_keys):
            _wait(m, keys)
        spelled = {_spelled(key) for key in entry_keys}
        if not exact or None in spelled:
            found += (_one_of(_chosen(value, passed)) for value in from_container(owner, values))
        elif not spelled.isdisjoint(wanted):
            found += (_chosen(value, passed) for value in from_container(owner, values))
    if default is not None:
        found += default
    for value in mapping.more:
        mixed_in = isinstance(value, Doc | Tree | FlagVal)
        found += taken(m, value, keys, here, site, default) if mixed_in else (value,)
    return union(found) or (Unknown(owner.tags),)


def _chosen(value: Value, passed: tuple[Tag, ...]) -> Value:
    """What a mapping holds under a key that came in as an argument: who passes that chooses it."""
    return value.tagged(passed) if isinstance(value, Text) and passed else value


def _one_of(value: Value) -> Value:
    """What a mapping holds under a key that is not known, as a cache does: of what was read none in particular."""
    if isinstance(value, FlagVal):
        return FlagVal(value.reads, whole=False)
    if not isinstance(value, Ref) or not any(isinstance(one, FlagVal) for one in members.held(value)):
        return value
    if isinstance(value.obj, InstObj):
        attrs = {name: tuple(map(_one_of, values)) for name, values in value.obj.attrs.items()}
        return Ref(InstObj(value.obj.cls, attrs, value.obj.member), value.at, value.tags)
    if isinstance(value.obj, SeqObj):
        items = [tuple(map(_one_of, item)) for item in value.obj.items]
        return Ref(SeqObj(value.obj.kind, items, value.obj.more), value.at, value.tags)
    return value


def _spelled(key: Value) -> str | None:
    text = fold.text_of(key)
    if text is not None:
        return text.known
    return repr(key.value) if isinstance(key, Const) else None


def _from_entry(
    m: Machine, entry_keys: Vals, values: Vals, texts: list[Text], here: Here, site: Site, default: Vals | None
) -> Vals:
    found: list[Value] = []
    for text in texts:
        for key in entry_keys:
            if isinstance(key, TreeName):
                found += _from_tree(m, Tree(key.prefix, key.form), (text,), here, site, default)
            elif isinstance(key, DocItem):
                found += _from_document(m, key.reader, (text,), here, site, default)
            elif isinstance(key, FlagVal):
                result_taken(m, key, text, here, default)
        for value in values:
            if isinstance(value, FlagVal):
                result_taken(m, value, text, here, default)
    return tuple(found)


def comprehended(keys: Vals, values: Vals) -> Vals:
    """The dict a comprehension makes: keyed by parameters' names or a document's keys, it is what was read."""
    for key in keys:
        if isinstance(key, TreeName):
            return (Tree(key.prefix, key.form),)
        if isinstance(key, DocItem):
            return (Doc(key.reader),)
        if isinstance(key, FlagVal):
            return (FlagVal(key.reads, whole=False),)
    made = MapObj()
    made.items.append((keys, values))
    return (Ref(made),)


def latest(items: Iterable[tuple[Vals, Vals]]) -> list[tuple[Vals, Vals]]:
    """Entries that were put together in this order: of two under the same key, all of it known, the last one holds."""
    held: dict[object, tuple[Vals, Vals]] = {}
    for keys, values in items:
        name = _spelled(keys[0]) if len(keys) == 1 else None
        place: object = (len(held), None) if name is None else name
        held.pop(place, None)
        held[place] = keys, values
    return list(held.values())


def compared(m: Machine, op: str, left: Vals, right: Vals, here: Here, site: Site) -> list[Value]:
    """A comparison: membership in what was fetched, or a key from it compared with a text."""
    found: list[Value] = [value for value in (*left, *right) if isinstance(value, FlagVal) and value.whole]
    if op in {"in", "not in"}:
        for owner in right:
            asked = members.special_method(m, owner, "__contains__")
            if asked is not None:
                answer = invoke.function(m, asked, Args(site, [left]), here, site, owner=owner)
                found += [value for value in answer if isinstance(value, FlagVal)]
            if _holds_keys(owner):
                passed = tuple(one for one in left if isinstance(one, Unknown) and m.reporter.is_open(one))
                found += [
                    value
                    for value in taken(m, owner, (*fold.texts(left), *passed), here, site, None)
                    if isinstance(value, FlagVal)
                ]
            elif isinstance(owner, Ref) and isinstance(owner.obj, MapObj):
                texts = fold.texts(left)
                for keys, values in owner.obj.items:
                    entry = _from_entry(m, keys, values, texts, here, site, None)
                    found += [value for value in entry if isinstance(value, FlagVal)]
        listed = tuple(one for owner in right for one in _each(owner) if one is not owner)
        kept = tuple(
            one for owner in right if isinstance(owner, Ref) and isinstance(owner.obj, SeqObj) for one in owner.obj.more
        )
        return found + _same_key(m, left, listed, here, site) + _same_key(m, kept, left, here, site)
    return found + _same_key(m, left, right, here, site) + _same_key(m, right, left, here, site)


def _same_key(m: Machine, names: Vals, others: Vals, here: Here, site: Site) -> list[Value]:
    """Keys of what was fetched are compared with texts: a text that is a flag's key there asks for the flag."""
    found: list[Value] = []
    for name in names:
        for text in fold.texts(others) if isinstance(name, DocItem | TreeName | FlagVal) else ():
            if isinstance(name, FlagVal):
                if not name.whole:
                    result_taken(m, name, text, here)
            elif isinstance(name, TreeName):
                full = tuple(under(name.prefix, text, name.form))
                found.append(ask(m, full, SSM, here, site, "compared with a parameter's name"))
            elif isinstance(name, DocItem) and m.reporter.matches(text, name.reader, Certainty.CERTAIN):
                found.append(ask(m, (text,), name.reader, here, site, "compared with a key of the document"))
    return found


def _holds_keys(owner: Value) -> bool:
    if isinstance(owner, Tree):
        return owner.form not in {"list", "item"}
    if isinstance(owner, FlagVal):
        return not owner.whole
    return isinstance(owner, Doc | DocItem | DocModel | Obj) or _holds_settings(owner)


def _holds_settings(owner: Value) -> bool:
    return settings.is_environment(owner) or settings.is_configuration(owner)


def fall_back(m: Machine, found: Vals, values: Vals) -> None:
    """A function gives back what it read, or where that failed these values: where it is one, the read falls to it."""
    plain = fallback(values)
    if plain is None or plain.value is None:
        return
    for value in found:
        for seen in value.reads if isinstance(value, FlagVal) else ():
            m.reporter.fall_back(seen, plain)


def with_fallback(m: Machine, parts: list[Vals], here: Here) -> Vals:
    """``read or fallback``."""
    plain = fallback(parts[-1])
    for values in parts[:-1]:
        for value in values:
            if isinstance(value, FlagVal) and plain is not None:
                for seen in value.reads:
                    m.reporter.fall_back(seen, plain)
            if isinstance(value, Unknown) and value.hint == "environment":
                known = tuple(held for held in union(*parts[:-1]) if held != value)
                return union(known, fold.loosened(m.binding(parts[-1], "the fallback of an environment variable")))
    given = next((at for at, values in enumerate(parts) if all(_is_passed(value) for value in values)), len(parts))
    return union(*parts[: given + 1])


def _is_passed(value: Value) -> bool:
    """Whether a value is a text that a caller passes: nothing behind ``or`` takes its place."""
    return isinstance(value, Text) and bool(value.tags) and bool(value.known)


# Typed documents


def field_of(m: Machine, owner: Doc | DocItem, name: str, here: Here, site: Site) -> Value | None:
    """An attribute of a document that was made an object; None when it is no key."""
    text = literal(name, site)
    if not m.reporter.matches(text, owner.reader, Certainty.CERTAIN):
        return None
    return ask(m, (text,), owner.reader, here, site, "taken from the flag document as an attribute")


def model_of(m: Machine, cls: ClassObj) -> DocModel | None:
    """The object a class makes that the configuration says mirrors a document; None for other classes."""
    for model in m.options.models:
        if model.name == cls.name or m.same_name(cls.qualname, model.name):
            reader = Reader(
                frozenset({model.provider}),
                frozenset(),
                _told(model.application),
                _told(model.environment),
                _told(model.profile),
            )
            return mirrored(m, cls, reader)
    return None


def _told(text: str | None) -> KeyText | None:
    return None if text is None else KeyText.known(text)


def model_made(m: Machine, cls: ClassObj, args: Args) -> DocModel | None:
    """The typed object made of a fetched document; None when the arguments hold none."""
    configured = model_of(m, cls)
    if configured is not None:
        return configured
    given = [value for values in args.everything() for value in values if isinstance(value, Doc)]
    found = [*args.documents, *given]
    if not found or not any(ancestor.fields for ancestor in cls.ancestors):
        return None
    if given and not args.documents and members.class_attribute(m, cls, "__init__"):
        return None
    return mirrored(m, cls, found[0].reader)


def mirrored(m: Machine, cls: ClassObj, reader: Reader) -> DocModel:
    """A class mirrors a document: each field that is a flag's key declares it."""
    model = DocModel(reader, cls)
    if (cls, reader) in m.mirrors:
        return model
    m.mirrors.add((cls, reader))
    for ancestor in cls.ancestors:
        for name, declared_field in ancestor.fields.items():
            site = Site(ancestor.scope.path, declared_field.pos)
            for spelling in field_keys(cls, name, declared_field):
                text = literal(spelling, site)
                for match in m.reporter.matches(text, reader, Certainty.CERTAIN):
                    steps = (f"{cls.name}.{name} declares it in a model of the document",)
                    m.reporter.add(match.flag, site, ReferenceKind.DEFINE, match.certainty, steps)
    return model


def typed(m: Machine, values: Vals, types: Vals) -> None:
    """A fetched document is said to be a dict of a type: the type declares the keys it names."""
    for fetched in (value for value in values if isinstance(value, Doc)):
        for one in types:
            if isinstance(one, ClassObj) and members.derives_from(one, "TypedDict"):
                mirrored(m, one, fetched.reader)
            elif isinstance(one, Obj) and one.kind == "typed-dict":
                for text in _keys_of(one.data):
                    for match in m.reporter.matches(text, fetched.reader, Certainty.CERTAIN):
                        steps = ("a type of the document declares it",)
                        m.reporter.add(match.flag, text.at, ReferenceKind.DEFINE, match.certainty, steps)


def field_keys(cls: ClassObj, name: str, declared_field: tree.Declare | None) -> tuple[str, ...]:
    """The keys a field of a model can stand for: its alias, else its name and the usual spellings of it."""
    value = declared_field.value if declared_field is not None else None
    told = aliases(value)
    if told:
        return tuple(told)
    return (name, name.replace("_", "-"), _camel(name)) if _generates_aliases(cls) else (name,)


def aliases(value: tree.Expr | None) -> list[str]:
    """The names that a field's own declaration gives it."""
    if not isinstance(value, tree.Call):
        return []
    told = [arg.value for arg in value.args if arg.name in {"alias", "validation_alias", "name", "rename", "data_key"}]
    # ``AliasChoices`` gives several.
    several = [inner.value for one in told if isinstance(one, tree.Call) for inner in one.args]
    return [one.value for one in (*told, *several) if isinstance(one, tree.Str)]


def _generates_aliases(cls: ClassObj) -> bool:
    return any(
        isinstance(part, tree.Assign)
        and any(isinstance(target, tree.Name) and target.id == "model_config" for target in part.targets)
        for ancestor in cls.ancestors
        for part in ancestor.node.body
    ) or any("rename" in ancestor.options for ancestor in cls.ancestors)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def model_field(m: Machine, owner: DocModel, name: str, here: Here, site: Site) -> Vals:
    """An attribute of a typed document."""
    declared_field = next((a.fields[name] for a in owner.cls.ancestors if name in a.fields), None)
    for spelling in field_keys(owner.cls, name, declared_field):
        text = literal(spelling, site)
        if m.reporter.matches(text, owner.reader, Certainty.CERTAIN):
            return (ask(m, (text,), owner.reader, here, site, f"attribute of {owner.cls.name}"),)
    if declared_field is not None:
        return _nested_model(m, owner, declared_field)
    found = members.class_attribute(m, owner.cls, name)
    return union(*(_of_model(m, value, owner, here, site) for value in found)) or (Bound(Doc(owner.reader), name),)


def _nested_model(m: Machine, owner: DocModel, declared_field: tree.Declare) -> Vals:
    for value in members.annotated_classes(m, declared_field.annotation, owner.cls.scope):
        return (mirrored(m, value, owner.reader),)
    return (Doc(owner.reader),)


def _of_model(m: Machine, value: Value, owner: DocModel, here: Here, site: Site) -> Vals:
    if isinstance(value, FuncObj) and value.kind == "property":
        found = invoke.function(m, value, Args(site), here, site, owner=owner)
        m.note_uses(found, frozenset({site}), here, site)
        return found
    return (Method(value, owner),) if isinstance(value, FuncObj) else (value,)


def declared(m: Machine, cls: ClassObj, _here: Here) -> None:
    """A class was read: one that the configuration names declares its flags at once."""
    if m.options.models:
        model_of(m, cls)


def declared_document(m: Machine, value: Ref) -> bool:
    """Whether a mapping that is written out has the shape of a flag document; then its keys are declared."""
    if not isinstance(value.obj, MapObj) or not _may_declare(m, value.obj):
        return False
    found = _flag_shapes.shape_of(_outline(value.obj), root=True)
    if found is None:
        return False
    shape, halves = found
    for half in halves:
        for text in _keys_of((value,) if half is None else fold.entry((value,), half)):
            known = text.known
            for flag in m.reporter.flags.exact(known, shape.sure | shape.perhaps) if known and not text.tags else ():
                sure = flag.provider in shape.sure or flag.provider == "generic"
                certainty = Certainty.CERTAIN if sure else Certainty.POSSIBLE
                m.reporter.add(flag, text.at, ReferenceKind.DEFINE, certainty, (f"a key of {shape.name} in the code",))
    return True


def _may_declare(m: Machine, mapping: MapObj) -> bool:
    """Whether a mapping is worth a closer look: it holds a flag's key, or what flags stand under."""
    names = {text.known for keys, _ in mapping.items for text in fold.texts(keys)}
    return bool(names & _HALVES) or any(name is not None and m.reporter.flags.exact(name) for name in names)


_HALVES = frozenset({"flags", "values", "flagValues"})


def _outline(mapping: MapObj, depth: int = 5) -> dict[str, object]:
    """A mapping as plain data; what is not known counts as true."""
    return {
        text.known: _plain(entries, depth - 1)
        for keys, entries in mapping.items
        for text in fold.texts(keys)
        if text.known is not None
    }


def _plain(values: Vals, depth: int) -> object:
    value = values[0] if len(values) == 1 else None
    if isinstance(value, Ref) and isinstance(value.obj, MapObj):
        return _outline(value.obj, depth) if depth > 0 else {}
    if isinstance(value, Ref) and isinstance(value.obj, SeqObj):
        return []
    if isinstance(value, Const):
        return value.value
    text = fold.text_of(value) if value is not None else None
    return text.known if text is not None and text.known is not None else True


def _keys_of(values: Vals) -> list[Text]:
    return [
        text
        for value in values
        if isinstance(value, Ref) and isinstance(value.obj, MapObj)
        for keys, _ in value.obj.items
        for text in fold.texts(keys)
    ]


# Patterns


def matched(m: Machine, subject: Vals, pattern: tree.Case, here: Here) -> None:
    """A case is tried: keys of a mapping pattern are asked of the document, names are given what they capture."""
    if isinstance(pattern, tree.MatchMap):
        _matched_mapping(m, subject, pattern, here)
    elif isinstance(pattern, tree.MatchValue):
        values = m.eval(pattern.value, here)
        compared(m, "==", subject, values, here, here.site(pattern.pos))
    elif isinstance(pattern, tree.MatchItems):
        inner = subject if pattern.kind == "or" else members.elements(m, subject, here)
        for part in pattern.values:
            matched(m, inner, part, here)
    elif isinstance(pattern, tree.MatchClass):
        m.eval(pattern.cls, here)
        for name, part in pattern.named:
            matched(m, members.attribute(m, subject, name, here, here.site(pattern.pos)), part, here)
        for part in pattern.values:
            matched(m, subject, part, here)
    else:
        if pattern.pattern is not None:
            matched(m, subject, pattern.pattern, here)
        if pattern.name is not None:
            m.assign(tree.Name(pattern.pos, pattern.name), subject, here)


def _matched_mapping(m: Machine, subject: Vals, pattern: tree.MatchMap, here: Here) -> None:
    for key, part in pattern.items:
        keys = m.eval(key, here)
        site = here.site(key.pos)
        found = union(*(taken(m, owner, keys, here, site, None) for owner in subject)) or UNKNOWN
        matched(m, found, part, here)
    if pattern.rest is not None:
        m.assign(tree.Name(pattern.pos, pattern.rest), subject, here)


def written_keys(values: Vals) -> list[Text]:
    """Every key of a document that is about to be written."""
    found: list[Text] = []
    for value in values:
        if isinstance(value, Ref) and isinstance(value.obj, MapObj):
            for keys, entries in value.obj.items:
                found += [from_text for key in from_container(value, keys) if (from_text := fold.text_of(key))]
                found += written_keys(entries)
        elif isinstance(value, Ref) and isinstance(value.obj, SeqObj):
            for item in value.obj.items:
                found += written_keys(item)
    return found
