"""A deployment template as CloudFormation would see it: parameters filled in, conditions decided."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
# What every template is given, unless a test gives something else.
PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Region": "eu-west-1",
    "AWS::Partition": "aws",
    "AWS::StackName": "flagtrail",
}
_HOLE = re.compile(r"\$\{([A-Za-z0-9:.]+)\}")
_NOTHING = object()


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms (``!Ref``) as their long ones."""


def _function(loader: _Loader, tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if tag == "GetAtt":
        value = value.split(".", 1)
    return {tag if tag == "Ref" else f"Fn::{tag}": value}


_Loader.add_multi_constructor("!", _function)


@cache
def _body(name: str) -> Mapping[str, Any]:
    return yaml.load((DEPLOY / name).read_text(encoding="utf-8"), _Loader)  # noqa: S506 -- a SafeLoader


@dataclass(frozen=True, slots=True)
class Template:
    """One template; ``given`` are the parameters, the rest have their defaults."""

    body: Mapping[str, Any]
    given: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, name: str, **given: str) -> Template:
        return cls(_body(name), given)

    @property
    def parameters(self) -> Mapping[str, Mapping[str, Any]]:
        return self.body["Parameters"]

    def accepts(self, name: str, value: str) -> bool:
        """Tell whether CloudFormation takes a value for a parameter."""
        parameter = self.parameters[name]
        if "AllowedValues" in parameter:
            return value in parameter["AllowedValues"]
        return re.fullmatch(parameter["AllowedPattern"], value) is not None

    def resources(self, kind: str | None = None) -> dict[str, Any]:
        """Return the properties of the resources that would be made, by name, perhaps only those of one type."""
        return {
            name: self._resolved(resource.get("Properties", {}))
            for name, resource in self.body["Resources"].items()
            if kind in {None, resource["Type"]} and self._holds(resource.get("Condition"))
        }

    def functions(self) -> dict[str, dict[str, Any]]:
        """Return the functions with what all of them have in common."""
        common = self._resolved(self.body.get("Globals", {}).get("Function", {}))
        return {name: {**common, **own} for name, own in self.resources("AWS::Serverless::Function").items()}

    def statements(self, role: str) -> list[dict[str, Any]]:
        """Return the statements of a role's policies, those of this template that are attached to it included."""
        properties = self.resources("AWS::IAM::Role")[role]
        managed = self.resources("AWS::IAM::ManagedPolicy")
        attached = [managed[name.strip("<>")] for name in properties.get("ManagedPolicyArns", ()) if name[0] == "<"]
        policies = [*properties["Policies"], *attached]
        return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]

    def refusals(self) -> list[str]:
        """Return what CloudFormation says before it makes anything: of each value, and of values that do not go together."""
        wrong = [
            parameter["ConstraintDescription"]
            for name, parameter in self.parameters.items()
            if "AllowedPattern" in parameter and not self.accepts(name, str(self._value(name)))
        ]
        asserted = [one for rule in self.body.get("Rules", {}).values() for one in rule["Assertions"]]
        return [*wrong, *(one["AssertDescription"] for one in asserted if not self._resolved(one["Assert"]))]

    def _holds(self, condition: str | None) -> bool:
        return condition is None or self._resolved(self.body["Conditions"][condition])

    def _resolved(self, node: Any) -> Any:
        if isinstance(node, list):
            return [item for item in map(self._resolved, node) if item is not _NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((name, argument),) = node.items()
            if name == "Ref" or name.startswith("Fn::"):
                return self._call(name.removeprefix("Fn::"), argument)
        resolved = {key: self._resolved(item) for key, item in node.items()}
        return {key: item for key, item in resolved.items() if item is not _NOTHING}

    def _call(self, function: str, argument: Any) -> Any:
        if function == "If":
            condition, yes, no = argument
            return self._resolved(yes if self._holds(condition) else no)
        if function == "Sub":
            return self._sub(argument)
        if function == "Ref":
            return self._value(argument)
        if function == "GetAtt":
            return f"<{'.'.join(argument)}>"
        if function == "Condition":
            return self._holds(argument)
        told = self._resolved(argument)
        return {
            "And": lambda: all(told),
            "Equals": lambda: str(told[0]) == str(told[1]),
            "GetAZs": lambda: [f"{PSEUDO['AWS::Region']}{zone}" for zone in "ab"],
            "Join": lambda: told[0].join(told[1]),
            "Not": lambda: not told[0],
            "Or": lambda: any(told),
            "Select": lambda: told[1][int(told[0])],
            "Split": lambda: told[1].split(told[0]),
        }[function]()

    def _sub(self, argument: Any) -> str:
        text, own = argument if isinstance(argument, list) else (argument, {})
        values = self._resolved(own)
        return _HOLE.sub(lambda hole: str(values.get(hole[1]) or self._value(hole[1])), text)

    def _value(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NOTHING
        if name in PSEUDO:
            return PSEUDO[name]
        default = self.parameters[name].get("Default") if name in self.parameters else None
        return self.given.get(name, f"<{name}>" if default is None else default)
