"""The stores that flags are kept in: one file each; what ``kind`` says in a ``[[source]]``."""

from __future__ import annotations

# Named, not imported: a Lambda that watches one store need not load the others.
SOURCES = {
    "ssm": "auditor.adapters.sources.parameter_store:ParameterStoreSource",
    "appconfig": "auditor.adapters.sources.appconfig:AppConfigSource",
}
