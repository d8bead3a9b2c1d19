"""The ledger: the leaves of the log, its head, its checkpoints, and what authenticates an entry."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

# SQLite numbers rows by itself only where the type is spelled INTEGER.
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the ledger's tables; what is recorded waits in ``pending_seals`` already."""
    op.create_table(
        "leaves",
        sa.Column("position", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("entry_seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_leaves"),
        sa.UniqueConstraint("entry", "entry_seq", name="uq_leaves_entry_entry_seq"),
    )
    op.create_table(
        "log_head",
        sa.Column("id", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_log_head"),
    )
    op.create_table(
        "checkpoints",
        sa.Column("size", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.Column("signed_us", sa.BigInteger(), nullable=False),
        sa.Column("anchored_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("size", name="pk_checkpoints"),
    )
    op.create_table(
        "entry_macs",
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("entry_seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("entry", "entry_seq", name="pk_entry_macs"),
        sqlite_with_rowid=False,
    )
