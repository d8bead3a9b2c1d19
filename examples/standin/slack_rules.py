"""Slack's rules for a message: what it refuses, in its own error codes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

MOST_BLOCKS = 50
LONGEST_SECTION = 3_000
LONGEST_FIELD = 2_000
MOST_FIELDS = 10
LONGEST_HEADER = 150
LONGEST_TEXT = 40_000
# Not documented; blocks of about this size have been refused.
MOST_CHARACTERS = 13_200
LARGEST_METADATA = 8_000
_EVENT_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,254}")
_TEXT_KEYS = {"plain_text": {"type", "text", "emoji"}, "mrkdwn": {"type", "text", "verbatim"}}


def fault_of_message(arguments: Mapping[str, Any]) -> str | None:
    """Return the error Slack answers to a message, or ``None`` for one it takes."""
    text, blocks = arguments.get("text"), arguments.get("blocks")
    if not text and not blocks:
        return "no_text"
    if text is not None and (not isinstance(text, str) or len(text) > LONGEST_TEXT):
        return "msg_too_long"
    if blocks is not None and not _are_blocks(blocks):
        return "invalid_blocks"
    if blocks is not None and sum(map(len, texts_of(blocks))) > MOST_CHARACTERS:
        return "msg_blocks_too_long"
    metadata = arguments.get("metadata")
    return "invalid_metadata_format" if metadata is not None and not _is_metadata(metadata) else None


def texts_of(value: Any) -> list[str]:
    """Return every text of a message's blocks."""
    if isinstance(value, dict):
        own = [value["text"]] if isinstance(value.get("text"), str) else []
        return own + [text for part in value.values() for text in texts_of(part) if not isinstance(part, str)]
    return [text for part in value for text in texts_of(part)] if isinstance(value, list) else []


def _are_blocks(blocks: Any) -> bool:
    if not isinstance(blocks, list) or len(blocks) > MOST_BLOCKS:
        return False
    return all(isinstance(block, dict) and _is_block(block) for block in blocks)


def _is_block(block: dict[str, Any]) -> bool:
    check = _BLOCKS.get(str(block.get("type")))
    return check is not None and check(block)


def _is_header(block: dict[str, Any]) -> bool:
    return _has_only(block, "text") and _is_text(block.get("text"), LONGEST_HEADER, markup=False)


def _is_section(block: dict[str, Any]) -> bool:
    if not _has_only(block, "text", "fields") or not (block.get("text") or block.get("fields")):
        return False
    fields = block.get("fields", [])
    if not isinstance(fields, list) or len(fields) > MOST_FIELDS:
        return False
    fits = "text" not in block or _is_text(block["text"], LONGEST_SECTION)
    return fits and all(_is_text(part, LONGEST_FIELD) for part in fields)


def _is_context(block: dict[str, Any]) -> bool:
    elements = block.get("elements")
    if not _has_only(block, "elements") or not isinstance(elements, list) or not 0 < len(elements) <= MOST_FIELDS:
        return False
    return all(_is_text(element, LONGEST_SECTION) for element in elements)


def _is_rich_text(block: dict[str, Any]) -> bool:
    elements = block.get("elements")
    if not _has_only(block, "elements") or not isinstance(elements, list) or not elements:
        return False
    return all(_is_rich_section(element) for element in elements)


def _is_rich_section(element: Any) -> bool:
    if not isinstance(element, dict) or element.get("type") != "rich_text_section":
        return False
    parts = element.get("elements")
    return isinstance(parts, list) and bool(parts) and all(map(_is_rich_part, parts))


def _is_rich_part(part: Any) -> bool:
    if not isinstance(part, dict) or not isinstance(part.get("text"), str):
        return False
    if part.get("type") == "link":
        url = part.get("url")
        return isinstance(url, str) and url.startswith(("https://", "http://")) and 0 < len(url) <= LONGEST_SECTION
    return part.get("type") == "text" and 0 < len(part["text"]) <= LONGEST_SECTION


def _is_divider(block: dict[str, Any]) -> bool:
    return _has_only(block)


def _has_only(block: dict[str, Any], *names: str) -> bool:
    return set(block) <= {"type", "block_id", *names}


_BLOCKS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "header": _is_header,
    "section": _is_section,
    "context": _is_context,
    "divider": _is_divider,
    "rich_text": _is_rich_text,
}


def _is_text(value: Any, longest: int, *, markup: bool = True) -> bool:
    if not isinstance(value, dict) or (value.get("type") == "mrkdwn" and not markup):
        return False
    keys = _TEXT_KEYS.get(str(value.get("type")))
    text = value.get("text")
    return keys is not None and set(value) <= keys and isinstance(text, str) and 0 < len(text) <= longest


def _is_metadata(value: Any) -> bool:
    if not isinstance(value, dict) or set(value) != {"event_type", "event_payload"}:
        return False
    kind, content = value["event_type"], value["event_payload"]
    if not isinstance(kind, str) or not _EVENT_TYPE.fullmatch(kind) or not isinstance(content, dict):
        return False
    return len(str(content)) <= LARGEST_METADATA
