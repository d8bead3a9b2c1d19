"""The stand-in's Slack, with answers put into its mouth."""

from __future__ import annotations

from collections import deque
from typing import Any

from examples.standin.slack import Answer, SlackServer, _Handler


class ScriptedSlack(SlackServer):
    """A Slack that gives the answers in ``scripted`` to the next calls, whatever they ask; a text is sent as it is."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(**fields)
        self.scripted: deque[Answer] = deque()
        self._http.RequestHandlerClass = _RawHandler

    def answer(self, method: str, arguments: dict[str, Any], token: str | None) -> Answer:
        if self.scripted:
            self.calls.append((method, arguments))
            return self.scripted.popleft()
        return super().answer(method, arguments, token)


class _RawHandler(_Handler):
    def _write(self, answer: Answer) -> None:
        if not isinstance(answer.body, str):
            super()._write(answer)
            return
        body = answer.body.encode()
        self.send_response(answer.status)
        for name, value in {"Content-Type": "application/json", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
