"""Documents: what a store versions, and what reading one tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from auditor.domain.flags import FlagEntry, JsonValue


@dataclass(frozen=True, slots=True, order=True)
class DocumentRef:
    """Where a document is: source kind, account, Region and its name in the store.

    ``name`` is the full parameter name for SSM, ``applicationId/profileId`` for an AppConfig profile,
    ``table/attribute=value&...`` for a DynamoDB item, ``bucket/key`` for an S3 object.
    """

    source: str
    account: str
    region: str
    name: str

    def __str__(self) -> str:
        """Return a one-line address for messages."""
        return f"{self.source}:{self.account}:{self.region}:{self.name}"


@dataclass(frozen=True, slots=True, order=True)
class EnvironmentRef:
    """An AppConfig environment, where deployments happen: ids, not names."""

    account: str
    region: str
    application_id: str
    environment_id: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The flags one document held at one version.

    ``version`` is the store's version as text, ``ordinal`` its place in a consecutive numbering (``None`` where the
    store has none). ``modified_at`` and ``modified_by`` (an ARN) are ``None`` where the store does not tell.
    ``entries`` maps the path inside the document (a JSON Pointer; empty for a document that is one flag) to its flag.
    ``metadata`` holds what policies and verdicts need (type, description, tier, policies, tags, content type), masked.
    """

    version: str
    ordinal: int | None
    modified_at: datetime | None
    modified_by: str | None
    entries: Mapping[str, FlagEntry]
    metadata: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UnreadableVersion:
    """Versions the store lists or numbers but cannot give any more, first and last inclusive, and why.

    They are numbers, or, where the store does not number its versions, one version's own id.
    """

    first: int | str
    last: int | str
    reason: str


@dataclass(frozen=True, slots=True)
class Uncovered:
    """A time in which writes may have come and gone that the store cannot tell of any more, and why."""

    first: datetime
    last: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class DocumentReading:
    """What one look at a document told.

    ``snapshots`` are the versions asked for that the store still holds, oldest first (all of them after the cursor, or
    all when the life is another one than the cursor's). ``labels`` maps each label now attached to its version.
    ``exists`` is False when the store says that the document is not there. ``title`` is a name for people where
    ``name`` is made of ids (AppConfig: ``shop/checkout-flags``). ``fresh_life`` is True when the reader saw that
    this is another life than the one the cursor describes (versions restarted). ``staged`` is True where a version
    is only *saved* and a deployment puts it before users (AppConfig). ``read_at`` is by the store's clock where its
    answer tells it (the HTTP ``Date`` header), so that it compares with the store's own times. ``unversioned`` is True
    where the store keeps no versions: those of the snapshots are then made up to tell one state from the next, and no
    change shows them. ``uncovered`` names when writes may have been overwritten before anybody looked.
    """

    document: DocumentRef
    exists: bool
    read_at: datetime
    snapshots: tuple[Snapshot, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    unreadable: tuple[UnreadableVersion, ...] = ()
    title: str | None = None
    fresh_life: bool = False
    staged: bool = False
    unversioned: bool = False
    uncovered: tuple[Uncovered, ...] = ()


@dataclass(frozen=True, slots=True)
class HeldDocument:
    """What the record holds of a document: the cursor a reading continues from.

    ``life`` counts from 1. ``version``/``ordinal``/``modified_at`` describe the newest version held in that life
    (``None``: none held yet). ``first_modified_at`` is that of the first version held in this life. ``entries`` are
    the flags at the newest version, ``labels`` the labels held, ``alive`` is False after a deletion, ``checked_at``
    when it was last read, ``listed_at`` when a listing last showed it as held, labels apart (``None``: not known).
    """

    document: DocumentRef
    life: int
    version: str | None
    ordinal: int | None
    modified_at: datetime | None
    entries: Mapping[str, FlagEntry]
    labels: Mapping[str, str]
    alive: bool
    checked_at: datetime
    title: str | None = None
    metadata: Mapping[str, JsonValue] = field(default_factory=dict)
    listed_at: datetime | None = None

    def seen_by(self, moment: datetime) -> datetime | None:
        """Return when it was last seen as it is held, by this moment; ``None`` where nothing tells."""
        told = (self.checked_at, self.listed_at, self.modified_at)
        return max((at for at in told if at is not None and at <= moment), default=None)


@dataclass(frozen=True, slots=True)
class DocumentListing:
    """A document seen while listing a store.

    ``version`` and ``modified_at`` are what the listing tells of the newest version (``None``: it does not say).
    ``entries`` are the document's flags, as of ``read_at``, where the store keeps no versions and the listing tells
    the flags themselves.
    """

    document: DocumentRef
    version: str | None
    modified_at: datetime | None
    title: str | None = None
    entries: Mapping[str, FlagEntry] | None = None
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeploymentStep:
    """When a deployment reached which percentage of targets."""

    at: datetime
    percentage: float


@dataclass(frozen=True, slots=True)
class Deployment:
    """One AppConfig deployment as GetDeployment tells it, with names resolved.

    ``state`` is AppConfig's word (COMPLETE, ROLLED_BACK, REVERTED, DEPLOYING, ...). ``completed_at`` is when it went
    fully live (``None``: never did); ``ended_at`` when a stop, rollback or revert finished. ``triggered_by`` and
    ``cause`` tell who began a rollback (USER, CLOUDWATCH_ALARM, APPCONFIG, INTERNAL_ERROR) and AppConfig's text with
    the alarm or account.
    """

    environment: EnvironmentRef
    number: int
    application: str
    environment_name: str
    profile: DocumentRef
    profile_name: str
    version: str
    state: str
    started_at: datetime | None
    completed_at: datetime | None
    ended_at: datetime | None
    steps: tuple[DeploymentStep, ...]
    strategy: str | None = None
    growth: str | None = None
    description: str | None = None
    triggered_by: str | None = None
    cause: str | None = None
    deployment_type: str | None = None
