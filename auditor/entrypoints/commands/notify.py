"""``flagtrail notify``: sends what the outbox holds, or shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from auditor.domain.errors import UsageError
from auditor.entrypoints.cli_options import Context, command
from auditor.entrypoints.output import remark, write, write_json

if TYPE_CHECKING:
    from auditor.application.dispatch import DispatchReport
    from auditor.application.ports import AlertChannel
    from auditor.domain.alerts import Alert

FAILURE = 2


@command(
    "table",
    "json",
    examples=(
        "flagtrail notify --test       # is Slack set up? sends one marked message",
        "flagtrail notify --dry-run    # what would be sent, as Slack's JSON",
        "flagtrail notify              # send what waits",
        "flagtrail notify --retry-dead   # what was given up as well",
    ),
)
@click.option("--dry-run", is_flag=True, help="Print Slack's JSON of what waits; send and change nothing.")
@click.option("--test", is_flag=True, help="Send one message that is marked as a test, nothing else.")
@click.option("--retry-dead", is_flag=True, help="Send what was given up, too: a channel had refused it.")
def notify(context: Context, *, dry_run: bool, test: bool, retry_dead: bool) -> None:
    """Send the alerts that wait in the outbox.

    They go to Slack with the token in SLACK_BOT_TOKEN. Without one they are printed and keep waiting, unless the
    configuration makes the console the channel. A message that may have arrived is looked for before it is sent again.
    One that a channel refused is given up, until --retry-dead lets it wait again.
    """
    if retry_dead and (dry_run or test):
        raise UsageError("--retry-dead sends; leave out --dry-run and --test")
    if test:
        _test(context, dry_run=dry_run)
        return
    from auditor import bootstrap
    from auditor.application.dispatch import dispatch_all, waiting_alerts

    record = context.open_database()
    told: list[str] = []

    def carry(route: str | None) -> AlertChannel | None:
        channel = bootstrap.channel(context.settings, route)
        return None if channel is None else _for_output(context, channel, told)

    if retry_dead:
        record.run(lambda uow: uow.outbox.revive(bootstrap.SystemClock().now()))
    report = None if dry_run else dispatch_all(record.unit_of_work, carry, bootstrap.SystemClock())
    if report is None:
        alerts = waiting_alerts(record.reader, context.now)
        _show(context, alerts, as_json=dry_run)
        if not dry_run and alerts:
            remark(f"flagtrail notify: {len(alerts)} not sent: SLACK_BOT_TOKEN is not set; they keep waiting")
        return
    _answer(context, report, told)


def _test(context: Context, *, dry_run: bool) -> None:
    from auditor import bootstrap

    alert = _test_alert(context)
    channel = None if dry_run else bootstrap.channel(context.settings)
    if channel is None:
        _show(context, [alert], as_json=dry_run)
        if not dry_run:
            remark("flagtrail notify: not sent: SLACK_BOT_TOKEN is not set")
        return
    from auditor.application.dispatch import report_of

    told: list[str] = []
    _answer(context, report_of([_for_output(context, channel, told).send(alert)]), told)


def _test_alert(context: Context) -> Alert:
    from auditor.domain.alerts import Alert, AlertKind
    from auditor.domain.times import rfc3339

    key = f"test|{rfc3339(context.moment)}"
    return Alert(id=0, key=key, kind=AlertKind.TEST, cause=key, attempt=1, created_at=context.moment, changes=())


def _for_output(context: Context, channel: AlertChannel, told: list[str]) -> AlertChannel:
    """Return the channel; where stdout is to hold JSON only, a console's lines are kept for that JSON."""
    from auditor.adapters.channels.console import ConsoleChannel

    if context.format == "json" and isinstance(channel, ConsoleChannel):
        return ConsoleChannel(told.append, channel.links)
    return channel


def _show(context: Context, alerts: Sequence[Alert], *, as_json: bool) -> None:
    """Print what would be sent, as Slack's JSON or readably."""
    from auditor.adapters.channels import slack_channel
    from auditor.adapters.channels._links import Links
    from auditor.adapters.channels.console import readable, slack_json
    from auditor.application.messages import compose

    links = Links(context.settings.code_link, context.settings.page_link)
    if as_json or context.format == "json":
        channel = slack_channel(context.settings)
        write_json([slack_json(alert, channel, links) for alert in alerts])
        return
    for alert in alerts:
        for line in readable(compose(alert), links=links):
            write(line)


def _answer(context: Context, report: DispatchReport, told: Sequence[str]) -> None:
    """Print what became of the alerts; whatever went wrong makes the status 2."""
    if context.format == "json":
        lines = {"lines": list(told)} if told else {}
        write_json({**report.to_json(), **lines})
    else:
        click.echo(f"{report.sent} sent, {report.later} later, {report.unknown} in doubt, {report.dead} given up")
    if report.errors:
        remark(f"flagtrail notify: {'; '.join(report.errors)}")
        context.exit(FAILURE)
