"""What known libraries give and ask for, told from names: clients, requests, documents, variables."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from auditor.domain.references import Certainty, FlagSpec, ReferenceKind
from auditor.domain.scan_options import Accessor, Returns
from scanners.flag_index import Reader, is_plain
from scanners.keytext import KeyText
from scanners.languages import _code
from scanners.languages import _code_tables as tables
from scanners.languages._agent import agent_url
from scanners.languages._cloudformation import named_in_arn, starred
from scanners.languages._findings import APPCONFIG, DYNAMODB, ENVIRONMENT, LAUNCHDARKLY, SSM
from scanners.languages._flag_documents import define_text
from scanners.languages._flag_shapes import Shape, shape_of
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
    texts,
    union,
)

if TYPE_CHECKING:
    from scanners.languages._follow import Follower

_BIND = ReferenceKind.BIND
_READ, _WRITE, _DEFINE = ReferenceKind.READ, ReferenceKind.WRITE, ReferenceKind.DEFINE
_ENVIRONMENTS = frozenset({("process", "env"), ("Bun", "env"), ("meta", "env"), ("Deno", "env")})
_ENVELOPE = 4
_PLACEHOLDER = re.compile(r"\$\{(?P<name>[^:}]+)(?::(?P<default>[^}]*))?\}")
_PROPERTIES = frozenset({"getProperty", "getRequiredProperty"})
_ENVIRONMENT = re.compile(r"env(?:ironment)?\b", re.IGNORECASE)
_OF_FLAGS = re.compile(r"flag|feature|toggle|experiment", re.IGNORECASE)
_CLIENT = re.compile(r"ld|launch|client|flag", re.IGNORECASE)
_BUILDS = re.compile(r"(?:with|set)?(?P<field>\w+)")
_OPERATION = re.compile(r"(?P<operation>[a-zA-Z]\w*?)(?:Async|Paginator|Pages|WithContext)?")


@dataclass(slots=True)
class Libraries:
    """Known names, asked by the follower of a file."""

    follower: Follower

    # Members

    def member(self, owner: Value, name: str, at: int) -> Vals:
        """``owner.name``."""
        if isinstance(owner, Thing):
            return self._thing_member(owner, name, at)
        if isinstance(owner, MapVal):
            return owner.get(name) or UNKNOWN
        if isinstance(owner, Instance):
            return self._instance_member(owner, name, at)
        if isinstance(owner, ClassVal):
            return owner.scope.names.get(name, UNKNOWN)
        if isinstance(owner, External):
            return self._external_member(owner, name)
        if isinstance(owner, FlagVal):
            return (owner,)
        return (owner,) if isinstance(owner, Unknown) else UNKNOWN

    def _thing_member(self, owner: Thing, name: str, at: int) -> Vals:
        if owner.kind == "environment":
            return self.follower.environment(Text(KeyText.known(name), at), ())
        if owner.kind == "document":
            return self._from_document(owner, (Text(KeyText.known(name), at),), at)
        return (owner,)

    def _instance_member(self, owner: Instance, name: str, at: int) -> Vals:
        document = next((value for value in owner.given if isinstance(value, Thing)), None)
        for field_name, key, _ in owner.cls.node.fields:
            if field_name == name and document is not None:
                return self._from_document(document, (Text(KeyText.known(key), at),), at)
        own = owner.fields.names.get(name) if owner.fields is not None else None
        held = own or owner.cls.scope.names.get(name)
        if held is not None:
            return held
        if not owner.given:
            return (Unknown(frozenset({id(owner.cls.node)})),)
        return tuple(value for value in owner.given if isinstance(value, Text)) or UNKNOWN

    def _external_member(self, owner: External, name: str) -> Vals:
        if (owner.name.rsplit(".", 1)[-1], name) in _ENVIRONMENTS:
            return (Thing("environment", ENVIRONMENT),)
        return (External(owner.module, f"{owner.name}.{name}"),)

    def entry(self, owner: Value, keys: Vals, at: int) -> Vals:
        """``owner[key]``."""
        if isinstance(owner, Thing) and owner.kind == "environment":
            return union(*(self.follower.environment(key, ()) for key in texts(keys)))
        if isinstance(owner, Thing) and (owner.kind == "document" or (owner.kind == "parameters" and texts(keys))):
            return self._from_document(owner, keys, at)
        if isinstance(owner, MapVal):
            return self._from_mapping(owner, keys)
        if isinstance(owner, ListVal):
            return union(*owner.items) or UNKNOWN
        if isinstance(owner, ClassVal):
            found = [owner.scope.names.get(key.key.text or "", ()) for key in texts(keys)]
            return union(*found) or UNKNOWN
        return (owner,) if isinstance(owner, FlagVal | Thing) else UNKNOWN

    def _from_mapping(self, owner: MapVal, keys: Vals) -> Vals:
        wanted = {key.key.text for key in texts(keys)}
        found = [
            values
            for held, values in owner.pairs
            if not wanted or None in wanted or any(key.key.text in wanted for key in texts(held))
        ]
        return union(*found) or UNKNOWN

    def _from_document(self, owner: Thing, keys: Vals, at: int) -> Vals:
        found: list[Value] = []
        for key in texts(keys):
            known = self._spelled(owner, key)
            if known.key.text is not None and not self.follower.findings.context.flags.read(known.key, owner.reader):
                found.append(owner)
                continue
            what = "taken from the flag document"
            found.append(self.follower.ask((known,), owner.reader, _READ, at, what))
        return tuple(found) or (owner,)

    def _spelled(self, owner: Thing, key: Text) -> Text:
        """A hook gives keys in camel case; the parameters of a path are told by what stands below it, too."""
        if owner.name.startswith("/") and not "".join(part or "" for part in key.key.parts).startswith("/"):
            return replace(key, key=KeyText.of([owner.name.rstrip("/") + "/", *key.key.parts]))
        if owner.name != "camel":
            return key
        for flag in self.follower.findings.context.flags.keys:
            if _camel(flag) == key.key.text:
                return replace(key, key=KeyText.known(flag))
        return key

    # Calls

    def call(self, func: Value, node: _code.Call, args: list[Vals]) -> Vals:
        """A call of a function that is not the file's."""
        name = func.name if isinstance(func, External) else _code.spoken(node.func)
        last = name.rsplit(".", 1)[-1]
        found = self._request(last, args, node)
        if found is None and isinstance(func, External):
            found = self._function(func, last, node, args)
        if found is not None:
            return found
        if node.new and self._configured_class(last):
            return self._configured_class(last)
        return self._anything(last, node, args, func.module if isinstance(func, External) else "")

    def _function(self, func: External, last: str, node: _code.Call, args: list[Vals]) -> Vals | None:
        if not func.module and func.name in tables.CONVERSIONS and len(args) == 1:
            return args[0]
        for (module, name), ask in tables.IMPORTED.items():
            if module in func.module and name == last:
                return self._asked(ask, node, args)
        found = self._opened(func, last, args)
        if found is not None:
            return found
        if node.new and _code.spoken(node.func).endswith("ssm.Parameter"):
            return self._declared("SsmParameter", args, node)
        if node.new and (last in tables.DECLARED or last in {tables.HOSTED, tables.STATEMENT}):
            return self._declared(last, args, node)
        if last in tables.METHODS and len(args) >= tables.METHODS[last].least:
            return self._asked(tables.METHODS[last], node, args)
        return self._configured(func.module, last, node, args, imported=bool(func.module))

    def _opened(self, func: External, last: str, args: list[Vals]) -> Vals | None:
        """Functions that give documents, modules and providers."""
        if last in {"useFlags", "useLDFlags"}:
            return (Thing("document", LAUNCHDARKLY, "camel"),)
        if last == f"paginate{tables.BY_PATH}":
            return self._operation(tables.BY_PATH, _code.Call(0, _code.Name(0, last), []), args)
        if "powertools" in func.module and last in _DOCUMENTS:
            where = _located(args[1:], ("application",), ("environment",), args[:1])
            return (_below(_taken(args, 0), "document") if last == "getParameters" else Thing("document", where),)
        if last == "require" and texts(_taken(args, 0)):
            return (External(texts(args[0])[0].key.text or "", "*"),)
        if last in tables.PROVIDERS:
            return (Thing("provider", SSM),)
        if last in tables.OTHER_PROVIDERS and "powertools" in func.module:
            where = _located(args, ("application",), ("environment",), ())
            return (Thing(tables.OTHER_PROVIDERS[last], where),)
        if last.startswith("@"):
            return self._annotated(last, args)
        return self._fetched(args) if last == "ssm" and "middy" in func.module else None

    def _annotated(self, name: str, args: list[Vals]) -> Vals | None:
        """Annotations that have a value injected."""
        keys = self._named_keys(args, ("key", "value")) or _taken(args, 0)
        if name in {"@Param", "@SSMParam"}:
            return (self.follower.ask(keys, SSM, _READ, 0, "a parameter is injected"),)
        if name == "@ConditionalOnProperty":
            self._conditional(args)
            return UNKNOWN
        if name != "@Value":
            return None
        for text in texts(keys):
            found = _PLACEHOLDER.fullmatch(text.key.text or "")
            if found is not None:
                given: Vals = (Text(KeyText.known(found["default"]), text.at),) if found["default"] is not None else ()
                self.follower.environment(replace(text, key=KeyText.known(found["name"])), given)
        return UNKNOWN

    def _conditional(self, args: list[Vals]) -> None:
        """``@ConditionalOnProperty(prefix = "shop", name = "new-ui")``."""
        keys = self._named_keys(args, ("name", "value")) or _taken(args, 0)
        prefixes = texts(self._named_keys(args, ("prefix",)))
        known = (prefixes[0].key.text or "").rstrip(".") if prefixes else ""
        for text in (one for key in keys for one in texts(key.items[0] if isinstance(key, ListVal) else (key,))):
            spelled = ".".join(part for part in (known, text.key.text) if part)
            self.follower.environment(replace(text, key=KeyText.known(spelled)), ())

    def _fetched(self, args: list[Vals]) -> Vals:
        for values in args[:1]:
            for value in values:
                fetched = value.get("fetchData") if isinstance(value, MapVal) else None
                for one in fetched or ():
                    for _, keys in one.pairs if isinstance(one, MapVal) else ():
                        self.follower.ask(keys, SSM, _READ, 0, "fetched by a middleware")
        return UNKNOWN

    def _declared(self, name: str, args: list[Vals], node: _code.Call) -> Vals:
        field, reader, kind = tables.DECLARED.get(name, ("", SSM, _DEFINE))
        for value in (one for values in args for one in values if isinstance(one, MapVal)):
            keys = value.get(field)
            if keys is not None:
                self.follower.ask(keys, reader, kind, node.at, f"{name} declares it")
            if name == tables.HOSTED:
                self._written(value.get("content") or (), _DEFINE)
            if name == tables.STATEMENT:
                self._permitted(value.get("resources") or ())
        return (Thing("construct"),)

    def _permitted(self, values: Vals) -> None:
        """The parameters that a permission names."""
        for value in values:
            for text in texts(tuple(one for item in value.items for one in item) if isinstance(value, ListVal) else ()):
                if ":parameter" in text.key.pattern:
                    key = starred(named_in_arn(text.key))
                    self.follower.ask((replace(text, key=key),), SSM, _DEFINE, text.at, "a permission names it")

    def method(self, owner: Value, name: str, node: _code.Call, args: list[Vals]) -> Vals:
        """A call of a method of an object that is not the file's."""
        if isinstance(owner, Text):
            found = self._of_text(owner, name, node, args)
        else:
            found = self._of_thing(owner, name, node, args) if isinstance(owner, Thing) else None
        if found is None and isinstance(owner, External):
            found = self._of_external(owner, name, node, args)
        if found is None and isinstance(owner, ListVal):
            found = self._of_list(owner, name, node, args)
        if found is None:
            found = self._by_name(owner, name, node, args)
        if found is None and isinstance(owner, External) and owner.module:
            return self.call(External(owner.module, f"{owner.name}.{name}"), node, args)
        if found is None and isinstance(owner, FlagVal):
            return (owner, *(self._then(owner, node, args) if name == "then" and args else ()))
        return found if found is not None else self._anything(name, node, args)

    def _of_text(self, owner: Text, name: str, node: _code.Call, args: list[Vals]) -> Vals | None:
        """A method of a text that makes another of it, or asks whether it is the same."""
        if name == "formatted":
            return _formatted(node.at, [(owner,), *args])
        if name in _SAME:
            things = [value for value in _taken(args, 0) if isinstance(value, Thing) and value.kind == "parameters"]
            return self._of_parameters(things[0], name, node, [(owner,)]) if things else None
        return (owner,) if name in tables.UNCHANGED and not args else None

    def _of_list(self, owner: ListVal, name: str, node: _code.Call, args: list[Vals]) -> Vals | None:
        if name == "join":
            return _separated(node.at, _taken(args, 0), list(owner.items))
        if name == "stream":
            return (owner,)
        if name not in tables.EACH:
            return None
        callbacks = [value for value in _taken(args, 0) if isinstance(value, FuncVal)]
        found = [self.follower.enter(call, ([item], [node.at]), node.at) for call in callbacks for item in owner.items]
        return (ListVal(tuple(found)),) if name in {"map", "flatMap"} else (owner,)

    def _of_thing(self, owner: Thing, name: str, node: _code.Call, args: list[Vals]) -> Vals | None:
        if owner.kind == "builder":
            return self._built(owner, name, node, args)
        if owner.kind == "environment":
            return union(*(self.follower.environment(key, _taken(args, 1)) for key in texts(_taken(args, 0))))
        if owner.kind == "document":
            return self._of_document(owner, name, node, args)
        if owner.kind == "documents":
            return self._of_documents(owner, name, args)
        if owner.kind == "parameters":
            return self._of_parameters(owner, name, node, args)
        if owner.kind == "another store":
            return UNKNOWN
        if owner.kind == "provider":
            return self._of_provider(owner, name, node, args)
        return (owner,) if owner.kind == "session" else None

    def _of_provider(self, owner: Thing, name: str, node: _code.Call, args: list[Vals]) -> Vals:
        if name == "set":
            return (self.follower.ask(_taken(args, 0), SSM, _WRITE, node.at, "a parameter provider sets it"),)
        if name == "get":
            return (self.follower.ask(_taken(args, 0), SSM, _READ, node.at, "a parameter provider is asked"),)
        return (owner,)

    def _of_documents(self, owner: Thing, name: str, args: list[Vals]) -> Vals:
        """A provider of documents of AppConfig, or one that is being built."""
        said = _told(_taken(args, 0))
        if name == "get":
            return (Thing("document", replace(owner.reader, profile=said)),)
        if name in {"withApplication", "withEnvironment"}:
            return (_placed(owner, name.removeprefix("with").lower(), args),)
        return (owner,)

    def _of_parameters(self, owner: Thing, name: str, node: _code.Call, args: list[Vals]) -> Vals:
        """The parameters of a path, one of them, or its name."""
        for value in _taken(args, 0) if name in tables.EACH or name == "then" else ():
            if isinstance(value, FuncVal):
                self.follower.enter(value, ([(owner,)] * max(1, len(value.node.params)), [node.at] * 9), node.at)
        if args and (name in tables.TAKES or name in _SAME):
            return self._from_document(owner, args[0], node.at) if texts(args[0]) else (owner,)
        return (owner,)

    def _of_document(self, owner: Thing, name: str, node: _code.Call, args: list[Vals]) -> Vals:
        if name == "then" and args:
            return self._then(owner, node, args)
        if name in tables.TAKES and args:
            keys = tuple(_pointed(key) for key in texts(args[0]))
            found = self._from_document(owner, keys, node.at)
            self.fall_back(found, _taken(args, 1))
            return found
        if name == "send" or not args:
            return (owner,)
        return self._anything(name, node, args) if name in tables.METHODS else (owner,)

    def _then(self, owner: Value, node: _code.Call, args: list[Vals]) -> Vals:
        """A promise's callback is given what was fetched."""
        found = [
            self.follower.enter(value, ([(owner,)], [node.at]), node.at)
            for value in args[0]
            if isinstance(value, FuncVal)
        ]
        return union(*found) or (owner,)

    def _built(self, owner: Thing, name: str, node: _code.Call, args: list[Vals]) -> Vals:
        if name == "build" or not args:
            if owner.name in tables.DOCUMENTS:
                return (Thing("document", owner.reader),)
            return (owner,)
        fields = _BUILDS.fullmatch(name)
        field = (fields["field"] if fields else name).lower()
        wanted, kind = tables.REQUESTS.get(owner.name, ("", _READ))
        if owner.name in tables.DECLARED:
            wanted, _, kind = tables.DECLARED[owner.name]
        if field == wanted.lower():
            every = tuple(value for values in args for value in values)
            asked = self.follower.ask(every, SSM, kind, node.at, f"{owner.name} of Parameter Store")
            return (owner, asked) if kind is _READ else (owner,)
        if owner.name in tables.ITEMS and field in {"key", "item", "expressionattributevalues"}:
            self._items(args[0], tables.ITEMS[owner.name], node.at)
        return (_placed(owner, field, args),)

    def _of_external(self, owner: External, name: str, node: _code.Call, args: list[Vals]) -> Vals | None:
        last = owner.name.rsplit(".", 1)[-1]
        if (last, name) == ("System", "getenv") and not args:
            return (Thing("environment", ENVIRONMENT),)
        variable = tables.VARIABLES.get((last, name))
        if variable is not None and args:
            default = _taken(args, variable[1]) if variable[1] is not None else ()
            return union(*(self.follower.environment(key, default) for key in texts(args[0])))
        if (last, name) in tables.SET_VARIABLES:
            self.follower.ask(_taken(args, 0), ENVIRONMENT, _WRITE, node.at, "an environment variable is set")
            return UNKNOWN
        if last in tables.PROVIDERS and name in {"getSsmProvider", "builder", "create"}:
            return (Thing("provider", SSM),)
        if last in tables.OTHER_PROVIDERS and name in {"builder", "create"}:
            return (Thing(tables.OTHER_PROVIDERS[last], APPCONFIG),)
        if name == "builder" and not args:
            return self._builder(last)
        if name == "create" and owner.name.removesuffix(".Builder") in tables.DECLARED:
            return (Thing("builder", SSM, owner.name.removesuffix(".Builder")),)
        return self._text_function(last, name, node, args) if args else None

    def _text_function(self, last: str, name: str, node: _code.Call, args: list[Vals]) -> Vals | None:
        """Functions of standard libraries that make texts and lists."""
        if name in tables.ENCODES and (last in _ENCODERS or name == "fromUtf8String"):
            return args[0]
        if name in {"String", "StringSlice", "Ptr", "of", "asList", "String_", "ToString", "Jsii"}:
            return args[0] if len(args) == 1 else (ListVal(tuple(args)),)
        if last == "Object" and name in {"freeze", "seal", "assign", "entries"}:
            return args[-1]
        if last == "Object" and name in {"keys", "values"}:
            pairs = [pair for value in args[0] if isinstance(value, MapVal) for pair in value.pairs]
            return (ListVal(tuple(keys if name == "keys" else held for keys, held in pairs)),) if pairs else args[0]
        if name in {"Sprintf", "format"}:
            return _formatted(node.at, args)
        if name in {"Join", "join"}:
            return self._joined_by(last, node.at, args)
        if name in {"Unmarshal", "NewDecoder"}:
            return UNKNOWN if name == "Unmarshal" else args[0]
        return None

    def _joined_by(self, owner: str, at: int, args: list[Vals]) -> Vals | None:
        """``strings.Join(list, separator)``, ``String.join(separator, a, b)``, ``path.join(a, b)``."""
        slash: Vals = (Text(KeyText.known("/"), at),)
        if owner == "strings" and len(args) > 1:
            items = [item for value in args[0] if isinstance(value, ListVal) for item in value.items]
            return _separated(at, args[1], items)
        if owner == "String":
            return _separated(at, args[0], args[1:])
        return _separated(at, slash, args) if owner in {"path", "posix"} else None

    def _builder(self, request: str) -> Vals | None:
        found = tables.REQUEST.fullmatch(request)
        operation = found["operation"] if found is not None else ""
        known = operation in tables.REQUESTS or operation in tables.DOCUMENTS or operation in tables.ITEMS
        if known or operation == tables.SESSION:
            return (Thing("builder", tables.DOCUMENTS.get(operation, Reader()), operation),)
        return None

    def _by_name(self, owner: Value, name: str, node: _code.Call, args: list[Vals]) -> Vals | None:
        """Methods whose names say enough whatever they are called on."""
        operation = _OPERATION.fullmatch(name)
        if operation is not None:
            found = self._operation(operation["operation"], node, args)
            if found is not None:
                return found
        if name in tables.LOOKED_UP and len(args) > tables.LOOKED_UP[name]:
            keys = args[tables.LOOKED_UP[name]]
            return (self.follower.ask(keys, SSM, _READ, node.at, f"{name} looks it up"),)
        if name in _PROPERTIES and _ENVIRONMENT.search(_code.spoken(node.func)) and args:
            default = args[-1] if len(args) > 1 and name == "getProperty" else ()
            return union(*(self.follower.environment(key, default) for key in texts(args[0])))
        ask = tables.METHODS.get(name)
        if name in tables.SHORT and (ask is None or len(args) < 3):  # noqa: PLR2004 - key, context and fallback
            ask = tables.SHORT[name]
        if ask is not None and len(args) >= ask.least:
            return self._asked(ask, node, args)
        if name in {"allFlags", "allFlagsState", "allValues", "toJSON"} and not isinstance(owner, MapVal):
            return (Thing("document", LAUNCHDARKLY),)
        module = owner.module if isinstance(owner, External) else ""
        return self._configured(module or _path(owner), name, node, args, imported=bool(module))

    def _operation(self, name: str, node: _code.Call, args: list[Vals]) -> Vals | None:
        """``ssm.getParameter({Name})``, or with a request or the building of one."""
        operation = name[:1].upper() + name[1:]
        if operation == tables.BY_PATH and args:
            given = next((one.get("Path") for values in args for one in values if isinstance(one, MapVal)), None)
            return (_below(given or (), "parameters"),)
        if operation not in tables.REQUESTS and operation not in tables.DOCUMENTS and operation not in tables.ITEMS:
            return self._session(operation, args)
        found: list[Vals] = []
        for value in (one for values in args for one in values):
            if isinstance(value, FuncVal):
                if name not in _BARE:
                    found.append(self._filled_in(value, operation, node.at))
            elif isinstance(value, Thing | FlagVal):
                found.append((value,))
            elif isinstance(value, MapVal):
                found.append(self._fields(operation, value, node) or ())
        return tuple(_answered(value, operation) for value in union(*found)) or None

    def _filled_in(self, consumer: FuncVal, operation: str, at: int) -> Vals:
        """A function is handed the request that it fills in."""
        built = Thing("builder", tables.DOCUMENTS.get(operation, Reader()), operation)
        return self.follower.enter(consumer, ([(built,)], [at]), at)

    def _session(self, operation: str, args: list[Vals]) -> Vals | None:
        if operation != tables.SESSION:
            return None
        for values in args:
            for value in values:
                built = self._filled_in(value, operation, 0) if isinstance(value, FuncVal) else (value,)
                for one in built:
                    if isinstance(one, Thing):
                        return (Thing("session", one.reader),)
        return (Thing("session", _located(args, *tables.PLACES)),)

    def _request(self, name: str, args: list[Vals], node: _code.Call) -> Vals | None:
        """``new GetParameterCommand({Name})``."""
        found = tables.REQUEST.fullmatch(name)
        if found is None:
            return None
        operation = found["operation"]
        if operation == tables.SESSION:
            return (Thing("session", _located(args, *tables.PLACES)),)
        if operation == tables.BY_PATH:
            return self._operation(operation, node, args)
        for values in args:
            for value in values:
                if isinstance(value, MapVal):
                    return self._fields(operation, value, node)
        if name.endswith("Request") and node.new and self._builder(name) is not None:
            return self._builder(name)
        return None

    def literal(self, node: _code.Obj, made: MapVal) -> Vals | None:
        """``ssm.GetParameterInput{Name: ...}``, or an object of a class of the file."""
        found = tables.REQUEST.fullmatch(node.type.rsplit(".", 1)[-1]) if node.type else None
        if found is None:
            return self._object(node, made)
        if found["operation"] == tables.SESSION:
            return (Thing("session", _located([(made,)], *tables.PLACES)),)
        if found["operation"] == tables.BY_PATH:
            return (_below(made.get("Path") or (), "parameters"),)
        call = _code.Call(node.at, _code.Name(node.at, node.type), [])
        return self._fields(found["operation"], made, call)

    def _object(self, node: _code.Obj, made: MapVal) -> Vals | None:
        """An object of a class of the file, its fields filled where it is written out."""
        cls = self.follower.classes.get(node.type.strip("*&"))
        if cls is None:
            return None
        fields = Scope(cls.scope)
        for keys, values in made.pairs:
            for text in texts(keys):
                if text.key.text is not None:
                    fields.names[text.key.text] = values
        given = tuple(value for _, values in made.pairs for value in values)
        self.follower.built(cls, given)
        return (Instance(cls, given, fields),)

    def _fields(self, operation: str, given: MapVal, node: _code.Call) -> Vals | None:
        if operation in tables.REQUESTS:
            field, kind = tables.REQUESTS[operation]
            keys = given.get(field)
            if keys is None:
                return None
            asked = self.follower.ask(keys, SSM, kind, node.at, f"{operation} of Parameter Store")
            return (asked,) if kind is _READ else UNKNOWN
        if operation in tables.WRITTEN:
            self._written(given.get("Content") or ())
            return UNKNOWN
        if operation in tables.ITEMS and given.get("TableName") is not None:
            return self._item(operation, given, node.at)
        if operation in tables.DOCUMENTS:
            return (Thing("document", self._document_reader(operation, given)),)
        return None

    def _document_reader(self, operation: str, given: MapVal) -> Reader:
        for value in given.get("ConfigurationToken") or ():
            if isinstance(value, Thing):
                return value.reader
        if operation in {"GetLatestConfiguration", "GetObject"}:
            return tables.DOCUMENTS[operation]
        return _located([(given,)], *tables.PLACES)

    def _item(self, operation: str, given: MapVal, at: int) -> Vals | None:
        kind = tables.ITEMS[operation]
        known = self.follower.findings.context.options.tables
        asked = {text.key.text for text in texts(given.get("TableName") or ())} - {None}
        if known and asked and asked.isdisjoint(known):
            return None
        for name in tables.ITEM_FIELDS:
            self._items(given.get(name) or (), kind, at)
        return (Thing("document", DYNAMODB),) if kind is _READ else UNKNOWN

    def _items(self, values: Vals, kind: ReferenceKind, at: int) -> None:
        for value in values:
            if isinstance(value, Text) and self.follower.findings.context.flags.read(value.key, DYNAMODB):
                self.follower.ask((value,), DYNAMODB, kind, at, "an item of a table")
            elif isinstance(value, MapVal):
                for _, held in value.pairs:
                    self._items(held, kind, at)
            elif isinstance(value, ListVal):
                self._items(tuple(one for item in value.items for one in item), kind, at)

    def _written(self, values: Vals, kind: ReferenceKind = _WRITE) -> None:
        """The keys of a flag document that is being written or declared."""
        for value in values:
            if isinstance(value, MapVal):
                self._document_keys(value, kind, _ENVELOPE, root=True)

    def _document_keys(self, value: MapVal, kind: ReferenceKind, depth: int, *, root: bool) -> None:
        found = shape_of(_plain(value), root=root)
        for keys, held in value.pairs:
            inner = [one for one in held if isinstance(one, MapVal)]
            if found is None and depth:
                for one in inner:
                    self._document_keys(one, kind, depth - 1, root=False)
            elif found is not None and found[1] == (None,):
                self._keys(keys, found[0], kind)
            elif found is not None and any(key.key.text in found[1] for key in texts(keys)):
                for one in inner:
                    self._keys(tuple(key for below, _ in one.pairs for key in below), found[0], kind)

    def _keys(self, keys: Vals, shape: Shape, kind: ReferenceKind) -> None:
        for key in texts(keys):
            if key.key.text is not None:
                define_text(self.follower.findings, key.key.text, key.at, shape, kind)

    # Anything else

    def _asked(self, ask: tables.Ask, node: _code.Call, args: list[Vals]) -> Vals:
        default = _taken(args, ask.default) if ask.default is not None else ()
        keys = _taken(args, ask.key)
        for value in keys:
            if isinstance(value, MapVal):
                keys = tuple(key for held, _ in value.pairs for key in held)
        spoken = _code.spoken(node.func)
        doubtful = ask in tables.SHORT.values() and len(args) == 1 and not _CLIENT.search(spoken)
        certainty = Certainty.POSSIBLE if doubtful else Certainty.CERTAIN
        asked = self.follower.ask(keys, ask.reader, ask.kind, node.at, ask.what, default, certainty)
        if ask in tables.AMBIGUOUS and not asked.reads:
            self.handed(spoken, keys)
        return (asked,)

    def _configured(self, module: str, name: str, node: _code.Call, args: list[Vals], *, imported: bool) -> Vals | None:
        """A reader that the configuration names."""
        named = [
            (_told_by(accessor, module), accessor)
            for accessor in self.follower.findings.context.options.accessors
            if accessor.callable.replace("/", ".").rsplit(".", 1)[-1] == name
        ]
        if not named:
            return None
        told, accessor = max(named, key=lambda one: one[0])
        if imported and not told and not module.startswith((".", "@/", "~", "/")):
            return None  # another package's function of that name
        if accessor.returns is Returns.DOCUMENT:
            return (Thing("document", _accessor_reader(accessor)),)
        position = next((key for key in accessor.key if isinstance(key, int)), 0)
        default = next((key for key in accessor.default if isinstance(key, int)), None)
        certainty = Certainty.CERTAIN if told else Certainty.POSSIBLE
        given = _taken(args, default) if default is not None else ()
        keys = self._named_keys(args, accessor.key) or _taken(args, position)
        reader = _accessor_reader(accessor)
        return (self.follower.ask(keys, reader, _READ, node.at, accessor.callable, given, certainty),)

    def _configured_class(self, name: str) -> Vals:
        """An object of a class whose method the configuration names as a reader."""
        for accessor in self.follower.findings.context.options.accessors:
            *module, owner, _ = ["", *accessor.callable.replace("/", ".").split(".")]
            if name and owner == name:
                return (External(".".join([*module, owner]).strip("."), owner),)
        return ()

    def _named_keys(self, args: list[Vals], wanted: tuple[int | str, ...]) -> Vals:
        names = [name for name in wanted if isinstance(name, str)]
        given = [value for values in args for value in values if isinstance(value, MapVal)]
        return next((held for name in names for value in given if (held := value.get(name))), ())

    def _anything(self, name: str, node: _code.Call, args: list[Vals], module: str = "") -> Vals:
        """A call of something nobody knows: URLs, documents handed on, keys that it may read."""
        url = self._url(node, args)
        if url is not None:
            return url
        kept = tuple(value for values in args for value in values if _goes_on(value))
        if kept:
            return tuple(map(_by_names, kept)) if name == "fromEntries" else kept
        if (name == "stringify" or (name in tables.ENCODES and len(args) == 1)) and args:
            return args[0]
        if _OF_FLAGS.search(module) or not tables.SILENT.match(name):
            told = f"{name} {module}" if _OF_FLAGS.search(module) else name
            for expression, values in zip(node.args, args, strict=False):
                named = isinstance(expression, _code.Name | _code.Member)
                self.handed(f"{_code.spoken(node.func)} {told}", tuple(texts(values)) if named else values)
        return UNKNOWN

    def _url(self, node: _code.Call, args: list[Vals]) -> Vals | None:
        for values in args:
            for text in texts(values):
                url = agent_url(text.key.parts)
                if url is None:
                    continue
                if not url.keys:
                    return (Thing("document", url.reader),)
                keys = tuple(replace(text, key=key) for key in url.keys)
                return (self.follower.ask(keys, url.reader, _READ, node.at, "asked of the AppConfig agent"),)
        return None

    def handed(self, name: str, values: Vals) -> None:
        """A whole key is handed to something that may read it, or taken from it."""
        if name.rsplit(".", 1)[-1].split(" ", 1)[0] in _SETS_VARIABLE:
            self._variables_set(values)
            return
        for value in values:
            if isinstance(value, Text):
                self._handed_text(name, value)
            elif isinstance(value, ListVal):
                self.handed(name, tuple(one for item in value.items for one in item))
            elif isinstance(value, MapVal):
                for keys, held in value.pairs:
                    if any(text.key.text in _VARIABLES for text in texts(keys)):
                        self._variables_set(held)
                    else:
                        self.handed(name, held)

    def _variables_set(self, values: Vals) -> None:
        """Environment variables are given values, partly known ones too."""
        self.follower.bind(values, "an environment variable")
        inner = [one for value in values if isinstance(value, MapVal) for _, held in value.pairs for one in held]
        for text in texts((*values, *inner)):
            if text.key.text is None and text.key.pattern.startswith("/"):
                self._perhaps(text, _BIND, "an environment variable")

    def _perhaps(self, text: Text, kind: ReferenceKind, step: str) -> None:
        """A partly known key: each flag that it can be."""
        for flag in self.follower.findings.context.flags.matching(text.key):
            steps = (step, *text.trail, f"key like {text.key.pattern!r}")
            self.follower.findings.add(flag, kind, text.place, *steps, certainty=Certainty.POSSIBLE)

    def _handed_text(self, name: str, text: Text) -> None:
        known = text.key.text
        if known is None and text.key.pattern.startswith("/") and tables.TELLING.search(name):
            self._perhaps(text, _READ, f"handed to {name.split(' ', maxsplit=1)[0]}, which is not known")
        if known is None or (not known.startswith("/") and not tables.TELLING.search(name)):
            return
        if is_plain(known) and not re.search(r"flag|feature|toggle|variation|variant", name, re.IGNORECASE):
            return
        flags = self.follower.findings.context.flags.exact(known)
        for flag in flags:
            step = f"handed to {name.split(' ', maxsplit=1)[0] or 'something'}, which is not known"
            self.follower.findings.add(
                flag, _READ, text.place, step, *text.trail, f"key {known!r}", certainty=Certainty.POSSIBLE
            )

    def fall_back(self, values: Vals, default: Vals) -> None:
        """What was read falls back to a value."""
        plain = next(((one.value,) for one in default if isinstance(one, Plain)), None)
        said = next(((one.key.text,) for one in default if isinstance(one, Text) and one.key.text), plain)
        if said is None:
            return
        references = self.follower.findings.references
        for value in values:
            for flag, kind, place in value.reads if isinstance(value, FlagVal) else ():
                held = references.get((flag, place, kind))
                if held is not None and held.default is None:
                    self.follower.findings.add(
                        flag, kind, place, *held.resolution, certainty=held.certainty, default=said
                    )

    def sure(self, flag: FlagSpec, place: int) -> Certainty:
        """How sure the reference at a place is."""
        held = [one for key, one in self.follower.findings.references.items() if key[0] == flag and key[1] == place]
        sure = any(one.certainty is Certainty.CERTAIN for one in held)
        return Certainty.CERTAIN if sure else Certainty.POSSIBLE

    def knows(self, name: str) -> bool:
        """Whether a method's name is that of a known library's."""
        operation = name[:1].upper() + name[1:]
        return name in tables.METHODS or operation in tables.REQUESTS or operation in tables.DOCUMENTS

    def mirrored(self, values: Vals, type_name: str) -> Vals:
        """A document that is decoded into a struct of the file: its tags declare flags, its fields ask for them."""
        cls = self.follower.classes.get(type_name.lstrip("*"))
        if cls is None or not cls.node.fields:
            return values
        found: list[Value] = []
        for value in values:
            if isinstance(value, Thing) and value.kind == "document":
                for _, key, at in cls.node.fields:
                    text = Text(KeyText.known(key), at)
                    self.follower.ask((text,), value.reader, _DEFINE, at, f"a field of {cls.node.name} declares it")
                found.append(Instance(cls, (value,), Scope(cls.scope)))
            else:
                found.append(value)
        return tuple(found)

    def typed(self, type_name: str) -> Vals:
        """The value of a name that is declared with a type only."""
        if type_name in tables.PROVIDERS:
            return (Thing("provider", SSM),)
        configured = self._configured_class(type_name.strip("*"))
        if configured:
            return configured
        known = self.follower.classes.get(type_name.strip("*"))
        return UNKNOWN if known is None else (Instance(known),)

    def written(self, target: object, scope: Scope) -> None:
        """An environment variable is given a value by the program."""
        if isinstance(target, _code.Member | _code.Index) and not isinstance(target.owner, _code.Name):
            owners = self.follower.value(target.owner, scope)
            if any(isinstance(owner, Thing) and owner.kind == "environment" for owner in owners):
                at = target.name_at if isinstance(target, _code.Member) else target.key.at
                keys = (
                    (Text(KeyText.known(target.name), at),)
                    if isinstance(target, _code.Member)
                    else self.follower.value(target.key, scope)
                )
                self.follower.ask(keys, ENVIRONMENT, _WRITE, at, "an environment variable is set")


_DOCUMENTS = frozenset({"getAppConfig", "getParameters"})
# Names of requests that are also those of much else.
_BARE = frozenset({"get", "put", "update", "delete", "query"})
_SAME = frozenset({"equals", "equalsIgnoreCase"})
_HANDED_ON = frozenset({"document", "session", "parameters"})
_ENCODERS = frozenset({"Buffer", "SdkBytes", "strings", "bytes", "TextEncoder"})
# How infrastructure code gives a function or a container its environment variables.
_VARIABLES = frozenset({"environment", "environmentVariables"})
_SETS_VARIABLE = frozenset({"addEnvironment"})


def _answered(value: Value, operation: str) -> Value:
    """What a request is answered with."""
    if isinstance(value, Thing) and value.kind == "builder" and operation in tables.DOCUMENTS:
        return Thing("document", value.reader)
    return value


def _goes_on(value: Value) -> bool:
    """Whether a call that takes this gives it on in another form."""
    return isinstance(value, FlagVal) or (isinstance(value, Thing) and value.kind in _HANDED_ON)


def _by_names(value: Value) -> Value:
    """A mapping of the parameters of a path by their names."""
    return replace(value, kind="document") if isinstance(value, Thing) and value.kind == "parameters" else value


def _below(path: Vals, kind: str) -> Thing:
    """The parameters below a path, as far as it is known."""
    told = _told(path)
    return Thing(kind, SSM, (told.text or "") if told is not None else "")


def _taken(args: list[Vals], position: int) -> Vals:
    return args[position] if 0 <= position < len(args) else ()


def _told_by(accessor: Accessor, module: str) -> bool:
    """Whether what a call is made on belongs to the configured reader's module or class."""
    path = accessor.callable.replace("/", ".").split(".")[:-1]
    return not path or any(part and part in module for part in path)


def _accessor_reader(accessor: Accessor) -> Reader:
    providers = frozenset({accessor.provider}) if accessor.provider else frozenset[str]()
    places = (accessor.application, accessor.environment, accessor.profile)
    return Reader(providers, frozenset(), *(None if place is None else KeyText.known(place) for place in places))


def _told(values: Vals) -> KeyText | None:
    found = texts(values)
    return found[0].key if len(found) == 1 == len(values) else None


def _located(args: list[Vals], *places: tuple[str, ...] | list[Vals]) -> Reader:
    """The reader of the AppConfig profile that a call names by fields."""
    told: list[KeyText | None] = []
    for names in places:
        if isinstance(names, list):
            told.append(_told(_taken(names, 0)))
            continue
        found: KeyText | None = None
        for values in args:
            for value in values:
                for name in names:
                    if found is None and isinstance(value, MapVal):
                        found = _told(value.get(name) or ())
        told.append(found)
    return Reader(APPCONFIG.providers, frozenset(), *told)


def _placed(owner: Thing, field: str, args: list[Vals]) -> Thing:
    """A request that is told where its document is."""
    said = _told(args[0])
    reader = owner.reader if owner.reader.providers else APPCONFIG
    if field == "configurationtoken":
        token = next((value for value in args[0] if isinstance(value, Thing)), None)
        return replace(owner, reader=token.reader) if token is not None else owner
    if field in {"applicationidentifier", "application"}:
        return replace(owner, reader=replace(reader, application=said))
    if field in {"environmentidentifier", "environment"}:
        return replace(owner, reader=replace(reader, environment=said))
    if field in {"configurationprofileidentifier", "configuration"}:
        return replace(owner, reader=replace(reader, profile=said))
    return owner


def _camel(key: str) -> str:
    first, *rest = re.split(r"[-_. ]+", key)
    return first[:1].lower() + first[1:] + "".join(part[:1].upper() + part[1:] for part in rest)


def _pointed(key: Text) -> Text:
    """The first step of a JSON Pointer."""
    known = key.key.text
    if known is None or not known.startswith("/"):
        return key
    return replace(key, key=KeyText.known(known[1:].split("/", 1)[0]))


def _separated(at: int, separator: Vals, items: list[Vals]) -> Vals:
    choices: list[Value] = []
    for number, values in enumerate(items):
        if number:
            choices.append(separator[0] if len(separator) == 1 else Unknown())
        choices.append(values[0] if len(values) == 1 else Unknown())
    return (joined(at, choices),)


_VERB = re.compile(r"%[+#]?[vsdq]")


def _formatted(at: int, args: list[Vals]) -> Vals:
    found: list[Value] = []
    for template in texts(args[0]):
        known = template.key.text
        if known is None:
            continue
        choices: list[Vals] = []
        position = 0
        for number, verb in enumerate(_VERB.finditer(known), start=1):
            choices += [(Text(KeyText.known(known[position : verb.start()]), at),), _taken(args, number) or UNKNOWN]
            position = verb.end()
        choices.append((Text(KeyText.known(known[position:]), at),))
        found.append(joined(at, [values[0] if len(values) == 1 else Unknown() for values in choices]))
    return tuple(found) or UNKNOWN


def _path(owner: Value) -> str:
    if isinstance(owner, External):
        return owner.name
    return owner.cls.node.name if isinstance(owner, Instance) else ""


def _plain(value: Value) -> object:
    if isinstance(value, MapVal):
        return {
            key.key.text: _plain(held[0]) if len(held) == 1 else None
            for keys, held in value.pairs
            for key in texts(keys)
            if key.key.text is not None
        }
    if isinstance(value, ListVal):
        return []
    return value.value if isinstance(value, Plain) else value.key.text if isinstance(value, Text) else None
