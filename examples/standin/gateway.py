"""The front door: every AWS call comes in here, is judged, answered by its service or by moto, and recorded."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from botocore.exceptions import UnknownServiceError
from werkzeug.exceptions import NotFound
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Response

from examples.standin import call as calls
from examples.standin import constraints, seams
from examples.standin.alarms import Alarms
from examples.standin.call import Answer, Call
from examples.standin.clock import Clock
from examples.standin.cloudtrail import CloudTrail
from examples.standin.errors import AwsError, MalformedRequestError
from examples.standin.identity import Identity, IdentityRegistry
from examples.standin.ids import Ids
from examples.standin.permissions import Permissions

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Operation = Callable[[Call], Mapping[str, Any] | None]
# Services whose calls CloudTrail records here; of the others moto answers and nothing is recorded.
RECORDED = frozenset({"ssm", "appconfig"})
_UNSIGNED = {"AssumeRoleWithWebIdentity": "sts"}


@dataclass(slots=True)
class Gateway:
    """A WSGI application that answers for AWS."""

    clock: Clock
    ids: Ids
    identities: IdentityRegistry
    permissions: Permissions
    cloudtrail: CloudTrail
    alarms: Alarms
    anonymous: Identity
    region: str
    operations: Mapping[tuple[str, str], Operation]
    lock: threading.RLock = field(default_factory=threading.RLock)
    moto: seams.MotoApplication = field(default_factory=seams.MotoApplication)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one HTTP request."""
        body = _read(environ)
        answer = self.answer(environ, body)
        return Response(answer.body, answer.status, answer.headers)(environ, start_response)

    def answer(self, environ: WSGIEnvironment, body: bytes) -> Answer:
        """Return the answer to one request, AWS's refusals included."""
        request = seams.Request(_with_body(environ, body))
        signature = calls.read_signature(request)
        request_id = self.ids.uuid()
        if signature is None:
            service, access_key, region = _UNSIGNED.get(request.values.get("Action", ""), ""), "", self.region
        else:
            service = calls.service_of(signature.service, request.path)
            access_key, region = signature.access_key_id, signature.region
        if not service:
            return self._forward(environ, body, self.anonymous)
        identity = self.identities.find(access_key) if access_key else self.anonymous
        if identity is None:
            return _unknown_key(service, request, request_id)
        if not self.moto.serves(signature.service if signature else service, region) and service not in RECORDED:
            return _not_implemented(service, "any operation", request_id)
        try:
            operation, path_values = seams.match(service, request)
        except (NotFound, NotImplementedError):
            return self._answered_by_moto_unread(service, environ, body, identity, request_id)
        try:
            params = _params(service, operation, request, path_values)
        except AwsError as error:
            return calls.refuse_with(service, request.content_type or "", error, request_id)
        agent = request.headers.get("User-Agent", "")
        with self.lock:
            self.clock.settle()
            call = Call(service, operation, params, identity, region, self.clock.now(), request_id, agent)
            answer = self._answered_here(call, request.content_type or "")
        return answer or self._answered_by_moto(call, environ, body)

    def _answered_here(self, call: Call, content_type: str) -> Answer | None:
        """Return the answer to a call that is refused or answered here; None when it is moto's."""
        handler = self.operations.get((call.service, call.operation))
        try:
            self.permissions.check(call)
            if handler is None:
                return None
            _validate(call)
            result = handler(call)
        except AwsError as error:
            if call.service in RECORDED:
                self.cloudtrail.refused(call, error)
            return calls.refuse_with(call.service, content_type, error, call.request_id)
        if call.service in RECORDED:
            self.cloudtrail.succeeded(call, result)
        return calls.answer_with(call, content_type, result)

    def _answered_by_moto_unread(
        self, service: str, environ: WSGIEnvironment, body: bytes, identity: Identity, request_id: str
    ) -> Answer:
        try:
            return self._forward(environ, body, identity)
        except NotImplementedError:
            return _not_implemented(service, "this operation", request_id)

    def _answered_by_moto(self, call: Call, environ: WSGIEnvironment, body: bytes) -> Answer:
        if call.service in {"appconfig", "appconfigdata"}:
            return _not_implemented(call.service, call.operation, call.request_id)
        # Only what is watched waits for its turn: a long poll of a queue must not hold up the others.
        with self.lock if call.service == "cloudwatch" else nullcontext():
            former = self.alarms.before(call)
            try:
                answer = self._forward(environ, body, call.identity)
            except NotImplementedError:
                return _not_implemented(call.service, call.operation, call.request_id)
            if answer.status == HTTPStatus.OK:
                self.alarms.after(call, former)
        return answer

    def _forward(self, environ: WSGIEnvironment, body: bytes, identity: Identity) -> Answer:
        """Let moto answer, in the caller's account; the server says what time it is."""
        forwarded = _with_body(environ, body) | {seams.ACCOUNT_HEADER: identity.account}
        chunks, status, headers = run_wsgi_app(self.moto, forwarded, buffered=True)
        told = {name: value for name, value in headers if name.lower() != "date"}
        return Answer(int(status.split(" ", 1)[0]), told, b"".join(chunks))


def _params(service: str, operation: str, request: seams.Request, path_values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request's members; raises the refusal of what is not even of the right form."""
    malformed = AwsError("SerializationException", "The request could not be read.", status=HTTPStatus.BAD_REQUEST)
    if service == "ssm" and not isinstance(_json(request.data), dict):
        raise malformed
    params = seams.parse(service, operation, request, path_values)
    if service in RECORDED and constraints.mistyped(service, operation, params):
        raise malformed
    return params


def _json(data: bytes) -> Any:
    try:
        return json.loads(data or b"{}")
    except ValueError:
        return None


def _validate(call: Call) -> None:
    found = constraints.violations(call.service, call.operation, call.params)
    if found:
        code = "BadRequestException" if call.service.startswith("appconfig") else "ValidationException"
        raise MalformedRequestError(code, constraints.summary(found))


def _read(environ: WSGIEnvironment) -> bytes:
    if environ.get("wsgi.input_terminated"):
        return bytes(environ["wsgi.input"].read())
    return bytes(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))


def _with_body(environ: WSGIEnvironment, body: bytes) -> WSGIEnvironment:
    return {
        **{name: value for name, value in environ.items() if name != "HTTP_TRANSFER_ENCODING"},
        "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)),
    }


def _unknown_key(service: str, request: seams.Request, request_id: str) -> Answer:
    code = "InvalidClientTokenId" if service == "sts" else "UnrecognizedClientException"
    by_target = "X-Amz-Target" in request.headers
    error = AwsError(
        code,
        "The security token included in the request is invalid.",
        status=HTTPStatus.BAD_REQUEST if by_target else HTTPStatus.FORBIDDEN,
    )
    try:
        return calls.refuse_with(service, request.content_type or "", error, request_id)
    except (UnknownServiceError, NotImplementedError):
        return calls.refuse_unknown(error, request_id)


def _not_implemented(service: str, operation: str, request_id: str) -> Answer:
    """Refuse what nobody here can do, with a status that no SDK tries again."""
    error = AwsError(
        "NotImplementedByStandIn",
        f"The AWS stand-in does not answer {operation} of {service}.",
        status=HTTPStatus.NOT_IMPLEMENTED,
    )
    return calls.refuse_unknown(error, request_id)
