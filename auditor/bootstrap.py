"""Builds the parts, the only place that knows them all: one function a part, imported when it is built."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from auditor.domain.flags import FlagId

if TYPE_CHECKING:
    from types import ModuleType

    from auditor.adapters.aws import AwsClients
    from auditor.adapters.channels._slack_access import SlackAccess
    from auditor.adapters.storage import Database
    from auditor.adapters.storage.engine import Password
    from auditor.adapters.storage.upgrade import Upgraded
    from auditor.application.beginning import NewLog
    from auditor.application.dispatch import DispatchReport
    from auditor.application.policing import Policing
    from auditor.application.ports import AlertChannel, FlagSource, Progress
    from auditor.application.reconcile import Reconcile
    from auditor.application.recording import Recorder
    from auditor.application.sealing import Anchor, SealReport, Signer, Vouch
    from auditor.application.verifying import Note, Verdict
    from auditor.application.watching import Watched
    from auditor.domain.flags import JsonValue
    from auditor.domain.hours import WorkingHours
    from auditor.domain.ledger.checkpoint import PublicKey, Verify
    from auditor.domain.references import ScanResult
    from auditor.domain.verdicts import StaleRules
    from auditor.settings import DatabaseLogin, PolicySettings, Settings
    from reports.stale import StaleInput

SECRETS = ("SLACK_BOT_TOKEN", "FLAGTRAIL_FINGERPRINT_KEY", "FLAGTRAIL_MAC_KEY")
"""Variables whose value may stand in AWS Secrets Manager instead, as the whole text of the secret NAME_SECRET_ARN."""


class SystemClock:
    """The computer's own clock."""

    def now(self) -> datetime:
        """Return the present in UTC."""
        return datetime.now(UTC)


def database(
    url: str,
    mac_key: bytes | None = None,
    *,
    create: bool = True,
    login: DatabaseLogin | None = None,
    people_shown: Sequence[str] = (),
) -> Database:
    """Open the record, making a missing SQLite file; raise ``DatabaseError`` or ``SchemaOutdatedError``."""
    from auditor.adapters.storage import open_database

    shown = partial(_is_one_of, people_shown)
    return open_database(url, create=create, mac_key=mac_key, password=password(url, login), shown_people=shown)


def _is_one_of(patterns: Sequence[str], application: str | None, flag: str | None) -> bool:
    return any(fnmatchcase(str(FlagId(application or "", flag or "")), pattern) for pattern in patterns)


def password(url: str, login: DatabaseLogin | None) -> Password | None:
    """Return what gives the password of each connection; ``None`` where the URL or ``PGPASSWORD`` has it."""
    if login is None or not (login.iam or login.secret):
        return None
    from auditor.adapters.aws import AwsClients
    from auditor.adapters.database_login import password_for

    return password_for(url, login, AwsClients())


def upgrade(url: str, login: DatabaseLogin | None = None) -> Upgraded:
    """Bring the record's schema up to date; raise ``DatabaseError`` when that cannot be."""
    from auditor.domain.errors import DatabaseError

    try:
        from auditor.adapters.storage.upgrade import upgrade as mend
    except ImportError as error:
        raise DatabaseError("an upgrade needs Alembic, which is not installed; install flagtrail[migrate]") from error
    return mend(url, password(url, login))


def give_login(url: str, master_secret: str) -> bool:
    """Let the user of a URL log in by AWS's roles, as the master of this secret; return whether it is new."""
    from auditor.adapters.aws import AwsClients
    from auditor.adapters.secrets import read_login
    from auditor.adapters.storage.logins import give_login as give

    user, secret = read_login(master_secret, AwsClients())
    return give(url, user, lambda: secret)


def revealed(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables with the secrets in them that they name by ARN; raise ``FlagtrailError`` for one unread."""
    named = {name: environ[f"{name}_SECRET_ARN"] for name in SECRETS if environ.get(f"{name}_SECRET_ARN")}
    if not named:
        return dict(environ)
    from auditor.adapters.aws import AwsClients
    from auditor.adapters.secrets import read_secret

    clients = AwsClients()
    return {**environ, **{name: read_secret(arn, clients) for name, arn in named.items()}}


def sources(settings: Settings) -> dict[str, FlagSource]:
    """Build the watched stores by kind, with one AWS session between them; nothing is called yet."""
    from auditor.adapters.sources import build

    return build(settings, aws(settings))


def named_sources(settings: Settings) -> dict[str, FlagSource]:
    """Build the parts of the watched stores by the names they are configured under; nothing is called yet."""
    from auditor.adapters.sources import build_named

    return build_named(settings, aws(settings))


def aws(settings: Settings) -> AwsClients:
    """Build the AWS clients of these settings; nothing is called yet."""
    from auditor.adapters.aws import AwsClients

    return AwsClients(read_role=settings.aws.read_role, external_id=settings.aws.external_id)


def aws_at_hand() -> AwsClients:
    """Build the AWS clients of the credentials at hand, before there is a configuration."""
    from auditor.adapters.aws import AwsClients

    return AwsClients()


def slack_access(settings: Settings) -> SlackAccess:
    """Ask Slack who the token is; raise ``FlagtrailError`` with what to do when it does not take it."""
    from auditor.adapters.channels._slack_access import slack_access as ask

    return ask(settings.slack.token or "", settings.slack.base_url)


def channel(settings: Settings, route: str | None = None) -> AlertChannel | None:
    """Build the channel that carries alerts of a route, or return ``None`` where that is Slack without a token."""
    from auditor.adapters.channels import build

    return build(settings, route=route)


def signer(settings: Settings) -> Signer | None:
    """Build who signs the log, or return ``None`` where no key is configured; raise ``FlagtrailError`` without one."""
    ledger = settings.ledger
    if ledger.kms_key is not None:
        from auditor.adapters.ledger.kms import kms_signer

        return kms_signer(ledger.origin, ledger.kms_key, own_client("kms", settings))
    if ledger.key is None:
        return None
    made: Signer = keys().local_signer(ledger.origin, ledger.key)
    return made


def own_client(service: Literal["kms", "s3"], settings: Settings) -> Any:
    """Build an AWS client of the account at hand; nothing is called yet."""
    import boto3

    from auditor.adapters.aws import CONFIG

    return boto3.client(service, region_name=aws(settings).region(), config=CONFIG)


def flip_canary(settings: Settings, name: str) -> dict[str, JsonValue]:
    """Flip the canary's flag; raise ``StoreUnreadableError`` when it cannot be read or written."""
    from auditor.adapters.canary import flip

    return flip(aws(settings), name)


def keep_page(settings: Settings, page: Path) -> str:
    """Put a weekly page into the bucket of the checkpoints and return where it is."""
    from auditor.adapters.report_shelf import keep_page as keep

    bucket, _, _ = (settings.ledger.bucket or "").partition("/")
    return keep(page, bucket, aws(settings).own("s3"))


def keys() -> ModuleType:
    """Return what reads and makes keys; raise ``ConfigurationError`` where the library for it is not installed."""
    from auditor.domain.errors import ConfigurationError

    try:
        from auditor.adapters.ledger import keys as found
    except ImportError as error:
        raise ConfigurationError(
            "signatures need the cryptography library, which is not installed; install flagtrail[ledger]"
        ) from error
    return found


def anchors(settings: Settings) -> list[Anchor]:
    """Build the places that keep checkpoints outside of the database; nothing is called yet."""
    from auditor.adapters.ledger.bucket import BucketAnchor
    from auditor.adapters.ledger.directory import DirectoryAnchor
    from auditor.adapters.ledger.git import GitAnchor

    ledger = settings.ledger
    found: list[Anchor] = []
    if ledger.checkpoints is not None:
        found.append(DirectoryAnchor(ledger.checkpoints))
    if ledger.git is not None:
        found.append(GitAnchor(ledger.git))
    if ledger.bucket is not None:
        bucket, _, prefix = ledger.bucket.partition("/")
        place = f"{prefix.rstrip('/')}/" if prefix else ""
        found.append(BucketAnchor(bucket, place, own_client("s3", settings)))
    return found


def signature_check() -> Verify:
    """Return what tells whether a signature fits; raise ``ConfigurationError`` where nothing here can tell."""
    check: Verify = keys().ed25519_fits
    return check


def verify_export(
    folder: Path,
    notes: Sequence[Note],
    trusted: Sequence[PublicKey],
    now: datetime,
    *,
    mac_key: bytes | None = None,
    hindrances: Sequence[str] = (),
) -> Verdict:
    """Verify an export with the checkpoints that came with it and those kept elsewhere."""
    from auditor.adapters.ledger.exports import ExportedLog, read_manifest
    from auditor.application.verifying import Note, verify, verify_selection

    manifest, log = read_manifest(folder), ExportedLog(folder)
    if manifest.complete:
        return verify(
            log,
            notes,
            trusted,
            signature_check(),
            now,
            mac_key=mac_key,
            hindrances=hindrances,
            expected=manifest.entries,
        )
    own = [Note(note, "a checkpoint in the export", outside=False) for note in log.notes()]
    return verify_selection(
        log.proven(),
        manifest.tree_size,
        [*notes, *own],
        trusted,
        signature_check(),
        mac_key=mac_key,
        hindrances=hindrances,
        expected=manifest.entries,
    )


def vouch(settings: Settings, record: Database) -> Vouch | None:
    """Build the step that signs the log, or return ``None`` where no key is configured."""
    from auditor.application.sealing import Vouch

    who = signer(settings)
    if who is None:
        return None
    return Vouch(record.unit_of_work, who, keys().ed25519_fits, anchors(settings), SystemClock())


def former_notes(settings: Settings) -> tuple[list[Note], list[str]]:
    """Return the checkpoints of former logs that are kept outside, and what is said of a folder without any."""
    from auditor.adapters.ledger.directory import DirectoryAnchor
    from auditor.application.verifying import Note

    notes: list[Note] = []
    hindrances = []
    for folder in settings.ledger.former_checkpoints:
        found = DirectoryAnchor(folder).notes()
        notes += [Note(note, f"a checkpoint in {folder}") for note in found]
        if not found:
            hindrances.append(f"{folder} holds no checkpoint to hold the former log against")
    return notes, hindrances


def new_log(settings: Settings, record: Database, reason: str, by: str, former_keys: Sequence[PublicKey]) -> NewLog:
    """Build what begins a new log; raise ``UsageError`` where no key is configured to sign it."""
    from auditor.application.beginning import NewLog
    from auditor.domain.errors import UsageError

    who = signer(settings)
    if who is None:
        raise UsageError("a new log needs a key that signs it; [ledger] names one")
    notes, hindrances = former_notes(settings)
    if hindrances:
        raise UsageError(hindrances[0])
    fits, places = keys().ed25519_fits, anchors(settings)
    return NewLog(record.unit_of_work, who, fits, places, notes, former_keys, SystemClock(), by, reason)


def recorder(settings: Settings, record: Database) -> Recorder:
    """Build the way into the record."""
    from auditor.adapters.actors.event_history import EventHistory
    from auditor.adapters.sources import build
    from auditor.application.ports import DeploymentSource
    from auditor.application.recording import Recorder

    clients = aws(settings)
    watched = build(settings, clients)
    deploying = next((s for s in watched.values() if isinstance(s, DeploymentSource)), None)
    return Recorder(
        record.unit_of_work,
        watched,
        SystemClock(),
        policing(settings),
        deployments=deploying,
        routing=settings.routing,
        trail=EventHistory(clients),
    )


def policies(settings: Settings) -> PolicySettings:
    """Return the policies: as configured, else those built in."""
    from auditor.policies import CHANGE_POLICIES, FLAG_POLICIES
    from auditor.policies.base import Rulebook
    from auditor.settings import PolicySettings

    return settings.policies or PolicySettings(Rulebook(CHANGE_POLICIES), Rulebook(FLAG_POLICIES))


def working_hours(settings: Settings) -> WorkingHours:
    """Return the working hours as the policy on them is configured, switched on or not."""
    from auditor.domain.hours import WorkingHours
    from auditor.policies.out_of_hours import OutOfHours

    return next(
        (one.hours for one in policies(settings).change.policies if isinstance(one, OutOfHours)), WorkingHours()
    )


def policing(settings: Settings) -> Policing:
    """Build what looks at every change."""
    from auditor.application.policing import Policing

    configured = policies(settings)
    return Policing(configured.change, configured.freezes, stale_rules(settings).lifetimes)


def stale_rules(settings: Settings) -> StaleRules:
    """Return the thresholds of verdicts: as configured, else those built in."""
    from auditor.domain.verdicts import StaleRules

    return settings.stale or StaleRules()


def scan_and_keep(
    settings: Settings,
    record: Database,
    repositories: Iterable[Path | str],
    progress: Progress | None = None,
    *,
    committed: bool = False,
    fresh: bool = True,
) -> list[ScanResult]:
    """Scan each repository for every flag ever recorded and keep what was found, with its commit and the time.

    A repository is a path or a git URL; with ``committed`` its files count as they are committed. Unless ``fresh``,
    what earlier scans made of files that have not changed is taken from the user's cache.
    """
    from auditor.application.queries import ever_recorded
    from scanners import cache, cached, checkouts

    held = None if fresh else cache.open_cache(cache.default_folder())
    with record.unit_of_work() as uow:
        flags = ever_recorded(uow)
    results = []
    for repository in repositories:
        place = str(repository)
        result = cached.scan([place], flags, settings.scan, progress, held, committed=committed)
        _keep_scan(record, checkouts.shown(place) if checkouts.is_url(place) else str(Path(place).resolve()), result)
        results.append(result)
    return results


def _keep_scan(record: Database, name: str, result: ScanResult) -> None:
    at = datetime.now(UTC)
    record.run(lambda uow: uow.references.save(name, result, at))


def stale_input(settings: Settings, record: Database, now: datetime, as_of: datetime | None = None) -> StaleInput:
    """Gather what the stale report shows: verdicts, references, and links where one commit was scanned."""
    from auditor.application.lives import year_of
    from auditor.application.policing import flag_findings
    from auditor.application.staleness import stale_flags
    from reports.stale import StaleInput

    rules = stale_rules(settings)
    with record.reader() as uow:
        judgements = stale_flags(uow, rules, now, as_of)
        year = year_of(uow, rules, now, as_of)
        said = {about.flag: about.findings for about in flag_findings(uow, policies(settings).flag, rules, now, as_of)}
        references = uow.references.references(as_of)
        scans = uow.references.scans(as_of)
    commit = scans[0].commit if len(scans) == 1 else None
    return StaleInput(judgements, references, now, commit, settings.code_link, rules, year, said)


@dataclass(frozen=True, slots=True)
class Application:
    """The parts of a running Flagtrail: the record, the way into it, and the way to people."""

    settings: Settings
    record: Database
    recorder: Recorder

    def reconcile(self) -> Reconcile:
        """Return the use case that finds what no event told."""
        from auditor.application.reconcile import Reconcile

        return Reconcile(self.recorder)

    def dispatch(
        self, *, keys: Collection[str] | None = None, deadline: datetime | None = None
    ) -> DispatchReport | None:
        """Send what the outbox holds; return ``None`` where no channel is configured: the alerts stay pending."""
        from auditor.application.dispatch import dispatch_all

        carry = partial(channel, self.settings)
        return dispatch_all(self.record.unit_of_work, carry, self.recorder.clock, keys=keys, deadline=deadline)

    def watch(self) -> Watched:
        """Look whether every change was told and jobs succeed; alerts tell of what was not."""
        from auditor.application.watching import watch

        now = self.recorder.clock.now()
        return self.record.run(lambda uow: watch(uow, self.settings.routing, self.settings.schedule.jobs(), now))

    def seal(self) -> SealReport:
        """Seal what was recorded; sign it and anchor the signature where a key is configured.

        The partitions of the months to come are made along the way, where this role may make tables, and the index of
        texts.
        """
        from auditor.application.sealing import seal_and_sign

        self.record.prepare_months(self.recorder.clock.now())
        report = seal_and_sign(self.record.unit_of_work, vouch(self.settings, self.record))
        self.record.index_texts()
        return report

    def seal_only(self) -> SealReport:
        """Seal what was recorded, at most about one batch and only if nobody else is at it; nothing is signed."""
        from auditor.application.sealing import BATCH, seal

        return seal(self.record.unit_of_work, most=BATCH)


def application(settings: Settings) -> Application:
    """Build everything an entry point needs to record and to tell."""
    mac_key, login = settings.ledger.mac_key, settings.database_login
    record = database(settings.database_url, mac_key, login=login, people_shown=settings.people_shown)
    return Application(settings, record, recorder(settings, record))
