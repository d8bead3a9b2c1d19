"""Applications, and the settings of the account."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from examples.standin.appconfig.guards import echo, present, refuse_associated, refuse_taken, update
from examples.standin.appconfig.model import Application, DeletionProtection
from examples.standin.appconfig.regions import Regions
from examples.standin.call import Call
from examples.standin.errors import AwsError

Answer = dict[str, Any]


class Applications:
    """What everything else in AppConfig belongs to."""

    def __init__(self, regions: Regions) -> None:
        self._regions = regions

    def operations(self) -> dict[str, Callable[[Call], Answer | None]]:
        """Return the operations answered here."""
        return {
            "CreateApplication": self.create,
            "GetApplication": self.get,
            "ListApplications": self.list_all,
            "UpdateApplication": self.update,
            "DeleteApplication": self.delete,
            "GetAccountSettings": self.get_settings,
            "UpdateAccountSettings": self.update_settings,
        }

    def create(self, call: Call) -> Answer:
        """Make an application."""
        region = self._regions.of(call)
        refuse_taken(call, region.applications.values(), None, "Application", f"in account {call.account}")
        application = Application(self._regions.new_id(), call.params["Name"], call.params.get("Description"))
        region.applications[application.id] = application
        self._regions.tag(call, region.arn(f"application/{application.id}"))
        return _application(application) | echo(call)

    def get(self, call: Call) -> Answer:
        """Answer one application."""
        return _application(self._regions.of(call).application(call.params["ApplicationId"]))

    def list_all(self, call: Call) -> Answer:
        """Answer a page of the applications."""
        return self._regions.page(call, [_application(one) for one in self._regions.of(call).applications.values()])

    def update(self, call: Call) -> Answer:
        """Rename or describe an application."""
        region = self._regions.of(call)
        application = region.application(call.params["ApplicationId"])
        refuse_taken(call, region.applications.values(), application.id, "Application", f"in account {call.account}")
        update(application, call)
        return _application(application) | echo(call)

    def delete(self, call: Call) -> None:
        """Delete an application that is empty."""
        region = self._regions.of(call)
        application = region.application(call.params["ApplicationId"])
        arn = region.arn(f"application/{application.id}")
        refuse_associated(region, arn, "application")
        for kind, children in (
            ("environments", application.environments),
            ("configuration profiles", application.profiles),
        ):
            if children:
                raise AwsError(
                    "BadRequestException",
                    f"Cannot delete application {application.id}, because there are still {kind} existing under it.",
                )
        del region.applications[application.id]

    def get_settings(self, call: Call) -> Answer:
        """Answer the account's settings."""
        protection = self._regions.of(call).protection
        return {
            "DeletionProtection": {
                "Enabled": protection.enabled,
                "ProtectionPeriodInMinutes": protection.period // timedelta(minutes=1),
            }
        }

    def update_settings(self, call: Call) -> Answer:
        """Switch deletion protection on or off."""
        region = self._regions.of(call)
        asked = call.params.get("DeletionProtection") or {}
        minutes = asked.get("ProtectionPeriodInMinutes") or region.protection.period // timedelta(minutes=1)
        region.protection = DeletionProtection(
            enabled=bool(asked.get("Enabled", region.protection.enabled)), period=timedelta(minutes=minutes)
        )
        return self.get_settings(call)


def _application(application: Application) -> Answer:
    return present({"Id": application.id, "Name": application.name, "Description": application.description})
