"""The stand-in as a whole: its parts put together and served over HTTP on the loopback interface."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from types import TracebackType
from typing import Any, Self

import boto3
import botocore.session
from botocore.config import Config
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
from examples.standin.identity import COMMAND_LINE, LAMBDA_RUNTIME, Identity, IdentityRegistry
from examples.standin.ids import Ids
from examples.standin.parameter_store.store import ParameterStore
from examples.standin.parameter_store.tags import ParameterTags
from examples.standin.permissions import Permissions
from examples.standin.sts import Sts

DEFAULT_ACCOUNT = "123456789012"
DEFAULT_REGION = "eu-west-1"


class _QuietHandler(seams.MotoRequestHandler):
    """moto's request handler without a line on the terminal for each call."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


class StandIn:
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
        self.account = account
        self.region = region
        self.clock = Clock(start)
        self._ids = Ids(seed)
        self._events = EventLog(self._ids)
        self._identities = IdentityRegistry(self._ids)
        self._permissions = Permissions()
        self._port = port
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None
        self._put_back: Callable[[], None] | None = None
        self._gateway = self._assemble(CloudTrail(self.clock, self._events, self._ids, trail, lookup_delay))
        # The stubs know each service by its literal name; here the name is the caller's.
        self._make_client: Callable[..., Any] = _hermetic_session().client
        self._operator = self.iam_user("operator")
        self._product = self.iam_user("flagtrail")

    def _assemble(self, cloudtrail: CloudTrail) -> Gateway:
        store = ParameterStore(self.clock, self._events, self._ids)
        appconfig = AppConfig(self.clock, self._events, self._ids, store.value_of, alarms.state_of)
        parts = {
            "ssm": store.operations() | ParameterTags(store).operations(),
            "appconfig": appconfig.operations(),
            "appconfigdata": appconfig.data_operations(),
            "cloudtrail": cloudtrail.operations(),
            "sts": Sts(self._identities).operations(),
        }
        return Gateway(
            clock=self.clock,
            ids=self._ids,
            identities=self._identities,
            permissions=self._permissions,
            cloudtrail=cloudtrail,
            alarms=Alarms(self._events, appconfig.alarm_changed),
            anonymous=self._identities.user(self.account, "anonymous", self.clock.now(), console=False),
            region=self.region,
            operations={
                (service, name): operation for service, table in parts.items() for name, operation in table.items()
            },
        )

    def start(self) -> Self:
        """Begin to serve, with nothing in any account."""
        if self._server is not None:
            raise RuntimeError("the stand-in is already running")
        seams.reset()
        self._put_back = seams.follow(self.clock.now)
        application = Control(self, self._gateway)
        self._server = make_server("127.0.0.1", self._port, application, threaded=True, request_handler=_QuietHandler)
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

    def iam_user(self, name: str, *, account: str | None = None, console: bool = False) -> Identity:
        """Return credentials of an IAM user: an access key of the command line, or a console session."""
        identity = self._identities.user(account or self.account, name, self.now(), console=console)
        return identity if console else self._with(identity, user_agent=COMMAND_LINE)

    def sso_user(
        self, user: str, permission_set: str = "PlatformAdmin", *, account: str | None = None, console: bool = False
    ) -> Identity:
        """Return a session of a person who signed in through IAM Identity Center."""
        identity = self._identities.person(
            account or self.account, self.region, user, permission_set, self.now(), console=console
        )
        return identity if console else self._with(identity, user_agent=COMMAND_LINE)

    def role(
        self,
        name: str,
        session: str,
        *,
        web_identity: str | None = None,
        source_identity: str | None = None,
        account: str | None = None,
        console: bool = False,
    ) -> Identity:
        """Return a session of a role: assumed, or opened for what an OpenID provider vouches for."""
        return self._identities.role(
            account or self.account,
            name,
            session,
            self.now(),
            web_identity=web_identity,
            source_identity=source_identity,
            source_ip="192.0.2.61" if web_identity else "192.0.2.200",
            console=console,
        )

    def cloudformation(self, role: str = "CloudFormationDeployRole", *, account: str | None = None) -> Identity:
        """Return CloudFormation at work with a service role."""
        return self._identities.role(
            account or self.account, role, "AWSCloudFormation", self.now(), invoked_by="cloudformation.amazonaws.com"
        )

    def lambda_role(self, role: str, session: str, *, account: str | None = None) -> Identity:
        """Return a Lambda function at work: the session is the function's name."""
        identity = self._identities.role(account or self.account, role, session, self.now(), source_ip="192.0.2.77")
        return self._with(identity, user_agent=LAMBDA_RUNTIME)

    def root(self, *, account: str | None = None, console: bool = False) -> Identity:
        """Return an account's root, by its access key or signed in to the console."""
        return self._identities.root(account or self.account, self.now(), console=console)

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
        message: str | None = None,
        status: int | None = None,
    ) -> None:
        """Have an operation answer an error the next times it is called; AccessDenied is recorded as a denial."""
        default = "Rate exceeded" if "Throttl" in code else ""
        self._permissions.fail(service, operation, AwsError(code, message or default, status=status), times)

    def calls(self) -> Counter[str]:
        """Return how often each operation was called, refusals included, as in ``ssm:PutParameter``."""
        return Counter(self._permissions.counts)

    def reset_calls(self) -> None:
        """Count from nothing again."""
        self._permissions.counts.clear()

    def _with(self, identity: Identity, *, user_agent: str) -> Identity:
        return self._identities.add(replace(identity, user_agent=user_agent))


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
