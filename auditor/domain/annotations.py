"""The conventions by which comments in code say how long a flag lives: the only place that knows them. Pure.

Documentation is generated from this table. A convention holds for one line of a comment; whose flag it is about is for
the scanner to say, by where the comment stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from auditor.domain.credentials import mask_beginning
from auditor.domain.lifetimes import known_type
from auditor.domain.references import AnnotationKind

_LONGEST = 500
_SHOWN = 120
_DATE = r"(?P<date>\d{4}-\d{2}-\d{2}|\d{4}/\d{2}/\d{2})(?!\d)"
# What may stand between a word and its date or flag, in one sentence.
_BETWEEN = r"[^.;\d]{0,40}?"
_GO = r"(?:remove|removal|delete|deletion|drop|retire|clean[ -]?up|get rid of)"
_FLAG = r"(?:feature[ -]?)?(?:flag|toggle|switch|gate)"
_ENDING = frozenset({"deprecated", "completed", "complete", "retired", "ready-to-remove", "sunset"})
_ENDING_WORDS = ", ".join(sorted(_ENDING))


@dataclass(frozen=True, slots=True)
class Told:
    """What one line of a comment says: its kind, and the value in its usual form."""

    kind: AnnotationKind
    value: str


@dataclass(frozen=True, slots=True)
class Convention:
    """One way of saying it: an example, what that means, its pattern, and what a match tells, if anything."""

    example: str
    meaning: str
    pattern: re.Pattern[str]
    tells: Callable[[re.Match[str]], Iterator[Told]]


def _dated(kind: AnnotationKind) -> Callable[[re.Match[str]], Iterator[Told]]:
    def told(match: re.Match[str]) -> Iterator[Told]:
        try:
            yield Told(kind, date.fromisoformat(match["date"].replace("/", "-")).isoformat())
        except ValueError:
            return  # 2026-02-30 is no date

    return told


def _typed(match: re.Match[str]) -> Iterator[Told]:
    """Tell a type or a stage; of several use cases a temporary one makes the toggle temporary."""
    words = [word.strip().lower().replace("_", "-") for word in match["words"].split(",")]
    known = [word for word in words if known_type(word) is not None]
    if known:
        yield Told(AnnotationKind.TYPE, "temporary" if "temporary" in known else known[0])


def _staged(match: re.Match[str]) -> Iterator[Told]:
    word = match["words"].strip().lower().replace("_", "-")
    if known_type(word) is not None:
        yield Told(AnnotationKind.TYPE, word)
    else:
        yield Told(AnnotationKind.MARK if word in _ENDING else AnnotationKind.STAGE, word)


def _owned(match: re.Match[str]) -> Iterator[Told]:
    yield Told(AnnotationKind.OWNER, match["owner"].rstrip(".:"))


def _marked(word: str) -> Callable[[re.Match[str]], Iterator[Told]]:
    def told(match: re.Match[str]) -> Iterator[Told]:
        yield Told(AnnotationKind.MARK, word)
        if match.groupdict().get("owner"):
            yield from _owned(match)

    return told


def _of(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_OWNER_WORD = r"(?P<owner>@?[\w][\w.@/+-]{0,79})"

CONVENTIONS: tuple[Convention, ...] = (
    Convention(
        ".. toggle_target_removal_date: 2026-12-01",
        "the date by which it is to go, as edX writes it",
        _of(rf"\.\.\s*toggle_target_removal_date:\s*{_DATE}"),
        _dated(AnnotationKind.END_DATE),
    ),
    Convention(
        ".. toggle_creation_date: 2026-01-05",
        "when it came, which is shown and dates nothing",
        _of(rf"(?:\.\.\s*toggle_creation_date:|\b(?:created|introduced|added)\b\s*(?:on|at|in|[:=])?)\s*{_DATE}"),
        _dated(AnnotationKind.CREATED),
    ),
    Convention(
        ".. toggle_use_cases: temporary",
        "its type: temporary, or circuit_breaker, vip, opt_in, opt_out and open_edx, which are meant to stay",
        _of(r"\.\.\s*toggle_use_cases:\s*(?P<words>[\w-]+(?:\s*,\s*[\w-]+){0,9})"),
        _typed,
    ),
    Convention(
        "flag: temporary",
        "its type: release, experiment, ops, permission, kill-switch, temporary or permanent; also `flag-type:`, "
        "`[temporary]`",
        _of(r"(?:\bflag(?:[-_ ]?type)?\s*[:=]\s*|\[(?=[a-z -]{3,12}\]))(?P<words>[a-z][a-z_-]{0,39})"),
        _typed,
    ),
    Convention(
        "@lifecycle: development",
        f"a type, or the stage it is in; {_ENDING_WORDS}: it is to go",
        _of(r"(?:@lifecycle\b\s*[:=]?|\blifecycle\s*[:=])\s*(?P<words>[a-z][a-z_-]{0,39})"),
        _staged,
    ),
    Convention(
        "expires: 2026-12-01",
        "the date by which it is to go; also `expiry`, `sunset`, `end date`",
        _of(rf"(?<![\w-])(?:expires?|expiry|expiration(?:[ _-]?date)?|sunset|end[ _-]?date)\b{_BETWEEN}{_DATE}"),
        _dated(AnnotationKind.END_DATE),
    ),
    Convention(
        "TODO(team): remove after 2026-12-01",
        "the date by which it is to go; also `delete`, `drop`, `retire`, `clean up`, and `by`, `on`, `until`",
        _of(rf"(?<![\w-]){_GO}\b{_BETWEEN}{_DATE}"),
        _dated(AnnotationKind.END_DATE),
    ),
    Convention(
        "do not remove before 2026-12-01",
        "it stays until then; also `keep until`, `needed until`",
        _of(rf"\b(?:(?:not|never)\s+(?:be\s+)?{_GO}d?|keep|needed|required)\b{_BETWEEN}\b(?:before|until)\s+{_DATE}"),
        _dated(AnnotationKind.NOT_BEFORE),
    ),
    Convention(
        "@deprecated",
        "it is to go, without a date; also `DEPRECATED:` and `.. deprecated::`",
        _of(r"(?:^|\s)(?:@deprecated\b|\.\.\s*deprecated::|deprecated:)"),
        _marked("deprecated"),
    ),
    Convention(
        "FIXME(team): remove flag",
        "it is to go, without a date; `TODO` and `XXX` alike, and the name in brackets owns it",
        _of(rf"\b(?:todo|fixme|xxx)\b(?:\({_OWNER_WORD}\))?.{{0,20}}?\b{_GO}\b(?:\s+[\w-]+){{0,4}}?\s+{_FLAG}\b"),
        _marked("remove"),
    ),
    Convention(
        "owner: @team",
        "who owns it; also the name in brackets behind the `TODO` of a removal",
        _of(rf"(?:@owner\b\s*[:=]?|(?<![\w-])owner\s*[:=])\s*{_OWNER_WORD}"),
        _owned,
    ),
)
"""Every convention, in the order of the documentation."""

_TODO_OWNER = _of(rf"\b(?:todo|fixme|xxx)\({_OWNER_WORD}\)")
# A line that negates, or speaks of several flags at once, says nothing of this one; dates to keep by are meant so.
_NOT_THIS = _of(rf"\b(?:these|those|all|both|each|every)\b|\b{_FLAG}s\b(?!:)")
_NEGATED = _of(rf"(?:\bnot|n't|\bnever|\bno longer)\s+(?:be\s+)?(?:{_GO}|expires?|deprecated)")

TELLING = re.compile(
    r"\d{4}[-/]\d{2}[-/]\d{2}|toggle_use|flag[-_ ]?(?:type)?\s*[:=]|\[[a-z -]{3,12}\]|lifecycle|deprecated"
    r"|todo|fixme|xxx|owner",
    re.IGNORECASE,
)
"""What a text has to hold for any line of it to say something."""


def said_in(line: str) -> Iterator[Told]:
    """Yield what one line of a comment says of the flag that it is about, each once."""
    line = line[:_LONGEST]
    if _NOT_THIS.search(line):
        return
    negated = _NEGATED.search(line) is not None
    found: dict[Told, None] = {}
    for convention in CONVENTIONS:
        match = convention.pattern.search(line)
        for told in () if match is None else convention.tells(match):
            if not negated or told.kind not in (AnnotationKind.END_DATE, AnnotationKind.MARK):
                found[told] = None
    if any(told.kind in (AnnotationKind.END_DATE, AnnotationKind.MARK) for told in found):
        owner = _TODO_OWNER.search(line)
        found.update(dict.fromkeys(_owned(owner) if owner is not None else ()))
    yield from found


def shown(line: str) -> str:
    """Return a line of a comment as it may be kept: bounded, and masked where it looks like a credential."""
    return mask_beginning(" ".join(line.split()), _SHOWN)
