"""Errors of Flagtrail: each carries one sentence for a person that says what, where and what to do."""

from __future__ import annotations


class FlagtrailError(Exception):
    """Base of every error Flagtrail raises on purpose; ``str()`` is a sentence for people, without secrets."""


class ConfigurationError(FlagtrailError):
    """The configuration is unusable; the text lists every fault found, with file and line."""


class UsageError(FlagtrailError):
    """A command was given something it cannot work with."""


class MalformedEventError(FlagtrailError):
    """An event cannot be understood; it goes to the dead-letter table whole."""


class MalformedDocumentError(FlagtrailError):
    """A flag document's content is not what its type promises."""


class StoreUnreadableError(FlagtrailError):
    """A flag store could not be read now (denied, throttled, unreachable); trying again later is right."""


class DatabaseError(FlagtrailError):
    """The audit database could not be used."""


class ConflictError(DatabaseError):
    """Another transaction came first; the same work done again succeeds."""


class SchemaOutdatedError(DatabaseError):
    """The audit database has an older schema; ``flagtrail db upgrade`` mends it."""
