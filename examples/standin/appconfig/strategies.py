"""Deployment strategies: the predefined ones, and how any of them grows."""

from __future__ import annotations

from datetime import timedelta

from examples.standin.appconfig.model import Strategy

EVERYONE = 100.0

PREDEFINED = {
    strategy.id: strategy
    for strategy in (
        Strategy(
            "AppConfig.AllAtOnce",
            "AppConfig.AllAtOnce",
            0,
            100,
            "LINEAR",
            10,
            description="Quick",
        ),
        Strategy(
            "AppConfig.Linear50PercentEvery30Seconds",
            "AppConfig.Linear50PercentEvery30Seconds",
            1,
            50,
            "LINEAR",
            1,
            description="Test/Demo",
        ),
        Strategy(
            "AppConfig.Canary10Percent20Minutes",
            "AppConfig.Canary10Percent20Minutes",
            20,
            10,
            "EXPONENTIAL",
            10,
            description="AWS Recommended",
        ),
        Strategy(
            "AppConfig.Linear20PercentEvery6Minutes",
            "AppConfig.Linear20PercentEvery6Minutes",
            30,
            20,
            "LINEAR",
            30,
            description="AWS Recommended",
        ),
    )
}


def percentages(strategy: Strategy) -> list[float]:
    """Return the share of clients after each step: by equal steps, or doubled each time (G*2^N), up to all."""
    shares: list[float] = []
    step = 0
    while not shares or shares[-1] < EVERYONE:
        grown = (
            strategy.growth_factor * 2**step
            if strategy.growth_type == "EXPONENTIAL"
            else strategy.growth_factor * (step + 1)
        )
        shares.append(min(EVERYONE, float(grown)))
        step += 1
    return shares


def timetable(strategy: Strategy) -> list[tuple[timedelta, float]]:
    """Return when after the start each step is reached: the steps divide the deployment's time evenly."""
    shares = percentages(strategy)
    whole = timedelta(minutes=strategy.duration_minutes)
    return [(whole * number / len(shares), share) for number, share in enumerate(shares, start=1)]
