"""AWS clients: of one's own account and, through a role, of others; bounded retries, errors as sentences."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from auditor.adapters.pacing import SHARED, Pacer
from auditor.domain.errors import FlagtrailError, StoreUnreadableError
from auditor.domain.masking import mask_text

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_appconfig import AppConfigClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_sts import STSClient

Service = Literal["ssm", "appconfig", "cloudtrail", "sts"]
# Read only where a table, a bucket or a profile that points there is configured.
ConfiguredService = Literal["dynamodb", "s3", "secretsmanager", "codepipeline"]

CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 3},
    connect_timeout=3,
    read_timeout=10,
    user_agent_extra="flagtrail",
)
# A bucket's name as part of the host's would need a certificate and a DNS entry for each.
_IN_PATH = Config(s3={"addressing_style": "path"})
_AWS_HOSTS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".amazonwebservices.com.cn")
_NOT_FOUND = frozenset(
    {
        "InvalidDocument",
        "InvalidDocumentVersion",
        "NoSuchBucket",
        "NoSuchKey",
        "NoSuchVersion",
        "ParameterNotFound",
        "PipelineNotFoundException",
        "ResourceNotFoundException",
    }
)
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_THROTTLED = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "ProvisionedThroughputExceededException",
        "SlowDown",
    }
)
_SESSION_SECONDS = 3600
_ASK_AGAIN_AFTER = 10.0
_RENEW_BEFORE = timedelta(minutes=5)


class NotInStoreError(FlagtrailError):
    """The store answered that a thing is not there; ``response`` is that answer."""

    def __init__(self, message: str, response: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.response = response


@dataclass(frozen=True, slots=True)
class _Credentials:
    """What STS lent for another account, and until when."""

    settings: Mapping[str, Any]
    expires_at: datetime


class AwsClients:
    """Makes each client once and hands it out again; nothing is asked of AWS before it is needed.

    Endpoints, credentials and the home Region are found by boto3's own means. ``read_role`` is the name of the
    role to assume in every other account (``None``: other accounts cannot be read). Calls to AWS itself are
    paced; another endpoint has limits of its own.
    """

    def __init__(
        self,
        *,
        region: str | None = None,
        read_role: str | None = None,
        external_id: str | None = None,
        own_account: str | None = None,
        session: boto3.Session | None = None,
        pacer: Pacer | None = None,
        config: Config = CONFIG,
    ) -> None:
        self._region = region
        self._read_role = read_role
        self._external_id = external_id
        self._own_account = own_account
        self._session = session
        self._pacer = pacer if pacer is not None else SHARED
        self._config = config
        self._refusal: tuple[float, str] | None = None
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._credentials: dict[str, _Credentials] = {}

    def account(self, region: str | None = None) -> str:
        """Return the account of the credentials at hand; raise ``StoreUnreadableError`` when STS cannot tell.

        ``region`` is where STS is asked, the home Region unless it is given. For a little while after STS could not
        tell it is not asked again: a batch of events must not wait for each of them.
        """
        if self._own_account is None:
            self._own_account = self._asked_account(region or self.region())
        return self._own_account

    def _asked_account(self, region: str) -> str:
        if self._refusal is not None and time.monotonic() < self._refusal[0]:
            raise StoreUnreadableError(self._refusal[1])
        try:
            with answering("sts:GetCallerIdentity", "the account of the credentials", "", region):
                return self._sts(region).get_caller_identity()["Account"]
        except StoreUnreadableError as error:
            self._refusal = (time.monotonic() + _ASK_AGAIN_AFTER, str(error))
            raise

    def region(self) -> str:
        """Return the home Region; raise ``StoreUnreadableError`` when none is configured."""
        # boto3 reads AWS_DEFAULT_REGION only; other tools, and people, say AWS_REGION.
        region = self._region or self._boto().region_name or os.environ.get("AWS_REGION")
        if not region:
            raise StoreUnreadableError(
                "no AWS Region is set; set AWS_REGION, or name the regions of each [[source]] in flagtrail.toml"
            )
        return region

    def ssm(self, account: str, region: str) -> SSMClient:
        """Return a Systems Manager client; raise ``StoreUnreadableError`` when the account cannot be reached."""
        client: SSMClient = self.client("ssm", account, region)
        return client

    def appconfig(self, account: str, region: str) -> AppConfigClient:
        """Return an AppConfig client; raise ``StoreUnreadableError`` when the account cannot be reached."""
        client: AppConfigClient = self.client("appconfig", account, region)
        return client

    def dynamodb(self, account: str, region: str) -> DynamoDBClient:
        """Return a DynamoDB client; raise ``StoreUnreadableError`` when the account cannot be reached."""
        client: DynamoDBClient = self.client("dynamodb", account, region)
        return client

    def s3(self, account: str, region: str) -> S3Client:
        """Return an S3 client; raise ``StoreUnreadableError`` when the account cannot be reached."""
        client: S3Client = self.client("s3", account, region)
        return client

    def client(self, service: Service | ConfiguredService, account: str, region: str) -> Any:
        """Return a client of a service; raise ``StoreUnreadableError`` when the account cannot be reached."""
        if not account or not region:
            raise StoreUnreadableError(
                f"{service} cannot be read: the event tells no account and Region, and no credentials are there to tell"
            )
        settings = {} if account == self.account(region) else self._borrowed(account, region)
        key = (service, account, region)
        if key not in self._clients:
            self._clients[key] = self._made(service, account, region, settings)
        return self._clients[key]

    def own(self, service: str, region: str | None = None) -> Any:
        """Return a client of the account at hand for a service that is no store; nothing is called yet."""
        make: Any = self._boto().client
        return make(service, region_name=region or self.region(), config=self._config)

    def _made(self, service: str, account: str, region: str, settings: Mapping[str, Any]) -> Any:
        with answering(f"{service}:client", "a client", account, region):
            make: Any = self._boto().client
            client = make(service, region_name=region, config=self._config.merge(_IN_PATH), **settings)
        host = urlsplit(client.meta.endpoint_url).hostname or ""
        if host.endswith(_AWS_HOSTS):
            self._pace(client, service, account, region)
        return client

    def _pace(self, client: Any, service: str, account: str, region: str) -> None:
        """Wait before each request that is sent, retries included."""

        def before_send(event_name: str, **_request: Any) -> None:
            self._pacer.wait(account, region, f"{service}.{event_name.rpartition('.')[2]}")

        client.meta.events.register(f"before-send.{service}", before_send)

    def _borrowed(self, account: str, region: str) -> Mapping[str, Any]:
        """Return credentials of another account, new ones when the old run out."""
        known = self._credentials.get(account)
        if known is None or known.expires_at - _RENEW_BEFORE <= datetime.now(UTC):
            known = self._assumed(account, region)
            self._credentials[account] = known
            self._clients = {key: client for key, client in self._clients.items() if key[1] != account}
        return known.settings

    def _assumed(self, account: str, region: str) -> _Credentials:
        if self._read_role is None:
            raise StoreUnreadableError(
                f"account {account} cannot be read: it is not the account of the credentials; "
                "name a role to assume there as read_role under [aws]"
            )
        role = f"arn:{self._boto().get_partition_for_region(region)}:iam::{account}:role/{self._read_role}"
        external: dict[str, Any] = {"ExternalId": self._external_id} if self._external_id else {}
        with answering("sts:AssumeRole", role, account, region):
            lent = self._sts(region).assume_role(
                RoleArn=role, RoleSessionName="flagtrail", DurationSeconds=_SESSION_SECONDS, **external
            )["Credentials"]
        settings = {
            "aws_access_key_id": lent["AccessKeyId"],
            "aws_secret_access_key": lent["SecretAccessKey"],
            "aws_session_token": lent["SessionToken"],
        }
        return _Credentials(settings, lent["Expiration"])

    def _sts(self, region: str) -> STSClient:
        client: STSClient = self._boto().client("sts", region_name=region, config=self._config)
        return client

    def _boto(self) -> boto3.Session:
        if self._session is None:
            self._session = _boto3_session()
        return self._session


def _boto3_session() -> boto3.Session:
    import boto3  # noqa: PLC0415 -- loading it costs more than deciding about a batch of duplicates

    return boto3.Session()


@contextmanager
def answering(call: str, about: str, account: str, region: str) -> Iterator[None]:
    """Turn what a call to AWS raises into ``NotInStoreError`` or ``StoreUnreadableError`` with a sentence.

    ``call`` is the permission's name (``ssm:GetParameterHistory``), ``about`` what was asked for.
    """
    where = f"{about} in account {account}, {region}" if account else about
    try:
        yield
    except ClientError as error:
        raise _refusal(error, call, where) from None
    except BotoCoreError as error:
        reason = mask_text(str(error))
        raise StoreUnreadableError(f"{call} for {where} got no answer: {reason}") from None
    except ResponseParserError:
        raise StoreUnreadableError(f"{call} for {where} was answered by something that is not AWS") from None


def _refusal(error: ClientError, call: str, where: str) -> FlagtrailError:
    code = error.response.get("Error", {}).get("Code", "an unknown error")
    if code in _NOT_FOUND:
        return NotInStoreError(f"{where} does not exist ({code})", error.response)
    if code in _DENIED:
        return StoreUnreadableError(f"AWS denied {call} for {where}; allow {call} to the role that reads")
    if code in _THROTTLED:
        return StoreUnreadableError(f"AWS throttled {call} for {where}; it is tried again later")
    message = mask_text(error.response.get("Error", {}).get("Message", ""))
    return StoreUnreadableError(f"{call} for {where} failed with {code}: {message}")


def answered_at(response: Mapping[str, Any], otherwise: datetime) -> datetime:
    """Return the store's own time of an answer (its Date header), or ``otherwise`` where it tells none."""
    date = response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    if not isinstance(date, str):
        return otherwise
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return otherwise
    return moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def utc_now() -> datetime:
    """Return the present as an aware UTC datetime."""
    return datetime.now(UTC)
