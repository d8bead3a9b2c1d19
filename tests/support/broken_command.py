"""A command with a bug, to see what a person sees of one."""

from __future__ import annotations

from auditor.entrypoints.cli_options import Context, command


@command("table", "json", examples=("flagtrail broken",))
def broken(context: Context) -> None:
    """Divide by nothing."""
    del context
    raise ZeroDivisionError("division by zero")
