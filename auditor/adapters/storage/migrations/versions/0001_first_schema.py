"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# SQLite numbers rows by itself only where the type is spelled INTEGER.
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make every table."""
    _make_actors()
    _make_alerts()
    _make_calls()
    _make_changes()
    _make_dead_letters()
    _make_deferred_events()
    _make_deployments()
    _make_documents()
    _make_findings()
    _make_gaps()
    _make_job_slots()
    _make_pending_seals()
    _make_reconciles()
    _make_reference_sets()
    _make_signals()
    _make_taken_events()
    _make_alert_changes()
    _make_attributions()
    _make_call_targets()
    _make_code_references()
    _make_scans()
    _make_versions()


def _make_actors() -> None:
    op.create_table(
        "actors",
        sa.Column("hash", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_actors"),
    )


def _make_alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_us", sa.BigInteger(), nullable=False),
        sa.Column("doubts", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("settled_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_alerts"),
        sa.UniqueConstraint("key", name="uq_alerts_key"),
    )
    op.create_index("ix_alerts_state_due_us", "alerts", ["state", "due_us"])


def _make_calls() -> None:
    op.create_table(
        "calls",
        sa.Column("seq", _NUMBER, nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("recorded_us", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_calls"),
        sa.UniqueConstraint("event_id", name="uq_calls_event_id"),
    )


def _make_changes() -> None:
    op.create_table(
        "changes",
        sa.Column("seq", _NUMBER, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("recorded_us", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("application", sa.Text(), nullable=True),
        sa.Column("flag", sa.Text(), nullable=True),
        sa.Column("environment", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("document_hash", sa.BigInteger(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("life", sa.Integer(), nullable=True),
        sa.Column("version_after", sa.Text(), nullable=True),
        sa.Column("cause_hash", sa.BigInteger(), nullable=False),
        sa.Column("dated", sa.Boolean(), nullable=False),
        sa.Column("sort_us", sa.BigInteger(), nullable=False),
        sa.Column("exact", sa.Boolean(), nullable=False),
        sa.Column("start_us", sa.BigInteger(), nullable=True),
        sa.Column("end_us", sa.BigInteger(), nullable=True),
        sa.Column("actor_hash", sa.BigInteger(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_changes"),
        sa.UniqueConstraint("id", name="uq_changes_id"),
    )
    op.create_index("ix_changes_actor_hash_sort_us_seq", "changes", ["actor_hash", "sort_us", "seq"])
    op.create_index("ix_changes_cause_hash", "changes", ["cause_hash"])
    op.create_index("ix_changes_document_hash_version_after", "changes", ["document_hash", "version_after"])
    op.create_index("ix_changes_environment_sort_us_seq", "changes", ["environment", "sort_us", "seq"])
    op.create_index("ix_changes_flag_sort_us_seq", "changes", ["flag", "sort_us", "seq"])
    op.create_index(
        "ix_changes_interval",
        "changes",
        ["sort_us", "seq", "start_us"],
        sqlite_where=sa.column("exact").is_(False),
        postgresql_where=sa.column("exact").is_(False),
    )
    op.create_index("ix_changes_sort_us_seq", "changes", ["sort_us", "seq"])


def _make_dead_letters() -> None:
    op.create_table(
        "dead_letters",
        sa.Column("seq", _NUMBER, nullable=False),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("recorded_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_dead_letters"),
    )


def _make_deferred_events() -> None:
    op.create_table(
        "deferred_events",
        sa.Column("seq", _NUMBER, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("keys", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("deferred_us", sa.BigInteger(), nullable=False),
        sa.Column("settled_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name="pk_deferred_events"),
        sa.UniqueConstraint("digest", name="uq_deferred_events_digest"),
    )
    op.create_index("ix_deferred_events_settled_us", "deferred_events", ["settled_us"])


def _make_deployments() -> None:
    op.create_table(
        "deployments",
        sa.Column("seq", _NUMBER, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("environment_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("recorded_us", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_deployments"),
        sa.UniqueConstraint(
            "account", "region", "application_id", "environment_id", "number", "state", name="uq_deployments_state"
        ),
    )


def _make_documents() -> None:
    op.create_table(
        "documents",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("life", sa.Integer(), nullable=False),
        sa.Column("alive", sa.Boolean(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("checked_us", sa.BigInteger(), nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_documents"),
        sa.UniqueConstraint(
            "source", "account", "region", "name_key", name="uq_documents_source_account_region_name_key"
        ),
    )


def _make_findings() -> None:
    op.create_table(
        "findings",
        sa.Column("seq", _NUMBER, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("change_id", sa.Text(), nullable=True),
        sa.Column("recorded_us", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_findings"),
        sa.UniqueConstraint("digest", name="uq_findings_digest"),
    )
    op.create_index("ix_findings_change_id", "findings", ["change_id"])


def _make_gaps() -> None:
    op.create_table(
        "gaps",
        sa.Column("seq", _NUMBER, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("recorded_us", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_gaps"),
        sa.UniqueConstraint("digest", name="uq_gaps_digest"),
    )


def _make_job_slots() -> None:
    op.create_table(
        "job_slots",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("slot", sa.Text(), nullable=False),
        sa.Column("claimed_us", sa.BigInteger(), nullable=False),
        sa.Column("finished_us", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("job", "slot", name="pk_job_slots"),
        sqlite_with_rowid=False,
    )


def _make_pending_seals() -> None:
    op.create_table(
        "pending_seals",
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("entry_seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("entry", "entry_seq", name="pk_pending_seals"),
        sqlite_with_rowid=False,
    )


def _make_reconciles() -> None:
    op.create_table(
        "reconciles",
        sa.Column("seq", _NUMBER, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("recorded_us", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_reconciles"),
    )
    op.create_index("ix_reconciles_scope", "reconciles", ["source", "account", "region", "fingerprint"])


def _make_reference_sets() -> None:
    op.create_table(
        "reference_sets",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reference_sets"),
        sa.UniqueConstraint("digest", name="uq_reference_sets_digest"),
    )


def _make_signals() -> None:
    op.create_table(
        "signals",
        sa.Column("seq", _NUMBER, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("recorded_us", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_signals"),
        sa.UniqueConstraint("digest", name="uq_signals_digest"),
    )


def _make_taken_events() -> None:
    op.create_table(
        "taken_events",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("taken_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_taken_events"),
        sqlite_with_rowid=False,
    )


def _make_alert_changes() -> None:
    op.create_table(
        "alert_changes",
        sa.Column("alert_id", sa.BigInteger(), nullable=False),
        sa.Column("change_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("told", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("alert_id", "change_id", name="pk_alert_changes"),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"], name="fk_alert_changes_alert_id"),
        sa.UniqueConstraint("told", name="uq_alert_changes_told"),
        sqlite_with_rowid=False,
    )


def _make_attributions() -> None:
    op.create_table(
        "attributions",
        sa.Column("seq", _NUMBER, nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.Column("evidence_hash", sa.BigInteger(), nullable=False),
        sa.Column("recorded_us", sa.BigInteger(), nullable=False),
        sa.Column("actor_hash", sa.BigInteger(), nullable=True),
        sa.Column("moves", sa.Boolean(), nullable=False),
        sa.Column("sort_us", sa.BigInteger(), nullable=False),
        sa.Column("exact", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_attributions"),
        sa.UniqueConstraint("change_seq", "evidence_hash", name="uq_attributions_change_seq_evidence_hash"),
        sa.ForeignKeyConstraint(["change_seq"], ["changes.seq"], name="fk_attributions_change_seq"),
    )
    op.create_index("ix_attributions_actor_hash_change_seq", "attributions", ["actor_hash", "change_seq"])
    op.create_index("ix_attributions_change_seq_seq", "attributions", ["change_seq", "seq"])
    op.create_index(
        "ix_attributions_moved",
        "attributions",
        ["sort_us", "change_seq"],
        sqlite_where=sa.column("moves").is_(True),
        postgresql_where=sa.column("moves").is_(True),
    )


def _make_call_targets() -> None:
    op.create_table(
        "call_targets",
        sa.Column("call_seq", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("document_hash", sa.BigInteger(), nullable=True),
        sa.Column("environment_hash", sa.BigInteger(), nullable=True),
        sa.Column("deployment_number", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("call_seq", "position", name="pk_call_targets"),
        sa.ForeignKeyConstraint(["call_seq"], ["calls.seq"], name="fk_call_targets_call_seq"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_call_targets_document_hash", "call_targets", ["document_hash"])
    op.create_index(
        "ix_call_targets_environment_hash_deployment_number", "call_targets", ["environment_hash", "deployment_number"]
    )


def _make_code_references() -> None:
    op.create_table(
        "code_references",
        sa.Column("set_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("flag_name", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("set_id", "position", name="pk_code_references"),
        sa.ForeignKeyConstraint(["set_id"], ["reference_sets.id"], name="fk_code_references_set_id"),
        sqlite_with_rowid=False,
    )


def _make_scans() -> None:
    op.create_table(
        "scans",
        sa.Column("seq", _NUMBER, nullable=False),
        sa.Column("repository", sa.Text(), nullable=False),
        sa.Column("commit_id", sa.Text(), nullable=True),
        sa.Column("scanned_us", sa.BigInteger(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("unread", sa.Integer(), nullable=False),
        sa.Column("set_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_scans"),
        sa.ForeignKeyConstraint(["set_id"], ["reference_sets.id"], name="fk_scans_set_id"),
    )
    op.create_index("ix_scans_repository_seq", "scans", ["repository", "seq"])


def _make_versions() -> None:
    op.create_table(
        "versions",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("document_id", sa.BigInteger(), nullable=False),
        sa.Column("life", sa.Integer(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=True),
        sa.Column("modified_us", sa.BigInteger(), nullable=True),
        sa.Column("modified_by", sa.Text(), nullable=True),
        sa.Column("entries", sa.Text(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("held_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_versions"),
        sa.UniqueConstraint("document_id", "life", "version", name="uq_versions_document_id_life_version"),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name="fk_versions_document_id"),
    )
