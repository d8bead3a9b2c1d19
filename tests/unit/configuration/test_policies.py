"""Policies in the configuration: thresholds, overrides and freezes, and every fault with its line."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from auditor.domain.errors import ConfigurationError
from auditor.policies import CHANGE_POLICIES, FLAG_POLICIES
from auditor.settings import Settings


@pytest.fixture
def load(tmp_path):
    def read(text):
        path = tmp_path / "flagtrail.toml"
        path.write_text(text)
        return Settings.load({}, config=str(path))

    return read


def faults(load, text):
    with pytest.raises(ConfigurationError) as caught:
        load(text)
    return [line.partition("flagtrail.toml:")[2] for line in str(caught.value).splitlines()[1:]]


def by_code(book):
    return {policy.code: policy for policy in book.policies}


def test_without_a_word_they_are_as_built_in(load):
    policies = load("").policies

    assert policies.change.policies == CHANGE_POLICIES
    assert policies.flag.policies == FLAG_POLICIES
    assert (policies.change.overrides, policies.flag.overrides, policies.freezes) == ((), (), ())


def test_the_example_shows_what_is_built_in(root):
    policies = Settings.load({}, config=str(root / "examples" / "flagtrail.toml")).policies

    assert policies.change.policies == CHANGE_POLICIES
    assert policies.flag.policies == FLAG_POLICIES
    assert [override.policy.code for override in policies.flag.overrides] == ["past-lifetime", "unreferenced-flag"]
    assert policies.freezes[0].ends == datetime(2027, 1, 4, 7, tzinfo=UTC)


def test_every_kind_of_threshold(load):
    policies = load("""
[notify]
unattributed_after = "2h"
[policy.out-of-hours]
enabled = true
severity = "high"
begin = "07:30"
days = ["mon"]
timezone = "Europe/Berlin"
[policy.flip-flop]
within = "3d"
returns = 4
[policy.console-change]
environments = ["live-*"]
""").policies
    found = by_code(policies.change)

    hours = found["out-of-hours"]
    assert (hours.enabled, hours.severity, hours.begin, hours.days) == (True, "high", time(7, 30), ("mon",))
    assert hours.timezone == "Europe/Berlin"
    assert (found["flip-flop"].within, found["flip-flop"].returns) == (timedelta(days=3), 4)
    assert found["console-change"].environments == ("live-*",)
    assert found["unattributed-change"].after == timedelta(hours=2)


def test_an_override_changes_what_it_says_and_keeps_the_rest(load):
    policies = load("""
[policy.unreferenced-flag]
severity = "low"
[[override]]
policy = "unreferenced-flag"
application = "legacy-*"
type = "ops"
set = { after = "90d" }
[[override]]
policy = "denied-attempt"
environment = "dev"
enabled = false
""").policies
    (quiet,) = policies.change.overrides
    (patient,) = policies.flag.overrides

    assert (quiet.environment, quiet.policy.enabled) == ("dev", False)
    assert (patient.application, patient.type) == ("legacy-*", "ops")
    assert (patient.policy.after, patient.policy.severity, patient.policy.scan_within) == (
        timedelta(days=90),
        "low",
        timedelta(days=30),
    )


def test_a_freeze_of_days_counts_them_whole(load):
    (freeze,) = load('[[freeze]]\nname = "sale"\nbegins = 2026-12-19\nends = "2026-12-20"\n').policies.freezes

    assert freeze.begins == datetime(2026, 12, 19, tzinfo=UTC)
    assert freeze.covers(datetime(2026, 12, 20, 23, 59, tzinfo=UTC), "shop", "prod")
    assert not freeze.covers(datetime(2026, 12, 21, tzinfo=UTC), "shop", "prod")


def test_all_faults_come_at_once_with_their_lines(load):
    text = """[policy.flipflop]
enabled = true
[policy.flip-flop]
enabled = "yes"
returns = 0
within = 3
[policy.out-of-hours]
begin = "25:00"
days = ["monday"]
timezone = "Mars/Olympus"
[[override]]
policy = "flip-flop"
set = { return = 3 }
[[override]]
policy = "root-change"
type = "relase"
set = { after = "1d" }
[[freeze]]
name = "sale"
begins = "2026-12-20"
ends = "2026-12-19"
[[freeze]]
name = "no end"
begins = "tomorrow"
"""
    told = faults(load, text)

    assert [int(fault.partition(":")[0]) for fault in told] == [1, 4, 5, 6, 8, 9, 10, 13, 16, 17, 21, 22, 24]
    assert "did you mean 'flip-flop'" in told[0]
    assert "did you mean 'returns'" in told[7]
