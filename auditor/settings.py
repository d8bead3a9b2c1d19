"""The settings: one frozen object from the environment and ``flagtrail.toml``, read once, all faults at once.

Light on purpose: the Lambda imports it, and the reader of the file is loaded only where there is a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.domain.errors import ConfigurationError
from auditor.domain.routing import Destination, Routing
from auditor.domain.scan_options import ScanOptions
from auditor.domain.schedules import When
from auditor.domain.templates import DEFAULT_SSM_TEMPLATES

if TYPE_CHECKING:
    from auditor.domain.verdicts import StaleRules
    from auditor.policies.base import ChangePolicy, FlagPolicy, Freeze, Rulebook

CONFIG_FILE = "flagtrail.toml"
DEFAULT_DATABASE = "sqlite:///flagtrail.db"
SHORTEST_KEY = 16


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """One ``[[source]]``: a store, and what of it is watched.

    Empty ``accounts`` and ``regions`` mean those of the credentials at hand; empty ``applications`` and
    ``profiles`` mean all. ``paths`` are SSM's templates. ``table`` with ``keys`` and ``actor`` belong to DynamoDB,
    ``bucket`` and ``key`` (a template) to S3, ``pointer`` to S3 and AppConfig. ``name`` is what ``--source``
    takes; the kind unless it is given.
    """

    kind: str
    name: str
    accounts: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    applications: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    table: str | None = None
    keys: tuple[tuple[str, str], ...] = ()
    actor: str | None = None
    bucket: str | None = None
    key: str | None = None
    pointer: str | None = None


DEFAULT_SOURCES = (
    SourceSettings("ssm", "ssm", paths=DEFAULT_SSM_TEMPLATES),
    SourceSettings("appconfig", "appconfig"),
)


@dataclass(frozen=True, slots=True)
class AwsSettings:
    """How AWS is read; ``read_role`` is a role's name in every other account (``None``: they cannot be read)."""

    read_role: str | None = None
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class SlackSettings:
    """Where Slack is; ``token`` comes from ``SLACK_BOT_TOKEN`` only, and no ``repr`` shows it."""

    channel: str | None = None
    base_url: str | None = None
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class NotifySettings:
    """Which channel carries alerts to people (a kind, or the name of a ``[[channel]]``), and how long is waited.

    ``unattributed_after`` is when a change without a person is itself told, ``group_within`` how close changes of one
    actor are to each other that one message tells of.
    """

    channel: str = "slack"
    unattributed_after: timedelta = timedelta(minutes=30)
    group_within: timedelta = timedelta(seconds=30)


CHANNEL_KINDS = ("slack", "console", "sns")
_EVERYTHING = Destination()
_ONE_WAY = Routing()


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """One ``[[channel]]``: what carries its messages, where they go (``None`` for the console), what it is spared."""

    name: str
    kind: str
    to: str | None = None
    destination: Destination = _EVERYTHING


@dataclass(frozen=True, slots=True)
class SnsSettings:
    """The topic that messages go to where SNS is the channel; ``None``: none is named."""

    topic: str | None = None


@dataclass(frozen=True, slots=True)
class PolicySettings:
    """The policies as they are configured, and the declared freezes."""

    change: Rulebook[ChangePolicy]
    flag: Rulebook[FlagPolicy]
    freezes: tuple[Freeze, ...] = ()


_AT_ONCE = When(every=timedelta(seconds=15))
_MINUTELY = When(every=timedelta(minutes=1))
_QUARTERLY = When(every=timedelta(minutes=15))
_HOURLY = When(every=timedelta(hours=1))
_DAYTIMES = When(every=timedelta(hours=6))
_MONDAYS = When(cron="0 8 * * mon")


@dataclass(frozen=True, slots=True)
class ScheduleSettings:
    """When ``flagtrail run`` does what; ``None`` switches a job off."""

    reconcile: When | None = _QUARTERLY
    dispatch: When | None = _AT_ONCE
    scan: When | None = _DAYTIMES
    weekly_report: When | None = _MONDAYS
    seal: When | None = _MINUTELY
    watch: When | None = _HOURLY

    def jobs(self) -> Mapping[str, When]:
        """Return the jobs that are switched on, with when each runs."""
        times = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: when for name, when in times.items() if when is not None}


@dataclass(frozen=True, slots=True)
class LedgerSettings:
    """How the log over the record is signed and where its checkpoints are kept; no key: sealed and not signed.

    ``key`` is a private key's file, ``kms_key`` a key of AWS KMS; ``checkpoints`` a folder, ``git`` a repository,
    ``bucket`` an S3 bucket, with a prefix behind a slash, that keep checkpoints. ``former_checkpoints`` are folders
    with those of logs that this one took the place of. ``mac_key`` shows who wrote a row.
    """

    origin: str = "flagtrail"
    key: Path | None = None
    kms_key: str | None = None
    public_key: Path | None = None
    checkpoints: Path | None = None
    git: Path | None = None
    bucket: str | None = None
    former_checkpoints: tuple[Path, ...] = ()
    mac_key: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class DatabaseLogin:
    """How PostgreSQL is convinced, where neither the URL nor ``PGPASSWORD`` says it: asked anew for each connection.

    ``secret`` is the ARN of a secret of AWS Secrets Manager whose JSON has the password; with ``iam`` the role at hand
    signs one that holds for 15 minutes. ``master`` is the secret of the user who lets the one in the URL in that way.
    """

    secret: str | None = None
    iam: bool = False
    master: str | None = None


_NO_SCAN_OPTIONS = ScanOptions()
_PASSWORD_AT_HAND = DatabaseLogin()


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a user can say about Flagtrail.

    ``config_path`` is the file it came from (``None``: none was there). ``repositories`` are what a
    scheduled scan reads. ``code_link`` is a URL template with ``{commit}``, ``{path}``, ``{line}``,
    ``page_link`` one of published pages with ``{application}``, ``{flag}``, ``{change}``, ``report_link`` one of
    published weekly pages with ``{file}``.
    ``people_shown`` are patterns of ``application/flag`` whose lists of people are shown by name.
    ``owners`` maps patterns of ``application/flag`` to who owns them. ``fingerprint_key`` makes masked
    values comparable and is shown nowhere. ``canary`` is the parameter that is flipped by a schedule to show that
    changes arrive, which nobody is told of.
    """

    config_path: Path | None = None
    database_url: str = DEFAULT_DATABASE
    database_login: DatabaseLogin = _PASSWORD_AT_HAND
    sources: tuple[SourceSettings, ...] = DEFAULT_SOURCES
    aws: AwsSettings = AwsSettings()
    slack: SlackSettings = SlackSettings()
    notify: NotifySettings = NotifySettings()
    sns: SnsSettings = SnsSettings()
    channels: tuple[ChannelSettings, ...] = ()
    routing: Routing = _ONE_WAY
    repositories: tuple[Path | str, ...] = ()
    scan: ScanOptions = _NO_SCAN_OPTIONS
    stale: StaleRules | None = None
    policies: PolicySettings | None = None
    schedule: ScheduleSettings = ScheduleSettings()
    ledger: LedgerSettings = LedgerSettings()
    code_link: str | None = None
    page_link: str | None = None
    report_link: str | None = None
    people_shown: tuple[str, ...] = ()
    canary: str | None = None
    fingerprint_key: bytes | None = field(default=None, repr=False)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Return the settings of this environment; raise ``ConfigurationError`` with every fault."""
        return cls.load(environ)

    @classmethod
    def load(
        cls, environ: Mapping[str, str], *, config: str | None = None, database_url: str | None = None
    ) -> Settings:
        """Return the settings, of this file and this database if they are given.

        The file is ``config``, else ``FLAGTRAIL_CONFIG``, else ``flagtrail.toml`` here if it exists. Raise
        ``ConfigurationError`` with every fault, or when a file that was asked for is not there.
        """
        path = _config_path(environ, config)
        if path is None:
            settings = cls()
        else:
            from auditor.configuration.loader import load_file  # noqa: PLC0415 -- the Lambda has no file to read

            settings = load_file(path, environ)
        return _with_environment(settings, environ, database_url)


def _config_path(environ: Mapping[str, str], config: str | None) -> Path | None:
    """Return the file to read, or ``None`` when there is none and none was asked for."""
    asked = config or environ.get("FLAGTRAIL_CONFIG")
    path = Path(asked or CONFIG_FILE)
    if path.is_file():
        return path
    if not asked:
        return None
    origin = "--config" if config else "FLAGTRAIL_CONFIG"
    remedy = f"correct {origin}, or let `flagtrail init --out {path}` propose one"
    raise ConfigurationError(f"{path}: no such file; {remedy}")


def _with_environment(settings: Settings, environ: Mapping[str, str], database_url: str | None) -> Settings:
    """Return the settings with what the environment says, which goes before the file."""
    url = database_url or environ.get("FLAGTRAIL_DATABASE_URL") or settings.database_url
    slack = replace(
        settings.slack,
        channel=environ.get("FLAGTRAIL_SLACK_CHANNEL") or settings.slack.channel,
        base_url=environ.get("FLAGTRAIL_SLACK_BASE_URL") or settings.slack.base_url,
        token=environ.get("SLACK_BOT_TOKEN") or None,
    )
    canary = environ.get("FLAGTRAIL_CANARY") or settings.canary
    return replace(
        settings,
        database_url=url,
        database_login=login_of(environ),
        slack=slack,
        canary=canary,
        routing=replace(settings.routing, untold=frozenset({canary} if canary else ())),
        fingerprint_key=_key(environ, "FLAGTRAIL_FINGERPRINT_KEY") or settings.fingerprint_key,
        ledger=_ledger(settings.ledger, environ),
    )


def _ledger(ledger: LedgerSettings, environ: Mapping[str, str]) -> LedgerSettings:
    """Return how the log is signed, where the environment names what a deployment made for it."""
    return replace(
        ledger,
        origin=environ.get("FLAGTRAIL_LOG_ORIGIN") or ledger.origin,
        kms_key=environ.get("FLAGTRAIL_KMS_KEY") or ledger.kms_key,
        bucket=environ.get("FLAGTRAIL_CHECKPOINT_BUCKET") or ledger.bucket,
        mac_key=_key(environ, "FLAGTRAIL_MAC_KEY") or ledger.mac_key,
    )


def login_of(environ: Mapping[str, str]) -> DatabaseLogin:
    """Return how the database's password is found; raise ``ConfigurationError`` for two ways at once."""
    secret, iam = environ.get("FLAGTRAIL_DATABASE_SECRET_ARN") or None, environ.get("FLAGTRAIL_DATABASE_IAM", "")
    if iam not in {"", "0", "1"}:
        raise ConfigurationError(f"FLAGTRAIL_DATABASE_IAM is {iam!r}; set it to 1, or unset it")
    if secret is not None and iam == "1":
        raise ConfigurationError("FLAGTRAIL_DATABASE_IAM and FLAGTRAIL_DATABASE_SECRET_ARN are set; unset one of them")
    return DatabaseLogin(secret, iam == "1", environ.get("FLAGTRAIL_DATABASE_MASTER_SECRET_ARN") or None)


def _key(environ: Mapping[str, str], variable: str) -> bytes | None:
    """Return the key in a variable; raise ``ConfigurationError`` when it is too short to be one."""
    key = environ.get(variable, "").encode()
    if key and len(key) < SHORTEST_KEY:
        raise ConfigurationError(f"{variable} has {len(key)} bytes; give it at least {SHORTEST_KEY}, or unset it")
    return key or None
