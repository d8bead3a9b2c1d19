"""Lambda's Invoke on the loopback interface: whatever is asked is served by the product's own function."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextmanager
def serving(functions: dict[str, Callable[[Any], Any]]) -> Iterator[str]:
    """Give the URL under which these functions are invoked, as AWS answers: an error of theirs is told in the body."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            name = self.path.split("/")[3]
            headers: dict[str, str] = {}
            if name not in functions:
                self.reply(
                    404, {"Message": f"Function not found: {name}"}, {"x-amzn-ErrorType": "ResourceNotFoundException"}
                )
                return
            try:
                answer = functions[name](json.loads(body))
            except Exception as error:  # noqa: BLE001 -- Lambda, too, answers for whatever a function raises
                answer = {"errorMessage": str(error), "errorType": type(error).__name__}
                headers["X-Amz-Function-Error"] = "Unhandled"
            self.reply(200, answer, headers)

        def reply(self, status: int, answer: Any, headers: dict[str, str]) -> None:
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(content))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
