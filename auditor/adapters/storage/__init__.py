"""The record in SQL: SQLite by default, PostgreSQL for more."""

from auditor.adapters.storage.database import Database, open_database

__all__ = ["Database", "open_database"]
