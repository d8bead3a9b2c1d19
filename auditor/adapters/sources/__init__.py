"""The stores that flags are kept in, one file each; a store is loaded when it is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from auditor.domain.errors import ConfigurationError
from auditor.domain.masking import keyed_fingerprint

if TYPE_CHECKING:
    from auditor.adapters.aws import AwsClients
    from auditor.application.ports import FlagSource
    from auditor.settings import Settings, SourceSettings

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
    return _build(settings, clients, {kind: [s for s in settings.sources if s.kind == kind] for kind in SOURCES})


def build_named(settings: Settings, clients: AwsClients) -> dict[str, FlagSource]:
    """Build one source for each name that ``[[source]]`` tables give, to look at a part by itself."""
    names = dict.fromkeys(source.name for source in settings.sources)
    return _build(settings, clients, {name: [s for s in settings.sources if s.name == name] for name in names})


def _build(
    settings: Settings, clients: AwsClients, groups: Mapping[str, Sequence[SourceSettings]]
) -> dict[str, FlagSource]:
    unknown = sorted({source.kind for source in settings.sources} - SOURCES.keys())
    if unknown:
        raise ConfigurationError(f'kind = "{unknown[0]}" is not watched; one of {", ".join(SOURCES)} is')
    fingerprint = keyed_fingerprint(settings.fingerprint_key) if settings.fingerprint_key else None
    return {
        name: _class_of(tables[0].kind).from_settings(clients, tables, fingerprint)
        for name, tables in groups.items()
        if tables
    }


def _class_of(kind: str) -> Any:
    module, _, name = SOURCES[kind].partition(":")
    return getattr(import_module(module), name)
