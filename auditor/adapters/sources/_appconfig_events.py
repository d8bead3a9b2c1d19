"""What AppConfig's own events and extension calls tell: that a deployment moved, or that a version is being saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from auditor.adapters.sources._appconfig_ids import AppConfigIds, a_number, required_id
from auditor.domain.errors import MalformedEventError
from auditor.domain.events import DeploymentHint, DocumentHint, Notices, RawEvent

_SAVING = "PreCreateHostedConfigurationVersion"

Named = tuple[str, str]
"""An id with its name."""

Watched = Callable[[Named, Named], bool]
"""Tells whether a profile is watched, by its application and itself."""

WatchedAt = Callable[[str, str, Named, Named], bool]
"""Tells the same of a profile in an account and Region."""


def is_deployment_event(event: RawEvent) -> bool:
    """Tell whether an event is about a deployment; how AWS spells a rollback is not documented for sure."""
    kind = event.detail_type
    return kind.startswith("On Deployment") or "Roll" in kind or "Roll" in str(event.detail.get("Type"))


def parse_deployment_event(event: RawEvent, watched: Watched) -> Notices:
    """Return what a deployment event tells; who, which share and why it was rolled back are not in it."""
    return _deployment(event, (event.account, event.region), watched)


def parse_extension_call(event: RawEvent, home: Callable[[], tuple[str, str]], watched: WatchedAt) -> Notices:
    """Return what AppConfig's call of an extension tells: only a hint, since what is announced may yet fail.

    The call names neither account nor Region: ``home`` tells where it was received, and is only asked about a call
    that is in order.
    """
    saving = event.detail.get("Type") == _SAVING
    if not saving and "Environment" not in event.detail:
        return Notices()
    _ids(event.detail, ("", ""), with_environment=not saving)
    return _called(event, home(), watched, saving=saving)


def _called(event: RawEvent, home: tuple[str, str], watched_at: WatchedAt, *, saving: bool) -> Notices:
    watched: Watched = partial(watched_at, *home)
    if saving:
        ids = _ids(event.detail, home)
        if ids.document is None or not _is_watched(event.detail, watched):
            return Notices()
        return Notices(hints=(DocumentHint(ids.document, event.time, version=_version(event, "ContentVersion")),))
    return _deployment(event, home, watched)


def _deployment(event: RawEvent, place: tuple[str, str], watched: Watched) -> Notices:
    ids = _ids(event.detail, place, with_environment=True)
    if ids.document is None or ids.environment_ref is None or not _is_watched(event.detail, watched):
        return Notices()
    version, number = _version(event, "ConfigurationVersion"), a_number(event.detail.get("DeploymentNumber"))
    return Notices(
        hints=(DocumentHint(ids.document, event.time, version=version),),
        deployments=(DeploymentHint(ids.environment_ref, event.time, number),),
    )


def _ids(detail: Mapping[str, Any], place: tuple[str, str], *, with_environment: bool = False) -> AppConfigIds:
    return AppConfigIds(
        *place,
        required_id(_member(detail, "Application").get("Id"), "application"),
        required_id(_member(detail, "Environment").get("Id"), "environment") if with_environment else None,
        required_id(_member(detail, "ConfigurationProfile").get("Id"), "configuration profile"),
    )


def _member(detail: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    member = detail.get(key)
    if not isinstance(member, dict):
        raise MalformedEventError(f"the AppConfig event has no {key}")
    return member


def _is_watched(detail: Mapping[str, Any], watched: Watched) -> bool:
    return watched(_named(detail, "Application"), _named(detail, "ConfigurationProfile"))


def _named(detail: Mapping[str, Any], key: str) -> Named:
    member = _member(detail, key)
    return str(member.get("Id", "")), str(member.get("Name", ""))


def _version(event: RawEvent, key: str) -> str | None:
    number = a_number(event.detail.get(key))
    return None if number is None else str(number)
