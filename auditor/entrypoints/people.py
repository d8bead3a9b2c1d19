"""Who gives a command."""

from __future__ import annotations

import getpass


def logged_in() -> str:
    """Return the name of who is logged in; "not named" where the system has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "not named"
