"""The sections of policies, made from the policies themselves, and the rules that they configure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import time, timedelta
from typing import Any, TypeVar

from auditor.configuration import positions
from auditor.configuration import values as v
from auditor.configuration.faults import Faults, did_you_mean
from auditor.domain.findings import Severity
from auditor.domain.lifetimes import FlagType
from auditor.policies import CHANGE_POLICIES, FLAG_POLICIES
from auditor.policies.base import Freeze, Option, Override, Policy, Rulebook, options_of
from auditor.policies.unattributed_change import UnattributedChange
from auditor.settings import PolicySettings

Tables = Sequence[tuple[positions.Path, dict[str, Any]]]
P = TypeVar("P", bound=Policy)

POLICIES: tuple[Policy, ...] = (*CHANGE_POLICIES, *FLAG_POLICIES)
CODES = tuple(policy.code for policy in POLICIES)
_MOST = 1_000


def reader(option: Option) -> v.Reader:
    """Return what reads a threshold, by the type of its default."""
    if option.choices:
        return v.many(v.choice(*option.choices), f'["{option.choices[0]}"]')
    if isinstance(option.default, tuple):
        return v.many(v.text, '["..."]')
    if isinstance(option.default, timedelta):
        return v.duration
    if isinstance(option.default, time):
        return v.clock
    return v.zone if isinstance(option.default, str) else v.number(1, _MOST)


def form(option: Option) -> str:
    """Return how a threshold is written, for people."""
    if option.choices:
        return f"list of {', '.join(option.choices)}"
    if isinstance(option.default, tuple):
        return "list of texts"
    names = {timedelta: "duration", time: "time of day", str: "time zone"}
    return names.get(type(option.default), "number")


def written(value: Any) -> str:
    """Return a default as it stands in the file."""
    if isinstance(value, tuple):
        return "[" + ", ".join(f'"{item}"' for item in value) + "]"
    if isinstance(value, timedelta):
        hours, days = value // timedelta(hours=1), value.days
        return f"{days}d" if value == timedelta(days=days) else f"{hours}h"
    return f"{value:%H:%M}" if isinstance(value, time) else str(value)


def policies(own: Mapping[str, Tables], overrides: Tables, freezes: Tables, wait: timedelta, faults: Faults) -> Any:
    """Return the rules; ``own`` holds the tables of each policy, ``wait`` is when nobody being named is told."""
    given = {code: table for code, tables in own.items() for _, table in tables}
    base = {policy.code: _with(policy, given.get(policy.code, {}), wait) for policy in POLICIES}
    special = [_override(place, table, base, faults) for place, table in overrides]
    known = [override for override in special if override is not None]
    return PolicySettings(
        Rulebook(*_of(CHANGE_POLICIES, base, known)),
        Rulebook(*_of(FLAG_POLICIES, base, known)),
        tuple(Freeze(**table) for place, table in freezes if _is_span(place, table, faults)),
    )


def _with(policy: Any, given: Mapping[str, Any], wait: timedelta) -> Any:
    """Return a policy as its own table has it."""
    fields = {key: Severity(value) if key == "severity" else value for key, value in given.items() if value is not None}
    if isinstance(policy, UnattributedChange):
        fields["after"] = wait
    return replace(policy, **fields)


def _of(registered: Sequence[P], base: Mapping[str, Any], overrides: Sequence[Override[Any]]) -> Any:
    """Return what of all this belongs to these policies."""
    codes = [policy.code for policy in registered]
    return tuple(base[code] for code in codes), tuple(o for o in overrides if o.policy.code in codes)


def _override(
    place: positions.Path, given: Mapping[str, Any], base: Mapping[str, Any], faults: Faults
) -> Override[Any] | None:
    """Return the thresholds for some flags; what is not said there stays as it is for all."""
    policy = base.get(given.get("policy") or "")
    if policy is None:
        return None  # said already
    fields = {key: given[key] for key in ("enabled", "severity") if given.get(key) is not None}
    known = {option.name: option for option in options_of(policy)}
    for key, value in given.get("set", {}).items():
        if key in known:
            fields[key] = reader(known[key])(value, _report(faults, (*place, "set", key)))
        else:
            hint = did_you_mean(key, known) if known else "it has none"
            faults.add((*place, "set", key), f"is no threshold of {policy.code}; {hint}")
    kind = given.get("type")
    own = _with(policy, fields, getattr(policy, "after", timedelta()))
    type_ = FlagType(kind) if kind else None
    return Override(own, given.get("application"), given.get("environment"), type_, given.get("tag"))


def _report(faults: Faults, path: positions.Path) -> v.Report:
    return lambda what, *inside: faults.add((*path, *inside), what)


def _is_span(place: positions.Path, given: Mapping[str, Any], faults: Faults) -> bool:
    """Tell whether a freeze has both its ends, in their order."""
    if not {"name", "begins", "ends"} <= given.keys():
        return False  # said already
    if given["begins"] > given["ends"]:
        faults.add((*place, "ends"), "is before it begins; a freeze of one day ends on the day it begins")
        return False
    return True
