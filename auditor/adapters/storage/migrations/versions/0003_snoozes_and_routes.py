"""Snoozes of flags, and which way an alert goes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

# SQLite numbers rows by itself only where the type is spelled INTEGER.
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make both tables; alerts that wait already have no way of their own and go where all go."""
    op.create_table(
        "snoozes",
        sa.Column("seq", _NUMBER, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("recorded_us", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_snoozes"),
        sa.UniqueConstraint("digest", name="uq_snoozes_digest"),
    )
    op.create_table(
        "alert_ways",
        sa.Column("alert_id", sa.BigInteger(), nullable=False),
        sa.Column("route", sa.Text(), nullable=True),
        sa.Column("burst", sa.Text(), nullable=True),
        sa.Column("newest_us", sa.BigInteger(), nullable=True),
        sa.Column("shown", sa.Integer(), nullable=False),
        sa.Column("thread", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("alert_id", name="pk_alert_ways"),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"], name="fk_alert_ways_alert_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_alert_ways_route", "alert_ways", ["route"])
    op.create_index("ix_alert_ways_burst_newest_us", "alert_ways", ["burst", "newest_us"])
