"""The channels that carry alerts to people, one file each; a channel is loaded when it is built."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING

from auditor.adapters.channels._links import Links

if TYPE_CHECKING:
    from auditor.application.ports import AlertChannel, Clock
    from auditor.settings import Settings

CHANNELS: dict[str, str] = {
    "console": "auditor.adapters.channels.console:ConsoleChannel",
    "slack": "auditor.adapters.channels.slack:SlackChannel",
    "sns": "auditor.adapters.channels.sns:SnsChannel",
}
DEFAULT_SLACK_CHANNEL = "#flag-changes"


class _SystemClock:
    """The computer's own clock."""

    def now(self) -> datetime:
        """Return the present in UTC."""
        return datetime.now(UTC)


def build(settings: Settings, clock: Clock | None = None, route: str | None = None) -> AlertChannel | None:
    """Build the channel of a route (``None``: the usual one); ``None`` where that is Slack and no token is given.

    A route that is not configured any more leads to the usual channel. Raise ``ConfigurationError`` where SNS has no
    topic, ``ModuleNotFoundError`` where Slack's library is not installed: before anything is claimed to be sent.
    """
    kind, name, to = _wanted(settings, route)
    links = Links(settings.code_link, settings.page_link)
    if kind == "console":
        from auditor.adapters.channels.console import ConsoleChannel, print_line  # noqa: PLC0415 -- loaded when built

        return ConsoleChannel(print_line, links)
    if kind == "sns":
        from auditor.adapters.channels.sns import SnsChannel  # noqa: PLC0415 -- loaded when built

        return SnsChannel(topic=to, clock=clock or _SystemClock(), name=name, links=links)
    if settings.slack.token is None:
        return None
    if find_spec("slack_sdk") is None:
        raise ModuleNotFoundError("slack_sdk is not installed", name="slack_sdk")
    from auditor.adapters.channels.slack import SlackChannel  # noqa: PLC0415 -- loaded when built

    return SlackChannel(
        token=settings.slack.token,
        channel=to,
        clock=clock or _SystemClock(),
        base_url=settings.slack.base_url,
        name=name,
        links=links,
    )


def _wanted(settings: Settings, route: str | None) -> tuple[str, str, str]:
    """Return which kind of channel carries a route, its name, and where its messages go."""
    known = {channel.name: channel for channel in settings.channels}
    name = route if route in known else settings.notify.channel
    if name in known:
        return known[name].kind, name, known[name].to or ""
    return name, name, (settings.sns.topic or "") if name == "sns" else slack_channel(settings)


def slack_channel(settings: Settings, route: str | None = None) -> str:
    """Return the Slack channel that messages of a route go to, as far as one does."""
    known = {channel.name: channel for channel in settings.channels if channel.kind == "slack"}
    way = known.get(route or settings.notify.channel)
    return (way.to if way is not None else None) or settings.slack.channel or DEFAULT_SLACK_CHANNEL
