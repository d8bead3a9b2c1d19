"""The AWS SDK and its kin: clients, resources, sessions, pages, and the documents they give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.domain.references import Certainty, ReferenceKind
from scanners.flag_index import Reader
from scanners.keytext import KeyText
from scanners.languages.python import documents, embedded, fold, members
from scanners.languages.python.arguments import Args, from_container
from scanners.languages.python.readers import tables
from scanners.languages.python.readers.tables import Ask
from scanners.languages.python.values import (
    UNKNOWN,
    Doc,
    FlagVal,
    MapObj,
    Obj,
    Ref,
    SeqObj,
    Site,
    Text,
    Tree,
    Unknown,
    Vals,
    tags_of,
    union,
)

if TYPE_CHECKING:
    from scanners.languages.python.machine import Here, Machine

_SERVICES: dict[str, tuple[str, Reader]] = {
    "ssm": ("ssm", tables.SSM),
    "appconfigdata": ("appconfigdata", tables.APPCONFIG),
    "appconfig": ("appconfig", tables.APPCONFIG),
    "dynamodb": ("dynamodb", tables.DYNAMODB),
    "s3": ("s3", tables.S3),
}


def client(args: Args, *, resource: bool = False) -> Vals:
    """``session.client(service)``: an object of that service, or something unknown."""
    found: list[Obj] = []
    for text in fold.texts(args.take(0, "service_name") or ()):
        kind, reader = _SERVICES.get(text.known or "", ("other", Reader(frozenset({"none"}))))
        found.append(Obj(f"{kind}-resource" if resource else kind, reader))
    return tuple(found) or UNKNOWN


def told(values: Vals | None) -> KeyText | None:
    """What code says of an application, environment or profile; None when it cannot be known."""
    texts = fold.texts(values or ())
    keys = {text.key for text in texts}
    return keys.pop() if len(keys) == 1 and len(texts) == len(values or ()) else None


def appconfig_reader(args: Args, application: str, environment: str, profile: str) -> Reader:
    """A reader of the AppConfig profile that a call names."""
    return Reader(
        frozenset({"appconfig"}),
        frozenset(),
        told(args.given(application)),
        told(args.given(environment)),
        told(args.given(profile)),
    )


def method(m: Machine, owner: Obj, name: str, args: Args, here: Here, site: Site) -> Vals | None:
    """A method of a client, resource or page reader; None when it is not one that matters."""
    ask = tables.METHODS.get(owner.kind, {}).get(name)
    if ask is not None:
        return asked(m, ask, owner.reader, args, here, site)
    handler = _METHODS.get((owner.kind, name))
    return None if handler is None else handler(m, owner, args, here, site)


def asked(
    m: Machine,
    ask: Ask,
    reader: Reader,
    args: Args,
    here: Here,
    site: Site,
    certainty: Certainty = Certainty.CERTAIN,
) -> Vals:
    """A method is handed a key, or several."""
    keys = args.take(*ask.key)
    if keys is None:
        return UNKNOWN
    if ask.gives in {"tree", "below"}:
        return _tree(keys, "list" if ask.gives == "tree" else "below")
    if ask.many:
        keys = each(keys, site)
    found = documents.ask(
        m, keys, reader, here, site, ask.what, args.take(*ask.default) if ask.default else None, ask.kind, certainty
    )
    if ask.kind is not ReferenceKind.READ:
        return UNKNOWN
    return (FlagVal(found.reads, whole=ask.gives != "results"),)


def _tree(keys: Vals, form: str) -> Vals:
    texts = fold.texts(keys)
    return tuple(Tree(text, form) for text in texts) or (Tree(fold.tags_together(keys), form),)


def each(keys: Vals, site: Site) -> Vals:
    """The keys in a list of keys, or the keys of a mapping."""
    found: list[Vals] = []
    for value in keys:
        if isinstance(value, Ref) and isinstance(value.obj, SeqObj | MapObj):
            obj = value.obj
            inner = obj.items if isinstance(obj, SeqObj) else [entry for entry, _ in obj.items]
            found += [from_container(value, item) for item in (*inner, obj.more) if item]
        else:
            found.append((Unknown(tags_of(value)),))
    del site
    return union(*found)


def _start_session(_m: Machine, _owner: Obj, args: Args, _here: Here, _site: Site) -> Vals:
    reader = appconfig_reader(args, "ApplicationIdentifier", "EnvironmentIdentifier", "ConfigurationProfileIdentifier")
    return (Obj("session-token", reader),)


def _latest(_m: Machine, _owner: Obj, args: Args, _here: Here, _site: Site) -> Vals:
    tokens = args.take("ConfigurationToken") or ()
    readers = [token.reader for token in tokens if isinstance(token, Obj | Doc)]
    return tuple(Doc(reader) for reader in dict.fromkeys(readers)) or (Doc(tables.APPCONFIG),)


def _legacy(_m: Machine, _owner: Obj, args: Args, _here: Here, _site: Site) -> Vals:
    return (Doc(appconfig_reader(args, "Application", "Environment", "Configuration")),)


def _write_document(m: Machine, owner: Obj, args: Args, here: Here, site: Site) -> Vals:
    for name in ("Content", "Body"):
        for whole in fold.texts(args.given(name) or ()):
            embedded.written(m, whole)
        for text in documents.written_keys(args.given(name) or ()):
            if m.reporter.matches(text, owner.reader, Certainty.CERTAIN):
                what = "written into the flag document"
                documents.ask(m, (text,), owner.reader, here, site, what, None, ReferenceKind.WRITE)
    return UNKNOWN


def _get_object(m: Machine, owner: Obj, args: Args, _here: Here, _site: Site) -> Vals:
    buckets = {text.known for text in fold.texts(args.given("Bucket") or ())} - {None}
    if m.options.buckets and buckets and buckets.isdisjoint(m.options.buckets):
        return UNKNOWN
    return (Doc(owner.reader),)


def _bucket_object(_m: Machine, owner: Obj, args: Args, _here: Here, _site: Site) -> Vals:
    return (Obj("s3-bucket", owner.reader, args.take(0, "bucket_name", "name") or ()),)


def _same_bucket(_m: Machine, owner: Obj, _args: Args, _here: Here, _site: Site) -> Vals:
    return (owner,)


def _bucket_get(m: Machine, owner: Obj, _args: Args, here: Here, site: Site) -> Vals:
    return _get_object(m, owner, Args(site, [], {"Bucket": owner.data}), here, site)


def _get_item(m: Machine, owner: Obj, args: Args, here: Here, site: Site) -> Vals:
    return _item(m, owner, args, here, site, ReferenceKind.READ)


def _change_item(m: Machine, owner: Obj, args: Args, here: Here, site: Site) -> Vals:
    return _item(m, owner, args, here, site, ReferenceKind.WRITE)


def _item(m: Machine, owner: Obj, args: Args, here: Here, site: Site, kind: ReferenceKind) -> Vals:
    tables_asked = {text.known for text in fold.texts((*(args.given("TableName") or ()), *owner.data))} - {None}
    if m.options.tables and tables_asked and tables_asked.isdisjoint(m.options.tables):
        return UNKNOWN
    texts: list[Text] = []
    unknown: list[Unknown] = []
    for name in ("Key", "Item", "ExpressionAttributeValues", "KeyConditionExpression", "FilterExpression"):
        for value in args.given(name) or ():
            _item_texts(value, texts, unknown)
    found = []
    for text in texts:
        partly = text.known is None and text.tags and "dynamodb" in m.providers
        if partly or m.reporter.matches(text, owner.reader, Certainty.CERTAIN):
            found.append(documents.ask(m, (text,), owner.reader, here, site, f"DynamoDB {kind.value}", None, kind))
    if kind is ReferenceKind.WRITE and "dynamodb" in m.providers and any(map(m.reporter.is_open, unknown)):
        m.reporter.waits += 1  # which item it is, callers say
    doubtful = unknown if "dynamodb" in m.providers and kind is ReferenceKind.READ else []
    found += [documents.ask(m, (value,), owner.reader, here, site, "DynamoDB read") for value in doubtful]
    return (*found, Doc(owner.reader)) if kind is ReferenceKind.READ else UNKNOWN


def _get_items(m: Machine, owner: Obj, args: Args, here: Here, site: Site) -> Vals:
    """Several items of several tables at once."""
    for value in args.given("RequestItems") or ():
        entries = value.obj.items if isinstance(value, Ref) and isinstance(value.obj, MapObj) else []
        for table, asked_for in entries:
            for keys in fold.entry(asked_for, "Keys"):
                listed = members.elements(m, (keys,), here)
                inner = Args(site, [], {"TableName": table, "ExpressionAttributeValues": listed})
                _item(m, owner, inner, here, site, ReferenceKind.READ)
    return (Doc(owner.reader),)


def _item_texts(value: object, texts: list[Text], unknown: list[Unknown]) -> None:
    if isinstance(value, Text):
        texts.append(value)
    elif isinstance(value, Unknown) and value.tags:
        unknown.append(value)
    elif isinstance(value, Obj) and value.kind == "condition":
        for inner in value.data:
            _item_texts(inner, texts, unknown)
    elif isinstance(value, Ref) and isinstance(value.obj, MapObj):
        for _, entries in value.obj.items:
            for entry in from_container(value, entries):
                _item_texts(entry, texts, unknown)


def _paginator(_m: Machine, owner: Obj, args: Args, _here: Here, _site: Site) -> Vals:
    return (Obj("pages", owner.reader, args.take(0, "operation_name") or ()),)


def _paginate(m: Machine, owner: Obj, args: Args, here: Here, site: Site) -> Vals:
    for text in fold.texts(owner.data):
        if text.known == "get_parameters_by_path":
            return _tree(args.take("Path") or (), "list")
        ask = tables.METHODS["ssm"].get(text.known or "")
        if ask is not None:
            return asked(m, ask, owner.reader, args, here, site)
        if text.known in {"query", "scan"}:
            return _get_item(m, owner, args, here, site)
    return UNKNOWN


def _table(_m: Machine, owner: Obj, args: Args, _here: Here, _site: Site) -> Vals:
    return (Obj("table", owner.reader, args.take(0, "name") or ()),)


def _features_document(_m: Machine, owner: Obj, _args: Args, _here: Here, _site: Site) -> Vals:
    return (Doc(owner.reader),)


def _enabled(_m: Machine, owner: Obj, _args: Args, _here: Here, _site: Site) -> Vals:
    return (Doc(owner.reader),)


def _provider_document(_m: Machine, owner: Obj, args: Args, _here: Here, _site: Site) -> Vals:
    profile = told(args.take(0, "name"))
    reader = Reader(owner.reader.providers, frozenset(), owner.reader.application, owner.reader.environment, profile)
    return (Doc(reader),)


def _launchdarkly_state(_m: Machine, owner: Obj, _args: Args, _here: Here, _site: Site) -> Vals:
    return (Obj("launchdarkly-state", owner.reader),)


def _flagsmith_flags(_m: Machine, owner: Obj, _args: Args, _here: Here, _site: Site) -> Vals:
    return (Obj("flagsmith", owner.reader),)


_METHODS = {
    ("appconfigdata", "start_configuration_session"): _start_session,
    ("appconfigdata", "get_latest_configuration"): _latest,
    ("appconfig", "get_configuration"): _legacy,
    ("appconfig", "get_hosted_configuration_version"): _features_document,
    ("appconfig", "create_hosted_configuration_version"): _write_document,
    ("s3", "get_object"): _get_object,
    ("s3-resource", "Object"): _bucket_object,
    ("s3-resource", "Bucket"): _bucket_object,
    ("s3-bucket", "Object"): _same_bucket,
    ("s3-bucket", "get"): _bucket_get,
    ("s3", "put_object"): _write_document,
    ("dynamodb", "get_item"): _get_item,
    ("dynamodb", "query"): _get_item,
    ("dynamodb", "scan"): _get_item,
    ("dynamodb", "batch_get_item"): _get_items,
    ("dynamodb-resource", "batch_get_item"): _get_items,
    ("dynamodb", "put_item"): _change_item,
    ("dynamodb", "update_item"): _change_item,
    ("dynamodb", "delete_item"): _change_item,
    ("table", "get_item"): _get_item,
    ("table", "query"): _get_item,
    ("table", "scan"): _get_item,
    ("table", "put_item"): _change_item,
    ("table", "update_item"): _change_item,
    ("table", "delete_item"): _change_item,
    ("dynamodb-resource", "Table"): _table,
    ("ssm", "get_paginator"): _paginator,
    ("dynamodb", "get_paginator"): _paginator,
    ("pages", "paginate"): _paginate,
    ("features", "get_enabled_features"): _enabled,
    ("features", "get_configuration"): _features_document,
    ("appconfig-store", "get_configuration"): _features_document,
    ("appconfig-provider", "get"): _provider_document,
    ("launchdarkly", "all_flags_state"): _launchdarkly_state,
    ("launchdarkly-state", "to_values_map"): _features_document,
    ("launchdarkly-state", "to_json_dict"): _features_document,
    ("flagsmith-client", "get_environment_flags"): _flagsmith_flags,
    ("flagsmith-client", "get_identity_flags"): _flagsmith_flags,
}
