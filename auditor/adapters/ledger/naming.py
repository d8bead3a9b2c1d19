"""How every anchor names a checkpoint, and what it says when another one has the name."""

from __future__ import annotations

import re

from auditor.application.sealing import ForkError

FOLDER = "checkpoints"
LONGEST = 16_384
NAME = re.compile(r"[0-9]{20}")


def name_of(size: int) -> str:
    """Return the name a checkpoint of this size is kept under: names order as sizes do."""
    return f"{size:020d}"


def forked(place: str, size: int) -> ForkError:
    """Return the error for a place that keeps another checkpoint of this size."""
    return ForkError(
        f"{place} keeps another checkpoint of {size} entries than the one to be anchored: two logs carry the same "
        "name, or the past was rewritten; run `flagtrail verify`"
    )
