"""The numbers of the changes that say how every flag stands, found once among all that are recorded."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

# SQLite numbers rows by itself only where the type is spelled INTEGER.
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# As a change stands in time: where its store dated it; else where the newest of what was learnt puts it.
_FILL = """
INSERT INTO standing_changes (seq, document_hash, path, environment)
SELECT seq, document_hash, path, environment
FROM (
    SELECT seq, document_hash, path, environment, row_number() OVER (
        PARTITION BY document_hash, path, environment
        ORDER BY life DESC NULLS LAST, moment DESC, seq DESC
    ) AS rank
    FROM (
        SELECT seq, document_hash, path, environment, life, CASE WHEN dated THEN sort_us ELSE coalesce((
            SELECT learnt.sort_us FROM attributions AS learnt
            WHERE learnt.change_seq = changes.seq
            ORDER BY learnt.seq DESC LIMIT 1
        ), sort_us) END AS moment
        FROM changes
        WHERE kind IN ('created', 'updated', 'deleted', 'expired', 'saved', 'deployed', 'rolled_back')
    ) AS bearing
) AS ranked
WHERE rank = 1
"""


def upgrade() -> None:
    """Make the table and fill it."""
    op.create_table(
        "standing_changes",
        sa.Column("seq", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("document_hash", sa.BigInteger(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name="pk_standing_changes"),
    )
    op.create_index("ix_standing_changes_document_hash_path", "standing_changes", ["document_hash", "path"])
    op.execute(_FILL)
