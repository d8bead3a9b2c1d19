"""The tags of AppConfig's resources."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from examples.standin.appconfig.regions import Regions
from examples.standin.call import Call
from examples.standin.errors import AwsError


class Tags:
    """TagResource and its siblings."""

    def __init__(self, regions: Regions) -> None:
        self._regions = regions

    def operations(self) -> dict[str, Callable[[Call], dict[str, Any] | None]]:
        """Return the operations answered here."""
        return {"TagResource": self.add, "UntagResource": self.remove, "ListTagsForResource": self.list_all}

    def add(self, call: Call) -> None:
        """Set tags, over those of the same key."""
        self._of(call).update(call.params["Tags"])

    def remove(self, call: Call) -> None:
        """Take tags off."""
        for key in call.params["TagKeys"]:
            self._of(call).pop(key, None)

    def list_all(self, call: Call) -> dict[str, Any]:
        """Answer the tags."""
        return {"Tags": self._of(call)}

    def _of(self, call: Call) -> dict[str, str]:
        tags = self._regions.of(call).tags.get(call.params["ResourceArn"])
        if tags is None:
            raise AwsError("ResourceNotFoundException", f"Resource {call.params['ResourceArn']} could not be found.")
        return tags
