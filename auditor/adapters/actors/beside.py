"""What CloudTrail tells beside the stores: who opened a session, who began a release. Every source passes it on."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from auditor.adapters.actors.cloudtrail import DETAIL_TYPE
from auditor.adapters.actors.releases import CODEDEPLOY, parse_release
from auditor.adapters.actors.sessions import STS, parse_session
from auditor.domain.events import Notices, RawEvent

_PARSERS: Mapping[str, Callable[[RawEvent], Notices]] = {STS: parse_session, CODEDEPLOY: parse_release}


def is_beside(event: RawEvent) -> bool:
    """Tell whether an event is a record of such a service."""
    return event.source in _PARSERS and event.detail_type == DETAIL_TYPE


def parse_beside(event: RawEvent) -> Notices:
    """Return what it tells; it changes no flag."""
    return _PARSERS[event.source](event)
