"""The golden table of verdicts, written from the rules: histories, and what has to be said of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from auditor.domain.flags import FlagId, FlagState, JsonValue
from auditor.domain.lifetimes import FlagType, LifetimeRules, SpecialLifetime, lifetime_of
from auditor.domain.references import Annotation, AnnotationKind
from auditor.domain.verdicts import (
    KEEPING_RULES,
    MISSING,
    OTHERWISE,
    REMOVAL_RULES,
    EnvironmentFacts,
    FlagFacts,
    Judgement,
    ReferenceFacts,
    StaleRules,
    judge,
)

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def ago(days: int) -> datetime:
    return NOW - timedelta(days=days)


def scanned(
    *, complete: bool = True, days_ago: int = 1, possible: int = 0, unscanned: tuple[str, ...] = (), **certain: int
) -> ReferenceFacts:
    """Return what a scan found; the counts are of certain references."""
    counts = dict(certain)
    if possible:
        counts["read"] = counts.get("read", 0) + possible
    return ReferenceFacts(counts, certain, possible, ago(days_ago), complete, unscanned)


READ = scanned(read=2)


@dataclass(frozen=True)
class Case:
    """A flag's history in short, and the verdict the rules ask for."""

    name: str
    verdict: str
    reasons: set[str]
    missing: set[str] = field(default_factory=set)
    key: str = "new-checkout"
    states: dict[str | None, tuple[Any, int]] = field(default_factory=lambda: {"prod": (True, 100)})
    created: int | None = 100
    changed: int | None = 100
    definition: JsonValue = None
    metadata: dict[str, JsonValue] = field(default_factory=dict)
    references: ReferenceFacts | None = READ
    critical: frozenset[str] = frozenset()
    successor: str | None = None
    needed_by: tuple[str, ...] = ()
    notice: str | None = None
    comments: tuple[tuple[str, str], ...] = ()


def planned(date: str | None = None) -> JsonValue:
    return {"_deprecation": {"status": "planned", **({"date": date} if date else {})}}


VARIANTS = {
    "_variants": [
        {"name": "some", "enabled": True, "rule": "(split pct::10 by::$id)"},
        {"name": "rest", "enabled": False},
    ]
}
ONE_SIDED = {"_variants": [{"name": "some", "enabled": True, "rule": "(eq $a 1)"}, {"name": "rest", "enabled": True}]}
MASKED = {"masked": True, "comparable": False}

TABLE = [
    # Fully on or off for longer than allowed.
    Case("on for long", "remove", {"fully-on"}),
    Case("off for long", "remove", {"fully-off"}, states={"prod": (False, 60)}),
    Case("on for just as long as allowed", "keep", {"in-use"}, states={"prod": (True, 30)}),
    Case("on for a day more than allowed", "remove", {"fully-on"}, states={"prod": (True, 31)}),
    Case("on in prod, off in staging: only critical environments count", "remove", {"fully-on"}, states={"prod": (True, 90), "staging": (False, 90)}),
    Case("on in staging only, where no production is known", "remove", {"fully-on"}, states={"staging": (True, 90)}),
    Case("on in prod, off in live", "keep", {"in-use"}, states={"prod": (True, 90), "live": (False, 90)}),
    Case("a configured critical environment", "remove", {"fully-off"}, states={"prod": (True, 90), "eu": (False, 90)}, critical=frozenset({"eu"})),
    Case("the last of two critical environments settled lately", "keep", {"in-use"}, states={"prod": (True, 90), "live": (True, 20)}),
    Case("without environment", "remove", {"fully-on"}, states={None: (True, 90)}),
    Case("text that says on", "remove", {"fully-on"}, states={"prod": ("enabled", 90)}),
    Case("text that says off", "remove", {"fully-off"}, states={"prod": ("Off", 90)}),
    Case("rollout at 100", "remove", {"fully-on"}, states={"prod": ({"enabled": True, "rollout": 100}, 90)}),
    Case("rollout at 0", "remove", {"fully-off"}, states={"prod": ({"enabled": True, "rollout": 0}, 90)}),
    Case("rollout stuck half way", "unknown", {"stuck-half-way", "partly-on"}, {"winning value"}, states={"prod": ({"enabled": True, "rollout": 50}, 90)}),
    Case("rollout half way for just as long as allowed", "keep", {"partly-on"}, {"winning value"}, states={"prod": ({"enabled": True, "rollout": 50}, 30)}),
    Case("a permission flag may rest half way", "keep", {"partly-on", "permanent"}, key="permission-export", states={"prod": ({"enabled": True, "rollout": 50}, 90)}),
    Case("half way in staging only", "remove", {"fully-on"}, states={"prod": (True, 90), "staging": ({"enabled": True, "rollout": 50}, 90)}),
    Case("disabled with a rollout left in it", "remove", {"fully-off"}, states={"prod": ({"enabled": False, "rollout": 50}, 90)}),
    Case("variants that differ", "keep", {"partly-on"}, {"winning value"}, states={"prod": (VARIANTS, 90)}),
    Case("variants that all give the same", "remove", {"fully-on"}, states={"prod": (ONE_SIDED, 90)}),
    Case("Powertools without rules", "remove", {"fully-on"}, states={"prod": ({"default": True}, 90)}),
    Case("Powertools with a rule that changes something", "keep", {"partly-on"}, {"winning value"}, states={"prod": ({"default": False, "rules": {"eu": {"when_match": True, "conditions": []}}}, 90)}),
    Case("Powertools with a rule that changes nothing", "remove", {"fully-off"}, states={"prod": ({"default": False, "rules": {"eu": {"when_match": False, "conditions": []}}}, 90)}),
    Case("a number is a setting, not a switch", "keep", {"in-use"}, states={"prod": (25, 90)}),
    Case("a list is a setting", "keep", {"in-use"}, states={"prod": (["a"], 90)}),
    Case("a hidden value tells nothing", "keep", {"in-use"}, {"value"}, states={"prod": (MASKED, 90)}),
    Case("a state nobody dated", "keep", {"in-use"}, {"date of last change"}, states={"prod": (True, -1)}),
    # Declared ends.
    Case("end date passed", "remove", {"past-end-date", "fully-on"}, definition=planned("2026-11-01")),
    Case("end date today", "remove", {"past-end-date", "fully-on"}, definition=planned("2026-11-20")),
    Case("end date to come", "remove", {"fully-on"}, definition=planned("2027-01-01")),
    Case("end date to come, nothing else", "keep", {"in-use"}, definition=planned("2027-01-01"), states={"prod": (True, 20)}),
    Case("end date passed on a young flag", "remove", {"past-end-date"}, definition=planned("2026-11-15"), created=10, changed=10, states={"prod": (True, 10)}),
    Case("end date passed, still split", "unknown", {"past-end-date", "partly-on"}, {"winning value"}, definition=planned("2026-11-01"), states={"prod": (VARIANTS, 90)}),
    Case("short-term without date, old", "remove", {"short-term-overdue"}, definition=planned(), states={"prod": (True, 20)}, created=41, changed=20),
    Case("short-term without date, young enough", "keep", {"in-use"}, definition=planned(), states={"prod": (True, 20)}, created=40, changed=20),
    Case("a date in the description", "remove", {"past-end-date"}, metadata={"description": "remove by 2026-10-01"}, states={"prod": (True, 20)}),
    Case("an expiration policy", "remove", {"past-end-date"}, metadata={"expires_at": "2026-11-01T00:00:00Z"}, states={"prod": (True, 20)}),
    Case("a tag with a date", "remove", {"past-end-date"}, metadata={"tags": {"expires": "2026-11-01"}}, states={"prod": (True, 20)}),
    # Types by declaration and by name.
    Case("release by name, too old", "remove", {"past-lifetime"}, key="release-cart", states={"prod": (True, 20)}, created=41, changed=20),
    Case("release by name, in its time", "keep", {"in-use"}, key="release-cart", states={"prod": (True, 20)}, created=40, changed=20),
    Case("underscore in a name", "remove", {"past-lifetime"}, key="tmp_tax", states={"prod": (True, 20)}, created=90, changed=20),
    Case("experiment by name", "remove", {"past-lifetime"}, key="exp-colour", states={"prod": (5, 20)}, created=50, changed=20),
    Case("type in the description", "remove", {"past-lifetime"}, metadata={"description": "type=release owner=a@example.com"}, states={"prod": (True, 20)}),
    Case("type in brackets", "remove", {"past-lifetime"}, metadata={"description": "[temporary] new cart"}, states={"prod": (True, 20)}),
    Case("type by tag", "remove", {"past-lifetime"}, metadata={"tags": {"flag-type": "experiment"}}, states={"prod": (True, 20)}),
    Case("ops flag in its 90 days", "keep", {"in-use"}, key="ops-drain", states={"prod": (False, 20)}, created=80, changed=20),
    Case("ops flag that nobody confirmed by a change", "remove", {"past-lifetime"}, key="ops-drain", states={"prod": ("slow", 91)}, created=400, changed=91),
    Case("ops flag confirmed by a change", "keep", {"in-use"}, key="ops-drain", states={"prod": (False, 20)}, created=400, changed=20),
    Case("ops flag confirmed by a change in another environment", "keep", {"in-use"}, key="ops-drain", states={"prod": ("slow", 400)}, created=400, changed=89),
    Case("a change confirms no release flag", "remove", {"past-lifetime"}, key="release-cart", states={"prod": (True, 20)}, created=400, changed=20),
    Case("kill switch, off for ever", "keep", {"permanent"}, key="kill-payments", states={"prod": (False, 400)}, created=400, changed=400),
    Case("permission flag, on for ever", "keep", {"permanent"}, key="permission-export", states={"prod": (True, 400)}, created=400),
    Case("kill switch that no code reads", "remove", {"unreferenced"}, key="kill-payments", states={"prod": (False, 400)}, created=400, changed=400, references=scanned()),
    # References.
    Case("never scanned is not unreferenced", "unknown", {"fully-on"}, {"references"}, references=None),
    Case("never scanned, nothing else", "unknown", {"not-known"}, {"references"}, references=None, states={"prod": (True, 20)}),
    Case("no reference in a whole fresh scan", "remove", {"unreferenced"}, references=scanned(), states={"prod": (25, 90)}),
    Case("no reference, changed lately", "keep", {"in-use"}, references=scanned(), states={"prod": (25, 20)}, changed=20),
    Case("no reference, but files were not read", "unknown", {"not-known"}, {"complete scan"}, references=scanned(complete=False), states={"prod": (25, 90)}),
    Case("no reference in an old scan", "unknown", {"not-known"}, {"recent scan"}, references=scanned(days_ago=45), states={"prod": (25, 90)}),
    Case("only possible references", "unknown", {"not-known"}, {"certain references"}, references=scanned(possible=1), states={"prod": (25, 90)}),
    Case("read only in tests", "remove", {"only-in-tests"}, references=scanned(test=3), states={"prod": (25, 90)}),
    Case("tests and one possible read", "unknown", {"not-known"}, {"certain references"}, references=scanned(test=3, possible=1), states={"prod": (25, 90)}),
    Case("only defined in a template", "remove", {"unreferenced"}, references=scanned(define=1), states={"prod": (25, 90)}),
    Case("only named in prose", "remove", {"unreferenced"}, references=scanned(doc=2), states={"prod": (25, 90)}),
    Case("a name is bound to it", "keep", {"in-use"}, references=scanned(bind=1), states={"prod": (25, 90)}),
    Case("read in code, and settled", "remove", {"fully-on"}, references=scanned(read=1, test=4)),
    Case("read in code with files unread: known references suffice", "remove", {"fully-on"}, {"complete scan"}, references=scanned(complete=False, read=1)),
    Case("what is deployed was not scanned", "unknown", {"fully-on"}, {"deployed branches"}, references=scanned(read=1, unscanned=("release-*",))),
    Case("no reference, but what is deployed was not scanned", "unknown", {"not-known"}, {"deployed branches"}, references=scanned(unscanned=("release-*",)), states={"prod": (25, 90)}),
    # What comments beside its places in code say.
    Case("a comment with a date that has come", "remove", {"past-end-date"}, comments=(("end date", "2026-11-01"),), states={"prod": (True, 20)}),
    Case("a comment with the date of today", "remove", {"past-end-date"}, comments=(("end date", "2026-11-20"),), states={"prod": (True, 20)}),
    Case("a comment with a date to come keeps even what is settled", "keep", {"not-yet"}, comments=(("end date", "2026-12-01"),)),
    Case("a comment that asks not to remove before a date to come", "keep", {"not-yet"}, comments=(("not before", "2026-12-01"),)),
    Case("a comment that asked not to remove before a date that has come is no date to go by", "keep", {"in-use"}, comments=(("not before", "2026-11-01"),), states={"prod": (True, 20)}),
    Case("a comment with a date that has come, changed lately", "remove", {"past-end-date"}, comments=(("end date", "2026-11-01"),), changed=3, states={"prod": (True, 3)}),
    Case("a comment with a date that has come, in an old scan: it may have been moved on", "keep", {"in-use"}, {"recent scan"}, comments=(("end date", "2026-11-01"),), states={"prod": (True, 20)}, references=scanned(read=2, days_ago=45)),
    Case("a comment with a date to come keeps, in an old scan too", "keep", {"not-yet"}, {"recent scan"}, comments=(("end date", "2026-12-01"),), references=scanned(read=2, days_ago=45)),
    Case("a comment with a date that has come, where what is deployed was not scanned", "unknown", {"past-end-date"}, {"deployed branches"}, comments=(("end date", "2026-11-01"),), states={"prod": (True, 20)}, references=scanned(read=2, unscanned=("release-*",))),
    Case("a comment with a date that has come on a flag that is half way", "unknown", {"past-end-date", "partly-on"}, comments=(("end date", "2026-11-01"),), states={"prod": (VARIANTS, 90)}),
    Case("comments with two dates that have come", "remove", {"past-end-date"}, comments=(("end date", "2026-10-01"), ("end date", "2026-11-01")), states={"prod": (True, 20)}),
    Case("comments that disagree whether its date has come", "unknown", {"declared-otherwise"}, comments=(("end date", "2026-11-01"), ("end date", "2027-03-01")), states={"prod": (True, 20)}),
    Case("AppConfig's date has come, a comment's has not", "unknown", {"declared-otherwise", "fully-on"}, definition=planned("2026-11-01"), comments=(("end date", "2027-03-01"),)),
    Case("a comment's date has come, the tag's has not", "unknown", {"declared-otherwise"}, metadata={"tags": {"expires": "2027-03-01"}}, comments=(("end date", "2026-11-01"),), states={"prod": (True, 20)}),
    Case("a tag and a description that disagree", "unknown", {"declared-otherwise"}, metadata={"tags": {"expires": "2027-03-01"}, "description": "remove by 2026-11-01"}, states={"prod": (True, 20)}),
    Case("an expiration policy behind a date of its own is no contradiction", "remove", {"past-end-date"}, metadata={"tags": {"expires": "2026-11-01"}, "expires_at": "2027-03-01T00:00:00Z"}, states={"prod": (True, 20)}),
    Case("a comment with a date from before it came: it is not about this flag, or a slip", "unknown", {"declared-otherwise"}, comments=(("end date", "2026-07-01"),), created=100, changed=20, states={"prod": (True, 20)}),
    Case("a comment with a date from before it came, changed lately", "keep", {"recently-changed"}, comments=(("end date", "2026-07-01"),), created=100, changed=3, states={"prod": (True, 3)}),
    Case("a comment says that it is temporary, too old", "remove", {"past-lifetime"}, comments=(("type", "temporary"),), states={"prod": (True, 20)}, changed=20),
    Case("a comment says that it is temporary, in its time", "keep", {"in-use"}, comments=(("type", "temporary"),), states={"prod": (True, 20)}, created=40, changed=20),
    Case("a comment says that it is temporary, in an old scan", "keep", {"in-use"}, {"recent scan"}, comments=(("type", "temporary"),), states={"prod": (True, 20)}, changed=20, references=scanned(read=2, days_ago=45)),
    Case("edX temporary with a date that has come", "remove", {"past-end-date"}, comments=(("type", "temporary"), ("end date", "2026-11-01")), states={"prod": (True, 20)}),
    Case("edX temporary with a date to come", "keep", {"not-yet"}, comments=(("type", "temporary"), ("end date", "2027-01-01")), states={"prod": (True, 90)}),
    Case("edX circuit breaker in a comment", "keep", {"permanent"}, comments=(("type", "circuit_breaker"),), states={"prod": (True, 400)}, created=400, changed=400),
    Case("a comment says permanent, against its name", "keep", {"permanent"}, key="release-cart", comments=(("type", "permanent"),), created=400, changed=400, states={"prod": (True, 400)}),
    Case("a comment says permanent, against its tag", "unknown", {"declared-otherwise", "past-lifetime"}, metadata={"tags": {"type": "release"}}, comments=(("type", "permanent"),), states={"prod": (True, 20)}, changed=20),
    Case("comments that disagree about its type while both would let it live", "keep", {"in-use"}, comments=(("type", "release"), ("type", "ops")), created=20, changed=20, states={"prod": (True, 20)}),
    Case("a comment asks for its removal without a date, old", "remove", {"short-term-overdue"}, comments=(("mark", "remove"),), created=41, changed=20, states={"prod": (True, 20)}),
    Case("a comment asks for its removal without a date, young enough", "keep", {"in-use"}, comments=(("mark", "remove"),), created=40, changed=20, states={"prod": (True, 20)}),
    Case("a comment asks for its removal, in an old scan", "keep", {"in-use"}, {"recent scan"}, comments=(("mark", "deprecated"),), created=41, changed=20, states={"prod": (True, 20)}, references=scanned(read=2, days_ago=45)),
    Case("a comment's date of creation dates nothing", "remove", {"fully-on"}, {"age"}, comments=(("created", "2026-01-05"),), created=None),
    Case("a comment's stage of development is evidence, no verdict", "keep", {"in-use"}, comments=(("stage", "development"),), states={"prod": (True, 20)}),
    # How flags relate.
    Case("superseded by its next version, and settled", "remove", {"fully-on", "superseded"}, successor="new-checkout-v2"),
    Case("superseded alone is not enough", "unknown", {"superseded"}, successor="new-checkout-v2", states={"prod": (True, 20)}),
    Case("superseded and changed lately", "keep", {"recently-changed"}, successor="new-checkout-v2", changed=3, states={"prod": (True, 3)}),
    Case("a kill switch is not superseded", "keep", {"permanent"}, key="kill-payments", successor="kill-payments-2", states={"prod": (False, 90)}),
    Case("settled, but another flag depends on it", "keep", {"needed"}, needed_by=("express-checkout",)),
    Case("past its date, but another flag depends on it", "keep", {"needed"}, needed_by=("a", "b", "c", "d"), definition=planned("2026-11-01")),
    # The rules of others, as the field survey has them, and what is said here instead.
    Case("LaunchDarkly new: younger than 7 days, never read", "keep", {"young"}, created=6, changed=6, states={"prod": (False, 6)}, references=scanned()),
    Case("LaunchDarkly launched: one variation for 7 days is too short here", "keep", {"recently-changed"}, changed=8, states={"prod": (True, 8)}),
    Case("LaunchDarkly ready for code removal: launched in all critical environments for 30 days", "remove", {"fully-on"}, states={"prod": (True, 40), "live": (True, 40)}),
    Case("LaunchDarkly ready to archive: no code references", "remove", {"fully-on", "unreferenced"}, references=scanned()),
    Case("LaunchDarkly prerequisite: never ready", "keep", {"needed"}, needed_by=("other",), states={"prod": (True, 400)}, created=400, changed=400),
    Case("Unleash potentially stale: age alone, whatever changed", "keep", {"recently-changed"}, key="release-cart", created=90, changed=2, states={"prod": (True, 2)}),
    Case("Unleash operational: 7 days there, 90 here", "keep", {"in-use"}, key="ops-drain", created=20, changed=20, states={"prod": (False, 20)}),
    Case("Unleash kill switch: no lifetime", "keep", {"permanent"}, key="kill-payments", created=900, changed=900, states={"prod": (False, 900)}),
    Case("Flagsmith stale tag: no change for 30 days, half way", "unknown", {"stuck-half-way", "partly-on"}, states={"prod": ({"enabled": True, "rollout": 10}, 31)}),
    Case("Flagsmith to remove: stale, no references", "remove", {"fully-off", "unreferenced"}, states={"prod": (False, 31)}, changed=31, references=scanned()),
    Case("Flagsmith new for ever: never scanned is not new here", "unknown", {"fully-on"}, {"references"}, references=None),
    Case("GrowthBook: updated within 2 weeks", "keep", {"recently-changed"}, changed=13, states={"prod": (True, 13)}),
    Case("GrowthBook toggled off everywhere: its page says stale, its code says not", "remove", {"fully-off"}, states={"prod": (False, 90), "live": (False, 90)}),
    Case("GrowthBook one-sided rules", "remove", {"fully-on"}, states={"prod": (ONE_SIDED, 31)}),
    Case("Statsig all false for 30 days", "remove", {"fully-off"}, states={"prod": (False, 31)}, changed=31),
    Case("Statsig never checked: reads are not seen here, code is", "remove", {"unreferenced"}, {"runtime reads"}, states={"prod": (25, 90)}, references=scanned()),
    Case("PostHog disabled flags are not stale there", "remove", {"fully-off"}, states={"prod": (False, 90)}),
    Case("PostHog a 100% condition with properties", "keep", {"partly-on"}, {"winning value"}, states={"prod": (VARIANTS, 31)}),
    Case("DevCycle unmodified for 14 days is too short here", "keep", {"in-use"}, key="release-cart", created=20, changed=15, states={"prod": (True, 15)}),
    Case("ConfigCat stale in one of the chosen environments", "keep", {"in-use"}, states={"prod": (True, 90), "live": (True, 10)}, changed=20),
    Case("ConfigCat stale in all of the chosen environments", "remove", {"fully-on"}, states={"eu": (True, 90), "us": (True, 90)}, critical=frozenset({"eu", "us"})),
    Case("Harness one global value for more than 30 days", "remove", {"fully-on"}, states={"prod": (True, 31)}),
    Case("Datadog no modification for 30 days, targeted", "keep", {"partly-on"}, states={"prod": (VARIANTS, 31)}),
    Case("RedPennon absent from code", "remove", {"unreferenced"}, references=scanned(), states={"prod": (["a"], 90)}),
    Case("FlagShark age of the line: 6 months, but a setting", "keep", {"in-use"}, created=200, changed=200, states={"prod": (25, 200)}),
    Case("AWS NoChangeNotification is evidence, no verdict", "keep", {"in-use"}, states={"prod": (25, 90)}, notice="not changed for 60 days"),
    Case("AWS Expiration to come", "keep", {"in-use"}, metadata={"expires_at": "2026-12-24T00:00:00Z"}, states={"prod": (True, 20)}, changed=20),
    Case("AppConfig deprecation date passed: nothing happens there", "remove", {"past-end-date"}, definition=planned("2026-11-19"), states={"prod": (5, 40)}),
    Case("GitLab experiment past its months, still half way", "unknown", {"past-lifetime", "stuck-half-way", "partly-on"}, key="exp-colour", created=200, states={"prod": ({"enabled": True, "rollout": 50}, 190)}),
    Case("GitLab intended to roll out by a date to come", "keep", {"in-use"}, metadata={"description": "[release] until 2027-03-01"}, created=200, changed=20, states={"prod": (True, 20)}),
    Case("GitLab ops to be confirmed again", "remove", {"past-lifetime"}, key="ops-drain", created=366, changed=366, states={"prod": ("slow", 366)}),
    Case("Chromium expired milestone", "remove", {"past-end-date"}, metadata={"description": "expires 2026-09-01"}, states={"prod": (True, 20)}),
    Case("edX a temporary toggle without a date", "remove", {"past-lifetime"}, metadata={"description": "type=temporary"}, states={"prod": (True, 20)}),
    Case("edX a circuit breaker", "keep", {"permanent"}, metadata={"tags": {"flag-type": "kill-switch"}}, states={"prod": (True, 20)}),
    Case("Vespa a date that was moved on", "keep", {"recently-changed"}, metadata={"description": "expires 2027-09-01"}, changed=1, states={"prod": (True, 90)}),
    # What speaks for leaving it alone.
    Case("young", "keep", {"young"}, created=5, changed=5, states={"prod": (True, 5)}),
    Case("young and unreferenced", "keep", {"young"}, created=5, changed=5, states={"prod": (True, 5)}, references=scanned()),
    Case("changed lately", "keep", {"recently-changed"}, changed=3, states={"prod": (True, 3)}),
    Case("changed lately in staging only: still open", "keep", {"recently-changed"}, changed=3, states={"prod": (True, 90), "staging": (False, 3)}),
    Case("no state at all", "unknown", {"not-known"}, {"state"}, states={}),
    Case("creation not dated", "remove", {"fully-on"}, {"age"}, created=None),
]  # fmt: skip


def facts(case: Case) -> FlagFacts:
    flag = FlagId("shop", case.key)
    said = tuple(
        Annotation("shop/flags.py", line, AnnotationKind(kind), value, f"{kind}: {value}")
        for line, (kind, value) in enumerate(case.comments, start=1)
    )
    environments = tuple(
        EnvironmentFacts(name, FlagState(value), ago(days) if days >= 0 else None, "alice")
        for name, (value, days) in case.states.items()
    )
    return FlagFacts(
        flag,
        environments,
        ago(case.created) if case.created is not None else None,
        ago(case.changed) if case.changed is not None else None,
        "alice",
        lifetime_of(flag, case.definition, case.metadata, LifetimeRules(), said),
        case.references,
        notices=() if case.notice is None else ((case.notice, ago(2)),),
        successor=None if case.successor is None else FlagId("shop", case.successor),
        needed_by=tuple(FlagId("shop", name) for name in case.needed_by),
        annotations=said,
    )


def verdict(case: Case) -> Judgement:
    return judge(facts(case), StaleRules(critical=case.critical), NOW)


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.name)
def test_the_golden_table(case: Case) -> None:
    judgement = verdict(case)
    assert judgement.verdict.value == case.verdict
    assert {reason.code for reason in judgement.reasons} == case.reasons
    assert case.missing <= set(judgement.missing)


def test_the_table_has_sixty_histories_of_different_names() -> None:
    assert len({case.name for case in TABLE}) == len(TABLE) >= 60


@pytest.mark.parametrize("case", [c for c in TABLE if c.references is not None], ids=lambda case: case.name)
def test_taking_the_scan_away_never_makes_a_removal(case: Case) -> None:
    """Absent evidence never raises certainty."""
    without = judge(facts(Case(**{**vars(case), "references": None})), StaleRules(critical=case.critical), NOW)
    assert without.verdict.value != "remove"
    assert "references" in without.missing


def test_a_verdict_in_contract_form() -> None:
    shown = verdict(TABLE[0]).to_json()
    assert shown["winning_value"] == {"prod": True}
    assert shown["age_days"] == 100
    assert shown["references"] == {
        "read": 2, "write": 0, "define": 0, "bind": 0, "test": 0, "doc": 0, "possible": 0, "scanned_at": "2026-11-19T12:00:00Z",
    }  # fmt: skip
    assert set(shown) == {
        "application", "flag", "verdict", "reasons", "evidence", "missing", "winning_value", "owner", "age_days", "references",
    }  # fmt: skip


def test_never_scanned_is_said_with_null() -> None:
    shown = verdict(next(c for c in TABLE if c.references is None)).to_json()
    assert isinstance(shown["references"], dict)
    assert shown["references"]["scanned_at"] is None


def test_owners_come_from_the_description_or_the_configuration() -> None:
    flag = FlagId("shop", "checkout-banner")
    rules = LifetimeRules(owners=(("shop/checkout-*", "@checkout"),))
    assert lifetime_of(flag, None, {"description": "owner=a@example.com"}, rules).owner == "a@example.com"
    assert lifetime_of(flag, None, {}, rules).owner == "@checkout"
    assert lifetime_of(FlagId("pay", "x"), None, {}, rules).owner is None


def test_every_word_of_a_verdict_is_explained_and_every_explanation_is_of_use() -> None:
    judgements = [verdict(case) for case in TABLE]
    codes = {reason.code for judgement in judgements for reason in judgement.reasons}
    signals = {signal for judgement in judgements for signal in judgement.missing}

    assert codes == {rule.code for rule in (*REMOVAL_RULES, *KEEPING_RULES)} | set(OTHERWISE)
    assert signals == set(MISSING)


def test_flags_of_an_application_an_environment_or_a_tag_may_live_otherwise() -> None:
    special = (
        SpecialLifetime(FlagType.RELEASE, None, tag="keep=*"),
        SpecialLifetime(FlagType.RELEASE, 10, environment="Stag*"),
        SpecialLifetime(FlagType.RELEASE, 300, application="shop"),
        SpecialLifetime(FlagType.OPS, 1),
    )
    rules = StaleRules(lifetimes=LifetimeRules(special=special))

    def verdict_of(case: Case) -> tuple[str, set[str]]:
        found = judge(facts(case), rules, NOW)
        return found.verdict.value, {reason.code for reason in found.reasons}

    usual = Case("", "", set(), key="release-cart", states={"prod": (True, 20)}, created=90, changed=20)
    assert judge(facts(usual), StaleRules(), NOW).verdict.value == "remove"
    assert verdict_of(usual) == ("keep", {"in-use"})
    assert verdict_of(replace(usual, states={"prod": (True, 20), "staging": (True, 20)})) == (
        "remove",
        {"past-lifetime"},
    )
    assert verdict_of(replace(usual, metadata={"tags": {"keep": "yes"}}, states={"staging": (True, 20)})) == (
        "keep",
        {"permanent"},
    )
    assert verdict_of(replace(usual, key="ops-drain")) == ("remove", {"past-lifetime"})


def test_a_rule_is_said_with_the_thresholds_that_count() -> None:
    sentences = [rule.said(StaleRules(settled_days=45)) for rule in (*REMOVAL_RULES, *KEEPING_RULES)]

    assert "It has been fully on in every environment that counts for more than 45 days." in sentences
    assert not [sentence for sentence in sentences if "{" in sentence or "None" in sentence]
