"""What botocore's models ask of a request and its client does not check: lengths, ranges, patterns, enums."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from examples.standin import seams

_TYPES: dict[str, type | tuple[type, ...]] = {
    "structure": dict,
    "map": dict,
    "list": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
}
_SIZED = {"string": "length", "list": "length", "blob": "length", "map": "length"}


def violations(service: str, operation: str, params: dict[str, Any]) -> list[str]:
    """Return what is wrong with a request, each fault as AWS words it; nothing when it may pass."""
    shape = seams.service_model(service).operation_model(operation).input_shape
    if shape is None:
        return []
    found = [
        f"Value {_shown(shape.members[name], None)}at '{_camel(name)}' failed to satisfy constraint: "
        "Member must not be null"
        for name in shape.required_members
        if params.get(name) is None
    ]
    for name, value in params.items():
        if name in shape.members and value is not None:
            found.extend(_check(shape.members[name], value, _camel(name)))
    return found


def mistyped(service: str, operation: str, params: dict[str, Any]) -> bool:
    """Tell whether a member of a request is of another type than its model's, which no SDK would send."""
    shape = seams.service_model(service).operation_model(operation).input_shape
    return shape is not None and not _fits(shape, params)


def _fits(shape: Any, value: Any) -> bool:
    if value is None:
        return True
    kind = _TYPES.get(shape.type_name)
    if kind is not None and not isinstance(value, kind):
        return False
    if shape.type_name == "structure":
        return all(_fits(shape.members[name], held) for name, held in value.items() if name in shape.members)
    if shape.type_name == "list":
        return all(_fits(shape.member, item) for item in value)
    if shape.type_name == "map":
        return all(_fits(shape.value, item) for item in value.values())
    return True


def summary(found: list[str]) -> str:
    """Return the one message that AWS makes of all faults."""
    plural = "" if len(found) == 1 else "s"
    return f"{len(found)} validation error{plural} detected: {'; '.join(found)}"


def _check(shape: Any, value: Any, where: str) -> Iterator[str]:
    for constraint in _broken(shape, value):
        yield f"Value {_shown(shape, value)}at '{where}' failed to satisfy constraint: {constraint}"
    if shape.type_name == "list":
        for index, item in enumerate(value, start=1):
            yield from _check(shape.member, item, f"{where}.{index}.member")
    if shape.type_name == "structure":
        for name in value:
            if name in shape.members and value[name] is not None:
                yield from _check(shape.members[name], value[name], f"{where}.{_camel(name)}")


def _broken(shape: Any, value: Any) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    measure = _SIZED.get(shape.type_name)
    size = len(value) if measure else value
    if isinstance(size, int | float):
        if most is not None and size > most:
            yield f"Member must have {measure or 'value'} less than or equal to {most}"
        if least is not None and size < least:
            yield f"Member must have {measure or 'value'} greater than or equal to {least}"
    if shape.type_name == "string":
        yield from _broken_text(shape, value)


def _broken_text(shape: Any, value: str) -> Iterator[str]:
    if shape.enum and value not in shape.enum:
        # Of two names of which one begins the other, AWS lists the longer first.
        known = sorted(shape.enum, key=lambda name: f"{name}~")
        yield f"Member must satisfy enum value set: [{', '.join(known)}]"
    pattern = shape.metadata.get("pattern")
    if pattern and _unmatched(pattern, value):
        yield f"Member must satisfy regular expression pattern: {pattern}"


def _unmatched(pattern: str, value: str) -> bool:
    r"""Tell a value that breaks a pattern; Java's own classes such as \p{L} are beyond Python's and pass."""
    try:
        return re.fullmatch(pattern, value) is None
    except re.error:
        return False


def _camel(name: str) -> str:
    return name[:1].lower() + name[1:]


def _shown(shape: Any, value: Any) -> str:
    """Return a value as AWS repeats it; what its model calls sensitive it does not."""
    if shape.metadata.get("sensitive"):
        return ""
    return "null " if value is None else f"'{value}' "
