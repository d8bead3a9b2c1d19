"""Bars: the largest counts and how long each is beside the largest."""

from __future__ import annotations

from collections.abc import Mapping

_TOP = 12


def bars(counts: Mapping[str, int]) -> list[tuple[str, int, float]]:
    """Return the largest counts with their share of the largest in percent, and the rest as one."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = ranked[:_TOP]
    rest = sum(count for _, count in ranked[_TOP:])
    if rest:
        shown.append((f"{len(ranked) - _TOP} others", rest))
    most = max((count for _, count in shown), default=1)
    return [(name, count, round(100 * count / most, 1)) for name, count in shown]
