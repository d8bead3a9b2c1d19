"""The week in messages: one for all, one for each team that has something to do, each on its way."""

from __future__ import annotations

from datetime import timedelta

import pytest

from auditor import bootstrap
from auditor.application.messages import compose
from auditor.application.weekly import week_of, weekly_alerts
from auditor.domain.alerts import AlertKind
from auditor.domain.changes import ChangeKind
from auditor.domain.flags import FlagId, FlagState
from auditor.domain.lifetimes import LifetimeRules
from auditor.domain.references import ScanResult
from auditor.domain.routing import Destination, Route, Routing
from auditor.domain.snoozes import Snooze
from auditor.domain.verdicts import StaleRules
from auditor.policies import FLAG_POLICIES
from auditor.policies.base import Rulebook
from tests.support.alerts import alert
from tests.support.filled import record
from tests.support.records import at, change, document

DAY = 24
OWNERS = (("shop/cart-*", "@cart"), ("shop/search-*", "@search"), ("shop/idle-*", "@idle"))
RULES = StaleRules(LifetimeRules(owners=OWNERS))
ROUTING = Routing((Route("search", owner="@sea*"),), {"search": Destination("search")})
NOW = at(100 * DAY)


def made(flag, days, *, gone=None):
    """Return the life of a flag that was switched on so many days before the week's end."""
    ref = document(f"/shop/prod/features/{flag}")
    common = {"flag": flag, "document": ref}
    yield change(
        days, key=flag, cause=flag, kind=ChangeKind.CREATED, before=None, after=FlagState(True), occurred_at=NOW - timedelta(days=days), **common
    )  # fmt: skip
    if gone is not None:
        yield change(
            gone, key=f"{flag}-gone", cause=f"{flag}-gone", kind=ChangeKind.DELETED, after=None, occurred_at=NOW - timedelta(days=gone), **common
        )  # fmt: skip


@pytest.fixture
def database(tmp_path):
    url = f"sqlite:///{tmp_path / 'record.db'}"
    lives = [
        *made("cart-old", 90),
        *made("cart-new", 33),  # settled since three days
        *made("cart-let-be", 90),
        *made("search-old", 90),
        *made("idle-young", 20),
        *made("orphan", 90),
    ]
    record(url, lives, at=NOW - timedelta(days=95))
    first, last = made("search-gone", 90, gone=2)
    record(url, [first], at=NOW - timedelta(days=95))
    record(url, [last], at=NOW - timedelta(days=2))
    opened = bootstrap.database(url)
    with opened.unit_of_work() as uow:
        for days in (20, 1):
            uow.references.save("/shop", ScanResult(), NOW - timedelta(days=days))
        until = NOW + timedelta(days=3)
        uow.snoozes.add(Snooze(FlagId("shop", "cart-let-be"), until, "audit", "dana", NOW - timedelta(days=9)))
        uow.commit()
    yield opened
    opened.close()


@pytest.fixture
def alerts(database):
    with database.reader() as uow:
        return list(weekly_alerts(week_of(uow, RULES, NOW), "stale.html", ROUTING))


def facts(found):
    return dict(found.facts)


def test_one_for_all_and_one_for_each_team_that_has_something_to_do(alerts):
    assert [(found.key, found.route) for found in alerts] == [
        ("report|2026-W24", None),
        ("report|2026-W24|@cart", None),
        ("report|2026-W24|@search", "search"),
    ]
    assert {found.kind for found in alerts} == {AlertKind.REPORT}


def test_a_team_sees_what_can_go_what_is_new_what_went_and_which_snoozes_end(alerts):
    _, cart, search = map(facts, alerts)

    assert set(cart["can_go"]) == {"shop/cart-old", "shop/cart-new"}
    assert "shop/cart-new" in cart["new_since_last_week"]
    assert "shop/cart-old" not in cart["new_since_last_week"]
    assert cart["snoozes_ending"] == ["shop/cart-let-be on 2026-06-13 (dana)"]
    assert (cart["removed"], search["removed"]) == ([], ["shop/search-gone"])
    assert (cart["flags"], cart["remove"], search["can_go"]) == (3, 2, ["shop/search-old"])


def test_all_are_counted_whoever_owns_them(alerts):
    everything = facts(alerts[0])

    assert (everything["flags"], everything["page"]) == (6, "stale.html")
    assert "shop/orphan" in everything["can_go"]
    assert "shop/cart-let-be" not in everything["can_go"]
    assert everything["removed"] == ["shop/search-gone"]
    assert everything["remove_last_week"] == 4


def test_what_the_policies_say_is_counted_for_all_and_for_each_team(database):
    with database.reader() as uow:
        week = week_of(uow, RULES, NOW, Rulebook(FLAG_POLICIES))
    everything, cart, *_ = (facts(found) for found in weekly_alerts(week, "stale.html", ROUTING))
    number = sum(finding.code == "unreferenced-flag" for one in week.findings for finding in one.findings)

    assert f"unreferenced-flag (medium): {number}" in everything["policies_say"]
    assert everything["policies_say"] != cart["policies_say"] != []
    assert everything["could_go_each_week"].endswith(f"→ {len(everything['can_go']) + 1}"), "one is snoozed"
    assert cart["could_go_each_week"].endswith("→ 3"), "one of them is snoozed"


def test_the_message_names_the_team_and_leaves_out_what_there_is_none_of(alerts):
    _, cart, search = (compose(alert(kind=AlertKind.REPORT, facts=found.facts)) for found in alerts)

    assert cart.title == "Weekly flag report for @cart: 2 flags can go"
    assert "Removed" not in {fact.label for fact in cart.facts}
    assert cart.lines == ("3 flags: 2 can go (1 a week ago), 1 snoozed, 0 not known, 0 stay.",)
    assert search.lines[1:] == ("Thank you for what was removed.",)


def test_a_page_that_is_published_is_linked(database):
    with database.reader() as uow:
        week = week_of(uow, RULES, NOW)
    (first, *_) = weekly_alerts(week, "https://flags.example/stale-2026-06-10.html", ROUTING)
    message = compose(alert(kind=AlertKind.REPORT, facts=first.facts))
    assert message.report == "https://flags.example/stale-2026-06-10.html"
    assert "Page" not in {fact.label for fact in message.facts}


def test_asking_twice_in_a_week_tells_once(database, alerts):
    with database.unit_of_work() as uow:
        first = [uow.outbox.put(found, NOW) for found in alerts]
        again = [uow.outbox.put(found, NOW + timedelta(hours=1)) for found in alerts]
        uow.commit()
        (routed,) = uow.outbox.claim("x", NOW, lease_seconds=9, limit=9, route="search")

    assert (first, again) == ([True] * 3, [False] * 3)
    assert routed.key == "report|2026-W24|@search"
