"""Policies: one file each, pure, registered here."""
