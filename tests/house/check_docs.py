"""Check the Markdown pages: every link leads somewhere, every block a command wrote is what it writes today.

A page may hold what a command prints, between two comments; ``--write`` brings such blocks up to date::

    <!-- text of: flagtrail scan --help -->     (shown as a code block)
    <!-- page of: python -m tests.house.some_page -->  (Markdown as printed)
    <!-- end -->
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(
    r"(?P<open><!-- (?P<form>text|page) of: (?P<command>[^\n]+?) -->\n)(?P<body>.*?)(?P<close><!-- end -->)",
    re.DOTALL,
)
LINK = re.compile(r"!?\[[^\]]*\]\(<?(?P<inline>[^)\s>]+)>?(?:\s+\"[^\"]*\")?\)|(?:src|href)=\"(?P<html>[^\"]+)\"")
REFERENCE = re.compile(r"^\[[^\]]+\]:\s+(?P<target>\S+)", re.MULTILINE)
HEADING = re.compile(r"^#{1,6}\s+(?P<text>.+?)\s*#*$", re.MULTILINE)
ANCHOR = re.compile(r"<a (?:id|name)=\"(?P<name>[^\"]+)\"")
CODE = re.compile(r"^(?P<fence>```+|~~~+)[^\n]*\n.*?^(?P=fence)[ \t]*$", re.DOTALL | re.MULTILINE)
INLINE_CODE = re.compile(r"(?<!`)`[^`\n]+`(?!`)")
OUTSIDE = ("https://", "http://", "mailto:")


def prose(text: str) -> str:
    """Return a page without its code, in which nothing is a link or a heading."""
    return CODE.sub("", text)


def anchors(text: str) -> set[str]:
    """Return the names that a link into this page may use, as code hosts make them from headings."""
    found = {match["name"] for match in ANCHOR.finditer(text)}
    for match in HEADING.finditer(prose(text)):
        name = re.sub(r"[^\w\- ]", "", match["text"].lower()).replace(" ", "-")
        again = sum(1 for known in found if known == name or re.fullmatch(rf"{re.escape(name)}-\d+", known))
        found.add(f"{name}-{again}" if again else name)
    return found


def links(text: str) -> Iterator[str]:
    """Yield the targets of a page's links and pictures."""
    plain = INLINE_CODE.sub("", prose(text))
    for match in LINK.finditer(plain):
        yield match["inline"] or match["html"]
    for match in REFERENCE.finditer(plain):
        yield match["target"]


def dead_links(page: Path, root: Path) -> Iterator[str]:
    """Yield a sentence for each link of a page into the repository that leads nowhere."""
    text = page.read_text(encoding="utf-8")
    for target in links(text):
        if target.startswith(OUTSIDE):
            continue
        path, _, anchor = target.partition("#")
        place = (root / path.lstrip("/") if path.startswith("/") else page.parent / path) if path else page
        if not place.exists():
            yield f"no such file: {target}"
        elif anchor and place.suffix == ".md" and anchor not in anchors(place.read_text(encoding="utf-8")):
            yield f"no such heading: {target}"


def run(command: str) -> str:
    """Return what a command of the project prints; raise CalledProcessError when it fails."""
    words = shlex.split(command)
    program = Path(sys.executable).parent / words[0]
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    done = subprocess.run(
        [str(program), *words[1:]], cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def renewed(text: str, answer: Callable[[str], str]) -> str:
    """Return a page with each block as its command writes it today."""

    def block(match: re.Match[str]) -> str:
        printed = "\n".join(line.rstrip() for line in answer(match["command"]).strip("\n").splitlines())
        body = f"```text\n{printed}\n```\n" if match["form"] == "text" else f"{printed}\n"
        return match["open"] + body + match["close"]

    return BLOCK.sub(block, text)


def pages(root: Path) -> list[Path]:
    """Return the Markdown pages under version control, and those about to be."""
    command = [
        "git",
        "-C",
        str(root),
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
        "--",
        "*.md",
    ]
    listed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return sorted(path for name in listed.split("\0") if name and (path := root / name).is_file())


def check(page: Path, root: Path, *, write: bool) -> Iterator[str]:
    """Yield what is wrong with a page; with ``write``, bring its blocks up to date first."""
    text = page.read_text(encoding="utf-8")
    fresh = renewed(text, run)
    if fresh != text and write:
        page.write_text(fresh, encoding="utf-8")
    elif fresh != text:
        yield "a block is not what its command prints: run python -m tests.house.check_docs --write"
    yield from dead_links(page, root)


def main(arguments: list[str] | None = None) -> int:
    """Check every page; give 1 when one is wrong, each fault on a line."""
    parser = argparse.ArgumentParser(description="Check the Markdown pages.")
    parser.add_argument("--write", action="store_true", help="bring the blocks that commands write up to date")
    write = parser.parse_args(arguments).write
    found = 0
    for page in pages(ROOT):
        for fault in check(page, ROOT, write=write):
            print(f"{page.relative_to(ROOT)}: {fault}", file=sys.stderr)
            found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
