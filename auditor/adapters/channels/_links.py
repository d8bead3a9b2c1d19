"""Links of a message, the same in every channel: places in code, and changes on published pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from auditor.application.message import Message, Page, Place
from auditor.domain.code_links import code_link, page_link

LONGEST_URL = 2_000
REPORT = "The page: "


@dataclass(frozen=True, slots=True)
class Links:
    """Templates of addresses: of lines of code, and of changes on published pages; ``None``: no links."""

    code: str | None = None
    pages: str | None = None


NO_LINKS = Links()


def of_place(links: Links, message: Message, place: Place) -> str | None:
    """Return the address of a place in code, where there is one that every channel takes."""
    return _short(code_link(links.code, place.reference, message.commit))


def of_pages(links: Links, message: Message) -> list[tuple[Page, str]]:
    """Return the changes that stand on a page, each with its address."""
    found = ((page, _short(page_link(links.pages, page.application, page.flag, page.change))) for page in message.pages)
    return [(page, url) for page, url in found if url is not None]


def lead(message: Message) -> str:
    """Return what stands before the links to pages."""
    where = "on its page" if len(message.pages) == 1 else "on their pages"
    if message.pages_later:
        return f"Once live, {where}: "
    if any(told.cut for told in message.changes):
        return f"Cut to fit here; whole {where}: "
    return f"{where.capitalize()}: "


def rest(message: Message, shown: int) -> str | None:
    """Return how many changes have no link here, if any."""
    left_out = message.pages_left_out + len(message.pages) - shown
    return f"… {left_out} more" if left_out else None


def lines(links: Links, message: Message) -> Iterator[str]:
    """Yield the links to pages as lines of plain text, each address alone on its line."""
    if message.report is not None:
        yield f"{REPORT}{message.report}"
    found = of_pages(links, message)
    if not found:
        return
    yield lead(message).rstrip()
    yield from (f"  {url}" for _, url in found)
    more = rest(message, len(found))
    if more is not None:
        yield f"  {more}"


def _short(url: str | None) -> str | None:
    return None if url is None or len(url) > LONGEST_URL else url
