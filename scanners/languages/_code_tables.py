"""The calls of known libraries that ask for flags, set or declare them, by name: JavaScript, Java and Go alike."""

from __future__ import annotations

import re
from dataclasses import dataclass

from auditor.domain.references import ReferenceKind
from scanners.flag_index import Reader
from scanners.languages._findings import APPCONFIG, ENVIRONMENT, LAUNCHDARKLY, OPENFEATURE, S3, SSM

READ, WRITE, DEFINE = ReferenceKind.READ, ReferenceKind.WRITE, ReferenceKind.DEFINE
UNLEASH = Reader(frozenset({"unleash"}))
FLAGSMITH = Reader(frozenset({"flagsmith"}))


@dataclass(frozen=True, slots=True)
class Ask:
    """A call that is handed a key: what it is for people, its reader, and where key and fallback stand."""

    what: str
    reader: Reader
    kind: ReferenceKind = READ
    key: int = 0
    default: int | None = None
    least: int = 1


# Requests to AWS by the name of the operation: in which field the keys stand.
REQUESTS: dict[str, tuple[str, ReferenceKind]] = {
    "GetParameter": ("Name", READ),
    "GetParameters": ("Names", READ),
    "GetParameterHistory": ("Name", READ),
    "PutParameter": ("Name", WRITE),
    "DeleteParameter": ("Name", WRITE),
    "DeleteParameters": ("Names", WRITE),
    "LabelParameterVersion": ("Name", WRITE),
    "UnlabelParameterVersion": ("Name", WRITE),
    "AddTagsToResource": ("ResourceId", WRITE),
    "RemoveTagsFromResource": ("ResourceId", WRITE),
}
ITEMS: dict[str, ReferenceKind] = {
    "GetItem": READ,
    "Get": READ,
    "Query": READ,
    "PutItem": WRITE,
    "Put": WRITE,
    "UpdateItem": WRITE,
    "Update": WRITE,
    "DeleteItem": WRITE,
    "Delete": WRITE,
}
ITEM_FIELDS = ("Key", "Item", "ExpressionAttributeValues")
DOCUMENTS: dict[str, Reader] = {
    "GetLatestConfiguration": APPCONFIG,
    "GetConfiguration": APPCONFIG,
    "GetHostedConfigurationVersion": APPCONFIG,
    "GetObject": S3,
}
BY_PATH = "GetParametersByPath"
SESSION = "StartConfigurationSession"
WRITTEN = frozenset({"CreateHostedConfigurationVersion"})
PLACES = (
    ("ApplicationIdentifier", "Application", "ApplicationId"),
    ("EnvironmentIdentifier", "Environment", "EnvironmentId"),
    ("ConfigurationProfileIdentifier", "Configuration", "ConfigurationProfileId"),
)
REQUEST = re.compile(r"(?P<operation>[A-Z]\w*?)(?:Command(?:Input)?|Request|Input)")

_OPENFEATURE = {
    f"get{kind}{part}": Ask(f"OpenFeature get{kind}{part}", OPENFEATURE, default=1, least=2)
    for kind in ("Boolean", "String", "Number", "Integer", "Double", "Object")
    for part in ("Value", "Details")
}
_HOOKS = {
    f"use{kind}Flag{part}": Ask(f"OpenFeature use{kind}Flag{part}", OPENFEATURE, default=1)
    for kind in ("", "Boolean", "String", "Number", "Object", "SuspenseBoolean", "Suspense")
    for part in ("", "Value", "Details")
} | {"useSuspenseFlag": Ask("OpenFeature useSuspenseFlag", OPENFEATURE, default=1)}
_GO_OPENFEATURE = {
    f"{kind}{part}": Ask(f"OpenFeature {kind}{part}", OPENFEATURE, key=1, default=2, least=3)
    for kind in ("Boolean", "String", "Float", "Int", "Object")
    for part in ("Value", "ValueDetails")
} | {
    kind: Ask(f"OpenFeature {kind}", OPENFEATURE, key=1, default=2, least=4)
    for kind in ("Boolean", "String", "Float", "Int", "Object")
}
_LAUNCHDARKLY = {
    f"{kind}{part}": Ask(f"LaunchDarkly {kind}{part}", LAUNCHDARKLY, default=2, least=2)
    for kind in (
        *("variation", "boolVariation", "stringVariation", "intVariation", "doubleVariation", "numberVariation"),
        *("jsonVariation", "jsonValueVariation", "migrationVariation", "BoolVariation", "StringVariation"),
        *("IntVariation", "Float64Variation", "JSONVariation"),
    )
    for part in ("", "Detail", "Ctx", "DetailCtx")
}
_SINGLE = {
    "variation": Ask("LaunchDarkly variation", LAUNCHDARKLY, default=1),
    "variationDetail": Ask("LaunchDarkly variationDetail", LAUNCHDARKLY, default=1),
}
_OTHERS = {
    "isFeatureEnabled": Ask("isFeatureEnabled", FLAGSMITH),
    "hasFeature": Ask("Flagsmith hasFeature", FLAGSMITH),
}
METHODS: dict[str, Ask] = _OPENFEATURE | _HOOKS | _GO_OPENFEATURE | _LAUNCHDARKLY | _OTHERS
# Names that many a project gives to a reader of its own.
AMBIGUOUS = frozenset(_OTHERS.values())
SHORT: dict[str, Ask] = _SINGLE

# Functions and methods that are believed only for what is imported from, or made by, these modules.
IMPORTED: dict[tuple[str, str], Ask] = {
    ("powertools", "getParameter"): Ask("Powertools getParameter", SSM),
    ("powertools", "getSecret"): Ask("Powertools getSecret", Reader(frozenset({"none"}))),
    ("powertools", "getParametersByName"): Ask("Powertools getParametersByName", SSM),
    ("powertools", "setParameter"): Ask("Powertools setParameter", SSM, WRITE),
    ("unleash", "isEnabled"): Ask("Unleash isEnabled", UNLEASH),
    ("unleash", "getVariant"): Ask("Unleash getVariant", UNLEASH),
    ("unleash", "useFlag"): Ask("Unleash useFlag", UNLEASH),
}
PROVIDERS = frozenset({"SSMProvider", "SsmProvider", "ParamManager"})
# Powertools' providers of what is no parameter: whole documents of AppConfig, and stores that hold no flag.
OTHER_PROVIDERS = {
    "AppConfigProvider": "documents",
    "SecretsProvider": "another store",
    "DynamoDBProvider": "another store",
}
DECLARED: dict[str, tuple[str, Reader, ReferenceKind]] = {
    "StringParameter": ("parameterName", SSM, DEFINE),
    "StringListParameter": ("parameterName", SSM, DEFINE),
    "CfnParameter": ("name", SSM, DEFINE),
    "SsmParameter": ("name", SSM, DEFINE),
    "DataAwsSsmParameter": ("name", SSM, READ),
}
HOSTED = "CfnHostedConfigurationVersion"
STATEMENT = "PolicyStatement"
LOOKED_UP: dict[str, int] = {
    "valueForStringParameter": 1,
    "valueForTypedStringParameterV2": 1,
    "valueForTypedStringParameter": 1,
    "valueForSecureStringParameter": 1,
    "valueFromLookup": 1,
    "fromStringParameterName": 2,
    "StringParameter_ValueForStringParameter": 1,
    "StringParameter_ValueFromLookup": 1,
    "StringParameter_FromStringParameterName": 2,
}
VARIABLES: dict[tuple[str, str], tuple[Reader, int | None]] = {
    ("System", "getenv"): (ENVIRONMENT, None),
    ("System", "getProperty"): (ENVIRONMENT, 1),
    ("Boolean", "getBoolean"): (ENVIRONMENT, None),
    ("os", "Getenv"): (ENVIRONMENT, None),
    ("os", "LookupEnv"): (ENVIRONMENT, None),
    ("syscall", "Getenv"): (ENVIRONMENT, None),
    ("env", "get"): (ENVIRONMENT, None),
    ("viper", "GetBool"): (ENVIRONMENT, None),
    ("viper", "GetString"): (ENVIRONMENT, None),
    ("environment", "getProperty"): (ENVIRONMENT, 1),
}
CONVERSIONS = frozenset({"string", "String"})
# Methods of a text that give it as it is.
UNCHANGED = frozenset({"String", "toString", "valueOf", "trim", "strip", "intern"})
# Functions and methods that give a text in another form.
ENCODES = frozenset({"encode", "fromUtf8String", "fromString", "from", "getBytes", "NewReader", "toBytes"})
SET_VARIABLES = frozenset({("os", "Setenv"), ("os", "Unsetenv"), ("t", "Setenv"), ("System", "setProperty")})
EACH = frozenset({"map", "flatMap", "forEach", "filter", "some", "every", "find", "anyMatch", "allMatch", "noneMatch"})
TAKES = frozenset(
    {
        *("get", "path", "at", "has", "hasOwnProperty", "getOrDefault", "containsKey", "opt", "optBoolean"),
        *("optJSONObject", "getJSONObject", "getBoolean", "getString", "getAsJsonObject", "findValue", "findPath"),
        *("includes", "contains", "getValue", "hasNonNull", "required", "Get", "GetBool", "hasFlag", "getFlag"),
    }
)
TELLING = re.compile(
    r"flag|feature|toggle|enabled|variation|variant|experiment|param|config|ssm|treatment|switch|setting"
    r"|\bis_?(?:on|active)\b",
    re.IGNORECASE,
)
SILENT = re.compile(
    r"^(?:mock\w+|log|debug|info|warn|warning|error|trace|fatal|print|println|printf|Println|Printf|Print|Errorf|Fatalf|Error"
    r"|track|describe|it|test|expect|assert\w*|require|equals|startsWith|endsWith|indexOf|replace|split|concat|push"
    r"|emit|on|addEventListener|querySelector|getElementById|createElement|t|i18n|translate|setItem|getItem|navigate)$"
)
