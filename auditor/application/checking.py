"""What a change to code does to flags: findings that should stop it, and what is good to know. Pure."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from auditor.domain.declarations import Declaration
from auditor.domain.errors import UsageError
from auditor.domain.flags import FlagId, JsonValue
from auditor.domain.lifetimes import Lifetime, LifetimeRules, lifetime_of
from auditor.domain.references import (
    Annotation,
    Certainty,
    Fallback,
    FlagSpec,
    Reference,
    ReferenceKind,
    ScanResult,
)
from auditor.domain.templates import PathTemplates
from auditor.domain.wording import count, show

RULES: Mapping[str, str] = {
    "unknown-flag": "Code reads a flag that is in no store",
    "expired-flag": "Code reads a flag that is past its end",
    "new-flag-undeclared": "A new flag has no owner or no end date",
    "default-differs": "A flag falls back to different values",
    "last-reference-removed": "No code names the flag any more",
}
"""Every code with what it means."""

_IN_CODE = frozenset({ReferenceKind.READ, ReferenceKind.WRITE, ReferenceKind.BIND})
_FIELDS = ("provider", "application", "environment", "profile")


@dataclass(frozen=True, slots=True)
class CheckFinding:
    """One thing to say, with its place in code; ``path`` is ``None`` where there is none any more."""

    code: str
    flag: str
    text: str
    path: str | None = None
    line: int | None = None
    column: int | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """Return the finding for outputs."""
        where: dict[str, JsonValue] = {"path": self.path, "line": self.line, "column": self.column}
        return {"code": self.code, "flag": self.flag, "text": self.text, **where}


@dataclass(frozen=True, slots=True)
class CheckReport:
    """``findings`` make a check fail, ``notices`` do not; ``unchecked`` says what could not be asked."""

    findings: tuple[CheckFinding, ...]
    notices: tuple[CheckFinding, ...]
    unchecked: tuple[str, ...]
    complete: bool
    commit: str | None

    def to_json(self) -> dict[str, JsonValue]:
        """Return the report for outputs."""
        return {
            "findings": [finding.to_json() for finding in self.findings],
            "notices": [notice.to_json() for notice in self.notices],
            "unchecked": list(self.unchecked),
            "complete": self.complete,
            "commit": self.commit,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckInput:
    """What is known of a change to code.

    ``result`` is the scan for ``listed`` flags; ``unknown`` are the references to keys that are listed nowhere, each
    with what is known of the flag (empty: nothing). ``expired`` says of flags, by name, why they should have gone;
    ``None``: there is no record to tell. ``base`` is the scan of the code before the change, if it is at hand.
    """

    result: ScanResult
    listed: Sequence[FlagSpec]
    unknown: Sequence[tuple[Reference, str]] = ()
    declared: Sequence[Declaration] = ()
    expired: Mapping[str, str] | None = None
    base: Sequence[Reference] | None = None
    templates: PathTemplates = field(default_factory=lambda: PathTemplates(()))
    lifetimes: LifetimeRules = field(default_factory=LifetimeRules)


def check(given: CheckInput) -> CheckReport:
    """Return what stands against a change to code, in the order of the files."""
    findings = [
        *_unknown_flags(given),
        *_expired_flags(given),
        *_undeclared_flags(given),
        *_different_defaults(given),
    ]
    return CheckReport(
        tuple(sorted(dict.fromkeys(findings), key=_place_first)),
        tuple(_last_references(given)),
        tuple(_unchecked(given)),
        given.result.complete,
        given.result.commit,
    )


def read_base(held: Any, file: str) -> list[Reference]:
    """Return the references of a former ``scan --format json`` answer; raise ``UsageError`` when it is none."""
    rows = held.get("references") if isinstance(held, dict) else None
    if not isinstance(rows, list):
        raise UsageError(f"{file}: is no answer of `flagtrail scan --format json`: it has no list of references")
    try:
        return [_reference(row) for row in rows]
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{file}: is no answer of `flagtrail scan --format json`: {error}") from error


def _reference(row: Mapping[str, Any]) -> Reference:
    return Reference(
        flag=FlagSpec(row["flag"], *(row[name] for name in _FIELDS)),
        path=row["path"],
        line=row["line"],
        column=row["column"],
        kind=ReferenceKind(row["kind"]),
        certainty=Certainty(row["certainty"]),
        default=Fallback(row["default"]) if "default" in row else None,
    )


def _unknown_flags(given: CheckInput) -> Iterator[CheckFinding]:
    declared = [_pattern(one.key) for one in given.declared]
    for reference, known in given.unknown:
        key = reference.flag.key
        if _asks(reference) and not any(pattern.fullmatch(key) for pattern in declared):
            yield _at(reference, "unknown-flag", f"reads {key}, which {known or 'is in no store that is known here'}")


def _expired_flags(given: CheckInput) -> Iterator[CheckFinding]:
    for reference in _new(given.result.references, given.base):
        reason = (given.expired or {}).get(_name(reference.flag))
        if reason is not None and _asks(reference):
            yield _at(reference, "expired-flag", f"reads {_name(reference.flag)}, which should go: {reason}")


def _asks(reference: Reference) -> bool:
    return reference.kind is ReferenceKind.READ and reference.certainty is Certainty.CERTAIN


def _new(references: Sequence[Reference], base: Sequence[Reference] | None) -> Iterator[Reference]:
    """Yield the references that the code before did not have: a file's further ones, for lines move."""
    before = Counter(_kind_of_place(reference) for reference in base or ())
    for reference in references:
        place = _kind_of_place(reference)
        if before[place] > 0:
            before[place] -= 1
        else:
            yield reference


def _kind_of_place(reference: Reference) -> tuple[object, ...]:
    return (_identity(reference.flag), reference.path, reference.kind)


def _undeclared_flags(given: CheckInput) -> Iterator[CheckFinding]:
    groups: dict[tuple[str, FlagId], list[tuple[Declaration, Lifetime]]] = defaultdict(list)
    for declaration in given.declared:
        flag = _flag_of(declaration, given.templates)
        if flag is not None and _is_new(declaration, given):
            said = _said(declaration, given)
            life = lifetime_of(flag, declaration.definition, declaration.metadata, given.lifetimes, said)
            groups[declaration.provider, flag].append((declaration, life))
    for (_, flag), made in groups.items():
        lacking = _lacking(flag, [life for _, life in made], given.lifetimes)
        if lacking:
            first = made[0][0]
            text = f"the new flag {flag} has no {' and no '.join(lacking)}"
            yield CheckFinding("new-flag-undeclared", str(flag), text, first.path, first.line, first.column)


def _said(declaration: Declaration, given: CheckInput) -> list[Annotation]:
    """Return what comments beside the places in code say that ask for what is declared."""
    pattern = _pattern(declaration.key)
    places = (*given.result.references, *(reference for reference, _ in given.unknown))
    return [one for place in places if pattern.fullmatch(place.flag.key) for one in place.annotations]


def _lacking(flag: FlagId, lives: Sequence[Lifetime], rules: LifetimeRules) -> list[str]:
    """Return what none of a flag's declarations says; a flag that is meant to stay needs no end."""
    lacking = [] if any(life.owner for life in lives) else ["owner"]
    stays = any(life.type is not None and rules.limit(life.type, flag, (), life.tags) is None for life in lives)
    return lacking if stays or any(life.ends_on for life in lives) else [*lacking, "end date"]


def _flag_of(declaration: Declaration, templates: PathTemplates) -> FlagId | None:
    """Return which flag is declared; ``None`` for a parameter that is none, or whose own name is not known."""
    if declaration.provider != "ssm":
        return FlagId("", declaration.key)
    found = templates.match(declaration.key)
    return None if found is None or "*" in found["flag"] else FlagId(found.get("application", ""), found["flag"])


def _is_new(declaration: Declaration, given: CheckInput) -> bool:
    """Tell whether no store has it yet, or the code before had no place for it at all."""
    pattern = _pattern(declaration.key)
    listed = [f for f in given.listed if f.provider == declaration.provider and pattern.fullmatch(f.key)]
    if not listed or given.base is None:
        return not listed
    before = {_identity(reference.flag) for reference in given.base}
    return not any(_identity(flag) in before for flag in listed)


def _pattern(key: str) -> re.Pattern[str]:
    return re.compile("[^/]*".join(re.escape(part) for part in key.split("*")))


def _different_defaults(given: CheckInput) -> Iterator[CheckFinding]:
    before = _defaults(given.base or ())
    for flag, reads in _defaults(given.result.references).items():
        values = _values(reads)
        if len(values) > 1 and values != _values(before.get(flag, ())):
            for reference in reads:
                other = next(read for read in reads if _spelled(read) != _spelled(reference))
                where = f"{other.path}:{other.line}"
                here, there = show(_default(reference)), show(_default(other))
                text = f"{_name(reference.flag)} falls back to {here} here, to {there} at {where}"
                yield _at(reference, "default-differs", text)


def _defaults(references: Iterable[Reference]) -> dict[tuple[str | None, ...], list[Reference]]:
    reads: dict[tuple[str | None, ...], list[Reference]] = defaultdict(list)
    for reference in references:
        if _asks(reference) and reference.default is not None:
            reads[_identity(reference.flag)].append(reference)
    return reads


def _values(reads: Iterable[Reference]) -> set[str]:
    return {_spelled(read) for read in reads}


def _spelled(reference: Reference) -> str:
    return json.dumps(_default(reference), sort_keys=True)


def _default(reference: Reference) -> JsonValue:
    return reference.default.value if reference.default is not None else None


def _last_references(given: CheckInput) -> Iterator[CheckFinding]:
    """Yield the flags that code used before and nothing names now."""
    now = Counter(_identity(r.flag) for r in given.result.references if r.kind in _IN_CODE)
    rest: dict[tuple[str | None, ...], Counter[str]] = defaultdict(Counter)
    for reference in given.result.references:
        rest[_identity(reference.flag)][reference.kind.value] += 1
    before = dict.fromkeys(_identity(r.flag) for r in given.base or () if r.kind in _IN_CODE)
    names = {_identity(flag): _name(flag) for flag in given.listed}
    for identity in before:
        if not now[identity] and identity in names:
            text = _gone(names[identity], rest[identity], given.result)
            yield CheckFinding("last-reference-removed", names[identity], text)


def _gone(name: str, rest: Mapping[str, int], result: ScanResult) -> str:
    left = ", ".join(f"{n} {kind}" for kind, n in sorted(rest.items()))
    places = f"; places left: {left}" if left else ""
    doubts = []
    if not result.complete:
        doubts.append(f"{count(len(result.unread), 'file')} could not be read")
    if result.unresolved:
        doubts.append(f"{count(len(result.unresolved), 'read')} of a key that is not known")
    doubt = f", as far as could be seen ({'; '.join(doubts)})" if doubts else ": now safe to delete in AWS"
    return f"no code of this repository uses {name} any more{doubt}{places}"


def _unchecked(given: CheckInput) -> Iterator[str]:
    if given.expired is None:
        yield "expired flags: without the record nobody knows when a flag ends"
    if given.base is None:
        yield "removed references: --base was not given"
    if not given.result.complete:
        yield f"{count(len(given.result.unread), 'file')} could not be read"


def _identity(flag: FlagSpec) -> tuple[str | None, ...]:
    return (flag.key, flag.provider, flag.application, flag.environment, flag.profile)


def _name(flag: FlagSpec) -> str:
    return flag.name or flag.key


def _at(reference: Reference, code: str, text: str) -> CheckFinding:
    return CheckFinding(code, _name(reference.flag), text, reference.path, reference.line, reference.column)


def _place_first(finding: CheckFinding) -> tuple[object, ...]:
    return (finding.path or "", finding.line or 0, finding.column or 0, finding.code, finding.flag)
