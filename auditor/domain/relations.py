"""How flags relate: which one follows another by its name, and which one depends on another. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from auditor.domain.flags import FlagId

_NUMBERED = re.compile(r"(?i)(?P<stem>.*[a-z])(?P<mark>[-_.]?v|[-_.])(?P<number>[1-9][0-9]{0,2})")
_FIRST = 1


def successors(flags: Iterable[FlagId]) -> dict[FlagId, FlagId]:
    """Return for each flag the one of its application that has its name and the highest later number.

    ``checkout-flow`` is followed by ``checkout-flow-v2``, and that by ``checkout-flow-v3``. A number without a mark
    before it belongs to a name (``http2``).
    """
    families: dict[tuple[str, str], list[tuple[int, FlagId]]] = defaultdict(list)
    for flag in flags:
        match = _NUMBERED.fullmatch(flag.key)
        stem, number = (match["stem"], int(match["number"])) if match else (flag.key, _FIRST)
        families[flag.application, stem.lower()].append((number, flag))
    found: dict[FlagId, FlagId] = {}
    for family in families.values():
        number, newest = max(family)
        found.update({flag: newest for other, flag in family if other < number})
    return found


def dependents(requires: Mapping[FlagId, Iterable[str]]) -> dict[FlagId, list[FlagId]]:
    """Return for each flag those that say they depend on it, by its key in their application or its whole name."""
    by_name = {str(flag): flag for flag in requires}
    found: dict[FlagId, list[FlagId]] = defaultdict(list)
    for flag, names in requires.items():
        for name in names:
            own = FlagId(flag.application, name)
            wanted = own if own in requires else by_name.get(name)
            if wanted is not None and wanted != flag:
                found[wanted].append(flag)
    return found
