"""The console: the same messages on a terminal, for a first look and where there is no Slack."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from auditor.adapters.channels import _links
from auditor.adapters.channels._links import NO_LINKS, Links
from auditor.adapters.channels._slack_blocks import edit_payload, payload
from auditor.application.message import Message, Revert, Told
from auditor.application.messages import compose
from auditor.domain.alerts import Alert, Delivery, DeliveryOutcome

WIDTH = 80


class ConsoleChannel:
    """Writes messages as lines of text; whatever is written is delivered."""

    name = "console"

    def __init__(self, write: Callable[[str], object], links: Links = NO_LINKS) -> None:
        """Remember where lines go; ``write`` gets one line at a time, without its end."""
        self._write = write
        self.links = links

    def send(self, alert: Alert) -> Delivery:
        """Write one message; a terminal that has gone leaves the alert for later."""
        try:
            for text in readable(compose(alert), links=self.links):
                self._write(text)
        except OSError as error:
            return Delivery(DeliveryOutcome.LATER, error=f"the console cannot be written to: {error}")
        return Delivery(DeliveryOutcome.SENT, message_id=f"console:{alert.id}")


def print_line(text: str) -> None:
    """Write a line to stdout, in UTF-8 whatever the locale says."""
    sys.stdout.flush()
    sys.stdout.buffer.write(f"{text}\n".encode())
    sys.stdout.buffer.flush()


def slack_json(alert: Alert, channel: str, links: Links = NO_LINKS) -> dict[str, Any]:
    """Return what Slack would be sent for an alert: a new message, or the edit of the one that was sent."""
    message = compose(alert)
    sent_in, _, timestamp = (alert.sent_as or "").rpartition(":")
    if timestamp and sent_in:
        return edit_payload(message, sent_in, timestamp, links)
    thread = (alert.thread or "").rpartition(":")[2]
    return payload(message, channel, thread or None, links)


def readable(message: Message, width: int = WIDTH, links: Links = NO_LINKS) -> Iterator[str]:
    """Yield a message's lines, wrapped to the width; commands and addresses stay whole."""
    yield from _wrapped(message.title, width)
    yield "─" * min(width, len(message.title))
    for text in message.lines:
        yield from _wrapped(text, width)
    bullet = "• " if len(message.changes) > 1 else ""
    for told in message.changes:
        yield from _told(told, width, bullet)
    if message.changes_left_out:
        yield f"… and {message.changes_left_out} more changes"
    yield from _links.lines(links, message)
    if message.facts:
        yield ""
    yield from _table([(fact.label, fact.text) for fact in message.facts], width)
    for finding in message.findings:
        yield from _wrapped(f"! {finding.label}: {finding.text}", width, "  ")
    yield from _code(message, width, links)
    for revert in message.reverts:
        yield from _revert(revert, width)
    if message.footer:
        yield from _wrapped(f"({message.footer})", width)
    yield ""


def _wrapped(text: str, width: int, indent: str = "", first: str = "") -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False, drop_whitespace=True
    )


def _told(told: Told, width: int, bullet: str) -> Iterator[str]:
    yield from _wrapped(told.sentence, width, " " * len(bullet), bullet)
    for entry in told.diff:
        before = "(absent)" if entry.before is None else entry.before
        after = "(absent)" if entry.after is None else entry.after
        yield from _wrapped(f"{entry.path}: {before} → {after}", width, "      ", "  ")
    if told.left_out:
        yield f"  … {told.left_out} more"


def _table(rows: Sequence[tuple[str, str]], width: int) -> Iterator[str]:
    """Yield labelled lines in two columns."""
    column = max((len(label) for label, _ in rows), default=0) + 2
    for label, text in rows:
        yield from _wrapped(text, width, " " * column, label.ljust(column)) or [label]


def _code(message: Message, width: int, links: Links) -> Iterator[str]:
    if message.code is None:
        return
    yield ""
    yield from _wrapped(message.code, width)
    for place in message.places:
        yield f"  {place.text}"
        url = _links.of_place(links, message, place)
        if url is not None:
            yield f"    {url}"
    if message.places_left_out:
        yield f"  … {message.places_left_out} more"


def _revert(revert: Revert, width: int) -> Iterator[str]:
    yield ""
    if revert.command is None:
        yield from _wrapped(f"To put it back: {' '.join(revert.notes)}", width)
        return
    yield f"To put it back (account {revert.account}):"
    for note in revert.notes:
        yield from _wrapped(note, width, "  ", "  ")
    yield revert.command
