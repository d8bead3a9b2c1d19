"""Text that is JSON or YAML, as the value it says: strictly, and bounded against hostile documents."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from typing import Any

from auditor.domain.errors import ConfigurationError, MalformedDocumentError
from auditor.domain.flags import JsonValue
from auditor.domain.pointers import tokens
from auditor.domain.values import MAX_DEPTH, load_json

LARGEST = 4_000_000
"""Bytes of a document that are looked into; no flag document comes near."""

# Aliases of YAML unfold: a page of them can say more than any memory holds.
_MOST_NODES = 200_000


def load_document(raw: bytes, *, yaml: bool) -> JsonValue:
    """Return what a document says; raise ``MalformedDocumentError`` with a sentence that quotes nothing of it."""
    if len(raw) > LARGEST:
        raise MalformedDocumentError(f"it is larger than {LARGEST} bytes")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MalformedDocumentError("it is not UTF-8") from None
    return _load_yaml(text) if yaml else load_json(text)


def value_at(document: JsonValue, pointer: str) -> tuple[bool, JsonValue]:
    """Return whether something stands at a JSON Pointer, and what."""
    value = document
    for token in tokens(pointer):
        if isinstance(value, dict) and token in value:
            value = value[token]
        elif isinstance(value, list) and token.isascii() and token.isdigit() and int(token) < len(value):
            value = value[int(token)]
        else:
            return False, None
    return True, value


def _load_yaml(text: str) -> JsonValue:
    try:
        import yaml  # noqa: PLC0415 -- only a YAML document needs it
    except ImportError as error:
        raise ConfigurationError("a YAML flag file needs PyYAML, which is not installed; install pyyaml") from error

    class Loader(yaml.SafeLoader):
        """Refuses a key that stands twice: readers disagree about which counts."""

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 -- PyYAML's own form
            keys = [self.construct_object(key, deep=True) for key, _ in node.value if key.tag != _MERGE]
            if len({str(key) for key in keys}) != len(keys):
                raise MalformedDocumentError("an object in it has the same key twice")
            return super().construct_mapping(node, deep)

    try:
        loaded = yaml.load(text, Loader)  # noqa: S506 -- it builds on SafeLoader
    except (yaml.YAMLError, RecursionError, ValueError, TypeError):
        # What it quotes may be a secret: the place alone does not help either.
        raise MalformedDocumentError("no YAML") from None
    return _Unfolding().value(loaded, 0)


_MERGE = "tag:yaml.org,2002:merge"


class _Unfolding:
    """Turns what YAML can say into what JSON can, and gives up before that exhausts the memory."""

    def __init__(self) -> None:
        self._left = _MOST_NODES

    def value(self, said: Any, depth: int) -> JsonValue:
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            raise MalformedDocumentError("it unfolds to more than is looked into")
        if isinstance(said, Mapping):
            return {str(key): self.value(member, depth + 1) for key, member in said.items()}
        if isinstance(said, list | tuple | set):
            return [self.value(member, depth + 1) for member in said]
        if isinstance(said, bool | int | str) or said is None:
            return said
        if isinstance(said, float) and math.isfinite(said):
            return said
        if isinstance(said, date):
            return said.isoformat()
        raise MalformedDocumentError("it holds something that JSON has no form for")
