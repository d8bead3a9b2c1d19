"""Parameter Store: its operations, its events and what it does by itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from examples.standin.call import Call
from examples.standin.clock import Clock
from examples.standin.errors import AwsError
from examples.standin.events import EventLog
from examples.standin.ids import Ids
from examples.standin.paging import page
from examples.standin.parameter_store import filters, names, writing
from examples.standin.parameter_store.model import Parameter, Version
from examples.standin.parameter_store.policies import Policy

MAX_LABELS = 10
_LABEL = re.compile(r"(?!aws|ssm)[a-zA-Z_.\-][a-zA-Z0-9_.\-]*", re.IGNORECASE)

T = TypeVar("T")
Operation = Callable[[Call], dict[str, Any] | None]


class ParameterStore:
    """The parameters of every account and region."""

    service = "ssm"

    def __init__(self, clock: Clock, events: EventLog, ids: Ids) -> None:
        self._clock = clock
        self._events = events
        self._ids = ids
        self._parameters: dict[tuple[str, str], dict[str, Parameter]] = {}

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
        parameter = self._find(call, name)
        version = writing.next_version(call, parameter, self._ids)
        if parameter is None:
            parameter = Parameter(*call.scope, name)
            parameter.tags = {tag["Key"]: tag["Value"] for tag in call.params.get("Tags") or ()}
            self._kept(call)[names.key(name)] = parameter
        parameter.add(version)
        self._schedule(parameter, version)
        self._announce(parameter, "Create" if version.number == 1 else "Update")
        return {"Version": version.number, "Tier": version.tier}

    def get(self, call: Call) -> dict[str, Any]:
        """Answer one parameter, its newest version or the one a selector names."""
        decrypt = bool(call.params.get("WithDecryption"))
        parameter, version, selector = self._selected(call, call.params["Name"])
        return {"Parameter": parameter.as_parameter(version, decrypt=decrypt, selector=selector)}

    def get_several(self, call: Call) -> dict[str, Any]:
        """Answer up to ten parameters; those not found are named."""
        decrypt = bool(call.params.get("WithDecryption"))
        found: list[dict[str, Any]] = []
        invalid: list[str] = []
        for name in dict.fromkeys(call.params["Names"]):
            try:
                parameter, version, selector = self._selected(call, name)
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
            for parameter in self._kept(call).values()
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
        parameter = self._require(call, asked["Name"])
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
        found = [parameter for parameter in self._kept(call).values() if filters.passes(parameter, wanted)]
        size = asked.get("MaxResults") or 50
        query = [call.scope, "describe", wanted]
        cut, token = _page(call, found, size, query)
        return {"Parameters": [parameter.as_metadata() for parameter in sorted(cut, key=_name)], "NextToken": token}

    def delete(self, call: Call) -> dict[str, Any]:
        """Delete a parameter with its history, labels and tags."""
        parameter = self._find(call, names.reference(call.params["Name"])[0])
        if parameter is None:
            raise AwsError("ParameterNotFound")
        self._announce(parameter, "Delete")
        self._drop(parameter)
        return {}

    def delete_several(self, call: Call) -> dict[str, Any]:
        """Delete up to ten parameters; those not found are named."""
        deleted: list[str] = []
        invalid: list[str] = []
        for name in dict.fromkeys(call.params["Names"]):
            parameter = self._find(call, names.reference(name)[0])
            if parameter is None:
                invalid.append(name)
                continue
            self._announce(parameter, "Delete")
            self._drop(parameter)
            deleted.append(name)
        return {"DeletedParameters": deleted, "InvalidParameters": invalid}

    def label(self, call: Call) -> dict[str, Any]:
        """Attach labels to a version, taking each from the version that carries it now."""
        parameter = self._require(call, call.params["Name"])
        version = self._numbered(parameter, call.params.get("ParameterVersion"))
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
        parameter = self._require(call, call.params["Name"])
        version = self._numbered(parameter, call.params["ParameterVersion"])
        asked = list(dict.fromkeys(call.params["Labels"]))
        removed = [label for label in asked if label in version.labels]
        version.labels = [label for label in version.labels if label not in removed]
        return {"RemovedLabels": removed, "InvalidLabels": [label for label in asked if label not in removed]}

    def tagged(self, call: Call, resource_id: str) -> Parameter:
        """Return the parameter whose tags a call is about."""
        parameter = self._find(call, resource_id)
        if parameter is None:
            raise AwsError("InvalidResourceId")
        return parameter

    def value_of(self, scope: tuple[str, str], name: str, version: str) -> str | None:
        """Return a parameter's value at a version, as another AWS service reads it; None when it is not kept."""
        parameter = self._parameters.get(scope, {}).get(names.key(name))
        found = parameter.numbered(int(version)) if parameter and version.isdigit() else None
        return found.value if found else None

    def _move(self, parameter: Parameter, version: Version, label: str) -> None:
        holder = parameter.labelled(label)
        if holder is version:
            return
        if holder is not None:
            holder.labels.remove(label)
        version.labels.insert(0, label)
        self._announce(
            parameter,
            "LabelParameterVersion",
            fromVersion=str(holder.number) if holder else "",
            label=label,
            toVersion=str(version.number),
        )

    def _selected(self, call: Call, text: str) -> tuple[Parameter, Version, str | None]:
        name, selector = names.reference(text)
        parameter = self._require(call, name)
        if selector is None:
            return parameter, parameter.current, None
        if selector.isdigit():
            return parameter, self._numbered(parameter, int(selector)), selector
        version = parameter.labelled(selector)
        if version is None:
            raise AwsError(
                "ParameterVersionNotFound",
                f"Systems Manager could not find a version of {name} that has the specified label, {selector}. "
                "Verify the parameter label and try again.",
            )
        return parameter, version, selector

    @staticmethod
    def _numbered(parameter: Parameter, number: int | None) -> Version:
        version = parameter.current if number is None else parameter.numbered(number)
        if version is None:
            raise AwsError(
                "ParameterVersionNotFound",
                f"Systems Manager could not find version {number} of {parameter.name}. "
                "Verify the version and try again.",
            )
        return version

    def _require(self, call: Call, name: str) -> Parameter:
        parameter = self._find(call, names.reference(name)[0])
        if parameter is None:
            raise AwsError("ParameterNotFound")
        return parameter

    def _find(self, call: Call, name: str) -> Parameter | None:
        return self._kept(call).get(names.key(name))

    def _kept(self, call: Call) -> dict[str, Parameter]:
        return self._parameters.setdefault(call.scope, {})

    def _drop(self, parameter: Parameter) -> None:
        for appointment in parameter.appointments:
            appointment.cancel()
        del self._parameters[parameter.account, parameter.region][names.key(parameter.name)]

    def _announce(self, parameter: Parameter, operation: str, **label: str) -> None:
        current = parameter.current
        described = {"description": current.description} if current.description else {}
        self._emit(
            parameter,
            "Parameter Store Change",
            described | {"name": parameter.name, "operation": operation, "type": current.type} | label,
        )

    def _emit(self, parameter: Parameter, detail_type: str, detail: dict[str, str]) -> None:
        self._events.emit(
            source="aws.ssm",
            detail_type=detail_type,
            account=parameter.account,
            region=parameter.region,
            time=self._clock.now(),
            resources=[parameter.arn],
            detail=detail,
        )

    def _schedule(self, parameter: Parameter, version: Version) -> None:
        """Plan what the newest version's policies do; those of the version before no longer count."""
        for appointment in parameter.appointments:
            appointment.cancel()
        expires_at = next((moment for policy in version.policies if (moment := policy.expires_at())), None)
        plans: Sequence[tuple[Policy, Any]] = [
            (policy, policy.due(version.modified_at, expires_at)) for policy in version.policies
        ]
        parameter.appointments = [
            self._clock.at(due, partial(self._act, parameter, policy)) for policy, due in plans if due is not None
        ]

    def _act(self, parameter: Parameter, policy: Policy) -> None:
        policy.status = "Finished"
        detail = {
            "policy-type": policy.type,
            "parameter-name": parameter.name,
            "parameter-type": parameter.current.type,
            "action-status": "SUCCESS",
            "policy-content": policy.text,
        }
        if policy.type == "Expiration":
            detail["action-reason"] = "Parameter expired and was deleted"
        self._emit(parameter, "Parameter Store Policy Action", detail)
        if policy.type == "Expiration":
            self._drop(parameter)


def _page(call: Call, items: Sequence[T], size: int, query: Any) -> tuple[list[T], str | None]:
    token = call.params.get("NextToken")
    refusal = AwsError("InvalidNextToken", f"The following token is invalid: {token}.")
    return page(items, size=size, token=token, query=query, error=refusal)


def _name(parameter: Parameter) -> str:
    return parameter.name


def _version_for(parameter: Parameter, labels: Sequence[str] | None) -> Version:
    held = [version for label in labels or () if (version := parameter.labelled(label))]
    return held[0] if held else parameter.current
