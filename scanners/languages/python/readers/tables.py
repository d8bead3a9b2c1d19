"""The objects and methods of the libraries that flags are asked with."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.domain.references import ReferenceKind
from scanners.flag_index import Reader
from scanners.languages.python.values import Obj, Text

SSM = Reader(frozenset({"ssm"}))
APPCONFIG = Reader(frozenset({"appconfig"}))
OPENFEATURE = Reader(frozenset({"openfeature"}), frozenset({"appconfig", "dynamodb", "s3"}))
LAUNCHDARKLY = Reader(frozenset({"launchdarkly"}))
UNLEASH = Reader(frozenset({"unleash"}))
FLAGSMITH = Reader(frozenset({"flagsmith"}))
DYNAMODB = Reader(frozenset({"dynamodb"}))
S3 = Reader(frozenset({"s3"}))


@dataclass(frozen=True, slots=True)
class Ask:
    """A method that is handed a key: where the key and the fallback stand, and what it gives back."""

    what: str
    key: tuple[int | str, ...]
    default: tuple[int | str, ...] = ()
    kind: ReferenceKind = ReferenceKind.READ
    many: bool = False
    gives: str = "flag"


_W = ReferenceKind.WRITE
_SSM = {
    "get_parameter": Ask("ssm.get_parameter", ("Name",)),
    "get_parameters": Ask("ssm.get_parameters", ("Names",), many=True, gives="results"),
    "get_parameter_history": Ask("ssm.get_parameter_history", ("Name",)),
    "get_parameters_by_path": Ask("ssm.get_parameters_by_path", ("Path",), gives="tree"),
    "put_parameter": Ask("ssm.put_parameter", ("Name",), kind=_W),
    "delete_parameter": Ask("ssm.delete_parameter", ("Name",), kind=_W),
    "delete_parameters": Ask("ssm.delete_parameters", ("Names",), kind=_W, many=True),
    "label_parameter_version": Ask("ssm.label_parameter_version", ("Name",), kind=_W),
    "unlabel_parameter_version": Ask("ssm.unlabel_parameter_version", ("Name",), kind=_W),
    "add_tags_to_resource": Ask("ssm.add_tags_to_resource", ("ResourceId",), kind=_W),
    "remove_tags_from_resource": Ask("ssm.remove_tags_from_resource", ("ResourceId",), kind=_W),
}
_TYPED = tuple(
    f"get_{kind}_{part}{suffix}"
    for kind in ("boolean", "string", "integer", "float", "object")
    for part in ("value", "details")
    for suffix in ("", "_async")
)
METHODS: dict[str, dict[str, Ask]] = {
    "ssm": _SSM,
    "features": {"evaluate": Ask("FeatureFlags.evaluate", ("name", 0), ("default", 2))},
    "ssm-provider": {
        "get": Ask("SSMProvider.get", (0, "name")),
        "get_multiple": Ask("SSMProvider.get_multiple", (0, "path"), gives="below"),
        "get_parameters_by_name": Ask(
            "SSMProvider.get_parameters_by_name", (0, "parameters"), many=True, gives="results"
        ),
        "set": Ask("SSMProvider.set", (0, "name"), kind=_W),
    },
    "openfeature": {name: Ask(f"OpenFeature {name}", (0, "flag_key"), (1, "default_value")) for name in _TYPED},
    "launchdarkly": {
        name: Ask(f"LaunchDarkly {name}", (0, "key"), (2, "default"))
        for name in ("variation", "variation_detail", "migration_variation")
    },
    "launchdarkly-state": {
        name: Ask(f"LaunchDarkly {name}", (0, "key")) for name in ("get_flag_value", "get_flag_reason")
    },
    "unleash": {
        "is_enabled": Ask("Unleash is_enabled", (0, "feature_name")),
        "get_variant": Ask("Unleash get_variant", (0, "feature_name")),
    },
    "flagsmith": {
        "is_feature_enabled": Ask("Flagsmith is_feature_enabled", (0, "feature_name")),
        "get_feature_value": Ask("Flagsmith get_feature_value", (0, "feature_name")),
        "get_flag": Ask("Flagsmith get_flag", (0, "feature_name")),
    },
}
READERS: dict[str, Reader] = {
    "ssm": SSM,
    "ssm-provider": SSM,
    "openfeature": OPENFEATURE,
    "launchdarkly": LAUNCHDARKLY,
    "launchdarkly-state": LAUNCHDARKLY,
    "unleash": UNLEASH,
    "flagsmith": FLAGSMITH,
}
FUNCTIONS: dict[str, tuple[Reader, Ask]] = {
    "get_parameter": (SSM, Ask("parameters.get_parameter", (0, "name"))),
    "get_parameters": (SSM, Ask("parameters.get_parameters", (0, "path"), gives="below")),
    "get_parameters_by_name": (
        SSM,
        Ask("parameters.get_parameters_by_name", (0, "parameters"), many=True, gives="results"),
    ),
    "set_parameter": (SSM, Ask("parameters.set_parameter", (0, "name"), kind=_W)),
}
# What an object of unknown kind must be handed for its method's name to be believed.
TELLING: dict[str, tuple[str, str]] = {
    "get_parameter": ("ssm", "Name"),
    "get_parameters": ("ssm", "Names"),
    "get_parameter_history": ("ssm", "Name"),
    "get_parameters_by_path": ("ssm", "Path"),
    "put_parameter": ("ssm", "Name"),
    "delete_parameter": ("ssm", "Name"),
    "delete_parameters": ("ssm", "Names"),
    "label_parameter_version": ("ssm", "Name"),
    "start_configuration_session": ("appconfigdata", "ApplicationIdentifier"),
    "get_latest_configuration": ("appconfigdata", "ConfigurationToken"),
    "get_configuration": ("appconfig", "Configuration"),
    "evaluate": ("features", "name"),
    "get_object": ("s3", "Bucket"),
    "get_item": ("dynamodb", "Key"),
    "variation": ("launchdarkly", ""),
    "variation_detail": ("launchdarkly", ""),
    "is_enabled": ("unleash", ""),
    "is_feature_enabled": ("flagsmith", ""),
    "get_enabled_features": ("features", ""),
} | dict.fromkeys(_TYPED, ("openfeature", ""))
WORDS: tuple[str, ...] = (
    *_SSM,
    *_TYPED,
    "get_latest_configuration",
    "start_configuration_session",
    "get_configuration",
    "FeatureFlags",
    "AppConfigStore",
    "AppConfigProvider",
    "SSMProvider",
    "get_app_config",
    "get_parameters_by_name",
    "set_parameter",
    "get_enabled_features",
    "variation",
    "variation_detail",
    "UnleashClient",
    "flask_unleash",
    "Flagsmith",
    "SSMParameter",
    "SSMParameterGroup",
    "create_hosted_configuration_version",
    "value_for_string_parameter",
    "StringParameter",
)
# What makes a file worth reading where flags are in such a store, beside their keys.
STORE_WORDS: dict[str, tuple[str, ...]] = {
    "dynamodb": ("get_item", "batch_get_item", "put_item", "update_item", "delete_item", "KeyConditionExpression"),
    "s3": ("get_object", "put_object", "Object"),
    "env": ("BaseSettings", "current_app", "Env", "AppEnv", "decouple", "environ", "getenv", "Dynaconf"),
}
# What stands in text where the local agent is asked, with whatever client.
AGENT_WORDS: tuple[str, ...] = ("/configurations/", "localhost:2772", "?flag=", "&flag=")


def may_ask_agent(text: Text) -> bool:
    """Whether a text may be a URL of the agent."""
    return any(part in piece.text for piece in text.pieces if piece.text for part in ("configurations/", "flag="))


_CLASSES: dict[str, tuple[str, Reader]] = {
    "SSMClient": ("ssm", SSM),
    "AppConfigDataClient": ("appconfigdata", APPCONFIG),
    "AppConfigClient": ("appconfig", APPCONFIG),
    "DynamoDBClient": ("dynamodb", DYNAMODB),
    "DynamoDBServiceResource": ("dynamodb-resource", DYNAMODB),
    "Table": ("table", DYNAMODB),
    "S3Client": ("s3", S3),
    "FeatureFlags": ("features", APPCONFIG),
    "AppConfigStore": ("appconfig-store", APPCONFIG),
    "SSMProvider": ("ssm-provider", SSM),
    "AppConfigProvider": ("appconfig-provider", APPCONFIG),
    "OpenFeatureClient": ("openfeature", OPENFEATURE),
    "LDClient": ("launchdarkly", LAUNCHDARKLY),
    "UnleashClient": ("unleash", UNLEASH),
    "Unleash": ("unleash", UNLEASH),
    "Flagsmith": ("flagsmith-client", FLAGSMITH),
    "Flags": ("flagsmith", FLAGSMITH),
    "Session": ("session", Reader()),
    "AioSession": ("session", Reader()),
}
_ROOTS: dict[str, frozenset[str]] = {
    "Session": frozenset({"boto3", "aioboto3", "botocore"}),
    "AioSession": frozenset({"aiobotocore"}),
    "Flags": frozenset({"flagsmith"}),
    "Unleash": frozenset({"flask_unleash", "unleash", "UnleashClient"}),
    "Table": frozenset({"mypy_boto3_dynamodb", "types_boto3_dynamodb", "types_aiobotocore_dynamodb"}),
    "FeatureFlags": frozenset({"aws_lambda_powertools"}),
    "AppConfigStore": frozenset({"aws_lambda_powertools"}),
}


def instance(name: str) -> Obj | None:
    """An object of a library's class, by the class's whole name; None when the class is not known."""
    root, last = name.split(".", 1)[0], name.rsplit(".", 1)[-1]
    known = _CLASSES.get(last)
    if known is None or root not in _ROOTS.get(last, {root}):
        return None
    return Obj(*known)
