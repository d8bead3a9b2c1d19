"""Make the pictures of the documentation from what the demo left: ``python -m examples.demo.screenshots``.

Needs Chromium, and ``make demo`` before it. A page that is wider than its window is a fault, and no picture is made.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from examples.demo.browser import Shot, browser
from examples.demo.png import with_palette

ROOT = Path(__file__).parents[2]
HEIGHTS = {1280: 1000, 800: 1000, 390: 1100}
"""How much of a page's height at most, by its width."""
SCHEMES = ("light", "dark")
SHOWN = "rollout 10% → 50%"
_FENCE = "```"
_ESCAPED = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


def main() -> None:
    """Make every picture and say how large each is."""
    parser = argparse.ArgumentParser(prog="python -m examples.demo.screenshots", description=__doc__)
    parser.add_argument("--demo", type=Path, default=ROOT / "build" / "demo", help="what the demo left")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images", help="where the pictures go")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, browser() as running:
        message = Path(folder) / "message.html"
        message.write_text(message_page(arguments.demo / "slack.jsonl"), encoding="utf-8")
        for shot in shots(arguments.demo, message):
            name = f"{shot.page.stem}-{shot.width}-{shot.scheme}.png"
            picture = with_palette(running.take(shot))
            (arguments.out / name).write_bytes(picture)
            print(f"{name}: {len(picture) // 1024} KiB")


def shots(demo: Path, message: Path) -> Iterator[Shot]:
    """Yield every picture to be made."""
    wide = {demo / "stale.html": 1280, demo / "history.html": 1280, message: 800}
    for page, most in wide.items():
        for width in (most, 390):
            for scheme in SCHEMES:
                yield Shot(page, width, scheme, HEIGHTS[width])


def message_page(messages: Path) -> str:
    """Return the chosen message as a page that looks like Slack's."""
    sent = [json.loads(line) for line in messages.read_text(encoding="utf-8").splitlines()]
    chosen = next(message for message in sent if SHOWN in message["text"])
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return templates.get_template("message.html.j2").render(blocks=list(blocks(chosen["blocks"])))


def blocks(sent: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield each block's kind (header, text, code, context) and its text as Slack shows it."""
    for block in sent:
        if block["type"] == "rich_text":
            yield "code", "".join(part["text"] for part in block["elements"][0]["elements"]).strip("\n")
            continue
        said = block["elements"][0] if block["type"] == "context" else block["text"]
        text = said["text"]
        for escaped, shown in _ESCAPED:
            text = text.replace(escaped, shown)
        code = said["type"] == "mrkdwn" and text.startswith(_FENCE)
        kind = "code" if code else "text" if block["type"] == "section" else block["type"]
        yield kind, text.strip(_FENCE).strip("\n") if code else text


if __name__ == "__main__":
    main()
