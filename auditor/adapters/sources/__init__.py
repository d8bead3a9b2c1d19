"""The stores that flags are kept in, one file each; a store is loaded when it is built."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from auditor.domain.errors import ConfigurationError
from auditor.domain.masking import keyed_fingerprint

if TYPE_CHECKING:
    from auditor.adapters.aws import AwsClients
    from auditor.application.ports import FlagSource
    from auditor.settings import Settings

# By what ``kind`` says in a ``[[source]]``.
SOURCES: dict[str, str] = {
    "ssm": "auditor.adapters.sources.parameter_store:ParameterStoreSource",
    "appconfig": "auditor.adapters.sources.appconfig:AppConfigSource",
    "dynamodb": "auditor.adapters.sources.dynamodb:DynamoDbSource",
    "s3": "auditor.adapters.sources.s3:S3Source",
}


def build(settings: Settings, clients: AwsClients) -> dict[str, FlagSource]:
    """Build one source for each kind configured, of all its ``[[source]]`` tables; nothing is called yet.

    Raise ``ConfigurationError`` for a kind that is not watched, and for a path that cannot be understood.
    """
    unknown = sorted({source.kind for source in settings.sources} - SOURCES.keys())
    if unknown:
        raise ConfigurationError(f'kind = "{unknown[0]}" is not watched; one of {", ".join(SOURCES)} is')
    fingerprint = keyed_fingerprint(settings.fingerprint_key) if settings.fingerprint_key else None
    built: dict[str, FlagSource] = {}
    for kind in SOURCES:
        tables = [source for source in settings.sources if source.kind == kind]
        if tables:
            built[kind] = _class_of(kind).from_settings(clients, tables, fingerprint)
    return built


def _class_of(kind: str) -> Any:
    module, _, name = SOURCES[kind].partition(":")
    return getattr(import_module(module), name)
