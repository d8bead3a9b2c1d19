"""Whether what a feature flag says keeps to the constraints that its own definition sets for its attributes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from auditor.domain.flags import FlagState, JsonValue
from auditor.domain.masking import is_masked, mask_text

# A pattern comes from whoever may write flags, and Python tries in vain for ages on some: only short and plain ones
# are judged. A group that repeats is what makes it long.
_LONGEST = 256
# With each repeat the time grows by another power of the text's length: (repeats, the longest text judged).
_BOUNDS = ((2, 256), (3, 64))
_REPEATED_GROUP = re.compile(r"\)\s*[*+?{]|\\[1-9]|\(\?")
_REPEAT = re.compile(r"[*+?{]")


def violations(state: FlagState) -> tuple[str, ...]:
    """Return which attributes are outside their constraints, a sentence each, without the value itself.

    AppConfig checks this when a version is stored; what got past it (or was stored before the constraint) is told here.
    Attributes without a definition, hidden values, and patterns that could take long to judge are passed over.
    """
    definition, value = state.definition, state.value
    attributes = definition.get("attributes") if isinstance(definition, dict) else None
    if not isinstance(attributes, dict) or not isinstance(value, dict):
        return ()
    return tuple(dict.fromkeys(_faults(attributes, value)))


def _faults(attributes: Mapping[str, JsonValue], value: Mapping[str, JsonValue]) -> Iterator[str]:
    variants = value.get("_variants")
    if not isinstance(variants, list):
        yield from _of(attributes, value, "")
        return
    for variant in variants:
        if isinstance(variant, dict):
            given = variant.get("attributeValues")
            where = f" in variant {mask_text(str(variant.get('name', '')))[:64]}"
            yield from _of(attributes, given if isinstance(given, dict) else {}, where)


def _of(attributes: Mapping[str, JsonValue], given: Mapping[str, JsonValue], where: str) -> Iterator[str]:
    for name, described in attributes.items():
        constraints = described.get("constraints") if isinstance(described, dict) else None
        if not isinstance(constraints, dict):
            continue
        fault = _fault(constraints, given.get(name))
        if fault is not None:
            yield f"attribute {mask_text(name)[:64]}{where} {fault}"


def _fault(constraints: Mapping[str, JsonValue], value: JsonValue) -> str | None:
    if value is None:
        return "is required and not given" if constraints.get("required") is True else None
    check = _CHECKS.get(str(constraints.get("type")))
    return None if check is None or is_masked(value) else check(constraints, value)


def _string(constraints: Mapping[str, JsonValue], value: JsonValue) -> str | None:
    if not isinstance(value, str):
        return "is no text"
    choice, pattern = constraints.get("enum"), constraints.get("pattern")
    if isinstance(choice, list) and choice and value not in choice:
        return "is none of the values allowed"
    if isinstance(pattern, str) and _is_plain(pattern, value) and not _fits(pattern, value):
        return "does not fit its pattern"
    return None


def _number(constraints: Mapping[str, JsonValue], value: JsonValue) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "is no number"
    least, most = constraints.get("minimum"), constraints.get("maximum")
    if isinstance(least, int | float) and value < least:
        return f"is below its minimum {least:g}"
    if isinstance(most, int | float) and value > most:
        return f"is above its maximum {most:g}"
    return None


def _boolean(_constraints: Mapping[str, JsonValue], value: JsonValue) -> str | None:
    return None if isinstance(value, bool) else "is no boolean"


def _array(constraints: Mapping[str, JsonValue], value: JsonValue) -> str | None:
    if not isinstance(value, list):
        return "is no array"
    elements = constraints.get("elements")
    check = _CHECKS.get(str(elements.get("type"))) if isinstance(elements, dict) else None
    if check is None or not isinstance(elements, dict):
        return None
    faults = (check(elements, element) for element in value if not is_masked(element))
    fault = next((fault for fault in faults if fault is not None), None)
    return None if fault is None else f"has an element that {fault}"


_CHECKS: Mapping[str, Callable[[Mapping[str, JsonValue], JsonValue], str | None]] = {
    "string": _string,
    "number": _number,
    "boolean": _boolean,
    "array": _array,
}


def _is_plain(pattern: str, value: str) -> bool:
    """Tell whether a pattern is judged in reasonable time on a text of this length."""
    repeats = len(_REPEAT.findall(pattern))
    bounded = any(repeats <= most and len(value) <= longest for most, longest in _BOUNDS)
    return bounded and len(pattern) <= _LONGEST and _REPEATED_GROUP.search(pattern) is None


def _fits(pattern: str, value: str) -> bool:
    """Tell whether a text fits a pattern; one that Python cannot read settles nothing."""
    try:
        return re.search(pattern, value) is not None
    except re.error:
        return True
