"""Verdicts: may a flag go, must it stay, or is that not known; each with reasons, evidence and what is missing. Pure.

Every rule is one function with one code and one sentence, which documentation and pages repeat. Absent evidence never
makes a verdict surer: a flag that was never scanned is not unreferenced, and a removal is only proposed where the code
that reads the flag is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from auditor.domain.flags import FlagId, FlagState, JsonValue
from auditor.domain.lifetimes import Declared, FlagType, Lifetime, LifetimeRules, lifetime_said, source_of
from auditor.domain.readings import Position, Reading, read_state
from auditor.domain.references import Annotation
from auditor.domain.sightings import Sighting
from auditor.domain.snoozes import Snooze
from auditor.domain.times import rfc3339
from auditor.domain.wording import count


class Verdict(StrEnum):
    """What should become of a flag."""

    REMOVE = "remove"
    KEEP = "keep"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: a rule's code and its sentence for this flag."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Signal:
    """One piece of evidence: which signal, its value, and as of when it held."""

    signal: str
    value: JsonValue
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class EnvironmentFacts:
    """A flag in one environment: its state, since when it is so (``None``: not dated), and who made it so."""

    environment: str | None
    state: FlagState | None
    since: datetime | None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class ReferenceFacts:
    """References in the newest scans: ``counts`` of all by kind, ``certain`` of those that surely name the flag.

    ``possible`` counts the others. ``complete`` is False when files of these scans could not be read. ``unscanned``
    names what is deployed by the configuration and was not scanned.
    """

    counts: Mapping[str, int]
    certain: Mapping[str, int]
    possible: int
    scanned_at: datetime
    complete: bool
    unscanned: tuple[str, ...] = ()

    @property
    def in_code(self) -> int:
        """Return how many places in production code surely use the flag: reads, writes and names bound to its key."""
        return sum(self.certain.get(kind, 0) for kind in ("read", "write", "bind"))

    @property
    def in_tests(self) -> int:
        """Return how many places only tests have."""
        return self.certain.get("test", 0)


@dataclass(frozen=True, slots=True)
class FlagFacts:
    """All that is known of a flag when it is judged; ``references`` is ``None`` when nothing was ever scanned.

    ``successor`` is the flag that has its name and a later number. ``needed_by`` are flags that say they depend on it
    and that stay themselves. ``left`` are the places in production code that scans saw go, where none is left.
    ``annotations`` are what comments beside its places in code say; ``lifetime`` heeds them.
    """

    flag: FlagId
    environments: tuple[EnvironmentFacts, ...]
    created_at: datetime | None
    changed_at: datetime | None
    changed_by: str | None
    lifetime: Lifetime
    references: ReferenceFacts | None
    notices: tuple[tuple[str, datetime], ...] = ()
    snoozes: tuple[Snooze, ...] = ()
    successor: FlagId | None = None
    needed_by: tuple[FlagId, ...] = ()
    left: tuple[Sighting, ...] = ()
    annotations: tuple[Annotation, ...] = ()

    def counted_from(self, kind: FlagType | None) -> datetime | None:
        """Return since when a lifetime counts: an ops flag is confirmed by each change, others only get older."""
        return (self.changed_at or self.created_at) if kind is FlagType.OPS else self.created_at

    def limit(self, rules: LifetimeRules, kind: FlagType) -> int | None:
        """Return how many days this flag may live if it is of a type; ``None``: no end."""
        return rules.limit(kind, self.flag, [one.environment for one in self.environments], self.lifetime.tags)

    def snoozed(self, now: datetime) -> Snooze | None:
        """Return the snooze that holds now, if the newest one does."""
        return self.snoozes[-1] if self.snoozes and self.snoozes[-1].is_active(now) else None


_OVERDUE = frozenset({"past-end-date", "short-term-overdue", "past-lifetime", "stuck-half-way"})
# What speaks for removal, but is not enough alone.
_WEAK = frozenset({"superseded", "stuck-half-way", "declared-otherwise"})
# What leaves open whether it may go, whatever else speaks for it.
_OPEN = frozenset({"declared-otherwise"})
_CRITICAL = frozenset({"prod", "production", "live", "prd"})


@dataclass(frozen=True, slots=True)
class StaleRules:
    """The thresholds, in days. ``critical`` names the environments that count; empty: the usual names of production.

    ``deployed`` are patterns of repositories whose scan a removal needs: what runs may not be what is on the main line.
    """

    lifetimes: LifetimeRules = field(default_factory=LifetimeRules)
    settled_days: int = 30
    unreferenced_days: int = 30
    grace_days: int = 14
    scan_max_age_days: int = 30
    critical: frozenset[str] = frozenset()
    deployed: tuple[str, ...] = ()
    snooze_days: int = 90


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with everything that led to it; ``age_days`` is ``None`` where nothing dates the flag's creation."""

    facts: FlagFacts
    verdict: Verdict
    reasons: tuple[Reason, ...]
    evidence: tuple[Signal, ...]
    missing: tuple[str, ...]
    winning_value: Mapping[str, JsonValue]
    age_days: int | None
    snoozed: Mapping[str, JsonValue] | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """Return the verdict in contract form; ``snoozed`` stands there while somebody lets the flag be."""
        return {
            **({} if self.snoozed is None else {"snoozed": dict(self.snoozed)}),
            "application": self.facts.flag.application or None,
            "flag": self.facts.flag.key,
            "verdict": self.verdict.value,
            "reasons": [{"code": r.code, "text": r.text} for r in self.reasons],
            "evidence": [
                {"signal": s.signal, "value": s.value, "as_of": None if s.as_of is None else rfc3339(s.as_of)}
                for s in self.evidence
            ],
            "missing": list(self.missing),
            "winning_value": dict(self.winning_value),
            "owner": self.facts.lifetime.owner,
            "age_days": self.age_days,
            "references": _references_json(self.facts.references),
        }


def _references_json(facts: ReferenceFacts | None) -> dict[str, JsonValue]:
    counts = facts.counts if facts is not None else {}
    shown: dict[str, JsonValue] = {k: counts.get(k, 0) for k in ("read", "write", "define", "bind", "test", "doc")}
    shown["possible"] = facts.possible if facts is not None else 0
    shown["scanned_at"] = rfc3339(facts.scanned_at) if facts is not None else None
    return shown


@dataclass(frozen=True, slots=True)
class _Case:
    """A flag before its judge: the facts, the thresholds, the hour, and its critical environments read."""

    facts: FlagFacts
    rules: StaleRules
    now: datetime
    critical: tuple[tuple[EnvironmentFacts, Reading], ...]

    def days_since(self, moment: datetime) -> int:
        """Return whole days that passed since then."""
        return (self.now - moment).days


def judge(facts: FlagFacts, rules: StaleRules, now: datetime) -> Judgement:
    """Return the verdict on one flag."""
    case = _case(facts, rules, now)
    removal, keeping, missing = _heard(case)
    verdict = _weigh(case, removal, keeping, missing)
    reasons = keeping if verdict is Verdict.KEEP else removal + keeping
    if not reasons:
        reasons = [_nothing_against(case) if verdict is Verdict.KEEP else _not_known(missing)]
    return Judgement(
        facts,
        verdict,
        tuple(reasons),
        tuple(_evidence(case)),
        missing,
        _winning_values(facts),
        case.days_since(facts.created_at) if facts.created_at is not None else None,
        _snoozed(facts, now),
    )


def verdict_of(facts: FlagFacts, rules: StaleRules, now: datetime) -> Verdict:
    """Return the verdict alone, which is all that a count needs."""
    case = _case(facts, rules, now)
    return _weigh(case, *_heard(case))


def _case(facts: FlagFacts, rules: StaleRules, now: datetime) -> _Case:
    return _Case(facts, rules, now, tuple((e, read_state(e.state)) for e in _critical(facts, rules)))


def _heard(case: _Case) -> tuple[list[Reason], list[Reason], tuple[str, ...]]:
    """Return what speaks for removal, what for keeping, and what is missing."""
    removal = [Reason(rule.code, text) for rule in REMOVAL_RULES for text in rule.check(case)]
    keeping = [Reason(rule.code, text) for rule in KEEPING_RULES for text in rule.check(case)]
    return removal, keeping, tuple(_missing(case))


def _snoozed(facts: FlagFacts, now: datetime) -> Mapping[str, JsonValue] | None:
    """Return the snooze that holds, with how often the flag was snoozed; it changes no verdict."""
    snooze = facts.snoozed(now)
    return None if snooze is None else snooze.to_json(len(facts.snoozes), now)


def _critical(facts: FlagFacts, rules: StaleRules) -> tuple[EnvironmentFacts, ...]:
    """Return the environments that count: the configured or usual production ones, else all."""
    wanted = rules.critical or _CRITICAL
    chosen = tuple(e for e in facts.environments if e.environment is not None and e.environment.lower() in wanted)
    return chosen or facts.environments


def _weigh(case: _Case, removal: list[Reason], keeping: list[Reason], missing: tuple[str, ...]) -> Verdict:
    """Weigh the reasons: a removal needs a reason, nothing that speaks for keeping, and known references."""
    if "state" in missing:
        return Verdict.UNKNOWN
    if keeping:
        stuck = {r.code for r in keeping} == {"partly-on"} and any(r.code in _OVERDUE for r in removal)
        return Verdict.UNKNOWN if stuck else Verdict.KEEP
    if removal:
        known = case.facts.references
        codes = {reason.code for reason in removal}
        weak = codes <= _WEAK or bool(codes & _OPEN)
        return Verdict.UNKNOWN if known is None or known.unscanned or weak else Verdict.REMOVE
    facts = case.facts.references
    if facts is not None and (facts.in_code or (facts.possible == 0 and not _scan_doubt(case))):
        return Verdict.KEEP
    return Verdict.UNKNOWN


def _nothing_against(case: _Case) -> Reason:
    positions = sorted({_POSITIONS.get(reading.position, reading.position.value) for _, reading in case.critical})
    return Reason(
        "in-use", f"nothing says that it should go; in the environments that count it is {', '.join(positions)}"
    )


_POSITIONS = {
    Position.VALUE: "a setting, neither on nor off",
    Position.BETWEEN: "on for some",
}


def _not_known(missing: tuple[str, ...]) -> Reason:
    return Reason("not-known", f"nothing says that it should go, but this is not known: {', '.join(missing)}")


def _short_term_due(case: _Case) -> Iterator[str]:
    life = case.facts.lifetime
    if life.ends_on is None or not life.is_over(case.now.date()) or _is_doubtful(case, "end") or _is_slip(case):
        return
    days = (case.now.date() - life.ends_on).days
    yield f"it was to go by {life.ends_on.isoformat()} ({life.end_from}), {count(days, 'day')} ago"


def _short_term_without_date(case: _Case) -> Iterator[str]:
    life, created = case.facts.lifetime, case.facts.created_at
    limit = case.facts.limit(case.rules.lifetimes, FlagType.RELEASE)
    if not life.short_term or life.ends_on is not None or created is None or limit is None or _is_permanent(case):
        return
    age = case.days_since(created)
    if age > limit and not _is_doubtful(case, "mark"):
        who = life.short_term_from
        yield f"{who} marks it short-term without a date, and it is {count(age, 'day')} old (allowed: {limit})"


def _past_lifetime(case: _Case) -> Iterator[str]:
    life = case.facts.lifetime
    begun = case.facts.counted_from(life.type)
    if life.type is None or begun is None or life.ends_on is not None or _is_doubtful(case, "type"):
        return
    limit = case.facts.limit(case.rules.lifetimes, life.type)
    days = case.days_since(begun)
    if limit is not None and days > limit:
        yield f"{lifetime_said(life.type, limit, days)}; its type is told by {life.type_from}"


def _is_doubtful(case: _Case, what: str) -> bool:
    """Tell whether nothing but a comment says it, as of a scan so old that the comment may have changed since."""
    facts = case.facts.references
    limit = timedelta(days=case.rules.scan_max_age_days)
    return what in case.facts.lifetime.only_in_code and (facts is None or case.now - facts.scanned_at > limit)


def _is_over(case: _Case, kind: FlagType) -> bool:
    """Tell whether the flag would be past its lifetime if it was of this type."""
    limit, begun = case.facts.limit(case.rules.lifetimes, kind), case.facts.counted_from(kind)
    return limit is not None and begun is not None and case.days_since(begun) > limit


def _is_slip(case: _Case) -> bool:
    """Tell whether nothing but comments say when it was to go, and that was before it came."""
    life, created = case.facts.lifetime, case.facts.created_at
    if "end" not in life.only_in_code or life.ends_on is None or created is None:
        return False
    return life.ends_on < created.date()


def _declared_otherwise(case: _Case) -> Iterator[str]:
    """Say that its signs disagree, where it depends on them whether its time is over."""
    life, created = case.facts.lifetime, case.facts.created_at
    if life.disagrees_on(case.now.date()):
        yield f"the dates by which it was to go disagree: {life.dates_said}"
    elif _is_slip(case) and created is not None:
        yield f"it came on {created:%Y-%m-%d}, after the date by which it was to go: {life.dates_said}"
    elif life.ends_on is None and len({_is_over(case, one.what) for one in life.types}) > 1:
        yield f"what says its type disagrees: {', '.join(f'{one.what.value} ({one.source})' for one in life.types)}"


def _settled(position: Position) -> Callable[[_Case], Iterator[str]]:
    def rule(case: _Case) -> Iterator[str]:
        if _is_permanent(case) or not case.critical:
            return
        if any(reading.position is not position for _, reading in case.critical):
            return
        since = [e.since for e, _ in case.critical]
        known = [moment for moment in since if moment is not None]
        if len(known) != len(since):
            return
        days = case.days_since(max(known))
        if days > case.rules.settled_days:
            places = _places([e for e, _ in case.critical])
            span = f"{count(days, 'day')} (allowed: {case.rules.settled_days})"
            yield f"fully {position.value} in {places} for {span}"

    return rule


def _unreferenced(case: _Case) -> Iterator[str]:
    facts = case.facts.references
    if facts is None or _scan_doubt(case) or facts.in_code or facts.possible or facts.in_tests:
        return
    if not _quiet(case, case.rules.unreferenced_days):
        return
    declared = facts.counts.get("define", 0)
    rest = f"; {count(declared, 'definition')} left" if declared else ""
    yield f"no code reads it in the scan of {facts.scanned_at:%Y-%m-%d}{rest}"


def _only_tests(case: _Case) -> Iterator[str]:
    facts = case.facts.references
    if facts is None or _scan_doubt(case) or facts.in_code or facts.possible or not facts.in_tests:
        return
    if _quiet(case, case.rules.unreferenced_days):
        text = f"only tests name it ({count(facts.in_tests, 'place')}) in the scan of {facts.scanned_at:%Y-%m-%d}"
        yield text


def _superseded(case: _Case) -> Iterator[str]:
    successor = case.facts.successor
    if successor is not None and not _is_permanent(case):
        yield f"{successor} has its name and a later number"


def _stuck(case: _Case) -> Iterator[str]:
    """Say that a rollout rests at a share; a rule for some users may rest for good."""
    if _is_permanent(case):
        return
    for facts, reading in case.critical:
        if reading.position is not Position.BETWEEN or reading.share is None or facts.since is None:
            continue
        days = case.days_since(facts.since)
        if days > case.rules.settled_days:
            span = f"{count(days, 'day')} (allowed: {case.rules.settled_days})"
            yield f"stuck at {reading.share:g}% in {_places([facts])} for {span}"
            return


def _needed(case: _Case) -> Iterator[str]:
    names = [str(flag) for flag in case.facts.needed_by]
    if names:
        rest = len(names) - _NAMED
        more = f" and {rest} more" if rest > 0 else ""
        yield f"{', '.join(names[:_NAMED])}{more} {'depends' if len(names) == 1 else 'depend'} on it"


_NAMED = 3


def _young(case: _Case) -> Iterator[str]:
    created, grace = case.facts.created_at, case.rules.grace_days
    if created is None or _past_its_date(case):
        return
    age = case.days_since(created)
    if age < grace:
        yield f"it is {count(age, 'day')} old; flags are left alone for {count(grace, 'day')}"


def _recently_changed(case: _Case) -> Iterator[str]:
    changed, grace = case.facts.changed_at, case.rules.grace_days
    if changed is None or changed == case.facts.created_at or _past_its_date(case):
        return
    days = case.days_since(changed)
    if days < grace:
        who = f" by {case.facts.changed_by}" if case.facts.changed_by else ""
        yield f"it changed {count(days, 'day')} ago{who}; a change opens the question again"


def _not_yet(case: _Case) -> Iterator[str]:
    """Say that code names a date to come; where another date has come, that is for ``_declared_otherwise``."""
    life, today = case.facts.lifetime, case.now.date()
    dates = life.not_before if life.is_over(today) else (*life.ends, *life.not_before)
    to_come = [one for one in dates if one.in_code and one.what > today]
    if to_come and not life.disagrees_on(today):
        last = max(to_come, key=lambda one: one.what)
        yield f"{last.source} says that it stays until {last.what.isoformat()}"


def _rolling_out(case: _Case) -> Iterator[str]:
    for facts, reading in case.critical:
        if reading.position is Position.BETWEEN:
            share = f" ({reading.share:g}%)" if reading.share is not None else ""
            place = _places([facts])
            yield f"it gives different results to different users in {place}{share}"


def _permanent(case: _Case) -> Iterator[str]:
    life = case.facts.lifetime
    if _is_permanent(case) and life.type is not None and not _unread(case):
        yield f"a {life.type.value} flag by {life.type_from} is meant to stay"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its code, its sentence for people, and the check that says how it fits a flag, if it does.

    The sentence names thresholds in braces, as ``StaleRules`` calls them.
    """

    code: str
    sentence: str
    check: Callable[[_Case], Iterator[str]]

    def said(self, rules: StaleRules) -> str:
        """Return the sentence with these thresholds."""
        return self.sentence.format(
            settled_days=rules.settled_days,
            unreferenced_days=rules.unreferenced_days,
            grace_days=rules.grace_days,
            release_days=rules.lifetimes.days.get(FlagType.RELEASE),
        )


REMOVAL_RULES: tuple[Rule, ...] = (
    Rule("past-end-date", "The date by which it was to go has come.", _short_term_due),
    Rule(
        "short-term-overdue",
        "AppConfig or a comment marks it short-term without a date, and it is older than {release_days} days.",
        _short_term_without_date,
    ),
    Rule(
        "past-lifetime",
        "It is older than flags of its type may get, or an ops flag that no change has confirmed for as long.",
        _past_lifetime,
    ),
    Rule(
        "fully-on",
        "It has been fully on in every environment that counts for more than {settled_days} days.",
        _settled(Position.ON),
    ),
    Rule(
        "fully-off",
        "It has been fully off in every environment that counts for more than {settled_days} days.",
        _settled(Position.OFF),
    ),
    Rule(
        "unreferenced",
        "No code reads it in a complete and recent scan, and it has not changed for {unreferenced_days} days.",
        _unreferenced,
    ),
    Rule(
        "only-in-tests",
        "Only tests name it in a complete and recent scan, and it has not changed for {unreferenced_days} days.",
        _only_tests,
    ),
    Rule(
        "superseded",
        "Another flag of the application has its name and a later number; that alone does not make it go.",
        _superseded,
    ),
    Rule(
        "stuck-half-way",
        "Its rollout has rested between 0 and 100% for more than {settled_days} days; somebody has to decide.",
        _stuck,
    ),
    Rule(
        "declared-otherwise",
        "Its tags, description, AppConfig and comments disagree whether its time is over; somebody has to decide.",
        _declared_otherwise,
    ),
)
"""Rules that speak for removal; each fits a flag at most once."""

KEEPING_RULES: tuple[Rule, ...] = (
    Rule("young", "It is younger than {grace_days} days, and no date says that it should be gone.", _young),
    Rule(
        "recently-changed",
        "It changed within the last {grace_days} days, and no date says that it should be gone.",
        _recently_changed,
    ),
    Rule("partly-on", "It gives different results to different users in an environment that counts.", _rolling_out),
    Rule("permanent", "Flags of its type are meant to stay, and code reads it.", _permanent),
    Rule("not-yet", "A comment beside a place in code names a date to come.", _not_yet),
    Rule("needed", "Another flag says that it depends on it, and stays itself.", _needed),
)
"""Rules that speak for keeping."""

OTHERWISE: Mapping[str, str] = {
    "in-use": "No rule speaks for removal, and its references are known.",
    "not-known": "No rule speaks for removal, and what is needed to say more is missing.",
}
"""What is said where no rule fits, by code."""

MISSING: Mapping[str, str] = {
    "state": "No state of it is recorded: reconcile reads it from the store.",
    "references": "No repository was scanned yet; scan those that could read it.",
    "complete scan": "The newest scan could not read every file; a scan names those it could not.",
    "recent scan": "The newest scan is too old to say that nothing reads it.",
    "deployed branches": "What is deployed by the configuration was not scanned; it may still read the flag.",
    "certain references": "Code may read it, but no place does so for certain.",
    "value": "Its value is hidden, so that nobody can say whether it is on or off.",
    "winning value": "It gives different results to different users, so that a removal would have to choose.",
    "date of last change": "Nothing dates its present state.",
    "age": "Nothing dates its creation.",
    "declared type or end date": "Neither its name, description, tags, AppConfig nor a comment say how long it lives.",
    "owner": "Neither its description, its tags, a comment, the configuration nor CODEOWNERS names who owns it.",
    "runtime reads": "Whether running programs ask for it is not recorded; only code is looked at.",
}
"""What a verdict may lack, by signal, and how it comes about."""


def _is_permanent(case: _Case) -> bool:
    flag_type = case.facts.lifetime.type
    return flag_type is not None and case.facts.limit(case.rules.lifetimes, flag_type) is None


def _past_its_date(case: _Case) -> bool:
    return any(True for _ in _short_term_due(case))


def _unread(case: _Case) -> bool:
    return any(True for _ in _unreferenced(case)) or any(True for _ in _only_tests(case))


def _quiet(case: _Case, days: int) -> bool:
    """Tell whether it neither came nor changed lately: code that reads a new flag may still be on its way."""
    changed = case.facts.changed_at or case.facts.created_at
    return changed is not None and case.days_since(changed) >= days


def _scan_doubt(case: _Case) -> bool:
    """Tell whether the newest scans leave a doubt about absent references: files unread, or long ago."""
    facts = case.facts.references
    limit = timedelta(days=case.rules.scan_max_age_days)
    return facts is None or not facts.complete or bool(facts.unscanned) or case.now - facts.scanned_at > limit


def _missing(case: _Case) -> Iterator[str]:
    yield from _missing_references(case)
    yield from _missing_state(case)
    life = case.facts.lifetime
    if case.facts.created_at is None:
        yield "age"
    if life.type is None and life.ends_on is None and not life.short_term:
        yield "declared type or end date"
    if life.owner is None:
        yield "owner"
    yield "runtime reads"


def _missing_references(case: _Case) -> Iterator[str]:
    facts = case.facts.references
    if facts is None:
        yield "references"
        return
    if not facts.complete:
        yield "complete scan"
    elif case.now - facts.scanned_at > timedelta(days=case.rules.scan_max_age_days):
        yield "recent scan"
    if facts.unscanned:
        yield "deployed branches"
    if not facts.in_code and facts.possible:
        yield "certain references"


def _missing_state(case: _Case) -> Iterator[str]:
    if not case.facts.environments:
        yield "state"
    if any(reading.position is Position.HIDDEN for _, reading in case.critical):
        yield "value"
    if any(reading.position is Position.BETWEEN for _, reading in case.critical):
        yield "winning value"
    if any(facts.since is None for facts, _ in case.critical):
        yield "date of last change"


def _evidence(case: _Case) -> Iterator[Signal]:
    facts = case.facts
    for environment in facts.environments:
        place = environment.environment or "-"
        yield Signal(f"state in {place}", read_state(environment.state).position.value, environment.since)
    if facts.created_at is not None:
        yield Signal("created", rfc3339(facts.created_at), facts.created_at)
    if facts.changed_at is not None:
        yield Signal("last change", facts.changed_by or "unattributed", facts.changed_at)
    yield from _declared(facts.lifetime, facts.changed_at)
    if facts.references is not None:
        yield Signal("references in code", facts.references.in_code, facts.references.scanned_at)
        yield Signal("references in tests", facts.references.in_tests, facts.references.scanned_at)
        yield Signal("possible references", facts.references.possible, facts.references.scanned_at)
        yield from _said(facts.annotations, facts.references.scanned_at)
    yield from _left(facts.left)
    yield from _related(facts)
    for text, moment in facts.notices:
        yield Signal("store notice", text, moment)
    for snooze in facts.snoozes:
        yield Signal(f"snoozed until {rfc3339(snooze.until)} by {snooze.by}", snooze.reason, snooze.at)


def _left(places: Sequence[Sighting]) -> Iterator[Signal]:
    """Say which commits no longer had places that the commit scanned before had, the newest first."""
    by_scan: dict[tuple[datetime, str], list[str]] = {}
    for one in places:
        if one.gone is not None and one.departure is not None:
            named = by_scan.setdefault((one.gone.at, one.departure), [])
            named.append(f"{one.reference.path}:{one.reference.line}")
    for at, departure in sorted(by_scan, reverse=True)[:_NAMED]:
        names = by_scan[at, departure]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        yield Signal("removed from code", f"{', '.join(names[:_NAMED])}{more} {departure}", at)


def _related(facts: FlagFacts) -> Iterator[Signal]:
    if facts.successor is not None:
        yield Signal("superseded by", str(facts.successor), None)
    for flag in facts.needed_by:
        yield Signal("needed by", str(flag), None)


def _declared(life: Lifetime, as_of: datetime | None) -> Iterator[Signal]:
    """Say what the store, its name and the configuration declare; comments are told as of their scan."""
    if life.short_term and "mark" not in life.only_in_code:
        yield Signal("short-term mark", "planned", as_of)
    ends = life.ends or ((Declared(life.ends_on, str(life.end_from)),) if life.ends_on is not None else ())
    for end in ends:
        if not end.in_code:
            yield Signal(f"end date from {end.source}", end.what.isoformat(), as_of)
    if life.type is not None and "type" not in life.only_in_code:
        yield Signal(f"type from {life.type_from}", life.type.value, as_of)


def _said(annotations: Sequence[Annotation], as_of: datetime) -> Iterator[Signal]:
    """Say what comments tell, each with its place."""
    for one in annotations[:_MOST_SAID]:
        yield Signal(f"{one.kind.value} in {source_of(one)}", one.value, as_of)
    if len(annotations) > _MOST_SAID:
        yield Signal("further comments in code", len(annotations) - _MOST_SAID, as_of)


_MOST_SAID = 20


def _winning_values(facts: FlagFacts) -> dict[str, JsonValue]:
    values: dict[str, JsonValue] = {}
    for environment in facts.environments:
        reading = read_state(environment.state)
        values[environment.environment or "-"] = reading.winner if reading.settled else None
    return values


def _places(environments: list[EnvironmentFacts]) -> str:
    return ", ".join(e.environment or "its only environment" for e in environments)
