"""Calls of libraries' functions and objects that ask for flags, or lead to what does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from auditor.domain.references import ReferenceKind
from scanners.flag_index import Reader
from scanners.languages.python import documents, execute, fold, invoke, members
from scanners.languages.python.arguments import Args
from scanners.languages.python.readers import aws, commands, objects, options, settings, tables
from scanners.languages.python.values import (
    UNKNOWN,
    Bound,
    ClassObj,
    Doc,
    FuncObj,
    MapObj,
    Method,
    Obj,
    Ref,
    SeqObj,
    Site,
    Unknown,
    Vals,
    literal,
    union,
)

if TYPE_CHECKING:
    from scanners.languages.python.machine import Here, Machine

Handler = Callable[["Machine", Args, "Here", Site], Vals]
_CLIENT_ROOTS = frozenset({"boto3", "aioboto3", "aiobotocore", "botocore"})
_READ, _DEFINE = ReferenceKind.READ, ReferenceKind.DEFINE


def called(m: Machine, name: str, args: Args, here: Here, site: Site) -> Vals | None:
    """What a call of a library's function or class gives; None when it is not known."""
    root, last = name.split(".", 1)[0], name.rsplit(".", 1)[-1]
    if root in _CLIENT_ROOTS and last in {"client", "resource", "create_client"}:
        return aws.client(args, resource=last == "resource")
    if root == "aws_lambda_powertools":
        return _powertools(m, last, args, here, site)
    handler = _FUNCTIONS.get((root, last)) or _FUNCTIONS.get((name, ""))
    return None if handler is None else handler(m, args, here, site)


def _powertools(m: Machine, last: str, args: Args, here: Here, site: Site) -> Vals | None:
    known = tables.FUNCTIONS.get(last)
    if known is not None:
        return aws.asked(m, known[1], known[0], args, here, site)
    if last == "AppConfigStore":
        reader = _located(args, (1, "application"), (0, "environment"), (2, "name"))
        return (Obj("appconfig-store", reader),)
    if last == "AppConfigProvider":
        return (Obj("appconfig-provider", _located(args, (1, "application"), (0, "environment"), ("",))),)
    if last == "get_app_config":
        return (Doc(_located(args, (2, "application"), (1, "environment"), (0, "name"))),)
    if last == "FeatureFlags":
        stores = [value for value in args.take(0, "store") or () if isinstance(value, Obj)]
        readers = [store.reader for store in stores if store.reader.providers]
        return tuple(Obj("features", reader) for reader in readers) or (Obj("features", tables.APPCONFIG),)
    return None


def _located(
    args: Args, application: tuple[int | str, ...], environment: tuple[int | str, ...], profile: tuple[int | str, ...]
) -> Reader:
    return Reader(
        frozenset({"appconfig"}),
        frozenset(),
        aws.told(args.take(*application)),
        aws.told(args.take(*environment)),
        aws.told(args.take(*profile)),
    )


def _made(kind: str, reader: Reader) -> Handler:
    def handler(m: Machine, args: Args, here: Here, site: Site) -> Vals:
        return (Obj(kind, reader),)

    return handler


def _declaring(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    """An environment of which the variables are declared by keyword, each with its type and, mostly, a fallback."""
    declared = MapObj([((literal(name, site),), values) for name, values in args.named.items()])
    return (Obj("env", settings.ENVIRONMENT, (Ref(declared),)),)


def _parameter_object(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    keys = m.binding(args.take(0, "param_name") or (), "a parameter object")
    return tuple(Obj("ssm-parameter", tables.SSM, (text,)) for text in fold.texts(keys)) or UNKNOWN


def _parameter_group(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    return (Obj("ssm-group", tables.SSM, args.take("base_path") or ()),)


def _of_group(m: Machine, owner: Obj, name: str, args: Args, here: Here, site: Site) -> Vals | None:
    if name != "parameter":
        return UNKNOWN
    keys = args.take(0, "path", "param_name") or ()
    if owner.data:
        keys = tuple(
            text.moved(one.at) for one in fold.texts(keys) for text in fold.combined((owner.data, (one,)), site)
        )
    bound = m.binding(keys, "a parameter object of a group")
    return tuple(Obj("ssm-parameter", tables.SSM, (text,)) for text in fold.texts(bound)) or UNKNOWN


def _condition(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    return (Obj("condition"),)


def _variable(*default: int | str) -> Handler:
    def handler(m: Machine, args: Args, here: Here, site: Site) -> Vals:
        return settings.read(m, args.take(0, "key", "name", "option") or (), here, site, args.take(*default))

    return handler


def _infrastructure(kind: ReferenceKind, *places: int | str) -> Handler:
    """A construct of an infrastructure toolkit that declares or reads a parameter."""

    def handler(m: Machine, args: Args, here: Here, site: Site) -> Vals:
        keys = args.take(*places) or ()
        found = documents.ask(m, tuple(fold.texts(keys)), tables.SSM, here, site, "infrastructure code", None, kind)
        return (found,) if kind is _READ else (Unknown(),)

    return handler


def _hosted(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    for text in documents.written_keys(args.given("content") or ()):
        documents.ask(m, (text,), tables.APPCONFIG, here, site, "infrastructure code", None, _DEFINE)
    return (Unknown(),)


def _statement(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    """A permission names the parameters it is about."""
    keys = aws.each(args.given("resources") or (), site)
    texts = tuple(text for text in fold.texts(keys) if text.key.text is not None)
    documents.ask(m, texts, tables.SSM, here, site, "a permission names it", None, _DEFINE)
    return (Unknown(),)


def variables_set(m: Machine, environment: Vals) -> None:
    """A function or container of an infrastructure toolkit is given its environment variables."""
    for value in environment:
        for _, values in value.obj.items if isinstance(value, Ref) and isinstance(value.obj, MapObj) else ():
            m.binding(values, "an environment variable")


def _dynaconf(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    """Settings that come of variables behind a prefix, or of none where that is turned off."""
    return (Obj("settings", settings.ENVIRONMENT, args.take("envvar_prefix") or ()),)


def _provided(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    """A provider of a container makes an object whenever it is asked, of what other providers make."""
    values = [_supplied(values) for values in args.values[1:]]
    named = {name: _supplied(values) for name, values in args.named.items()}
    made = invoke.call(m, args.take(0) or (), Args(site, values, named), here, site)
    return (Obj("provider", data=made),)


def _supplied(values: Vals) -> Vals:
    return union(*(value.data if isinstance(value, Obj) and value.kind == "provider" else (value,) for value in values))


def _dumped(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    return args.take(0) or UNKNOWN


_FUNCTIONS: dict[tuple[str, str], Handler] = {
    ("boto3", "Session"): _made("session", Reader()),
    ("boto3", "get_session"): _made("session", Reader()),
    ("aioboto3", "Session"): _made("session", Reader()),
    ("aiobotocore", "get_session"): _made("session", Reader()),
    ("botocore", "get_session"): _made("session", Reader()),
    ("boto3", "Key"): _condition,
    ("boto3", "Attr"): _condition,
    ("openfeature", "get_client"): _made("openfeature", tables.OPENFEATURE),
    ("openfeature", "OpenFeatureClient"): _made("openfeature", tables.OPENFEATURE),
    ("ldclient", "get"): _made("launchdarkly", tables.LAUNCHDARKLY),
    ("ldclient", "LDClient"): _made("launchdarkly", tables.LAUNCHDARKLY),
    ("UnleashClient", "UnleashClient"): _made("unleash", tables.UNLEASH),
    ("flagsmith", "Flagsmith"): _made("flagsmith-client", tables.FLAGSMITH),
    ("ssm_cache", "SSMParameter"): _parameter_object,
    ("ssm_cache", "SSMParameterGroup"): _parameter_group,
    ("decouple", "config"): _variable(1, "default"),
    ("environ", "Env"): _declaring,
    ("environ", "FileAwareEnv"): _declaring,
    ("environs", "Env"): _made("env", settings.ENVIRONMENT),
    ("cfenv", "AppEnv"): _made("cloud-foundry", settings.ENVIRONMENT),
    ("starlette", "Config"): _made("env", settings.ENVIRONMENT),
    ("decouple", "Config"): _made("env", settings.ENVIRONMENT),
    ("aws_cdk", "StringParameter"): _infrastructure(_DEFINE, "parameter_name"),
    ("aws_cdk", "CfnParameter"): _infrastructure(_DEFINE, "name"),
    ("aws_cdk", "value_for_string_parameter"): _infrastructure(_READ, 1, "parameter_name"),
    ("aws_cdk", "value_from_lookup"): _infrastructure(_READ, 1, "parameter_name"),
    ("aws_cdk", "value_for_typed_string_parameter_v2"): _infrastructure(_READ, 1, "parameter_name"),
    ("aws_cdk", "from_string_parameter_name"): _infrastructure(_READ, 2, "string_parameter_name"),
    ("aws_cdk", "from_string_parameter_attributes"): _infrastructure(_READ, "parameter_name"),
    ("aws_cdk", "from_secure_string_parameter_attributes"): _infrastructure(_READ, "parameter_name"),
    ("aws_cdk", "CfnHostedConfigurationVersion"): _hosted,
    ("aws_cdk", "PolicyStatement"): _statement,
    ("pulumi_aws", "Parameter"): _infrastructure(_DEFINE, "name"),
    ("pulumi_aws", "get_parameter"): _infrastructure(_READ, 0, "name"),
    ("pulumi_aws", "get_parameter_output"): _infrastructure(_READ, 0, "name"),
    ("troposphere", "Parameter"): _infrastructure(_DEFINE, "Name"),
    ("dependency_injector", "Singleton"): _provided,
    ("dependency_injector", "ThreadSafeSingleton"): _provided,
    ("dependency_injector", "Factory"): _provided,
    ("dependency_injector", "Resource"): _provided,
    **{("subprocess", name): commands.run for name in commands.RUNNING},
    ("asyncio", "create_subprocess_exec"): commands.run,
    ("asyncio", "create_subprocess_shell"): commands.run,
    ("os.system", ""): commands.run,
    ("os.popen", ""): commands.run,
    ("shlex.split", ""): commands.split,
    ("dynaconf", "Dynaconf"): _dynaconf,
    ("dynaconf", "LazySettings"): _dynaconf,
    ("click", "option"): options.decorating,
    ("click", "argument"): options.decorating,
    ("typer", "Option"): options.parameter,
    ("typer", "Argument"): options.parameter,
    ("pytest", "parametrize"): options.parametrized,
    ("pytest", "param"): options.one_row,
    ("argparse", "ArgumentParser"): options.parser,
    ("json", "dumps"): _dumped,
    ("orjson", "dumps"): _dumped,
    ("yaml", "safe_dump"): _dumped,
    ("yaml", "dump"): _dumped,
}


def method(m: Machine, owner: Obj, name: str, args: Args, here: Here, site: Site) -> Vals | None:
    """A method of a library's object; None when it is not one that matters."""
    handler = _METHODS.get(owner.kind)
    return None if handler is None else handler(m, owner, name, args, here, site)


def _of_session(m: Machine, owner: Obj, name: str, args: Args, here: Here, site: Site) -> Vals | None:
    if name in {"client", "create_client", "resource"}:
        return aws.client(args, resource=name == "resource")
    return (owner,)


def _of_provider(m: Machine, owner: Obj, name: str, args: Args, here: Here, site: Site) -> Vals | None:
    return owner.data if name == "__call__" else UNKNOWN


def _of_super(m: Machine, owner: Obj, name: str, args: Args, here: Here, site: Site) -> Vals | None:
    holder, cls = owner.data[0], owner.data[1]
    if not isinstance(cls, ClassObj):
        return None
    for ancestor in cls.ancestors[1:]:
        for value in m.class_attribute(ancestor, name):
            if isinstance(value, FuncObj):
                return invoke.one(m, Method(value, holder), args, here, site)
    if name == "__new__":
        return (m.generic(cls),)
    if isinstance(holder, Ref):
        base = members.external_base(m, cls)
        if base is not None and name != "__init__":
            return invoke.one(m, Bound(base, name), args, here, site)
    return UNKNOWN


def _of_condition(m: Machine, owner: Obj, name: str, args: Args, here: Here, site: Site) -> Vals | None:
    return (Obj("condition", data=(*owner.data, *(v for values in args.everything() for v in values))),)


def _of_env(m: Machine, owner: Obj, name: str, args: Args, here: Here, site: Site) -> Vals | None:
    if name == "prefixed":
        return (Obj(execute.PREFIX, data=args.take(0, "prefix") or ()),)
    keys = args.take(0, "name", "key", "var") or ()
    for prefix in reversed(here.frame.prefixes):
        keys = tuple(text.moved(one.at) for one in fold.texts(keys) for text in fold.combined((prefix, (one,)), site))
    return settings.read(m, keys, here, site, args.take(1, "default") or _declared_fallback(owner, keys))


def _declared_fallback(owner: Obj, keys: Vals) -> Vals | None:
    """What a variable is worth by its declaration, where nobody sets it: what stands behind the type."""
    for text in fold.texts(keys) if owner.data else ():
        for value in fold.entry(owner.data, text.known or ""):
            if isinstance(value, Ref) and isinstance(value.obj, SeqObj) and len(value.obj.items) > 1:
                return value.obj.items[1]
    return None


def _of_settings(m: Machine, owner: Obj, name: str, args: Args, here: Here, site: Site) -> Vals | None:
    if name not in {"get", "__getitem__", "as_bool", "as_int", "as_float", "as_json"}:
        return UNKNOWN
    return objects.setting(m, owner, args.take(0, "key") or (), here, site, args.take(1, "default"))


def _of_cloud_foundry(m: Machine, owner: Obj, name: str, args: Args, here: Here, site: Site) -> Vals | None:
    """A credential is a variable of the process, or an entry of a service that is bound to it."""
    return _of_env(m, owner, name, args, here, site) if name == "get_credential" else UNKNOWN


def _of_item_getter(m: Machine, owner: Obj, name: str, args: Args, here: Here, site: Site) -> Vals | None:
    items: list[Vals] = []
    for key in owner.data:
        found: list[Vals] = [documents.taken(m, value, (key,), here, site, None) for value in args.take(0) or ()]
        items.append(union(*found))
    return items[0] if len(items) == 1 else (Ref(SeqObj("tuple", items)),)


def _of_type_adapter(m: Machine, owner: Obj, name: str, args: Args, here: Here, site: Site) -> Vals | None:
    fetched = [value for values in args.everything() for value in values if isinstance(value, Doc)]
    for cls in owner.data:
        if isinstance(cls, ClassObj) and fetched:
            return (documents.mirrored(m, cls, fetched[0].reader),)
    return tuple(fetched) or UNKNOWN


def _of_parameter(m: Machine, owner: Obj, name: str, args: Args, here: Here, site: Site) -> Vals | None:
    return objects.asked_again(m, owner, here, site, f"SSMParameter.{name}") if name == "value" else UNKNOWN


_METHODS: dict[str, Callable[[Any, Obj, str, Args, Any, Site], Vals | None]] = {
    "session": _of_session,
    "provider": _of_provider,
    "super": _of_super,
    "condition": _of_condition,
    "env": _of_env,
    "settings": _of_settings,
    "cloud-foundry": _of_cloud_foundry,
    "item-getter": _of_item_getter,
    "type-adapter": _of_type_adapter,
    "ssm-parameter": _of_parameter,
    "ssm-group": _of_group,
    "argument-parser": options.of_parser,
}
