"""Flagtrail's audit trail: from an AWS event to a record, a finding and a message."""

__version__ = "0.1.0"
