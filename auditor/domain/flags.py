"""Flags and what they say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"


@dataclass(frozen=True, slots=True, order=True)
class FlagId:
    """Application and key; ``application`` is empty where the path template names none."""

    application: str
    key: str

    def __str__(self) -> str:
        """Return ``application/key``, or the bare key without an application."""
        return f"{self.application}/{self.key}" if self.application else self.key


@dataclass(frozen=True, slots=True)
class FlagState:
    """What a flag says: its value, and for AppConfig feature flags its definition as well.

    Values arrive here parsed, without injected timestamps, and masked where they must not be shown: a masked value
    is ``{"masked": True, "comparable": bool, "fingerprint"?: str}``. ``definition`` is ``None`` where the store has
    none; ``has_value`` is False for an AppConfig definition without a value (then ``value`` is ``None``).
    """

    value: JsonValue
    definition: JsonValue = None
    has_value: bool = True

    def to_json(self) -> dict[str, JsonValue]:
        """Return the state as the record and every output show it."""
        state: dict[str, JsonValue] = {"value": self.value}
        if self.definition is not None:
            state["definition"] = self.definition
        return state

    @classmethod
    def from_json(cls, state: dict[str, JsonValue]) -> FlagState:
        """Read a state back from its recorded form."""
        return cls(value=state.get("value"), definition=state.get("definition"))


@dataclass(frozen=True, slots=True)
class FlagEntry:
    """One flag inside a document: which flag, in which environment (``None``: not bound to one), in which state."""

    flag: FlagId
    environment: str | None
    state: FlagState
