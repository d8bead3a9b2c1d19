"""Parameter Store's operations on parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from examples.standin.call import Call
from examples.standin.errors import AwsError
from examples.standin.ids import Ids
from examples.standin.paging import page
from examples.standin.parameter_store import filters, names, writing
from examples.standin.parameter_store.model import Parameter, Version
from examples.standin.parameter_store.shelf import Shelf, numbered

MAX_LABELS = 10
_LABEL = re.compile(r"(?!aws|ssm)[a-zA-Z_.\-][a-zA-Z0-9_.\-]*", re.IGNORECASE)

T = TypeVar("T")
Operation = Callable[[Call], dict[str, Any] | None]


class ParameterStore:
    """What a caller may ask of Parameter Store."""

    def __init__(self, shelf: Shelf, ids: Ids) -> None:
        self._shelf = shelf
        self._ids = ids

    def operations(self) -> dict[str, Operation]:
        """Return what is answered here; the other operations of Systems Manager are moto's."""
        return {
            "PutParameter": self.put,
            "GetParameter": self.get,
            "GetParameters": self.get_several,
            "GetParametersByPath": self.get_by_path,
            "GetParameterHistory": self.history,
            "DescribeParameters": self.describe,
            "DeleteParameter": self.delete,
            "DeleteParameters": self.delete_several,
            "LabelParameterVersion": self.label,
            "UnlabelParameterVersion": self.unlabel,
        }

    def put(self, call: Call) -> dict[str, Any]:
        """Create a parameter or write its next version."""
        name = call.params["Name"]
        names.check_new(name)
        parameter = self._shelf.find(call, name)
        version = writing.next_version(call, parameter, self._ids)
        if parameter is None:
            parameter = Parameter(*call.scope, name)
            parameter.tags = {tag["Key"]: tag["Value"] for tag in call.params.get("Tags") or ()}
            self._shelf.keep(parameter)
        parameter.add(version)
        self._shelf.schedule(parameter, version)
        self._shelf.announce(parameter, "Create" if version.number == 1 else "Update")
        return {"Version": version.number, "Tier": version.tier}

    def get(self, call: Call) -> dict[str, Any]:
        """Answer one parameter, its newest version or the one a selector names."""
        decrypt = bool(call.params.get("WithDecryption"))
        parameter, version, selector = self._shelf.selected(call, call.params["Name"])
        return {"Parameter": parameter.as_parameter(version, decrypt=decrypt, selector=selector)}

    def get_several(self, call: Call) -> dict[str, Any]:
        """Answer up to ten parameters; those not found are named."""
        decrypt = bool(call.params.get("WithDecryption"))
        found: list[dict[str, Any]] = []
        invalid: list[str] = []
        for name in dict.fromkeys(call.params["Names"]):
            try:
                parameter, version, selector = self._shelf.selected(call, name)
            except AwsError:
                invalid.append(name)
            else:
                found.append(parameter.as_parameter(version, decrypt=decrypt, selector=selector))
        found.sort(key=lambda one: (one["Name"], one["Version"]))
        return {"Parameters": found, "InvalidParameters": invalid}

    def get_by_path(self, call: Call) -> dict[str, Any]:
        """Answer the parameters under a path.

        As in AWS the filters are applied to a page that is already cut, so a page may be short, or empty and yet
        lead to another; and names are in order within a page, not from page to page.
        """
        asked = call.params
        wanted = list(asked.get("ParameterFilters") or ())
        filters.check(wanted, by_path=True)
        if not asked["Path"].startswith("/"):
            raise AwsError(
                "ValidationException",
                "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a "
                'forward slash "/". It can\'t be prefixed with "aws" or "ssm" (case-insensitive).',
            )
        below = [
            parameter
            for parameter in self._shelf.all(call)
            if filters.under(parameter.name, asked["Path"], recursive=bool(asked.get("Recursive")))
        ]
        query = [call.scope, asked["Path"], asked.get("Recursive"), wanted]
        size = asked.get("MaxResults") or 10
        cut, token = _page(call, below, size, query)
        label = next((one["Values"] for one in wanted if one["Key"] == "Label"), None)
        return {
            "Parameters": [
                parameter.as_parameter(_version_for(parameter, label), decrypt=bool(asked.get("WithDecryption")))
                for parameter in sorted(cut, key=_name)
                if filters.passes(parameter, wanted)
            ],
            "NextToken": token,
        }

    def history(self, call: Call) -> dict[str, Any]:
        """Answer the versions still kept, oldest first."""
        asked = call.params
        parameter = self._shelf.require(call, asked["Name"])
        size = asked.get("MaxResults") or 50
        query = [parameter.arn, "history"]
        cut, token = _page(call, parameter.versions, size, query)
        decrypt = bool(asked.get("WithDecryption"))
        return {
            "Parameters": [parameter.as_history(version, decrypt=decrypt) for version in cut],
            "NextToken": token,
        }

    def describe(self, call: Call) -> dict[str, Any]:
        """Answer what is known of the parameters, without their values."""
        asked = call.params
        if asked.get("Filters") and asked.get("ParameterFilters"):
            raise AwsError("ValidationException", "You can use either Filters or ParameterFilters in a single request.")
        wanted = list(asked.get("ParameterFilters") or ()) + filters.old_style(asked.get("Filters") or ())
        filters.check(wanted, by_path=False)
        found = [parameter for parameter in self._shelf.all(call) if filters.passes(parameter, wanted)]
        size = asked.get("MaxResults") or 50
        query = [call.scope, "describe", wanted]
        cut, token = _page(call, found, size, query)
        return {"Parameters": [parameter.as_metadata() for parameter in sorted(cut, key=_name)], "NextToken": token}

    def delete(self, call: Call) -> dict[str, Any]:
        """Delete a parameter with its history, labels and tags."""
        parameter = self._shelf.find(call, names.reference(call.params["Name"])[0])
        if parameter is None:
            raise AwsError("ParameterNotFound")
        self._shelf.announce(parameter, "Delete")
        self._shelf.drop(parameter)
        return {}

    def delete_several(self, call: Call) -> dict[str, Any]:
        """Delete up to ten parameters; those not found are named."""
        deleted: list[str] = []
        invalid: list[str] = []
        for name in dict.fromkeys(call.params["Names"]):
            parameter = self._shelf.find(call, names.reference(name)[0])
            if parameter is None:
                invalid.append(name)
                continue
            self._shelf.announce(parameter, "Delete")
            self._shelf.drop(parameter)
            deleted.append(name)
        return {"DeletedParameters": deleted, "InvalidParameters": invalid}

    def label(self, call: Call) -> dict[str, Any]:
        """Attach labels to a version, taking each from the version that carries it now."""
        parameter = self._shelf.require(call, call.params["Name"])
        version = numbered(parameter, call.params.get("ParameterVersion"))
        asked = list(dict.fromkeys(call.params["Labels"]))
        valid = [label for label in asked if _LABEL.fullmatch(label)]
        if len(set(version.labels) | set(valid)) > MAX_LABELS:
            raise AwsError(
                "ParameterVersionLabelLimitExceeded",
                f"A parameter version can have maximum {MAX_LABELS} labels. "
                "Move one or more labels to another version and try again.",
            )
        for label in valid:
            self._move(parameter, version, label)
        return {
            "InvalidLabels": [label for label in asked if label not in valid],
            "ParameterVersion": version.number,
        }

    def unlabel(self, call: Call) -> dict[str, Any]:
        """Take labels off a version; nothing is announced."""
        parameter = self._shelf.require(call, call.params["Name"])
        version = numbered(parameter, call.params["ParameterVersion"])
        asked = list(dict.fromkeys(call.params["Labels"]))
        removed = [label for label in asked if label in version.labels]
        version.labels = [label for label in version.labels if label not in removed]
        return {"RemovedLabels": removed, "InvalidLabels": [label for label in asked if label not in removed]}

    def _move(self, parameter: Parameter, version: Version, label: str) -> None:
        holder = parameter.labelled(label)
        if holder is version:
            return
        if holder is not None:
            holder.labels.remove(label)
        version.labels.insert(0, label)
        self._shelf.announce(
            parameter,
            "LabelParameterVersion",
            fromVersion=str(holder.number) if holder else "",
            label=label,
            toVersion=str(version.number),
        )


def _page(call: Call, items: Sequence[T], size: int, query: Any) -> tuple[list[T], str | None]:
    token = call.params.get("NextToken")
    refusal = AwsError("InvalidNextToken", f"The following token is invalid: {token}.")
    return page(items, size=size, token=token, query=query, error=refusal)


def _name(parameter: Parameter) -> str:
    return parameter.name


def _version_for(parameter: Parameter, labels: Sequence[str] | None) -> Version:
    held = [version for label in labels or () if (version := parameter.labelled(label))]
    return held[0] if held else parameter.current
