"""The schema: what the record is kept in, the same on SQLite and PostgreSQL.

Recorded rows (changes, attributions, gaps, reconciles) are inserted and never updated. Each holds ``body``, the
canonical bytes that history shows and that can be sealed; the columns beside it only find rows and can be made anew
from it.
Times are whole microseconds since 1970. No trigger, savepoint or extension is needed.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator

from auditor.adapters.storage.texts import clean, clip

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=NAMING)


class Words(TypeDecorator[str]):
    """Text of any length that every database can hold."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:  # noqa: ARG002 - as SQLAlchemy calls it
        """Escape what PostgreSQL or UTF-8 refuses."""
        return None if value is None else clean(value)


class Name(TypeDecorator[str]):
    """Text short enough for an index; a longer one is cut and told apart by a hash, when stored and when looked for."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:  # noqa: ARG002 - as SQLAlchemy calls it
        """Escape and cut."""
        return None if value is None else clip(value)


# SQLite numbers rows by itself only where the type is spelled INTEGER.
Number = BigInteger().with_variant(Integer, "sqlite")


def _number() -> Column[Any]:
    return Column("seq", Number, primary_key=True)


def _micros(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, BigInteger, nullable=nullable)


def _name(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, Name, nullable=nullable)


def _words(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, Words, nullable=nullable)


def _digest(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, BigInteger, nullable=nullable)


# The natural keys of all changes ever recorded, and the numbers they were given: insert-only, even where the change
# itself was let go, so that no late event brings it back.
change_keys = Table(
    "change_keys",
    metadata,
    _number(),
    Column("id", Name, nullable=False, unique=True),
)

# On PostgreSQL a partition a month: the numbers of its changes begin with the month they were recorded in (`months`).
changes = Table(
    "changes",
    metadata,
    Column("seq", Number, primary_key=True, autoincrement=False),
    _name("id"),
    _micros("recorded_us"),
    _name("kind"),
    _name("application", nullable=True),
    _name("flag", nullable=True),
    _name("environment", nullable=True),
    _name("source"),
    _name("account"),
    _name("region"),
    _digest("document_hash"),
    _name("path"),
    Column("life", Integer, nullable=True),
    _name("version_after", nullable=True),
    _digest("cause_hash"),
    # Whether the store dated it: then an attribution that comes later cannot move it.
    Column("dated", Boolean, nullable=False),
    # When it occurred, as known when it was recorded; else the end of the interval (and exact is false).
    _micros("sort_us"),
    Column("exact", Boolean, nullable=False),
    _micros("start_us", nullable=True),
    _micros("end_us", nullable=True),
    _digest("actor_hash", nullable=True),
    _words("text"),
    Column("body", LargeBinary, nullable=False),
    postgresql_partition_by="RANGE (seq)",
)
Index("ix_changes_sort_us_seq", changes.c.sort_us, changes.c.seq)
Index("ix_changes_flag_sort_us_seq", changes.c.flag, changes.c.sort_us, changes.c.seq)
Index("ix_changes_environment_sort_us_seq", changes.c.environment, changes.c.sort_us, changes.c.seq)
Index("ix_changes_actor_hash_sort_us_seq", changes.c.actor_hash, changes.c.sort_us, changes.c.seq)
Index("ix_changes_document_hash_version_after", changes.c.document_hash, changes.c.version_after)
Index("ix_changes_cause_hash", changes.c.cause_hash)
# Few changes lie in an interval: they are walked apart from the rest, because a time cuts an interval in two.
Index(
    "ix_changes_interval",
    *(changes.c.sort_us, changes.c.seq, changes.c.start_us),
    sqlite_where=changes.c.exact.is_(False),
    postgresql_where=changes.c.exact.is_(False),
)

attributions = Table(
    "attributions",
    metadata,
    _number(),
    Column("change_seq", BigInteger, nullable=False),
    _digest("evidence_hash"),
    _micros("recorded_us"),
    # Whom and when the best attribution known with this one names: what a filter and the order go by from here on.
    # Only a change that its store did not date is moved.
    _digest("actor_hash", nullable=True),
    Column("moves", Boolean, nullable=False),
    _micros("sort_us"),
    Column("exact", Boolean, nullable=False),
    Column("body", LargeBinary, nullable=False),
    UniqueConstraint("change_seq", "evidence_hash"),
)
Index("ix_attributions_change_seq_seq", attributions.c.change_seq, attributions.c.seq)
Index("ix_attributions_actor_hash_change_seq", attributions.c.actor_hash, attributions.c.change_seq)
Index(
    "ix_attributions_moved",
    *(attributions.c.sort_us, attributions.c.change_seq),
    sqlite_where=attributions.c.moves.is_(True),
    postgresql_where=attributions.c.moves.is_(True),
)

actors = Table(
    "actors",
    metadata,
    Column("hash", Number, primary_key=True, autoincrement=False),
    _words("text"),
)

documents = Table(
    "documents",
    metadata,
    Column("id", Number, primary_key=True),
    _name("source"),
    _name("account"),
    _name("region"),
    _name("name_key"),
    _words("name"),
    Column("life", Integer, nullable=False),
    Column("alive", Boolean, nullable=False),
    _words("labels"),
    _words("title", nullable=True),
    _micros("checked_us"),
    # The newest version held in this life; null when none is.
    Column("version_id", BigInteger, nullable=True),
    UniqueConstraint("source", "account", "region", "name_key"),
)

versions = Table(
    "versions",
    metadata,
    Column("id", Number, primary_key=True),
    Column("document_id", BigInteger, ForeignKey("documents.id"), nullable=False),
    Column("life", Integer, nullable=False),
    _name("version"),
    Column("ordinal", BigInteger, nullable=True),
    _micros("modified_us", nullable=True),
    _words("modified_by", nullable=True),
    _words("entries"),
    _words("metadata"),
    _micros("held_us"),
    UniqueConstraint("document_id", "life", "version"),
)

calls = Table(
    "calls",
    metadata,
    _number(),
    Column("event_id", Name, nullable=False, unique=True),
    _micros("at_us"),
    _micros("recorded_us"),
    _words("body"),
)

call_targets = Table(
    "call_targets",
    metadata,
    Column("call_seq", BigInteger, ForeignKey("calls.seq"), primary_key=True),
    Column("position", Integer, primary_key=True),
    _digest("document_hash", nullable=True),
    _digest("environment_hash", nullable=True),
    Column("deployment_number", BigInteger, nullable=True),
    sqlite_with_rowid=False,
)
Index("ix_call_targets_document_hash", call_targets.c.document_hash)
Index(
    "ix_call_targets_environment_hash_deployment_number",
    call_targets.c.environment_hash,
    call_targets.c.deployment_number,
)

signals = Table(
    "signals",
    metadata,
    _number(),
    Column("digest", Name, nullable=False, unique=True),
    _micros("at_us"),
    _micros("recorded_us"),
    _words("body"),
)

deployments = Table(
    "deployments",
    metadata,
    _number(),
    _name("account"),
    _name("region"),
    _name("application_id"),
    _name("environment_id"),
    Column("number", BigInteger, nullable=False),
    _name("state"),
    _micros("recorded_us"),
    _words("body"),
    UniqueConstraint(
        *("account", "region", "application_id", "environment_id", "number", "state"), name="uq_deployments_state"
    ),
)

gaps = Table(
    "gaps",
    metadata,
    _number(),
    Column("digest", Name, nullable=False, unique=True),
    _micros("recorded_us"),
    Column("body", LargeBinary, nullable=False),
)

findings = Table(
    "findings",
    metadata,
    _number(),
    Column("digest", Name, nullable=False, unique=True),
    _name("change_id", nullable=True),
    _micros("recorded_us"),
    _words("body"),
)
Index("ix_findings_change_id", findings.c.change_id)

alerts = Table(
    "alerts",
    metadata,
    Column("id", Number, primary_key=True),
    Column("key", Name, nullable=False, unique=True),
    _name("kind"),
    _words("cause"),
    _words("facts"),
    _micros("created_us"),
    _name("state"),
    # Due from: when it may be sent, or, while it is being sent, when the lease of the sender ends.
    _micros("due_us"),
    # How often it was sent without an answer that settled it: such an alert may have arrived.
    Column("doubts", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    _name("channel", nullable=True),
    _words("message_id", nullable=True),
    _words("error", nullable=True),
    _micros("settled_us", nullable=True),
)
Index("ix_alerts_state_due_us", alerts.c.state, alerts.c.due_us)

alert_changes = Table(
    "alert_changes",
    metadata,
    Column("alert_id", BigInteger, ForeignKey("alerts.id"), primary_key=True),
    Column("change_id", Name, primary_key=True),
    Column("position", Integer, nullable=False),
    # The change's id in the one alert that tells of it, null in an alert that edits a message.
    Column("told", Name, nullable=True, unique=True),
    sqlite_with_rowid=False,
)

# Only alerts that go a way of their own have a row here.
alert_ways = Table(
    "alert_ways",
    metadata,
    Column("alert_id", BigInteger, ForeignKey("alerts.id"), primary_key=True, autoincrement=False),
    # Which channel carries it; null for the one that carries all others.
    _name("route", nullable=True),
    # What changes have in common that one act may have made, and when the newest of them was.
    _name("burst", nullable=True),
    _micros("newest_us", nullable=True),
    # How many changes the message told of when it was last surely sent: the alert may have grown since.
    Column("shown", Integer, nullable=False),
    # The key of the alert in whose thread it stands.
    _name("thread", nullable=True),
    sqlite_with_rowid=False,
)
Index("ix_alert_ways_route", alert_ways.c.route)
Index("ix_alert_ways_burst_newest_us", alert_ways.c.burst, alert_ways.c.newest_us)

snoozes = Table(
    "snoozes",
    metadata,
    _number(),
    Column("digest", Name, nullable=False, unique=True),
    _micros("recorded_us"),
    Column("body", LargeBinary, nullable=False),
)

# What was let go, what must not be, and who said so.
retentions = Table(
    "retentions",
    metadata,
    _number(),
    Column("digest", Name, nullable=False, unique=True),
    _micros("recorded_us"),
    Column("body", LargeBinary, nullable=False),
)

reference_sets = Table(
    "reference_sets",
    metadata,
    Column("id", Number, primary_key=True),
    Column("digest", Name, nullable=False, unique=True),
)

code_references = Table(
    "code_references",
    metadata,
    Column("set_id", BigInteger, ForeignKey("reference_sets.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    _name("provider"),
    _name("key"),
    _name("flag_name", nullable=True),
    _words("body"),
    sqlite_with_rowid=False,
)

scans = Table(
    "scans",
    metadata,
    _number(),
    _name("repository"),
    _words("commit_id", nullable=True),
    _micros("scanned_us"),
    Column("complete", Boolean, nullable=False),
    Column("unread", Integer, nullable=False),
    Column("set_id", BigInteger, ForeignKey("reference_sets.id"), nullable=False),
)
Index("ix_scans_repository_seq", scans.c.repository, scans.c.seq)

# Beside the record, not in it: what the pseudonyms in bodies stand for. No name: the person was erased.
people = Table(
    "people",
    metadata,
    Column("pseudonym", Text, primary_key=True),
    Column("name_key", Name, nullable=True, unique=True),
    _words("name", nullable=True),
    _micros("erased_us", nullable=True),
    sqlite_with_rowid=False,
)

taken_events = Table(
    "taken_events",
    metadata,
    Column("key", Name, primary_key=True),
    _name("outcome"),
    _micros("taken_us"),
    sqlite_with_rowid=False,
)

dead_letters = Table(
    "dead_letters",
    metadata,
    _number(),
    _words("message_id", nullable=True),
    _words("text"),
    _words("error"),
    _micros("recorded_us"),
)

deferred_events = Table(
    "deferred_events",
    metadata,
    _number(),
    Column("digest", Name, nullable=False, unique=True),
    _words("keys"),
    _words("payload"),
    _words("document"),
    _words("error"),
    _micros("deferred_us"),
    _micros("settled_us", nullable=True),
)
Index("ix_deferred_events_settled_us", deferred_events.c.settled_us)

reconciles = Table(
    "reconciles",
    metadata,
    _number(),
    _name("source"),
    _name("account"),
    _name("region"),
    _name("fingerprint"),
    _micros("recorded_us"),
    Column("body", LargeBinary, nullable=False),
)
Index(
    "ix_reconciles_scope",
    reconciles.c.source,
    reconciles.c.account,
    reconciles.c.region,
    reconciles.c.fingerprint,
)

job_slots = Table(
    "job_slots",
    metadata,
    Column("job", Name, primary_key=True),
    Column("slot", Name, primary_key=True),
    _micros("claimed_us"),
    _micros("finished_us", nullable=True),
    _words("error", nullable=True),
    sqlite_with_rowid=False,
)

# The processes that run jobs, and when each was last seen alive.
replicas = Table(
    "replicas",
    metadata,
    Column("name", Name, primary_key=True),
    _micros("started_us"),
    _micros("seen_us"),
    _words("jobs"),
    sqlite_with_rowid=False,
)

# What is recorded but not yet sealed: written with the row, deleted by the sealer. It cannot be told from the highest
# number sealed, because numbers are given out in another order than transactions commit.
pending_seals = Table(
    "pending_seals",
    metadata,
    Column("entry", Name, primary_key=True),
    Column("entry_seq", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

# The log over all recorded rows: which one stands at which place, and the hash it had when it was sealed.
leaves = Table(
    "leaves",
    metadata,
    Column("position", Number, primary_key=True, autoincrement=False),
    _name("entry"),
    Column("entry_seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    UniqueConstraint("entry", "entry_seq"),
)

# One row: how far the log reaches. Who seals holds it.
log_head = Table(
    "log_head",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("size", Number, primary_key=True, autoincrement=False),
    _words("note"),
    # The log as it was then, as far as it must be known to prove that it only grew.
    Column("frontier", LargeBinary, nullable=False),
    _micros("signed_us"),
    # Null until it is kept outside of the database.
    _micros("anchored_us", nullable=True),
)

# Made with a key that only those have who record: shows that a row was written by them.
entry_macs = Table(
    "entry_macs",
    metadata,
    Column("entry", Name, primary_key=True),
    Column("entry_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("mac", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# Which blocks of the log hold changes whose text has a piece of this hash: a search reads no others. A bit a block, a
# row a piece for so many blocks (`text_index`); made after sealing, and never needed to find what is newer.
text_marks = Table(
    "text_marks",
    metadata,
    Column("segment", BigInteger, primary_key=True, autoincrement=False),
    Column("piece", Integer, primary_key=True, autoincrement=False),
    Column("blocks", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# The numbers of the changes that say how every flag stands, and of which place they say it (`standing`).
standing_changes = Table(
    "standing_changes",
    metadata,
    Column("seq", Number, primary_key=True, autoincrement=False),
    _digest("document_hash"),
    _name("path"),
    _name("environment", nullable=True),
)
Index("ix_standing_changes_document_hash_path", standing_changes.c.document_hash, standing_changes.c.path)
