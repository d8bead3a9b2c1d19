"""A deployed installation: what its function finds from where it stands, and what is around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from auditor.adapters.deployment import Surroundings
from auditor.entrypoints.health import Check, failing

if TYPE_CHECKING:
    from auditor.adapters.aws import AwsClients

OLDEST = timedelta(hours=1)
"""How long an event may wait; the template's alarm says the same."""
Told = Callable[[dict[str, str]], object]


def of_function(clients: AwsClients, function: str, told: Told) -> Iterator[Check]:
    """Yield that the function answers and what it finds; hand on what it tells of its installation."""
    answer = Surroundings(clients).ask(function, "doctor")
    yield Check("function", "ok", f"{function} answers from account {clients.account()}, Region {clients.region()}")
    told({name: str(value) for name, value in answer.get("installation", {}).items()})
    checks: list[dict[str, Any]] = answer.get("checks", [])
    yield from (Check.of_json(entry) for entry in checks)


def of_surroundings(clients: AwsClients, installation: dict[str, str] | None) -> Iterator[Check]:
    """Yield trail, rules, extensions and queues; ``installation`` names the rules and queues, where it is known."""
    around = Surroundings(clients)
    yield from failing("trail", "", partial(_trail, around))
    yield from failing("extensions", "", partial(_extensions, around))
    if installation is None:
        yield Check("rules", "remark", "the function did not say which rules and queues are its own", None)
        return
    yield from failing("rules", "", partial(_rules, around, installation.get("rules", "")))
    yield from failing("queue", "", partial(_queue, around, installation.get("queue", "")))
    yield from failing("dead letters", "", partial(_dead_letters, around, installation.get("dead_letters", "")))


def _trail(around: Surroundings) -> Iterator[Check]:
    trails = list(around.trails())
    right = [trail.name for trail in trails if trail.logging and trail.writes]
    if right:
        yield Check("trail", "ok", f"{', '.join(right)} logs the calls that write")
        return
    if not trails:
        detail = "no trail sees this Region: changes are recorded, mostly without a name"
    else:
        off = ", ".join(f"{t.name} ({'keeps no writes' if t.logging else 'is switched off'})" for t in trails)
        detail = f"no trail brings the calls that write: {off}"
    remedy = "switch on a trail for management events that write; CloudTrail's event history alone sends no events"
    yield Check("trail", "failed", detail, remedy)


def _extensions(around: Surroundings) -> Iterator[Check]:
    found = list(around.applications())
    if not found:
        yield Check("extensions", "ok", "there is no AppConfig application")
    silent = [(number, name) for number, name, tells in found if not tells]
    for number, name in silent:
        yield Check(
            "extensions",
            "failed",
            f"the AppConfig application {name} ({number}) does not tell of its deployments",
            f"deploy deploy/appconfig-application.yaml with ApplicationId={number}",
        )
    if found and not silent:
        yield Check("extensions", "ok", f"{len(found)} AppConfig applications tell of their deployments")


def _rules(around: Surroundings, names: str) -> Iterator[Check]:
    wanted = [name for name in names.split(",") if name]
    if not wanted:
        yield Check("rules", "remark", "the function does not know its rules", "deploy deploy/template.yaml again")
        return
    wrong = False
    for name in wanted:
        state = around.rule_state(name)
        if state is not None and state[0].startswith("ENABLED") and state[1]:
            continue
        wrong = True
        how = "is gone" if state is None else f"is {state[0].lower()}" if state[1] else "has no target"
        yield Check(
            "rules", "failed", f"the rule {name} {how}", f"`aws events enable-rule --name {name}`, or deploy again"
        )
    if not wrong:
        yield Check("rules", "ok", f"{len(wanted)} rules are enabled and have a target")


def _queue(around: Surroundings, url: str) -> Iterator[Check]:
    if not url:
        return
    state = around.queue(url)
    age = "" if state.oldest is None else f", the oldest for {int(state.oldest.total_seconds())} s"
    detail = f"{state.waiting} events wait{age}"
    if state.oldest is not None and state.oldest > OLDEST:
        remedy = "see `Events that wait` in docs/operations.md"
        yield Check("queue", "failed", detail, remedy)
    else:
        yield Check("queue", "ok", detail)


def _dead_letters(around: Surroundings, url: str) -> Iterator[Check]:
    if not url:
        return
    waiting = around.queue(url).waiting
    if waiting:
        yield Check(
            "dead letters",
            "failed",
            f"{waiting} events could not be recorded",
            "see `Dead letters` in docs/operations.md",
        )
    else:
        yield Check("dead letters", "ok", "none")
