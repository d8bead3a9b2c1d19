"""An account in the AWS stand-in: what a person does there, and what the sources see of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

import boto3
import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.loaders import Loader
from urllib3 import HTTPResponse

from auditor.adapters.aws import AwsClients
from auditor.application.envelopes import parse_envelope
from auditor.domain.documents import DocumentReading, HeldDocument, Snapshot
from auditor.domain.events import RawEvent
from examples.standin import Identity, StandIn

# Descriptions of services are large: they are read once for all tests.
_LOADER = Loader()
# A second try would only make a test slower.
ONCE = Config(retries={"mode": "standard", "total_max_attempts": 1}, connect_timeout=3, read_timeout=10)


@dataclass(slots=True)
class Account:
    """One account: its people write, and the reader's calls are counted apart from theirs."""

    aws: StandIn
    number: str
    region: str = "eu-west-1"
    reader: Identity = field(init=False)
    writer: Identity = field(init=False)
    _made: dict[tuple[str, str], Any] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.reader = self.aws.iam_user("flagtrail", account=self.number)
        self.writer = self.aws.iam_user("alice", account=self.number)

    def client(self, service: str, identity: Identity | None = None) -> Any:
        who = identity or self.writer
        key = service, who.arn
        if key not in self._made:
            self._made[key] = self.aws.client(service, self.region, who)
        return self._made[key]

    def session(self) -> boto3.Session:
        core = botocore.session.Session()
        core.register_component("data_loader", _LOADER)
        return boto3.Session(botocore_session=core, region_name=self.region, **self.reader.credentials())

    def clients(self, session: boto3.Session | None = None, **settings: Any) -> AwsClients:
        return AwsClients(session=session or self.session(), **settings)

    def advance(self, **by: float) -> datetime:
        self.aws.advance(timedelta(**by))
        return self.aws.now()

    def events(self) -> list[RawEvent]:
        """Return what EventBridge would have delivered since the last look."""
        return [parse_envelope(dict(event)) for event in self.aws.drain()]

    def calls(self, service: str) -> Counter[str]:
        """Return the calls made to a service since the last look."""
        made = Counter(
            {
                name.partition(":")[2]: count
                for name, count in self.aws.calls().items()
                if name.startswith(f"{service}:")
            }
        )
        self.aws.reset_calls()
        return made


def fail(
    session: boto3.Session,
    service: str,
    operation: str,
    code: str,
    message: str = "",
    *,
    status: int = 400,
    body: bytes | None = None,
) -> list[Any]:
    """Have a session's clients be answered an error by one operation; return the list of the requests made."""
    made: list[Any] = []

    def answer(request: Any, **_event: Any) -> AWSResponse:
        made.append(request)
        text = body or json.dumps({"__type": code, "message": message}).encode()
        headers = {"x-amzn-ErrorType": code}
        return AWSResponse(request.url, status, headers, HTTPResponse(BytesIO(text), preload_content=False))

    session.events.register(f"before-send.{service}.{operation}", answer)
    return made


def answer(session: boto3.Session, service: str, operation: str, tell: Callable[[dict[str, Any]], Any]) -> None:
    """Have a session's clients be answered what the stand-in has no part for: ``tell`` turns a request into JSON."""

    def answered(request: Any, **_event: Any) -> AWSResponse:
        asked = json.loads(request.body or b"{}") | {"path": request.url.partition("://")[2].partition("/")[2]}
        said = tell(asked)
        status, body = (400, said) if "__type" in said else (200, said)
        headers = {"x-amzn-ErrorType": said.get("__type", "")}
        raw = HTTPResponse(BytesIO(json.dumps(body).encode()), preload_content=False)
        return AWSResponse(request.url, status, headers, raw)

    session.events.register(f"before-send.{service}.{operation}", answered)


def held_after(reading: DocumentReading, held: HeldDocument | None = None) -> HeldDocument:
    """Return what the record holds after a reading, as the cursor of the next."""
    life = 1 if held is None else held.life + reading.fresh_life
    newest: Snapshot | None = reading.snapshots[-1] if reading.snapshots else None
    if newest is None and held is not None:
        return HeldDocument(
            reading.document, life, held.version, held.ordinal, held.modified_at, held.entries,
            reading.labels, reading.exists, reading.read_at, reading.title, held.metadata,
        )  # fmt: skip
    return HeldDocument(
        document=reading.document,
        life=life,
        version=newest.version if newest else None,
        ordinal=newest.ordinal if newest else None,
        modified_at=newest.modified_at if newest else None,
        entries=newest.entries if newest else {},
        labels=reading.labels,
        alive=reading.exists,
        checked_at=reading.read_at,
        title=reading.title,
        metadata=newest.metadata if newest else {},
    )


def flag_document(values: Mapping[str, Any], **definitions: Any) -> str:
    """Return the content of a feature-flag profile; each value has a definition of its key's name."""
    flags = {key: {"name": key} for key in values} | definitions
    return json.dumps({"version": "1", "flags": flags, "values": dict(values)})
