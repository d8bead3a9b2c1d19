"""Every policy against its own cases, and what all policies have in common."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auditor.policies import CHANGE_POLICIES, FLAG_POLICIES
from auditor.policies.base import Override, Rulebook, Traits, options_of

POLICIES = (*CHANGE_POLICIES, *FLAG_POLICIES)
CASES = [
    pytest.param(policy, case, expected, id=f"{policy.code}: {case.words}")
    for policy in POLICIES
    for expected, cases in ((0, policy.VALID), (1, policy.INVALID))
    for case in cases
]


@pytest.mark.parametrize(("policy", "case", "expected"), CASES)
def test_a_case(policy, case, expected):
    found = list(replace(policy, **dict(case.options)).check(case.subject, case.context))

    assert len(found) == expected
    for finding in found:
        assert (finding.code, finding.severity) == (policy.code, policy.severity)
        assert finding.message[0] != " "
        assert not finding.message.endswith(".")


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.code)
def test_a_policy_says_what_it_is(policy):
    assert policy.rule.endswith(".")
    assert policy.VALID
    assert policy.INVALID
    assert len({case.words for case in (*policy.VALID, *policy.INVALID)}) == len(policy.VALID) + len(policy.INVALID)
    assert all(item.doc.endswith(".") for item in options_of(policy))


def test_codes_are_different_and_in_order():
    for policies in (CHANGE_POLICIES, FLAG_POLICIES):
        codes = [policy.code for policy in policies]
        assert codes == sorted(set(codes))


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.code)
def test_severity_is_the_configured_one(policy):
    case = policy.INVALID[0]
    loud = replace(policy, **dict(case.options), severity="critical")

    assert {finding.severity for finding in loud.check(case.subject, case.context)} == {"critical"}


def chosen(book, application="shop", environments=("prod",), kind=None, tags=()):
    return [policy.severity for policy in book.choose(application, environments, Traits(kind, tags))]


def test_the_first_override_that_fits_counts():
    usual = FLAG_POLICIES[0]
    loud, quiet = replace(usual, severity="critical"), replace(usual, severity="info")
    book = Rulebook((usual,), (Override(loud, application="shop"), Override(quiet, environment="pro*")))

    assert chosen(book) == ["critical"]
    assert chosen(book, application="pay") == ["info"]
    assert chosen(book, application="pay", environments=("staging",)) == [usual.severity]
    assert chosen(book, application="pay", environments=("staging", "prod")) == ["info"]
    assert chosen(book, application=None, environments=(None,)) == [usual.severity]


def test_an_override_may_switch_a_policy_off_or_on():
    usual = FLAG_POLICIES[0]
    off = replace(usual, enabled=False)

    assert chosen(Rulebook((usual,), (Override(off, application="shop"),))) == []
    assert chosen(Rulebook((off,), (Override(usual, type="ops"),)), kind="ops") == [usual.severity]
    assert chosen(Rulebook((off,), (Override(usual, type="ops"),)), kind="release") == []


def test_an_override_may_ask_for_a_tag():
    usual = FLAG_POLICIES[0]
    book = Rulebook((usual,), (Override(replace(usual, severity="critical"), tag="tier=gold*"),))

    assert chosen(book, tags=("owner=shop", "tier=Golden")) == ["critical"]
    assert chosen(book, tags=("tier=silver",)) == [usual.severity]
    assert chosen(book) == [usual.severity]
