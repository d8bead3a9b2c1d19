"""What the pseudonyms of people in recorded flags stand for, so that a name can be erased."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the table; what was recorded before stays as it was sealed."""
    op.create_table(
        "people",
        sa.Column("pseudonym", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("erased_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("pseudonym", name="pk_people"),
        sa.UniqueConstraint("name_key", name="uq_people_name_key"),
        sqlite_with_rowid=False,
    )
