"""Every place where the stand-in reaches inside moto; moto is pinned exactly because of them.

moto's own server answers what the stand-in does not. What is borrowed beside it: moto's parser and serializer of
AWS protocols (driven by botocore's models), its way to tell an account, its reset, its clock, and its alarms.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol, cast

import moto.backend_index
import moto.core.utils
import moto.secretsmanager.models
from moto.cloudwatch.models import cloudwatch_backends
from moto.core.base_backend import BackendDict
from moto.core.model import ServiceModel, StructureShape
from moto.core.model_instances import reset_model_data
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from moto.moto_server.werkzeug_app import (
    BackendRequest,
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

__all__ = ["BackendRequest", "MotoRequestHandler", "Request", "ServiceModel"]

ACCOUNT_HEADER = "HTTP_X_MOTO_ACCOUNT_ID"
"""The WSGI name of the header by which moto is told whose account a call belongs to."""

_real_utcnow = moto.core.utils.utcnow


class Alarm(Protocol):
    """What the stand-in reads of one of moto's CloudWatch alarms."""

    name: str
    description: str | None
    alarm_arn: str
    namespace: str | None
    metric_name: str | None
    period: int | None
    statistic: str | None
    dimensions: list[Any]
    actions_enabled: bool
    state_value: str
    state_reason: str
    state_reason_data: str
    state_updated_timestamp: datetime


class MotoApplication:
    """moto's server: one WSGI application for all its services."""

    def __init__(self) -> None:
        self._dispatcher = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request as moto does."""
        answer: Iterable[bytes] = self._dispatcher(environ, start_response)
        return answer

    def serves(self, service: str, region: str) -> bool:
        """Tell whether moto knows a service by its signing name."""
        if service in {"dynamodb", "s3"}:
            return True
        return any(
            pattern.match(f"http://{service}.{region}.amazonaws.com")
            for _, pattern in moto.backend_index.backend_url_patterns
        )


def reset() -> None:
    """Forget everything that moto holds, of all accounts."""
    BackendDict.reset()
    reset_model_data()


def follow(now: Callable[[], datetime]) -> Callable[[], None]:
    """Let moto's services tell the given time; the answer puts their own clock back.

    moto asks ``moto.core.utils.utcnow``, which its modules import by name, and Secrets Manager asks ``time.time``.
    Modules imported later take the patched one from ``moto.core.utils`` and are put back with the others.
    """

    def utcnow() -> datetime:
        return now().astimezone(UTC).replace(tzinfo=None)

    secrets = vars(moto.secretsmanager.models)
    secrets_time = secrets["time"]
    _replace_everywhere(_real_utcnow, utcnow)
    secrets["time"] = SimpleNamespace(time=lambda: now().timestamp())

    def put_back() -> None:
        _replace_everywhere(utcnow, _real_utcnow)
        secrets["time"] = secrets_time

    return put_back


def _replace_everywhere(old: object, new: object) -> None:
    for name, module in list(sys.modules.items()):
        if name.startswith("moto.") and vars(module).get("utcnow") is old:
            vars(module)["utcnow"] = new


def find_alarm(account: str, region: str, name: str) -> Alarm | None:
    """Return one CloudWatch alarm; None when there is none of that name."""
    return cast(Alarm | None, cloudwatch_backends[account][region].alarms.get(name))


@cache
def service_model(service: str) -> ServiceModel:
    """Return botocore's description of a service, in moto's classes."""
    return get_service_model(service)


def match(service: str, request: Request) -> tuple[str, Mapping[str, Any]]:
    """Return the operation that a request asks for and the values in its path; raises werkzeug's NotFound."""
    operation, path_values = get_service_router(service).match(request)
    return str(operation.name), path_values


def parse(service: str, operation: str, request: Request, path_values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a request, named and typed as botocore's model has them."""
    described = service_model(service).operation_model(operation)
    parser = PROTOCOL_PARSERS[protocol(service, request.content_type or "")](described)
    members: dict[str, Any] = parser.parse(
        {
            "method": request.method,
            "values": request.values,
            "headers": request.headers,
            "body": request.data,
            "url_path": request.path,
            "url_params": dict(path_values),
        }
    )
    return members


def protocol(service: str, content_type: str) -> str:
    """Return the protocol of a request by its service and content type."""
    return determine_request_protocol(service_model(service), content_type)


def error_shape(service: str, code: str) -> StructureShape | None:
    """Return botocore's description of an error; None when the service's model has none of that code."""
    model = service_model(service)
    if code not in model.shape_names:
        return None
    return cast(StructureShape, model.shape_for(code))


def serialize(
    service: str, operation: str, content_type: str, result: Mapping[str, Any]
) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of an answer, as the service's protocol writes it."""
    described = service_model(service).operation_model(operation)
    serializer = get_serializer_class(service, protocol(service, content_type))(operation_model=described)
    answer = serializer.serialize(result)
    body = answer["body"]
    return answer["status_code"], dict(answer["headers"]), body if isinstance(body, bytes) else str(body).encode()
