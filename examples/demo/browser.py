"""Pictures of pages: Chromium without a window, spoken to over a pipe (the DevTools protocol)."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

_QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
_READS, _WRITES = 3, 4
_HIGH = 10  # above the two that Chromium wants, so that neither is overwritten while both are put in place
_PHONE = 600
_LOW = 100  # a page is as high as its content, but never lower than its window


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: which page, how wide, light or dark, and how much of its height at most."""

    page: Path
    width: int
    scheme: str
    height: int


class Browser:
    """A running Chromium with one empty tab."""

    def __init__(self, answers: BinaryIO, orders: BinaryIO) -> None:
        """Take over its pipes."""
        self._answers = answers
        self._orders = orders
        self._unread = b""
        self._number = 0
        self._tab: str | None = None
        targets = self._call("Target.getTargets")["targetInfos"]
        tab = next(target["targetId"] for target in targets if target["type"] == "page")
        self._tab = self._call("Target.attachToTarget", targetId=tab, flatten=True)["sessionId"]
        self._call("Page.enable")

    def take(self, shot: Shot) -> bytes:
        """Return the picture as PNG; raise ``RuntimeError`` when the page is wider than it may be."""
        self._open(shot)
        whole = self._call("Page.getLayoutMetrics")["cssContentSize"]
        if whole["width"] > shot.width:
            raise RuntimeError(f"{shot.page.name} is {whole['width']} pixels wide where {shot.width} are there")
        clip = {"x": 0, "y": 0, "width": shot.width, "height": min(whole["height"], shot.height), "scale": 1}
        picture = self._call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(picture["data"])

    def ask(self, shot: Shot, *scripts: str) -> Any:
        """Open a page as for a picture, run scripts in it one after the other, and return what the last one gives."""
        self._open(shot)
        value = None
        for script in scripts:
            given = self._call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
            if "exceptionDetails" in given:
                raise RuntimeError(f"{shot.page.name}: {given['exceptionDetails']['text']}")
            value = given["result"].get("value")
        return value

    def _open(self, shot: Shot) -> None:
        phone = shot.width < _PHONE
        size = {"width": shot.width, "height": _LOW, "deviceScaleFactor": 1, "mobile": phone}
        self._call("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": shot.scheme}
        self._call("Emulation.setEmulatedMedia", features=[scheme])
        self._call("Page.navigate", url=shot.page.resolve().as_uri())
        while self._message().get("method") != "Page.loadEventFired":
            pass

    def close(self) -> None:
        """Ask it to end."""
        self._tab = None
        self._call("Browser.close")

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        order: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._tab is not None:
            order["sessionId"] = self._tab
        self._orders.write(json.dumps(order).encode() + b"\0")
        self._orders.flush()
        while (answer := self._message()).get("id") != self._number:
            pass
        if "error" in answer:
            raise RuntimeError(f"Chromium refused {method}: {answer['error']['message']}")
        result: dict[str, Any] = answer["result"]
        return result

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            more = os.read(self._answers.fileno(), 1 << 16)
            if not more:
                raise RuntimeError("Chromium ended before it answered")
            self._unread += more
        text, _, self._unread = self._unread.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message


def program() -> str | None:
    """Return where Chromium is on this machine, or ``None``."""
    return shutil.which("chromium") or shutil.which("google-chrome")


@contextmanager
def browser() -> Iterator[Browser]:
    """Run Chromium with a new, empty profile and home; raise ``RuntimeError`` where there is none."""
    chromium = program()
    if chromium is None:
        raise RuntimeError("pictures need Chromium; on Debian: apt install chromium")
    orders_out, orders_in = (fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, _HIGH) for end in os.pipe())
    answers_out, answers_in = (fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, _HIGH) for end in os.pipe())
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        words = [chromium, *_QUIET, f"--user-data-dir={profile}", "about:blank"]
        places = [
            (os.POSIX_SPAWN_DUP2, orders_out, _READS),
            (os.POSIX_SPAWN_DUP2, answers_in, _WRITES),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ]
        # Its caches and settings lie in these, whatever profile it is given.
        environ = {**os.environ, "HOME": profile, "XDG_RUNTIME_DIR": profile}
        process = os.posix_spawn(chromium, words, environ, file_actions=places)
        os.close(orders_out)
        os.close(answers_in)
        with os.fdopen(answers_out, "rb") as answers, os.fdopen(orders_in, "wb") as orders:
            running = Browser(answers, orders)
            yield running
            running.close()
        os.waitpid(process, 0)
