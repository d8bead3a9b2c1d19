"""The record in SQL: SQLite by default, PostgreSQL for more."""

from auditor.adapters.storage.database import Database, open_database
from auditor.adapters.storage.engine import ConflictError

__all__ = ["ConflictError", "Database", "open_database"]
