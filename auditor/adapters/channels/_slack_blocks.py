"""A message as Slack takes it: Block Kit within Slack's limits, foreign text never as markup."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Any

from auditor.adapters.channels._links import NO_LINKS, REPORT, Links, lead, of_pages, of_place, rest
from auditor.application.message import DiffLine, Message, Page, Revert, Told
from auditor.domain.alerts import AlertKind

MOST_BLOCKS = 45
LONGEST_SECTION = 2_900
LONGEST_HEADER = 150
MOST_CHARACTERS = 12_000
EVENT_TYPE = "flagtrail_alert"
_LONGEST_TEXT = 1_000
_RESERVE = 400  # for the footer, and for saying that something was left out
_LEFT_OUT = "There is more than fits here; flagtrail history shows all of it."
_SAFE_KEY = re.compile(r"[\w|:/.,@+=-]{1,200}")
_ABSENT = "(absent)"
# What a path is usually made of; anything else is shown without a link.
_PLAIN = re.compile(r"[\w ./,+-]{1,500}:\d+  [a-z, ]+")
_NAME = re.compile(r"[\w-]{1,100}")

Block = dict[str, Any]


def payload(message: Message, channel: str, thread: str | None = None, links: Links = NO_LINKS) -> dict[str, Any]:
    """Return the arguments of ``chat.postMessage`` for a message; its outbox key travels as metadata.

    ``thread`` is the timestamp of the message that it answers.
    """
    reply = {} if thread is None else {"thread_ts": thread, "reply_broadcast": message.broadcast}
    return {
        **reply,
        "channel": channel,
        "text": fallback(message),
        "blocks": blocks(message, links),
        "metadata": {
            "event_type": EVENT_TYPE,
            "event_payload": {"outbox_key": metadata_key(message.key), "kind": message.kind.value},
        },
        "unfurl_links": False,
        "unfurl_media": False,
        "link_names": False,
        "parse": "none",
    }


def edit_payload(message: Message, channel: str, timestamp: str, links: Links = NO_LINKS) -> dict[str, Any]:
    """Return the arguments of ``chat.update``; the metadata of the message that is edited stays as it is."""
    return {
        "channel": channel,
        "ts": timestamp,
        "text": fallback(message),
        "blocks": blocks(message, links),
        "link_names": False,
        "parse": "none",
    }


def metadata_key(key: str) -> str:
    """Return an outbox key as metadata carries it: itself, or a digest where it is long or has odd characters."""
    return key if _SAFE_KEY.fullmatch(key) else "sha256:" + hashlib.sha256(key.encode()).hexdigest()


def fallback(message: Message) -> str:
    """Return the text of notifications and screen readers, without anything that Slack would make a link of."""
    said = [message.title, *message.lines, *(told.sentence for told in message.changes[:3])]
    # Slack would link an address even here, and a link is what a hostile name is after.
    return escape("\n".join(said)[:_LONGEST_TEXT].replace("://", ":\u200b//"))


def escape(text: str) -> str:
    """Return text in which Slack finds no mention, link or date: exactly its three control characters are escaped."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def blocks(message: Message, links: Links = NO_LINKS) -> list[Block]:
    """Return the message's blocks: the most important first, so that what does not fit is the least."""
    page = _Page()
    # In its thread a reply stands below the title already.
    if message.kind is not AlertKind.REPLY or message.broadcast:
        page.add({"type": "header", "text": _plain(message.title, LONGEST_HEADER)})
    page.plain(message.lines)
    _add_changes(page, message.changes, message.changes_left_out)
    _add_pages(page, message, links)
    page.plain(f"{fact.label}: {fact.text}" for fact in message.facts)
    page.plain(f"⚠ {finding.label}: {finding.text}" for finding in message.findings)
    _add_code(page, message, links)
    for revert in message.reverts:
        _add_revert(page, revert)
    return page.end(message.footer)


def _add_changes(page: _Page, changes: Sequence[Told], left_out: int) -> None:
    if any(told.diff for told in changes):
        for told in changes:
            page.plain([told.sentence])
            rest = [f"… {told.left_out} more"] if told.left_out else []
            page.code([*map(_diff_text, told.diff), *rest])
    else:
        bullet = "• " if len(changes) > 1 else ""
        page.plain(f"{bullet}{told.sentence}" for told in changes)
    if left_out:
        page.plain([f"… and {left_out} more changes."])


def _add_pages(page: _Page, message: Message, links: Links) -> None:
    """Say where the changes stand on pages, whole; a name that Slack could make something of is not a link's text."""
    if message.report is not None:
        address: Block = {"type": "link", "url": message.report, "text": message.report.rpartition("/")[2] or "report"}
        page.rich([{"type": "text", "text": REPORT}, address])
    found = of_pages(links, message)
    if not found:
        return
    parts: list[Block] = [{"type": "text", "text": lead(message)}]
    for number, (one, url) in enumerate(found):
        parts += [{"type": "text", "text": ", "}] if number else []
        parts.append({"type": "link", "url": url, "text": _page_name(one)})
    more = rest(message, len(found))
    page.rich([*parts, *([] if more is None else [{"type": "text", "text": f" {more}"}])])


def _page_name(page: Page) -> str:
    return page.flag if page.flag is not None and _NAME.fullmatch(page.flag) else f"change {page.change}"


def _diff_text(entry: DiffLine) -> str:
    return f"{entry.path}: {entry.before or _ABSENT} → {entry.after or _ABSENT}"


def _add_code(page: _Page, message: Message, linked: Links) -> None:
    """Say where code names it, as links where all of them can be: a link's text is no markup, whatever is in it."""
    if message.code is None:
        return
    page.plain([message.code])
    others = [f"… {message.places_left_out} more"] if message.places_left_out else []
    links = [(of_place(linked, message, place), place.text) for place in message.places]
    if links and all(url is not None and _PLAIN.fullmatch(text) for url, text in links):
        parts: list[Block] = []
        for url, text in links:
            where, _, what = text.partition("  ")
            parts += [{"type": "link", "url": url, "text": where}, {"type": "text", "text": f"  {what}\n"}]
        page.rich([*parts, *({"type": "text", "text": line} for line in others)])
    else:
        page.code([*(place.text for place in message.places), *others])


def _add_revert(page: _Page, revert: Revert) -> None:
    if revert.command is None:
        page.plain([f"To put it back: {' '.join(revert.notes)}"])
    else:
        page.plain([f"To put it back (account {revert.account}):", *revert.notes])
        page.code([revert.command])


class _Page:
    """Collects blocks and stops taking any when a limit would be passed."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._left = MOST_CHARACTERS - _RESERVE
        self._full = False

    def add(self, block: Block) -> None:
        """Take a block if there is room for it and nothing before it was refused."""
        size = len(block["text"]["text"])
        if self._full or size > self._left or len(self._blocks) >= MOST_BLOCKS - 2:
            self._full = True
            return
        self._left -= size
        self._blocks.append(block)

    def plain(self, lines: Iterable[str]) -> None:
        """Add lines as plain text, in which Slack reads no markup at all."""
        for text in _sections((escape(line) for line in lines), LONGEST_SECTION):
            self.add({"type": "section", "text": {"type": "plain_text", "text": text, "emoji": False}})

    def code(self, lines: Iterable[str]) -> None:
        """Add lines as a block of code; backticks would end it, so they become apostrophes."""
        safe = (escape(line.replace("`", "'")) for line in lines)
        for text in _sections(safe, LONGEST_SECTION - len("```\n\n```")):
            markup = {"type": "mrkdwn", "text": f"```\n{text}\n```", "verbatim": True}
            self.add({"type": "section", "text": markup})

    def rich(self, parts: list[Block]) -> None:
        """Add links and plain text in one paragraph; in neither does Slack read any markup."""
        size = sum(len(part["text"]) for part in parts)
        if self._full or size > self._left or len(self._blocks) >= MOST_BLOCKS - 2:
            self._full = True
            return
        self._left -= size
        section = {"type": "rich_text_section", "elements": parts}
        self._blocks.append({"type": "rich_text", "elements": [section]})

    def end(self, footer: str) -> list[Block]:
        """Return the blocks, with the footer and with what is to be said when something was left out."""
        ending = [_LEFT_OUT] if self._full else []
        for text in [*ending, *([footer] if footer else [])]:
            self._blocks.append({"type": "context", "elements": [_plain(text, _RESERVE // 2)]})
        return self._blocks


def _plain(text: str, longest: int) -> dict[str, Any]:
    """Return a plain-text object, cut before a character whose escape would not fit whole."""
    shown = ""
    for char in text:
        escaped = escape(char)
        if len(shown) + len(escaped) > longest:
            break
        shown += escaped
    return {"type": "plain_text", "text": shown, "emoji": False}


def _sections(lines: Iterable[str], longest: int) -> list[str]:
    """Join lines into texts of at most ``longest`` characters, broken between lines only."""
    texts: list[str] = []
    for line in lines:
        if len(line) > longest:
            line = _cut_escaped(line, longest)  # noqa: PLW2901 -- a line too long for any section
        if texts and len(texts[-1]) + 1 + len(line) <= longest:
            texts[-1] += f"\n{line}"
        elif line:
            texts.append(line)
    return texts


def _cut_escaped(text: str, longest: int) -> str:
    """Cut escaped text, never inside an escape."""
    kept = text[: longest - 1]
    start = kept.rfind("&", len(kept) - len("&amp;"))
    return (kept[:start] if start >= 0 and ";" not in kept[start:] else kept) + "…"
