"""Reads ``flagtrail.toml``: what may stand in it, where each fault is, and the settings it gives."""
