"""What Alembic runs: the revisions, on the connection that ``upgrade`` hands in and in its transaction."""

from __future__ import annotations

from alembic import context

from auditor.adapters.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite alters a table by making it anew.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
