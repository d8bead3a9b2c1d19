from __future__ import annotations

from threading import Thread

import pytest

from auditor.adapters.pacing import PUBLISHED_RATES, Pacer


class Time:
    """A clock that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def read(self) -> float:
        return self.now


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def pacer(time):
    return Pacer(sleep=time.sleep, clock=time.read)


@pytest.mark.parametrize(
    ("call", "rate"),
    [
        ("ssm.GetParameterHistory", 3),
        ("ssm.DescribeParameters", 3),
        ("ssm.GetParametersByPath", 40),
        ("appconfig.ListApplications", 10),
        ("appconfig.GetHostedConfigurationVersion", 100),
        ("cloudtrail.LookupEvents", 2),
    ],
)
def test_calls_stay_within_the_published_rate(pacer, time, call, rate):
    begin = time.now
    for _ in range(10 * rate):
        pacer.wait("1", "eu-west-1", call)

    assert (10 * rate - rate) / (time.now - begin) == pytest.approx(rate)


def test_the_first_second_costs_nothing(pacer, time):
    for _ in range(3):
        pacer.wait("1", "eu-west-1", "ssm.GetParameterHistory")

    assert time.slept == []


def test_a_pause_is_not_saved_up_beyond_a_second(pacer, time):
    pacer.wait("1", "eu-west-1", "ssm.GetParameterHistory")
    time.now += 3600
    for _ in range(4):
        pacer.wait("1", "eu-west-1", "ssm.GetParameterHistory")

    assert len(time.slept) == 1


def test_a_family_shares_its_rate_and_others_do_not(pacer, time):
    for call in ("List", "ListDeployments", "ListEnvironments") * 4:
        pacer.wait("1", "eu-west-1", f"appconfig.{call}")
    shared = len(time.slept)
    for place in (("2", "eu-west-1"), ("1", "us-east-1")):
        for _ in range(10):
            pacer.wait(*place, "appconfig.ListApplications")

    assert shared == 2
    assert len(time.slept) == shared


def test_a_call_without_a_rate_passes(pacer, time):
    for _ in range(1000):
        pacer.wait("1", "eu-west-1", "sts.GetCallerIdentity")

    assert time.slept == []
    assert "ssm.GetParameterHistory" in PUBLISHED_RATES


def test_threads_share_a_budget():
    time = Time()
    pacer = Pacer(rates={"ssm.*": 5}, sleep=time.sleep, clock=lambda: 0.0)
    threads = [Thread(target=pacer.wait, args=("1", "eu-west-1", "ssm.GetParameterHistory")) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(time.slept) == pytest.approx([number / 5 for number in range(1, 16)])
