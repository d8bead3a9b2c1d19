"""What a flag's state amounts to: fully on, fully off, between, or not to be told. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from auditor.domain.flags import FlagState, JsonValue

_ON: Final = frozenset({"true", "on", "enabled", "yes"})
_OFF: Final = frozenset({"false", "off", "disabled", "no"})
_SHARES: Final = ("rollout", "percentage", "percent", "pct", "weight", "rollout_percentage", "rolloutPercentage")
_ALL: Final = 100


class Position(StrEnum):
    """How far a flag is turned in one environment."""

    ON = "on"
    OFF = "off"
    BETWEEN = "between"
    VALUE = "value"
    HIDDEN = "hidden"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Reading:
    """A position, what everybody gets (``winner``, only where ``settled``), and a rollout's share where it is told."""

    position: Position
    winner: JsonValue = None
    share: float | None = None

    @property
    def settled(self) -> bool:
        """Tell whether everybody gets the same."""
        return self.position in (Position.ON, Position.OFF)


def read_state(state: FlagState | None) -> Reading:
    """Say what a state amounts to; rules and variants that all lead to the same count as one."""
    if state is None:
        return Reading(Position.ABSENT)
    return _read_value(state.value)


def _read_value(value: JsonValue) -> Reading:
    if isinstance(value, bool):
        return Reading(Position.ON if value else Position.OFF, value)
    if isinstance(value, dict):
        return _read_object(value)
    return _read_text(value) if isinstance(value, str) else Reading(Position.VALUE)


def _read_object(value: dict[str, JsonValue]) -> Reading:
    if value.get("masked") is True and "comparable" in value:
        return Reading(Position.HIDDEN)
    if isinstance(value.get("_variants"), list):
        return _read_variants(value["_variants"])
    if "default" in value and isinstance(value.get("rules", {}), dict):
        return _read_powertools(value)
    return _read_enabled(value)


def _read_text(value: str) -> Reading:
    word = value.strip().lower()
    if word in _ON:
        return Reading(Position.ON, value)
    return Reading(Position.OFF, value) if word in _OFF else Reading(Position.VALUE)


def _read_enabled(value: Mapping[str, JsonValue]) -> Reading:
    enabled = value.get("enabled")
    share = next((float(s) for name in _SHARES if isinstance(s := value.get(name), int | float)), None)
    if not isinstance(enabled, bool):
        if share is None:
            return Reading(Position.VALUE)
        enabled = share > 0
    if not enabled:
        return Reading(Position.OFF, dict(value), share)
    if share is not None and share < _ALL:
        return Reading(Position.OFF if share == 0 else Position.BETWEEN, dict(value) if share == 0 else None, share)
    return Reading(Position.ON, dict(value), share)


def _read_variants(variants: JsonValue) -> Reading:
    """Read AppConfig variants: settled when every variant gives the same."""
    if not isinstance(variants, list) or not all(isinstance(v, dict) for v in variants) or not variants:
        return Reading(Position.BETWEEN)
    given = [_given_by(v) for v in variants if isinstance(v, dict)]
    if any(g != given[0] for g in given):
        return Reading(Position.BETWEEN)
    return Reading(Position.ON if given[0].get("enabled") is True else Position.OFF, given[0])


def _given_by(variant: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    attributes = variant.get("attributeValues")
    return {"enabled": variant.get("enabled"), **(attributes if isinstance(attributes, dict) else {})}


def _read_powertools(value: Mapping[str, JsonValue]) -> Reading:
    """Read a Powertools flag: settled when no rule can give anything else than the default."""
    default, rules = value.get("default"), value.get("rules")
    matches = [r.get("when_match") for r in rules.values() if isinstance(r, dict)] if isinstance(rules, dict) else []
    if any(match != default for match in matches):
        return Reading(Position.BETWEEN)
    if isinstance(default, bool):
        return Reading(Position.ON if default else Position.OFF, default)
    return Reading(Position.VALUE)
