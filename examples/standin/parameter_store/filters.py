"""The filters of DescribeParameters and GetParametersByPath."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from examples.standin.errors import AwsError
from examples.standin.parameter_store.model import Parameter

Filter = Mapping[str, Any]
_OPTIONS: dict[str, tuple[str, ...]] = {
    "Path": ("Recursive", "OneLevel"),
    "Name": ("BeginsWith", "Equals", "Contains"),
    "Label": ("Equals",),
}


def check(filters: Sequence[Filter], *, by_path: bool) -> None:
    """Refuse filters that AWS refuses: a key of the other operation, a key twice, an option or no value."""
    seen: set[str] = set()
    for one in filters:
        name, option = one["Key"], _option(one)
        if (name in {"Name", "Path"}) if by_path else (name == "Label"):
            valid = "Type, KeyId, Label" if by_path else "Path, Name, Type, KeyId, Tier"
            raise AwsError(
                "InvalidFilterKey",
                f"The following filter key is not valid: {name}. Valid filter keys include: [{valid}].",
            )
        if name in seen:
            raise AwsError(
                "InvalidFilterKey",
                f"The following filter is duplicated in the request: {name}. "
                "A request can contain only one occurrence of a specific filter.",
            )
        seen.add(name)
        valid_options = _OPTIONS.get(name, ("BeginsWith", "Equals"))
        if option not in valid_options:
            raise AwsError(
                "InvalidFilterOption",
                f"The following filter option is not valid: {option}. "
                f"Valid options include: [{', '.join(valid_options)}].",
            )
        if not one.get("Values") and not name.startswith("tag:"):
            raise AwsError(
                "InvalidFilterValue", f"The following filter values are missing : null for filter key {name}."
            )


def passes(parameter: Parameter, filters: Sequence[Filter]) -> bool:
    """Tell whether a parameter meets every filter; of one filter's values any suffices."""
    return all(_meets(parameter, one) for one in filters)


def old_style(filters: Sequence[Filter]) -> list[Filter]:
    """Return DescribeParameters' older ``Filters`` as the newer ones: a name there is a beginning."""
    return [
        {"Key": one["Key"], "Values": one["Values"], "Option": "BeginsWith" if one["Key"] == "Name" else "Equals"}
        for one in filters
    ]


def _option(one: Filter) -> str:
    default = "OneLevel" if one["Key"] == "Path" else "Equals"
    return str(one.get("Option") or default)


def _meets(parameter: Parameter, one: Filter) -> bool:
    name, option, values = one["Key"], _option(one), list(one.get("Values") or ())
    if name.startswith("tag:"):
        tag = parameter.tags.get(name.removeprefix("tag:"))
        return tag is not None and (not values or any(_text_meets(option, tag, value) for value in values))
    if name == "Path":
        return any(under(parameter.name, value, recursive=option == "Recursive") for value in values)
    if name == "Name":
        rooted = "/" + parameter.name.removeprefix("/")
        wanted = values if option == "Contains" else ["/" + value.removeprefix("/") for value in values]
        return any(_text_meets(option, rooted, value) for value in wanted)
    return any(_text_meets(option, held, value) for held in _held(parameter, name) for value in values)


def _held(parameter: Parameter, name: str) -> Sequence[str]:
    current = parameter.current
    held: dict[str, Callable[[], Sequence[str | None]]] = {
        "Type": lambda: [current.type],
        "KeyId": lambda: [current.key_id],
        "Tier": lambda: [current.tier],
        "DataType": lambda: [current.data_type],
        "Label": lambda: [label for version in parameter.versions for label in version.labels],
    }
    return [value for value in held[name]() if value is not None]


def _text_meets(option: str, held: str, wanted: str) -> bool:
    if option == "BeginsWith":
        return held.startswith(wanted)
    if option == "Contains":
        return wanted in held
    return held == wanted


def under(name: str, path: str, *, recursive: bool) -> bool:
    """Tell whether a parameter lies under a path, directly or at any depth."""
    root = "/" + path.strip("/") + "/" if path.strip("/") else "/"
    rooted = "/" + name.removeprefix("/")
    if not rooted.startswith(root):
        return False
    return recursive or "/" not in rooted[len(root) :]
