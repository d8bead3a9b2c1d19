"""Monthly partitions, natural keys that outlast their changes, retention, replicas, and marks for text searches."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

# SQLite numbers rows by itself only where the type is spelled INTEGER.
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_NUMBERS_A_MONTH = 10**10
_MONTHS_AHEAD = 3


def upgrade() -> None:
    """Make the new tables, and take the changes into the new form without altering one."""
    _make_tables()
    op.execute("INSERT INTO change_keys (seq, id) SELECT seq, id FROM changes")
    if op.get_bind().dialect.name == "postgresql":
        _partition()
    else:
        _rebuild()


def _make_tables() -> None:
    op.create_table(
        "change_keys",
        sa.Column("seq", _NUMBER, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_change_keys"),
        sa.UniqueConstraint("id", name="uq_change_keys_id"),
    )
    op.create_table(
        "retentions",
        sa.Column("seq", _NUMBER, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("recorded_us", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_retentions"),
        sa.UniqueConstraint("digest", name="uq_retentions_digest"),
    )
    op.create_table(
        "replicas",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("started_us", sa.BigInteger(), nullable=False),
        sa.Column("seen_us", sa.BigInteger(), nullable=False),
        sa.Column("jobs", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_replicas"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "text_marks",
        sa.Column("segment", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("piece", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("blocks", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("segment", "piece", name="pk_text_marks"),
        sqlite_with_rowid=False,
    )


def _partition() -> None:
    """Let the table as it is be the partition of everything earlier: nothing is copied."""
    op.drop_constraint("fk_attributions_change_seq", "attributions", type_="foreignkey")
    op.drop_constraint("uq_changes_id", "changes", type_="unique")
    op.execute("SELECT setval('change_keys_seq_seq', (SELECT max(seq) FROM change_keys)) FROM changes LIMIT 1")
    op.execute("ALTER TABLE changes ALTER COLUMN seq DROP DEFAULT")
    op.execute("DROP SEQUENCE changes_seq_seq")
    op.execute("ALTER TABLE changes RENAME TO changes_earlier")
    op.execute("ALTER TABLE changes_earlier RENAME CONSTRAINT pk_changes TO changes_earlier_pkey")
    for name in _INDEXES:
        op.execute(f"ALTER INDEX {name} RENAME TO {name.replace('ix_changes', 'ix_changes_earlier')}")
    _make_changes()
    now = datetime.now(UTC)
    this_month = now.year * 12 + now.month - 1
    op.execute(
        f"ALTER TABLE changes ATTACH PARTITION changes_earlier FOR VALUES FROM (MINVALUE) TO ({_base(this_month)})"
    )
    op.execute("CREATE TABLE changes_other PARTITION OF changes DEFAULT")
    for month in range(this_month, this_month + _MONTHS_AHEAD + 1):
        name = f"changes_{month // 12:04}_{month % 12 + 1:02}"
        bounds = f"FROM ({_base(month)}) TO ({_base(month + 1)})"
        op.execute(f"CREATE TABLE {name} PARTITION OF changes FOR VALUES {bounds}")


def _base(month: int) -> int:
    return (month // 12 * 100 + month % 12 + 1) * _NUMBERS_A_MONTH


def _rebuild() -> None:
    """Make both tables anew: SQLite can take no constraint away."""
    for name in ("ix_attributions_actor_hash_change_seq", "ix_attributions_change_seq_seq", "ix_attributions_moved"):
        op.drop_index(name, "attributions")
    for name in _INDEXES:
        op.drop_index(name, "changes")
    op.rename_table("attributions", "former_attributions")
    _make_attributions()
    op.execute("INSERT INTO attributions SELECT * FROM former_attributions")
    op.drop_table("former_attributions")
    op.rename_table("changes", "former_changes")
    _make_changes()
    op.execute("INSERT INTO changes SELECT * FROM former_changes")
    op.drop_table("former_changes")


_INDEXES = (
    "ix_changes_actor_hash_sort_us_seq",
    "ix_changes_cause_hash",
    "ix_changes_document_hash_version_after",
    "ix_changes_environment_sort_us_seq",
    "ix_changes_flag_sort_us_seq",
    "ix_changes_interval",
    "ix_changes_sort_us_seq",
)


def _make_changes() -> None:
    op.create_table(
        "changes",
        sa.Column("seq", _NUMBER, autoincrement=False, nullable=False),
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
        postgresql_partition_by="RANGE (seq)",
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
