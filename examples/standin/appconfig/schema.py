"""The faults of a feature flag document, each as AppConfig reports it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

Fault = dict[str, str]

MAX_ATTRIBUTES = 25
MAX_VARIANTS = 32
MAX_RULE = 16384
MAX_NAME = 64
MAX_DESCRIPTION = 1024
KEY = re.compile(r"[a-z][a-zA-Z\d_-]{0,63}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
DEFINITION = frozenset({"name", "description", "attributes", "_createdAt", "_updatedAt", "_deprecation"})
VARIANT = frozenset({"name", "enabled", "rule", "attributeValues"})
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
_ATTRIBUTE_TYPES = ("string", "number", "boolean", "array")
_OWN = {"enabled", "_createdAt", "_updatedAt", "_variants"}


def faults(document: dict[str, Any]) -> list[Fault]:
    """Return everything that is wrong with a document; nothing when it may be stored."""
    return list(_document(document))


def _document(document: dict[str, Any]) -> Iterator[Fault]:
    if "version" not in document:
        yield _fault("Required", "version", "")
    elif document["version"] != "1":
        yield _fault("OneOf(1)", "version", document["version"])
    flags, values = document.get("flags") or {}, document.get("values") or {}
    for half, entries in (("flags", flags), ("values", values)):
        if not isinstance(entries, dict) or not all(isinstance(entry, dict) for entry in entries.values()):
            yield _fault("Object", half, entries)
            return
    for key, definition in flags.items():
        yield from _definition(f"flags.{key}", key, definition)
    for key, value in values.items():
        attributes = flags.get(key, {}).get("attributes") or {}
        yield from _value(f"values.{key}", key, value, attributes)


def _definition(where: str, key: str, definition: dict[str, Any]) -> Iterator[Fault]:
    yield from _key(where, key)
    name = definition.get("name", "")
    if not isinstance(name, str) or len(name) > MAX_NAME or "\n" in name:
        yield _fault(f"LengthLTE({MAX_NAME})", f"{where}.name", name)
    description = definition.get("description", "")
    if not isinstance(description, str) or len(description) > MAX_DESCRIPTION:
        yield _fault(f"LengthLTE({MAX_DESCRIPTION})", f"{where}.description", description)
    yield from _deprecation(f"{where}._deprecation", definition.get("_deprecation"))
    attributes = definition.get("attributes") or {}
    if len(attributes) > MAX_ATTRIBUTES:
        yield _fault(f"LengthLTE({MAX_ATTRIBUTES})", f"{where}.attributes", attributes)
    for attribute, described in attributes.items():
        yield from _attribute(f"{where}.attributes.{attribute}", attribute, described)


def _deprecation(where: str, deprecation: Any) -> Iterator[Fault]:
    if deprecation is None:
        return
    if not isinstance(deprecation, dict) or deprecation.get("status") != "planned":
        yield _fault("OneOf(planned)", f"{where}.status", deprecation)
        return
    date = deprecation.get("date", "2000-01-01")
    if not isinstance(date, str) or not _DATE.fullmatch(date):
        yield _fault("Date", f"{where}.date", date)


def _attribute(where: str, name: str, described: Any) -> Iterator[Fault]:
    yield from _key(where, name)
    if name == "enabled":
        yield _fault("Not(OneOf(enabled))", where, name)
    constraints = described.get("constraints") if isinstance(described, dict) else None
    kind = constraints.get("type") if isinstance(constraints, dict) else None
    if constraints is None or kind not in _ATTRIBUTE_TYPES:
        yield _fault(f"OneOf({', '.join(_ATTRIBUTE_TYPES)})", f"{where}.constraints.type", kind)
    elif kind == "string" and "enum" in constraints and "pattern" in constraints:
        yield _fault("Empty", f"{where}.constraints.pattern", constraints["pattern"])


def _key(where: str, key: str) -> Iterator[Fault]:
    if not KEY.fullmatch(key):
        yield _fault(f"Regexp(^{KEY.pattern}$)", where, key)


def _value(where: str, key: str, value: dict[str, Any], attributes: dict[str, Any]) -> Iterator[Fault]:
    yield from _key(where, key)
    if "_variants" in value:
        if value["_variants"] and value.get("enabled") is not None:
            yield _fault("StrictVariants", where, {"Key": key, "Value": value})
        yield from _variants(f"{where}._variants", value["_variants"], attributes)
        return
    yield from _enabled(where, value)
    given = {name: held for name, held in value.items() if name not in _OWN}
    yield from _given(where, given, attributes)


def _enabled(where: str, value: dict[str, Any]) -> Iterator[Fault]:
    enabled = value.get("enabled")
    if enabled is not None and as_boolean(enabled) is None:
        yield _fault("AttributeType(boolean)", f"{where}.enabled", enabled) | {"Type": "Invalid"}


def as_boolean(value: Any) -> bool | None:
    """Return a boolean, or the one that a text stands for; None when it is neither."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in _TRUE | _FALSE:
        return value in _TRUE
    return None


def _variants(where: str, variants: Any, attributes: dict[str, Any]) -> Iterator[Fault]:
    if not isinstance(variants, list) or not all(isinstance(one, dict) and one.get("name") for one in variants):
        yield _fault("Array", where, variants)
        return
    if len(variants) > MAX_VARIANTS:
        yield _fault(f"LengthLTE({MAX_VARIANTS})", where, variants)
    if len({variant["name"] for variant in variants}) < len(variants):
        yield _fault("UniqueVariantNames", f"{where}.variants.variants", variants)
    for number, variant in enumerate(variants):
        here = f"{where}.variants.{variant['name']}"
        yield from _rule(f"{here}.rule", f"{where}.{number}.rule", variant.get("rule"), last=variant is variants[-1])
        yield from _enabled(here, variant)
        yield from _given(here, variant.get("attributeValues") or {}, attributes)


def _rule(by_name: str, by_number: str, rule: Any, *, last: bool) -> Iterator[Fault]:
    """Report a rule on the default variant, no rule on another, or one that is no expression."""
    if last and rule:
        yield _fault("Empty", by_name, rule)
    elif not last and not rule:
        yield _fault("NonEmpty", by_name, "")
    elif rule and not _sound_rule(rule):
        yield _fault("Empty", by_number, rule)
        yield _fault("RuleIsValid", by_number, rule) | {"Reason": "NotAnExpression"}


def _sound_rule(rule: Any) -> bool:
    if not isinstance(rule, str) or len(rule) > MAX_RULE:
        return False
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", rule).strip()
    return bare.startswith("(") and bare.endswith(")") and bare.count("(") == bare.count(")")


def _given(where: str, given: dict[str, Any], attributes: dict[str, Any]) -> Iterator[Fault]:
    for name, held in given.items():
        if name not in attributes:
            known = " ".join(sorted(attributes))
            yield _fault(f"Satisfies(map[{known}])", f"{where}.{name}", {"Key": name, "Value": held})
        else:
            yield from _held(f"{where}.{name}", held, attributes[name]["constraints"])
    missing = [name for name, one in attributes.items() if one["constraints"].get("required") and name not in given]
    if missing:
        yield _fault("Not(IsZero([]))", f"{where}.attributes", attributes)
    for name in missing:
        yield _fault("Entries", f"{where}.attributes.{name}", {"Key": name, "Value": attributes[name]})


def _held(where: str, held: Any, constraints: dict[str, Any]) -> Iterator[Fault]:
    kind = constraints["type"]
    if not _is_a(kind, held):
        yield _fault(f"AttributeType({kind})", where, held)
    elif kind == "array":
        elements = constraints.get("elements") or {"type": "string"}
        for index, item in enumerate(held):
            if not _is_a(elements.get("type", "string"), item):
                yield _fault(f"ElementType({elements['type']})", f"{where}.{index}", item)
            else:
                yield from _within(f"{where}.{index}", item, elements)
    else:
        yield from _within(where, held, constraints)


def _within(where: str, held: Any, constraints: dict[str, Any]) -> Iterator[Fault]:
    if "enum" in constraints and held not in constraints["enum"]:
        yield _fault(f"OneOf({', '.join(map(str, constraints['enum']))})", where, held)
    if "pattern" in constraints and not re.search(constraints["pattern"], held):
        yield _fault(f"Regexp({constraints['pattern']})", where, held)
    if constraints.get("minimum") is not None and held < constraints["minimum"]:
        yield _fault(f"FloatGTE({constraints['minimum']})", where, held)
    if constraints.get("maximum") is not None and held > constraints["maximum"]:
        yield _fault(f"FloatLTE({constraints['maximum']})", where, held)


def _is_a(kind: str, held: Any) -> bool:
    if kind == "number":
        return isinstance(held, int | float) and not isinstance(held, bool)
    return isinstance(held, {"string": str, "boolean": bool, "array": list}[kind])


def _fault(constraint: str, location: str, value: Any) -> Fault:
    shown = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return {"Constraint": constraint, "Location": location, "Type": "NotSatisfied", "Value": shown}
