"""Builds the settings from what was read, and holds what one option means for another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from auditor.configuration import positions
from auditor.configuration.channels import channels, routing
from auditor.configuration.faults import Faults
from auditor.configuration.ledger import key_from, ledger
from auditor.configuration.policies import CODES, policies
from auditor.domain.lifetimes import DEFAULT_LIFETIMES, DEFAULT_NAMING, FlagType, LifetimeRules, SpecialLifetime
from auditor.domain.scan_options import Accessor, Model, Override, Returns, ScanOptions
from auditor.domain.templates import DEFAULT_SSM_TEMPLATES
from auditor.domain.verdicts import StaleRules
from auditor.settings import (
    DEFAULT_DATABASE,
    DEFAULT_SOURCES,
    AwsSettings,
    NotifySettings,
    ScheduleSettings,
    Settings,
    SlackSettings,
    SnsSettings,
    SourceSettings,
)

Read = Mapping[tuple[str, ...], list[tuple[positions.Path, dict[str, Any]]]]

# Which options belong to which kind of source, and which of them it needs.
_OF_KIND: Mapping[str, tuple[str, ...]] = {
    "ssm": ("paths",),
    "appconfig": ("applications", "profiles", "pointer"),
    "dynamodb": ("table", "keys", "actor"),
    "s3": ("bucket", "key", "pointer"),
}
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "ssm": (),
    "appconfig": (),
    "dynamodb": ("table", "keys"),
    "s3": ("bucket", "key"),
}
_SQLITE_FILE = re.compile(r"(sqlite(?:\+\w+)?:///)(?!/|:memory:|file:)(.+)")


def build(read: Read, faults: Faults, path: Path, environ: Mapping[str, str]) -> Settings:
    """Return the settings; what does not fit together is added to the faults."""
    base = path.parent
    sources = _sources(read[("source",)], faults)
    scan = _only(read, "scan")
    repositories = tuple(place if "://" in place else base / place for place in scan.pop("repositories", ()))
    notify = NotifySettings(**_only(read, "notify"))
    known = channels(read[("channel",)], faults)
    return Settings(
        config_path=path,
        database_url=_database_url(_only(read, "database").get("url", DEFAULT_DATABASE), base),
        sources=sources,
        aws=AwsSettings(**_only(read, "aws")),
        slack=SlackSettings(**_only(read, "slack")),
        notify=notify,
        sns=SnsSettings(**_only(read, "sns")),
        channels=known,
        routing=routing(known, read[("route",)], _only(read, "notify"), notify.group_within, faults),
        repositories=repositories,
        scan=_scan_options(read, faults, sources, scan),
        stale=_stale(read),
        policies=policies(
            {code: read[("policy", code)] for code in CODES},
            read[("override",)],
            read[("freeze",)],
            notify.unattributed_after,
            faults,
        ),
        schedule=ScheduleSettings(**_only(read, "schedule")),
        ledger=ledger(_only(read, "ledger"), faults, base, environ),
        people_shown=tuple(_only(read, "people").get("shown", ())),
        code_link=_only(read, "links").get("code"),
        page_link=_only(read, "links").get("pages"),
        report_link=_only(read, "links").get("reports"),
        fingerprint_key=key_from(("secrets", "fingerprint_key"), _only(read, "secrets"), faults, base, environ),
    )


def _only(read: Read, *path: str) -> dict[str, Any]:
    """Return what the one table at a path says; nothing where it does not stand."""
    return next((dict(given) for _, given in read[path]), {})


def _database_url(url: str, base: Path) -> str:
    """Return the URL with a relative SQLite file beside the configuration, wherever the command is called from."""
    match = _SQLITE_FILE.fullmatch(url)
    return f"{match[1]}{base / match[2]}" if match else url


def _sources(tables: list[tuple[positions.Path, dict[str, Any]]], faults: Faults) -> tuple[SourceSettings, ...]:
    """Return the sources, those watched by default where none is configured."""
    names: dict[str, int] = {}
    sources = []
    for place, given in tables:
        kind = given.get("kind")
        if kind is None:
            continue  # said already
        _check_source(kind, given, place, faults)
        name = given.get("name", kind)
        if "name" in given and name in names:
            faults.add((*place, "name"), f"{name!r} is the name of another source; give each its own")
        names[name] = 1
        sources.append(_source(kind, name, given))
    return tuple(sources) or DEFAULT_SOURCES


def _source(kind: str, name: str, given: Mapping[str, Any]) -> SourceSettings:
    """Return one source; Parameter Store without paths has the usual ones."""
    rest = {key: value for key, value in given.items() if key not in {"kind", "name"}}
    if kind == "ssm":
        rest["paths"] = rest.get("paths") or DEFAULT_SSM_TEMPLATES
    return SourceSettings(kind, name, **rest)


def _check_source(kind: str, given: Mapping[str, Any], place: positions.Path, faults: Faults) -> None:
    """Report options of another kind of source, and missing ones."""
    for option in dict.fromkeys(option for options in _OF_KIND.values() for option in options):
        owners = [f'kind = "{owner}"' for owner, options in _OF_KIND.items() if option in options]
        if option in given and option not in _OF_KIND[kind]:
            faults.add((*place, option), f'belongs to {" or ".join(owners)}, this source is "{kind}"')
    for option in _NEEDED[kind]:
        if option not in given:
            faults.add(place, f'kind = "{kind}" needs {option}')
    keys = given.get("keys")
    if keys is not None and not any("{flag}" in template for _, template in keys):
        faults.add((*place, "keys"), "no attribute says which flag it is; put {flag} into one template")


def _scan_options(read: Read, faults: Faults, sources: tuple[SourceSettings, ...], scan: dict[str, Any]) -> ScanOptions:
    """Return what the scanner is told, with the tables and buckets that hold flags."""
    for place, given in read[("scan", "accessor")]:
        returns = given.get("returns", "value")
        if returns == "object" and not given.get("reads"):
            faults.add(place, 'returns = "object" needs reads, the names that ask the object')
        if "reads" in given and returns != "object":
            faults.add((*place, "reads"), 'goes with returns = "object" only')
    return ScanOptions(
        accessors=tuple(_accessor(given) for _, given in read[("scan", "accessor")] if "callable" in given),
        overrides=tuple(Override(**given) for _, given in read[("scan", "override")] if "callable" in given),
        models=tuple(_model(given) for _, given in read[("scan", "model")] if "class" in given),
        tables=tuple(source.table for source in sources if source.table),
        buckets=tuple(source.bucket for source in sources if source.bucket),
        **scan,
    )


def _accessor(given: dict[str, Any]) -> Accessor:
    returns = Returns(given.get("returns") or "value")
    return Accessor(**{**given, "returns": returns})


def _model(given: dict[str, Any]) -> Model:
    rest = {key: value for key, value in given.items() if key != "class"}
    return Model(name=given["class"], **rest)


def _stale(read: Read) -> StaleRules:
    """Return the thresholds; lifetimes and naming that are given go before those built in."""
    given, usual = _only(read, "stale"), StaleRules()
    lifetimes = {FlagType(kind): days for kind, days in _only(read, "stale", "lifetimes").items()}
    patterns = _only(read, "stale", "naming").items()
    naming = {pattern: FlagType(kind) for kind, own in patterns for pattern in own}
    default_type = given.get("default_type")
    return StaleRules(
        lifetimes=LifetimeRules(
            days={**DEFAULT_LIFETIMES, **lifetimes},
            naming={**naming, **{p: kind for p, kind in DEFAULT_NAMING.items() if p not in naming}},
            default_type=FlagType(default_type) if default_type else None,
            owners=tuple(_only(read, "owners").items()),
            special=tuple(
                SpecialLifetime(FlagType(own.pop("type")), own.pop("allowed"), **own)
                for own in (dict(table) for _, table in read[("stale", "lifetime")])
                if {"type", "allowed"} <= own.keys()
            ),
        ),
        settled_days=given.get("settled_after", usual.settled_days),
        unreferenced_days=given.get("unreferenced_after", usual.unreferenced_days),
        grace_days=given.get("grace", usual.grace_days),
        scan_max_age_days=given.get("scan_fresh_for", usual.scan_max_age_days),
        snooze_days=given.get("snooze_at_most", usual.snooze_days),
        critical=frozenset(name.lower() for name in given.get("critical_environments", usual.critical)),
        deployed=tuple(given.get("deployed_branches", usual.deployed)),
    )
