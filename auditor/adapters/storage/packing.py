"""Domain objects as JSON text and back without loss, by the types their fields declare.

For rows that are never sealed; what is sealed has a written-down form of its own (``bodies``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from auditor.domain.times import parse_rfc3339, rfc3339

T = TypeVar("T")
_Convert = Callable[[Any], Any]
_PLAIN = (str, int, float, bool, NoneType)


class _Json:
    """Stands for values that are JSON already."""


def pack(value: object) -> str:
    """Return the JSON text of a domain object; ASCII only, so that any text whatever survives every database."""
    return json.dumps(_packer(type(value))(value), separators=(",", ":"))


def unpack(kind: type[T], text: str) -> T:
    """Read an object of this class back from its JSON text."""
    value: T = _unpacker(kind)(json.loads(text))
    return value


def pack_map(kind: type[T], values: Mapping[str, T]) -> str:
    """Return the JSON text of a mapping of texts to objects of one class."""
    convert = _packer(kind)
    return json.dumps({key: convert(value) for key, value in values.items()}, separators=(",", ":"))


def unpack_map(kind: type[T], text: str) -> dict[str, T]:
    """Read a mapping of texts to objects of one class back from its JSON text."""
    convert = _unpacker(kind)
    return {key: convert(value) for key, value in json.loads(text).items()}


def pack_json(value: object) -> str:
    """Return JSON text of what is JSON already; ASCII only, key order kept."""
    return json.dumps(value, separators=(",", ":"))


def _same(value: Any) -> Any:
    return value


def _is_plain(hint: Any) -> bool:
    return hint in (_Json, *_PLAIN) or hint is Any


@cache
def _hints(kind: type) -> dict[str, Any]:
    # A value of JSON is left as it is; its recursive alias could not be resolved anyway.
    return get_type_hints(kind, localns={"JsonValue": _Json})


def _packer(hint: Any) -> _Convert:
    return _make_packer(hint)


def _unpacker(hint: Any) -> _Convert:
    return _make_unpacker(hint)


@cache
def _make_packer(hint: Any) -> _Convert:
    """Return what turns a value of this type into JSON."""
    if _is_plain(hint):
        return _same
    if hint is datetime:
        return rfc3339
    if isinstance(hint, type) and issubclass(hint, Enum):
        return lambda value: value.value
    if is_dataclass(hint):
        return _dataclass_packer(hint)
    return _container(hint, _packer)


@cache
def _make_unpacker(hint: Any) -> _Convert:
    """Return what reads a value of this type from JSON."""
    if _is_plain(hint):
        return _same
    if hint is datetime:
        return parse_rfc3339
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    if is_dataclass(hint):
        return _dataclass_unpacker(hint)
    return _container(hint, _unpacker)


def _dataclass_packer(kind: Any) -> _Convert:
    hints = _hints(kind)
    converts = [(field.name, _packer(hints[field.name])) for field in fields(kind)]
    return lambda value: {name: convert(getattr(value, name)) for name, convert in converts}


def _dataclass_unpacker(kind: Any) -> _Convert:
    hints = _hints(kind)
    converts = {field.name: _unpacker(hints[field.name]) for field in fields(kind)}
    # A field that a later release adds is absent from older rows: its default then holds.
    return lambda value: kind(**{name: converts[name](item) for name, item in value.items() if name in converts})


def _container(hint: Any, of: Callable[[Any], _Convert]) -> _Convert:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _optional(*[of(argument) for argument in arguments if argument is not NoneType])
    if origin is tuple and arguments[-1] is Ellipsis:
        item = of(arguments[0])
        return lambda value: tuple([item(one) for one in value])
    if origin is tuple:
        items = [of(argument) for argument in arguments]
        return lambda value: tuple([convert(one) for convert, one in zip(items, value, strict=True)])
    if origin is not None and issubclass(origin, Mapping):
        mapped = of(arguments[1])
        return lambda value: {key: mapped(one) for key, one in value.items()}
    raise TypeError(f"no JSON form is known for {hint}")


def _optional(convert: _Convert) -> _Convert:
    return lambda value: None if value is None else convert(value)
