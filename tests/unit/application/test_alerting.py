"""The law of telling: every alertable change is in exactly one message or digest, whatever the routes."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from auditor.application.alerting import Desk, Tellable, digests_of, plan_alerts, routed
from auditor.domain.alerts import AlertKind
from auditor.domain.changes import ChangeKind, Detection
from auditor.domain.findings import Severity
from auditor.domain.routing import Destination, Quiet, Route, Routing
from tests.support.alerts import AT, recorded, unattributed

NAMES = ("checkout", "ops", "night")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@st.composite
def changes(draw, number):
    kind = draw(st.sampled_from(list(ChangeKind)))
    made = recorded(
        number=number,
        key=f"k{number}",
        cause=f"cause-{draw(st.integers(0, 6))}",
        kind=kind,
        application=draw(st.sampled_from(["shop", "pay", None])),
        environment=draw(st.sampled_from(["prod", "staging", None])),
        detected_by=draw(st.sampled_from(list(Detection))),
        occurred_at=AT - timedelta(minutes=draw(st.sampled_from([0, 1, 59, 61, 900]))),
    )
    made = unattributed(made) if draw(st.booleans()) else made
    worst = draw(st.none() | st.sampled_from(list(Severity)))
    return Tellable(made, draw(st.sampled_from([None, "@shop", "@pay"])), worst)


@st.composite
def routings(draw):
    quiet = st.sampled_from([Quiet(), Quiet(days=DAYS), Quiet(days=("mon",))])
    urgent = st.sampled_from([Severity.HIGH, Severity.CRITICAL])
    budget = st.none() | st.integers(1, 3)
    ways = {name: Destination(name, draw(quiet), draw(budget), draw(urgent)) for name in NAMES}
    pattern = st.sampled_from([None, None, "shop", "pay", "*"])
    routes = [
        Route(
            draw(st.sampled_from([*NAMES, "gone"])),
            application=draw(pattern),
            environment=draw(st.sampled_from([None, "prod", "*"])),
            owner=draw(st.sampled_from([None, "@shop"])),
            severity=draw(st.none() | st.sampled_from(list(Severity))),
        )
        for _ in range(draw(st.integers(0, 4)))
    ]
    return Routing(tuple(routes), ways, Destination(None, draw(quiet), draw(budget)))


@given(st.data(), routings(), st.integers(0, 4))
def test_every_alertable_change_is_in_exactly_one_alert(data, routing, recent):
    items = [data.draw(changes(number)) for number in range(data.draw(st.integers(0, 25)))]
    planned = list(plan_alerts(items, AT, Desk(AT, routing, lambda _route: recent)))

    told = Counter(key for alert in planned for key in alert.change_keys)
    alertable = [
        item.change.change.key
        for item in items
        if item.change.change.detected_by is not Detection.BACKFILL and item.change.change.kind is not ChangeKind.FAILED
    ]
    assert told == Counter(alertable)
    assert len({alert.key for alert in planned}) == len(planned)


@given(st.data(), routings())
def test_each_change_goes_where_the_first_fitting_route_leads(data, routing):
    items = [data.draw(changes(number)) for number in range(data.draw(st.integers(0, 25)))]
    ways = {item.change.change.key: routing.destination(item.change, item.owner, item.worst).name for item in items}

    for alert in plan_alerts(items, AT, Desk(AT, routing)):
        assert {ways[key] for key in alert.change_keys} == {alert.route}


@given(st.data(), routings(), st.integers(0, 4))
def test_a_message_tells_of_one_cause_and_urgent_ones_never_wait(data, routing, recent):
    items = {n: data.draw(changes(n)) for n in range(data.draw(st.integers(0, 25)))}
    by_key = {item.change.change.key: item for item in items.values()}

    for alert in plan_alerts(items.values(), AT, Desk(AT, routing, lambda _route: recent)):
        told = [by_key[key] for key in alert.change_keys]
        if alert.kind is AlertKind.CHANGE:
            assert {item.change.change.cause for item in told} == {alert.cause}
            assert alert.not_before is None
        else:
            assert alert.not_before > AT
        late = [item for item in told if item.change.change.detected_by is Detection.RECONCILE]
        if alert.kind is AlertKind.DIGEST and not late:
            assert all(item.worst is not Severity.CRITICAL for item in told)


def test_a_budget_counts_what_is_planned_with_it():
    routing = Routing((), {}, Destination(None, budget=2))
    items = [Tellable(recorded(number=n, key=f"k{n}", cause=f"c{n}")) for n in range(5)]

    planned = list(plan_alerts(items, AT, Desk(AT, routing)))

    assert [alert.kind for alert in planned] == [AlertKind.CHANGE, AlertKind.CHANGE, AlertKind.DIGEST]
    assert planned[2].change_keys == ("k2", "k3", "k4")
    assert planned[2].facts == (("held_back", "budget"),)


def test_only_single_writes_of_somebody_named_are_taken_together():
    def burst(*changes):
        (alert,) = plan_alerts([Tellable(change) for change in changes], AT, Desk(AT))
        return alert.burst

    assert burst(recorded()) == burst(recorded(flag="other", cause="other"))
    assert burst(unattributed(recorded())) is None
    assert burst(recorded(), recorded(number=2, key="other")) is None
    assert burst(recorded(kind=ChangeKind.DENIED)) is None
    assert burst(recorded(kind=ChangeKind.LABEL_MOVED)) is None


def test_a_run_lets_go_of_its_own_digests_only():
    items = [Tellable(recorded(detected_by=Detection.RECONCILE, occurred_at=AT - timedelta(hours=3)))]
    routing = Routing((Route("team"),), {"team": Destination("team")})
    keys = [alert.key for alert in plan_alerts(items, AT, Desk(AT, routing))]

    assert digests_of([*keys, "change|x", routed("digest|quiet|y", "team")], AT) == keys
    assert digests_of(keys, AT + timedelta(minutes=1)) == []
