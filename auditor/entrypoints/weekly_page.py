"""The weekly report: its page is written and kept, and what people are told of it goes into the outbox."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditor.application.ports import UnitOfWork
    from auditor.bootstrap import Application


def report_week(application: Application, folder: Path, keep: Callable[[Path], str] = str) -> str:
    """Write this week's page into a folder, put its messages into the outbox, and return where the page is kept.

    ``keep`` puts the page where people find it and returns that place; by default it stays where it was written.
    """
    from auditor import bootstrap
    from auditor.application.weekly import week_of, weekly_alerts
    from reports import stale as page

    settings, record, now = application.settings, application.record, application.recorder.clock.now()
    out = folder / f"stale-{now:%Y-%m-%d}.html"
    page.render(bootstrap.stale_input(settings, record, now), out)
    place = keep(out)
    told = place if settings.report_link is None else settings.report_link.replace("{file}", out.name)

    def tell(uow: UnitOfWork) -> None:
        week = week_of(uow, bootstrap.stale_rules(settings), now, bootstrap.policies(settings).flag)
        for alert in weekly_alerts(week, told, settings.routing):
            uow.outbox.put(alert, now)

    record.run(tell)
    return place
