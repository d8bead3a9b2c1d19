"""A topic on this machine: takes what SNS takes, refuses what it refuses, and misbehaves when told to."""

from __future__ import annotations

import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs

TOPIC = "arn:aws:sns:eu-central-1:111122223333:flag-changes"
_SENT = '<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>{}</MessageId></PublishResult></PublishResponse>'
_ERROR = '<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>{}</Code><Message>no</Message></Error></ErrorResponse>'
LONGEST = 262_144


class SnsServer:
    """The query protocol of Publish over HTTP; ``faults`` are answers to the next calls: a status and a code."""

    def __init__(self) -> None:
        self.published: list[dict[str, str]] = []
        self.faults: deque[tuple[int, str]] = deque()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                status, text = server.answer({name: values[0] for name, values in parse_qs(body).items()})
                data = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/xml")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                return

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def answer(self, fields: dict[str, str]) -> tuple[int, str]:
        """Return a status and an XML text, as SNS answers Publish."""
        if self.faults:
            status, code = self.faults.popleft()
            return status, _ERROR.format(code)
        if fields.get("Action") != "Publish" or fields.get("TopicArn", "").removesuffix(".fifo") != TOPIC:
            return 404, _ERROR.format("NotFound")
        subject = fields.get("Subject", "x")
        if len(subject) >= 100 or not subject.isascii() or not subject.isprintable() or not subject[0].isalnum():
            return 400, _ERROR.format("InvalidParameter")
        if sum(len(value.encode()) for value in fields.values()) > LONGEST:
            return 400, _ERROR.format("InvalidParameter")
        self.published.append(fields)
        return 200, _SENT.format(f"m-{len(self.published)}")

    def attributes(self, number: int = -1) -> dict[str, str]:
        """Return the attributes of a message that was published."""
        fields, found = self.published[number], {}
        for place in range(1, 20):
            prefix = f"MessageAttributes.entry.{place}."
            if f"{prefix}Name" in fields:
                found[fields[f"{prefix}Name"]] = fields[f"{prefix}Value.StringValue"]
        return found

    def stop(self) -> None:
        """Be gone: nobody answers any more."""
        self._http.shutdown()
        self._http.server_close()

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._http.socket.fileno() != -1:
            self.stop()
