"""The state of all accounts and regions, and what the operations on it share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from examples.standin.appconfig.model import Application, Environment, Profile, Region
from examples.standin.call import Call
from examples.standin.errors import AwsError
from examples.standin.ids import Ids
from examples.standin.paging import page


class Regions:
    """AppConfig's regions, each made when it is first asked."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._regions: dict[tuple[str, str], Region] = {}

    def of(self, call: Call) -> Region:
        """Return the region that a call works in."""
        return self.at(*call.scope)

    def at(self, account: str, name: str) -> Region:
        """Return a region of an account."""
        return self._regions.setdefault((account, name), Region(account, name))

    def new_id(self) -> str:
        """Return an id for a new resource."""
        return self._ids.resource()

    def profile_of(self, call: Call) -> tuple[Application, Profile]:
        """Return the configuration profile that a call names."""
        region = self.of(call)
        application = region.application(call.params["ApplicationId"])
        return application, region.profile(application, call.params["ConfigurationProfileId"])

    def environment_of(self, call: Call) -> tuple[Application, Environment]:
        """Return the environment that a call names."""
        region = self.of(call)
        application = region.application(call.params["ApplicationId"])
        return application, region.environment(application, call.params["EnvironmentId"])

    def tag(self, call: Call, arn: str) -> None:
        """Keep the tags that a call gives a new resource."""
        self.of(call).tags[arn] = dict(call.params.get("Tags") or {})

    @staticmethod
    def page(call: Call, items: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Return a page of a list, as every List operation answers it."""
        token = call.params.get("NextToken")
        query = {name: value for name, value in call.params.items() if name not in {"NextToken", "MaxResults"}}
        cut, following = page(
            items,
            size=call.params.get("MaxResults") or 50,
            token=token,
            query=[call.operation, call.scope, query],
            error=AwsError("BadRequestException", f"Invalid nextToken parameter {token}."),
        )
        return {"Items": cut, "NextToken": following}
