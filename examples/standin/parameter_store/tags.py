"""The tags of parameters; those of other Systems Manager resources are moto's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from examples.standin.call import Call
from examples.standin.errors import AwsError
from examples.standin.parameter_store import names
from examples.standin.parameter_store.shelf import Shelf

MAX_TAGS = 50


class ParameterTags:
    """AddTagsToResource and its siblings, for parameters."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def operations(self) -> dict[str, Callable[[Call], dict[str, Any] | None]]:
        """Return the operations on tags."""
        return {
            "AddTagsToResource": self.add,
            "RemoveTagsFromResource": self.remove,
            "ListTagsForResource": self.list_all,
        }

    def add(self, call: Call) -> dict[str, Any]:
        """Set tags, over those of the same key."""
        tags = self._of(call)
        new = {tag["Key"]: tag["Value"] for tag in call.params["Tags"]}
        if len(tags | new) > MAX_TAGS:
            raise AwsError("TooManyTagsError", "The Targets parameter includes too many tags.")
        tags.update(new)
        return {}

    def remove(self, call: Call) -> dict[str, Any]:
        """Take tags off; a key that is not there is passed over."""
        tags = self._of(call)
        for key in call.params["TagKeys"]:
            tags.pop(key, None)
        return {}

    def list_all(self, call: Call) -> dict[str, Any]:
        """Answer the tags."""
        return {"TagList": [{"Key": key, "Value": value} for key, value in self._of(call).items()]}

    def _of(self, call: Call) -> dict[str, str]:
        if call.params["ResourceType"] != "Parameter":
            raise AwsError("InvalidResourceType", "The stand-in keeps tags of parameters only.")
        parameter = self._shelf.find(call, names.reference(call.params["ResourceId"])[0])
        if parameter is None:
            raise AwsError("InvalidResourceId")
        return parameter.tags
