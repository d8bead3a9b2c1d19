"""Changes that CodeDeploy made while it released something: the deployment behind them, as far as it can be told.

Nothing in a record of such a change names the deployment. Where only one had been begun lately, it is evidence; where
several had, none is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from auditor.domain.attribution import ApiCall, Attribution, Evidence

SERVICE, BEGINS = "codedeploy", "CreateDeployment"
RUNS_FOR = timedelta(hours=1)
"""How long before a change the deployment behind it may have begun."""

_CODEDEPLOY = "codedeploy.amazonaws.com"


def is_release(call: ApiCall) -> bool:
    """Tell whether a call began a deployment of CodeDeploy."""
    return (call.service, call.name) == (SERVICE, BEGINS)


def made_by_release(call: ApiCall) -> bool:
    """Tell whether CodeDeploy made a call."""
    return call.attribution.actor.name == _CODEDEPLOY or dict(call.details).get("invoked_by") == _CODEDEPLOY


def with_release(attribution: Attribution, call: ApiCall, lately: Sequence[ApiCall]) -> Attribution:
    """Return the attribution of a call that CodeDeploy made with the one deployment that it may belong to.

    ``lately`` are calls from around that time. Who began the deployment is evidence and no more: they did not write
    this flag.
    """
    begun = [
        one
        for one in lately
        if is_release(one)
        and (one.account, one.region) == (call.account, call.region)
        and call.at - RUNS_FOR <= one.at <= call.at
    ]
    if len(begun) != 1 or any(piece.source == SERVICE for piece in attribution.evidence):
        return attribution
    (release,) = begun
    who = release.attribution.actor.name or "somebody who is not named"
    what = dict(release.details).get("release", "a deployment")
    text = f"{what} was the only one that CodeDeploy had begun in the hour before; {who} had it begun"
    piece = Evidence(SERVICE, text, release.event_id, release.at)
    return replace(attribution, evidence=(*attribution.evidence, piece))
