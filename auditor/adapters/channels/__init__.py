"""The channels that carry alerts to people, one file each; a channel is loaded when it is built."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditor.application.ports import AlertChannel, Clock
    from auditor.settings import Settings

CHANNELS: dict[str, str] = {
    "console": "auditor.adapters.channels.console:ConsoleChannel",
    "slack": "auditor.adapters.channels.slack:SlackChannel",
}
DEFAULT_SLACK_CHANNEL = "#flag-changes"


class _SystemClock:
    """The computer's own clock."""

    def now(self) -> datetime:
        """Return the present in UTC."""
        return datetime.now(UTC)


def build(settings: Settings, clock: Clock | None = None) -> AlertChannel | None:
    """Build the configured channel, or return ``None`` where that is Slack and no token is given."""
    if settings.notify.channel == "console":
        from auditor.adapters.channels.console import ConsoleChannel, print_line  # noqa: PLC0415 -- loaded when built

        return ConsoleChannel(print_line)
    if settings.slack.token is None:
        return None
    from auditor.adapters.channels.slack import SlackChannel  # noqa: PLC0415 -- loaded when built

    return SlackChannel(
        token=settings.slack.token,
        channel=slack_channel(settings),
        clock=clock or _SystemClock(),
        base_url=settings.slack.base_url,
    )


def slack_channel(settings: Settings) -> str:
    """Return the Slack channel that messages go to."""
    return settings.slack.channel or DEFAULT_SLACK_CHANNEL
