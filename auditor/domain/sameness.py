"""When two values say the same: numbers by value, objects whatever their order, hidden values by fingerprint."""

from __future__ import annotations

from collections.abc import Hashable

from auditor.domain.flags import JsonValue
from auditor.domain.masking import is_masked


class Sameness:
    """Numbers values so that two of them say the same exactly when their numbers are equal.

    Every container is walked once, however often it is asked about, so comparing lists inside lists stays linear.
    A masked value that is not comparable gets a number of its own: nobody can say that it is the same as another.
    """

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        # The container itself is held as well: an id is only its own while it lives.
        self._walked: dict[int, tuple[JsonValue, int]] = {}

    def __call__(self, value: JsonValue) -> int:
        """Return the number of what a value says."""
        if not isinstance(value, dict | list):
            return self._number(_scalar(value))
        known = self._walked.get(id(value))
        if known is None:
            known = self._walked[id(value)] = (value, self._number(self._container(value)))
        return known[1]

    def _container(self, value: dict[str, JsonValue] | list[JsonValue]) -> Hashable:
        if isinstance(value, list):
            return ("list", tuple(map(self, value)))
        if is_masked(value) and not value["comparable"]:
            return ("masked", object())
        return ("object", tuple((key, self(value[key])) for key in sorted(value)))

    def _number(self, said: Hashable) -> int:
        return self._numbers.setdefault(said, len(self._numbers))


def _scalar(value: JsonValue) -> Hashable:
    # Python takes True for 1; a flag that says one does not say the other.
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, str):
        return ("text", value)
    return ("number", value) if isinstance(value, int | float) else ("nothing",)
