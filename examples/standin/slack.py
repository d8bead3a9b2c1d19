"""A Slack of one's own on this machine: keeps Slack's rules for messages, and misbehaves where it is told to.

It speaks the methods of the Web API that Flagtrail uses. What it was told is in ``messages``, each call in ``calls``.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl

from examples.standin.slack_rules import fault_of_message

_DRAIN_SECONDS = 30


class Fault(StrEnum):
    """What goes wrong with one post; ``LOST_…``: the message is in the channel, but the poster is not told."""

    LIMITED = "limited"
    CLOSED = "closed"
    LOST_CLOSED = "lost-closed"
    RESET = "reset"
    LOST_RESET = "lost-reset"
    TIMEOUT = "timeout"
    LOST_TIMEOUT = "lost-timeout"
    HALF = "half"
    LOST_HALF = "lost-half"
    ERROR = "error"
    LOST_ERROR = "lost-error"
    NONSENSE = "nonsense"

    @property
    def stores(self) -> bool:
        """Tell whether the message arrives all the same."""
        return self.value.startswith("lost-")

    @property
    def manner(self) -> str:
        """Return how the answer goes wrong."""
        return self.value.removeprefix("lost-")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of Slack: its status, its JSON and headers besides the usual."""

    body: Mapping[str, Any]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Posted:
    """A message in a channel, as it is now; ``posted`` holds the arguments of the first post."""

    channel: str
    ts: str
    arguments: dict[str, Any]
    posted: dict[str, Any]
    edits: int = 0

    @property
    def in_channel(self) -> bool:
        """Tell whether the channel itself shows it: a reply stands in its thread, unless it is sent to both."""
        return "thread_ts" not in self.arguments or bool(self.arguments.get("reply_broadcast"))


class SlackServer:
    """Slack's Web API on a loopback port, for as long as the ``with`` block lasts."""

    def __init__(
        self,
        *,
        token: str = "xoxb-stand-in",  # noqa: S107 -- it opens nothing but this
        channels: Mapping[str, str] | None = None,
        faults: Iterable[Fault] = (),
        retry_after: int = 3,
        seconds_per_message: float = 0.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Set the rules: which channels (id to name), which faults for the next posts, and how fast one may post."""
        self.token = token
        self.channels = dict(channels or {"C0FLAGS01": "flag-changes"})
        self.faults = deque(faults)
        self.retry_after = retry_after
        self.seconds_per_message = seconds_per_message
        self.messages: list[Posted] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.closing = threading.Event()
        self._clock = clock
        self._lock = threading.Lock()
        self._free_at: dict[str, float] = {}
        self._http = _Http(self)

    @property
    def url(self) -> str:
        """Return the base URL that a client is given."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/api/"

    def __enter__(self) -> Self:
        """Begin to answer."""
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop; posts that hang are let go."""
        self.stop()

    def stop(self) -> None:
        """Answer no more: from now on a connection is refused. Stopping twice changes nothing."""
        if not self.closing.is_set():
            self.closing.set()
            self._http.shutdown()
            self._http.server_close()

    def answer(self, method: str, arguments: dict[str, Any], token: str | None) -> Answer:
        """Answer one call as Slack does."""
        with self._lock:
            self.calls.append((method, arguments))
            refusal = self._refusal(token)
            if refusal is not None:
                return refusal
            handler = _METHODS.get(method)
            return _no("unknown_method") if handler is None else handler(self, arguments)

    def next_fault(self, method: str) -> Fault | None:
        """Take the fault that is due, if this is a post."""
        with self._lock:
            return self.faults.popleft() if method == "chat.postMessage" and self.faults else None

    def _refusal(self, token: str | None) -> Answer | None:
        if token is None:
            return _no("not_authed")
        return None if token == self.token else _no("invalid_auth")

    def _post(self, arguments: dict[str, Any]) -> Answer:
        channel = self._channel(arguments.get("channel"))
        if channel is None:
            return _no("channel_not_found")
        wait = self._free_at.get(channel, 0.0) - self._clock()
        if wait > 0:
            return _limited(int(wait) + 1)
        thread = arguments.get("thread_ts")
        known = any((m.channel, m.ts) == (channel, thread) for m in self.messages)
        fault = fault_of_message(arguments) or ("thread_not_found" if thread is not None and not known else None)
        if fault is not None:
            return _no(fault)
        self._free_at[channel] = self._clock() + self.seconds_per_message
        stamp = self._stamp()
        self.messages.append(Posted(channel, stamp, dict(arguments), dict(arguments)))
        return Answer({"ok": True, "channel": channel, "ts": stamp, "message": {"text": arguments.get("text", "")}})

    def _update(self, arguments: dict[str, Any]) -> Answer:
        channel = arguments.get("channel")
        if channel not in self.channels:
            return _no("channel_not_found")  # an edit takes ids only
        found = next((m for m in self.messages if (m.channel, m.ts) == (channel, arguments.get("ts"))), None)
        if found is None:
            return _no("message_not_found")
        fault = fault_of_message(arguments)
        if fault is not None:
            return _no(fault)
        found.arguments = {**found.arguments, **arguments}
        found.edits += 1
        return Answer({"ok": True, "channel": channel, "ts": found.ts, "text": arguments.get("text", "")})

    def _history(self, arguments: dict[str, Any]) -> Answer:
        channel = arguments.get("channel")
        if channel not in self.channels:
            return _no("channel_not_found")  # a history is asked for by id only
        oldest = float(arguments.get("oldest") or 0)
        latest = float(arguments.get("latest") or "inf")
        wanted = [m for m in self.messages if m.channel == channel and oldest < float(m.ts) < latest]
        shown = sorted((m for m in wanted if m.in_channel), key=lambda m: float(m.ts), reverse=True)
        with_metadata = str(arguments.get("include_all_metadata")).lower() in {"1", "true"}
        return self._page("messages", [_as_history(m, with_metadata=with_metadata) for m in shown], arguments)

    def _replies(self, arguments: dict[str, Any]) -> Answer:
        channel, thread = arguments.get("channel"), arguments.get("ts")
        if channel not in self.channels:
            return _no("channel_not_found")
        shown = [m for m in self.messages if m.channel == channel and thread in (m.ts, m.arguments.get("thread_ts"))]
        if not shown:
            return _no("thread_not_found")
        with_metadata = str(arguments.get("include_all_metadata")).lower() in {"1", "true"}
        return self._page("messages", [_as_history(m, with_metadata=with_metadata) for m in shown], arguments)

    def _list(self, arguments: dict[str, Any]) -> Answer:
        found = [{"id": key, "name": name, "is_archived": False} for key, name in self.channels.items()]
        return self._page("channels", found, arguments)

    def _page(self, name: str, rows: list[dict[str, Any]], arguments: Mapping[str, Any]) -> Answer:
        start = int(arguments.get("cursor") or 0)
        size = min(max(int(arguments.get("limit") or 100), 1), 999)
        more = start + size < len(rows)
        cursor = {"next_cursor": str(start + size) if more else ""}
        return Answer({"ok": True, name: rows[start : start + size], "has_more": more, "response_metadata": cursor})

    def _test(self, _arguments: dict[str, Any]) -> Answer:
        return Answer(
            {"ok": True, "url": self.url, "team": "Stand-in", "user": "flagtrail", "team_id": "T0", "user_id": "U0"}
        )

    def _channel(self, name: object) -> str | None:
        """Return a channel's id by its id or its name, as a post may name it either way."""
        text = str(name)
        if text in self.channels:
            return text
        return next((key for key, value in self.channels.items() if value == text.removeprefix("#")), None)

    def _stamp(self) -> str:
        """Return a timestamp that no other message has."""
        newest = max((float(message.ts) for message in self.messages), default=0.0)
        return f"{max(self._clock(), newest + 0.000_01):.6f}"


_METHODS: dict[str, Callable[[SlackServer, dict[str, Any]], Answer]] = {
    "auth.test": SlackServer._test,  # noqa: SLF001 -- its own table of methods
    "chat.postMessage": SlackServer._post,  # noqa: SLF001
    "chat.update": SlackServer._update,  # noqa: SLF001
    "conversations.history": SlackServer._history,  # noqa: SLF001
    "conversations.replies": SlackServer._replies,  # noqa: SLF001
    "conversations.list": SlackServer._list,  # noqa: SLF001
}


def _no(error: str) -> Answer:
    return Answer({"ok": False, "error": error})


def _limited(seconds: int) -> Answer:
    return Answer({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": str(seconds)})


def _as_history(message: Posted, *, with_metadata: bool) -> dict[str, Any]:
    shown = {
        "type": "message",
        "ts": message.ts,
        "text": message.arguments.get("text", ""),
        "blocks": message.arguments.get("blocks", []),
    }
    metadata = message.arguments.get("metadata")
    return {**shown, "metadata": metadata} if with_metadata and metadata else shown


class _Http(ThreadingHTTPServer):
    """The loopback server; a call that hangs keeps nobody waiting at the end."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, slack: SlackServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.slack = slack

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away in the middle; that is what half the faults are about."""


class _Handler(BaseHTTPRequestHandler):
    server: _Http

    def do_POST(self) -> None:
        """Take one call, and answer it or spoil the answer."""
        method = self.path.partition("?")[0].rpartition("/")[2]
        arguments = self._arguments()
        slack = self.server.slack
        fault = slack.next_fault(method)
        if fault is Fault.LIMITED:
            self._write(_limited(slack.retry_after))
            return
        answer = slack.answer(method, arguments, self._token(arguments)) if fault is None or fault.stores else None
        if fault is None and answer is not None:
            self._write(answer)
        elif fault is not None:
            _SPOILERS[fault.manner](self)

    def _arguments(self) -> dict[str, Any]:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if "json" in self.headers.get("Content-Type", ""):
            return dict(json.loads(body or "{}"))  # the SDK calls auth.test with nothing in it
        return dict(parse_qsl(body, keep_blank_values=True))

    def _token(self, arguments: dict[str, Any]) -> str | None:
        header = self.headers.get("Authorization", "").removeprefix("Bearer ")
        token = arguments.pop("token", None)
        return header or token

    def _write(self, answer: Answer) -> None:
        body = json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in {"Content-Type": "application/json; charset=utf-8", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def close(self) -> None:
        """Hang up without a word."""
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """Break the connection the hard way."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def hang(self) -> None:
        """Stay silent until the server ends."""
        self.server.slack.closing.wait(_DRAIN_SECONDS)
        self.close()

    def half(self) -> None:
        """Promise more of an answer than is sent."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "500")
        self.end_headers()
        self.wfile.write(b'{"ok": true, "ts"')
        self.close()

    def error(self) -> None:
        """Fail inside."""
        self._write(Answer({"ok": False, "error": "internal_error"}, 500))

    def nonsense(self) -> None:
        """Answer as a proxy in between would."""
        body = b"<html><body>502 Bad Gateway</body></html>"
        self.send_response(502)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the base class names it
        """Keep quiet; ``calls`` has it all."""


_SPOILERS: dict[str, Callable[[_Handler], None]] = {
    "closed": _Handler.close,
    "reset": _Handler.reset,
    "timeout": _Handler.hang,
    "half": _Handler.half,
    "error": _Handler.error,
    "nonsense": _Handler.nonsense,
}
