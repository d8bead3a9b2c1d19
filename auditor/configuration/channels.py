"""The sections of channels and routes, and what they lead to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from auditor.configuration import positions
from auditor.configuration.faults import Faults, did_you_mean
from auditor.domain.changes import ChangeKind
from auditor.domain.findings import Severity
from auditor.domain.routing import Destination, Quiet, Route, Routing
from auditor.settings import CHANNEL_KINDS, ChannelSettings

Tables = Sequence[tuple[positions.Path, dict[str, Any]]]


def channels(tables: Tables, faults: Faults) -> tuple[ChannelSettings, ...]:
    """Return the channels, each with a name of its own."""
    found: dict[str, ChannelSettings] = {}
    for place, given in tables:
        name, kind = given.get("name"), given.get("kind")
        if not name or not kind:
            continue  # said already
        if name in found or name in CHANNEL_KINDS:
            faults.add((*place, "name"), f"{name!r} is the name of another channel; give each its own")
        if kind != "console" and not given.get("to"):
            faults.add(place, f'kind = "{kind}" needs to, where its messages go')
        if ("quiet_begin" in given) != ("quiet_end" in given):
            faults.add(place, "quiet_begin and quiet_end go together; give both or none")
        found[name] = ChannelSettings(name, kind, given.get("to"), _destination(name, given))
    return tuple(found.values())


def _destination(name: str, given: Mapping[str, Any]) -> Destination:
    days = tuple(day for day in given.get("quiet_days", ()) if day)
    quiet = Quiet(given.get("quiet_begin"), given.get("quiet_end"), days, given.get("timezone", "UTC"))
    urgent = Severity(given.get("urgent") or Severity.CRITICAL)
    return Destination(name, quiet, given.get("budget"), urgent)


def routing(
    known: Sequence[ChannelSettings], tables: Tables, notify: Mapping[str, Any], within: timedelta, faults: Faults
) -> Routing:
    """Return the routes; a channel that is none is a fault."""
    names = [*CHANNEL_KINDS, *(channel.name for channel in known)]
    _check(notify.get("channel", "slack"), names, ("notify", "channel"), faults)
    routes = []
    for place, given in tables:
        if "channel" in given:
            _check(given["channel"], [n for n in names if n not in CHANNEL_KINDS], (*place, "channel"), faults)
            routes.append(_route(given))
    destinations = {channel.name: channel.destination for channel in known}
    usual = destinations.get(notify.get("channel", "slack"), Destination())
    fallback = Destination(None, usual.quiet, usual.budget, usual.urgent)
    # What goes to the usual channel anyway needs no way of its own.
    ways = {name: fallback if name == notify.get("channel") else way for name, way in destinations.items()}
    return Routing(tuple(routes), ways, fallback, within)


def _check(name: str, names: Sequence[str], place: positions.Path, faults: Faults) -> None:
    if name not in names:
        hint = did_you_mean(name, names) if names else "write a [[channel]] of this name"
        faults.add(place, f"{name!r} is not known; {hint}")


def _route(given: Mapping[str, Any]) -> Route:
    severity = given.get("severity")
    return Route(
        given["channel"],
        given.get("application"),
        given.get("environment"),
        given.get("owner"),
        Severity(severity) if severity else None,
        tuple(ChangeKind(kind) for kind in given.get("kinds", ()) if kind),
    )
