"""The stand-in as a whole: its parts put together and served over HTTP on the loopback interface."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from types import TracebackType
from typing import Any, Self

import boto3
import botocore.session
from botocore.config import Config
from werkzeug.http import http_date
from werkzeug.serving import BaseWSGIServer, make_server

from examples.standin import alarms, seams
from examples.standin.alarms import Alarms
from examples.standin.appconfig.service import AppConfig
from examples.standin.clock import Clock
from examples.standin.cloudtrail import CloudTrail
from examples.standin.control import Control
from examples.standin.errors import AwsError
from examples.standin.events import Event, EventLog
from examples.standin.gateway import Gateway
from examples.standin.identity import Identity, IdentityRegistry
from examples.standin.ids import Ids
from examples.standin.parameter_store.shelf import Shelf
from examples.standin.parameter_store.store import ParameterStore
from examples.standin.parameter_store.tags import ParameterTags
from examples.standin.people import People
from examples.standin.permissions import Permissions
from examples.standin.sts import Sts

DEFAULT_ACCOUNT = "123456789012"
DEFAULT_REGION = "eu-west-1"


class _QuietHandler(seams.MotoRequestHandler):
    """moto's request handler without a line on the terminal for each call, and with AWS's time in its answers."""

    clock: Clock

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the Date of an answer."""
        return http_date(self.clock.now() if timestamp is None else timestamp)


class StandIn(People):
    """AWS on this machine: as a context manager, or by ``start`` and ``stop``.

    Without ``start`` its clock runs with the machine's; with it the time stands still until it is set. With a
    ``seed`` the ids that AWS makes up come out the same again. One at a time in a process, because moto's state is
    the process's; each start begins with nothing.
    """

    def __init__(
        self,
        start: datetime | None = None,
        account: str = DEFAULT_ACCOUNT,
        region: str = DEFAULT_REGION,
        *,
        port: int = 0,
        seed: int | None = None,
        trail: bool = True,
        lookup_delay: timedelta = timedelta(0),
    ) -> None:
        self.clock = Clock(start)
        self._ids = Ids(seed)
        registry = IdentityRegistry(self._ids)
        super().__init__(registry, account, region, self.now)
        self._begin = start
        self._port = port
        self._trail = (trail, lookup_delay)
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None
        self._put_back: Callable[[], None] | None = None
        # The stubs know each service by its literal name; here the name is the caller's.
        self._make_client: Callable[..., Any] = _hermetic_session().client
        self._operator = self.iam_user("operator")
        self._product = self.iam_user("flagtrail")
        self._events, self._permissions, self._gateway = self._assemble()
        self._used = False

    def _assemble(self) -> tuple[EventLog, Permissions, Gateway]:
        events, permissions = EventLog(self._ids), Permissions()
        cloudtrail = CloudTrail(self.clock, events, self._ids, *self._trail)
        shelf = Shelf(self.clock, events)
        appconfig = AppConfig(self.clock, events, self._ids, shelf.value_of, alarms.state_of)
        parts = {
            "ssm": ParameterStore(shelf, self._ids).operations() | ParameterTags(shelf).operations(),
            "appconfig": appconfig.operations(),
            "appconfigdata": appconfig.data_operations(),
            "cloudtrail": cloudtrail.operations(),
            "sts": Sts(self._registry).operations(),
        }
        gateway = Gateway(
            clock=self.clock,
            ids=self._ids,
            identities=self._registry,
            permissions=permissions,
            cloudtrail=cloudtrail,
            alarms=Alarms(events, appconfig.alarm_changed),
            anonymous=self._registry.user(self.account, "anonymous", self.now(), console=False),
            region=self.region,
            operations={
                (service, name): operation for service, table in parts.items() for name, operation in table.items()
            },
        )
        return events, permissions, gateway

    def start(self) -> Self:
        """Begin to serve, with nothing in any account."""
        if self._server is not None:
            raise RuntimeError("the stand-in is already running")
        if self._used:
            self.clock = Clock(self._begin)
            self._events, self._permissions, self._gateway = self._assemble()
        self._used = True
        seams.reset()
        self._put_back = seams.follow(self.clock.now)
        application = Control(self, self._gateway)
        handler = type("_Handler", (_QuietHandler,), {"clock": self.clock})
        self._server = make_server("127.0.0.1", self._port, application, threaded=True, request_handler=handler)
        # It looks this often whether it should stop, which is what stopping costs.
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="aws-standin", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving and give moto its own clock back; a second time changes nothing."""
        if self._server is None or self._thread is None or self._put_back is None:
            return
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._put_back()
        seams.reset()
        self._server = self._thread = self._put_back = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Return the address that AWS clients are pointed at."""
        if self._server is None:
            raise RuntimeError("the stand-in is not running")
        return f"http://127.0.0.1:{self._server.server_port}"

    def client(self, service: str, region: str | None = None, identity: Identity | None = None) -> Any:
        """Return a boto3 client that calls the stand-in as an identity, by default as the user ``operator``."""
        who = identity or self._operator
        config = Config(
            retries={"total_max_attempts": 1, "mode": "standard"},
            parameter_validation=True,
            s3={"addressing_style": "path"},
        )
        with self._gateway.lock:
            return self._make_client(
                service, region_name=region or self.region, endpoint_url=self.url, config=config, **who.credentials()
            )

    def environ(self) -> dict[str, str]:
        """Return the variables by which a process of the product finds the stand-in, as the user ``flagtrail``."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": self._product.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self._product.secret_access_key,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    @property
    def product(self) -> Identity:
        """Return the identity of ``environ``."""
        return self._product

    def now(self) -> datetime:
        """Return the time in AWS."""
        return self.clock.now()

    def set_time(self, moment: datetime) -> None:
        """Move to a later moment; what falls due on the way happens, each at its own time."""
        with self._gateway.lock:
            self.clock.set(moment)

    def advance(self, by: timedelta) -> None:
        """Move on by a span of time."""
        with self._gateway.lock:
            self.clock.advance(by)

    def events(self) -> list[Event]:
        """Return what EventBridge would have delivered so far, in the order it happened."""
        with self._gateway.lock:
            self.clock.settle()
            return self._events.all()

    def drain(self) -> list[Event]:
        """Return the same and forget it."""
        with self._gateway.lock:
            self.clock.settle()
            return self._events.drain()

    def deny(self, identity: Identity | None, action: str, resource: str = "*") -> None:
        """Refuse an action to an identity, or to everybody; action and resource ARN may hold wildcards."""
        self._permissions.deny(identity, action, resource)

    def allow(self, identity: Identity | None, action: str) -> None:
        """Take back what was denied in the same words."""
        self._permissions.allow(identity, action)

    def fail(
        self,
        service: str,
        operation: str,
        *,
        code: str = "ThrottlingException",
        times: int = 1,
        after: int = 0,
        message: str | None = None,
        status: int | None = None,
    ) -> None:
        """Have an operation answer an error the next times it is called, or after as many calls that succeed.

        A code of AccessDenied without a message is told and recorded as IAM's denial.
        """
        default = "Rate exceeded" if "Throttl" in code else ""
        self._permissions.fail(service, operation, AwsError(code, message or default, status=status), times, after)

    def calls(self) -> Counter[str]:
        """Return how often each operation was called, refusals included, as in ``ssm:PutParameter``."""
        return Counter(self._permissions.counts)

    def reset_calls(self) -> None:
        """Count from nothing again."""
        self._permissions.counts.clear()


@cache
def _hermetic_session() -> boto3.session.Session:
    """Return a session that reads neither a profile nor a file of the person who runs the stand-in.

    It is the process's: it keeps the service models it has read, which is most of the cost of a client.
    """
    core = botocore.session.Session(
        session_vars={
            "profile": (None, [], None, None),
            "config_file": (None, [], os.devnull, None),
            "credentials_file": (None, [], os.devnull, None),
        }
    )
    return boto3.session.Session(botocore_session=core)


def product_environ(base: dict[str, str] | None, aws: StandIn) -> dict[str, str]:
    """Return a process environment in which a product talks to the stand-in and to no real AWS account."""
    inherited = dict(os.environ if base is None else base)
    for name in [name for name in inherited if name.startswith("AWS_")]:
        del inherited[name]
    return inherited | aws.environ()
