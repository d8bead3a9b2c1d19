"""What the names that people give to objects, classes and methods tell of them."""

from __future__ import annotations

import re
from functools import lru_cache

from scanners.languages.python.values import Bound, Ext, InstObj, Ref, Unknown, Value


def called(owner: Value) -> str:
    """What an object nobody knows is called where it is asked; empty where it has no name."""
    if isinstance(owner, Bound | Ext):
        return owner.name.rsplit(".", 1)[-1]
    return owner.hint if isinstance(owner, Unknown) else ""


def spelled(value: Value) -> str:
    """The names by which something unknown is reached, as code spells them."""
    if isinstance(value, Bound):
        return f"{spelled(value.owner)}.{value.name}"
    return value.name if isinstance(value, Ext) else value.hint if isinstance(value, Unknown) else ""


@lru_cache(maxsize=4096)
def tells_of_flags(whole: str, last: str) -> bool:
    """Whether a call is of what people call a reader of flags; its own name, unless it is one that many things have."""
    if last in _ASKING:
        return _FLAGS.search(whole) is not None
    return last not in COMMON_METHODS and _FLAGS.search(last) is not None and _CHANGES.search(last) is None


_FLAGS = re.compile(r"flag|feature|toggle|experiment|waffle|launch_?darkly", re.IGNORECASE)
_CHANGES = re.compile(r"^_*(?:set|add|create|delete|remove|update|register|log|track|test|make|build)_", re.IGNORECASE)
_ASKS = "get has check on enabled is_enabled active is_active is_on value switch_is_active sample_is_active"
_ASKING = frozenset(_ASKS.split())


@lru_cache(maxsize=4096)
def asks_environment(whole: str) -> bool:
    """Whether a function is called what people call one that asks for a variable of the environment."""
    *_, module, last = ("", *whole.split("."))
    return _VARIABLE.fullmatch(last) is not None or (
        _ENVIRONMENT.fullmatch(module) is not None and _GETTER.fullmatch(last) is not None
    )


_KIND = r"(?:_?(?:var|variable|value|bool|boolean|int|integer|float|str|string|list|flag))"
_VARIABLE = re.compile(rf"_?(?:get_?|read_?|load_?)?env(?:iron(?:ment)?)?{_KIND}*", re.IGNORECASE)
_ENVIRONMENT = re.compile(r"envs?|environ|environment|env_?(?:vars|utils|helpers)")
_GETTER = re.compile(rf"(?:get|read){_KIND}*")


def share_a_word(one: str, other: str) -> bool:
    """Whether two names have a word in common that tells more than that something is a client or a manager."""
    if one.replace("_", "").lower() == other.replace("_", "").lower():
        return bool(one)
    return not _words_of(one).isdisjoint(_words_of(other))


def is_object(value: Value) -> bool:
    """Whether a value is an object of a class of the repository."""
    return isinstance(value, Ref) and isinstance(value.obj, InstObj) and not value.obj.member


def comes_from_outside(owner: Value) -> bool:
    """Whether an unknown object was made by a library, or is of a library's class."""
    while isinstance(owner, Bound):
        owner = owner.owner
    return isinstance(owner, Unknown) and "." in owner.hint


def _words_of(name: str) -> frozenset[str]:
    words = (word.lower().removesuffix("s") for word in _WORD.findall(name))
    return frozenset(words) - _EMPTY_WORDS


_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_EMPTY = "client service manager store provider helper base aws cache the my util wrapper impl api"
_EMPTY_WORDS = frozenset(_EMPTY.split())
_COMMON = (
    "get set pop put add read write load fetch find lookup value values items keys delete remove update execute query "
    "call run open send post patch request check has contains exists create save resolve apply parse process handle "
    "on off emit subscribe filter format match search append extend insert index count replace join split test start "
    "stop close init register build make info debug warning error log"
)
COMMON_METHODS = frozenset(_COMMON.split())
