"""The stand-in's own HTTP interface, under /standin/, for when it runs in a process of its own."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from examples.standin.gateway import Gateway
from examples.standin.identity import Identity

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from examples.standin.server import StandIn

PREFIX = "/standin/"
KINDS = ("iam_user", "sso_user", "role", "cloudformation", "lambda_role", "root")


class Control:
    """Answers /standin/ itself and hands every other request to the gateway."""

    def __init__(self, aws: StandIn, gateway: Gateway) -> None:
        self._aws = aws
        self._gateway = gateway
        self._routes: dict[tuple[str, str], Callable[[Request], Any]] = {
            ("GET", "clock"): self._clock,
            ("POST", "clock"): self._set_clock,
            ("GET", "events"): self._events,
            ("GET", "environ"): lambda _: self._aws.environ(),
            ("GET", "calls"): lambda _: self._aws.calls(),
            ("DELETE", "calls"): self._reset_calls,
            ("POST", "identities"): self._identity,
            ("POST", "deny"): self._deny,
            ("POST", "allow"): self._allow,
            ("POST", "fail"): self._fail,
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one HTTP request."""
        if not environ.get("PATH_INFO", "").startswith(PREFIX):
            return self._gateway(environ, start_response)
        request = Request(environ)
        route = self._routes.get((request.method, request.path.removeprefix(PREFIX)))
        if route is None:
            return _refused(404, f"no {request.method} {request.path} here")(environ, start_response)
        try:
            answer = route(request)
        except (KeyError, TypeError, ValueError) as error:
            return _refused(400, str(error))(environ, start_response)
        return Response(json.dumps(answer), mimetype="application/json")(environ, start_response)

    def _clock(self, _: Request) -> dict[str, str]:
        return {"now": self._aws.now().isoformat()}

    def _set_clock(self, request: Request) -> dict[str, str]:
        asked = _body(request)
        if "advance" in asked:
            self._aws.advance(timedelta(seconds=float(asked["advance"])))
        else:
            self._aws.set_time(datetime.fromisoformat(asked["now"]))
        return self._clock(request)

    def _events(self, request: Request) -> list[dict[str, Any]]:
        drains = request.args.get("drain") not in {None, "", "0", "false"}
        return self._aws.drain() if drains else self._aws.events()

    def _reset_calls(self, _: Request) -> dict[str, str]:
        self._aws.reset_calls()
        return {}

    def _identity(self, request: Request) -> dict[str, Any]:
        asked = dict(_body(request))
        kind = asked.pop("kind")
        if kind not in KINDS:
            raise ValueError(f"an identity's kind is one of {', '.join(KINDS)}, not {kind}")
        identity: Identity = getattr(self._aws, kind)(**asked)
        described = {one.name: getattr(identity, one.name) for one in dataclasses.fields(identity)}
        return described | {"since": identity.since.isoformat(), "arn": identity.arn}

    def _deny(self, request: Request) -> dict[str, str]:
        asked = _body(request)
        self._aws.deny(self._known(asked.get("access_key_id")), asked["action"], asked.get("resource", "*"))
        return {}

    def _allow(self, request: Request) -> dict[str, str]:
        asked = _body(request)
        self._aws.allow(self._known(asked.get("access_key_id")), asked["action"])
        return {}

    def _fail(self, request: Request) -> dict[str, str]:
        self._aws.fail(**_body(request))
        return {}

    def _known(self, access_key_id: str | None) -> Identity | None:
        if access_key_id is None:
            return None
        identity = self._gateway.identities.find(access_key_id)
        if identity is None:
            raise ValueError(f"nobody holds the access key {access_key_id}")
        return identity


def _body(request: Request) -> Mapping[str, Any]:
    asked = json.loads(request.get_data())
    if not isinstance(asked, dict):
        raise TypeError("the body is a JSON object")
    return asked


def _refused(status: int, message: str) -> Response:
    return Response(json.dumps({"error": message}), status, mimetype="application/json")
