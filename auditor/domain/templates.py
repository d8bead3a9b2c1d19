"""Path templates: how the names in a store tell application, environment and flag."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from auditor.domain.errors import ConfigurationError

# What is watched when nothing is configured.
DEFAULT_SSM_TEMPLATES = (
    "/{application}/{environment}/features/{flag}",
    "/{application}/{environment}/flags/{flag}",
    "/{application}/features/{flag}",
    "/{application}/flags/{flag}",
)

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
# ``#`` parts a DynamoDB key as ``/`` parts a path.
_HELD_TEXT = "[^/#]+"


@dataclass(frozen=True, slots=True)
class PathTemplate:
    """A name with placeholders, such as ``/{application}/{environment}/features/{flag}``.

    ``prefix`` is the fixed text every matching name begins with, ``path`` the deepest folder that holds all.
    """

    text: str
    placeholders: tuple[str, ...]
    pattern: re.Pattern[str]

    @classmethod
    def parse(cls, text: str, *, required: Collection[str] = ()) -> PathTemplate:
        """Read a template; raise ``ConfigurationError`` that says what is wrong with it."""
        pieces = _PLACEHOLDER.split(text)
        literals, names = pieces[::2], tuple(pieces[1::2])
        _refuse_faults(text, literals, names, required)
        pattern = "".join(
            f"(?P<{piece}>{_HELD_TEXT})" if index % 2 else re.escape(piece) for index, piece in enumerate(pieces)
        )
        return cls(text, names, re.compile(pattern))

    def __str__(self) -> str:
        """Return the template as it was written."""
        return self.text

    def match(self, name: str) -> Mapping[str, str] | None:
        """Return what each placeholder stands for in a name, or ``None`` when the name does not fit."""
        found = self.pattern.fullmatch(name)
        return None if found is None else found.groupdict()

    @property
    def prefix(self) -> str:
        """Return the fixed text before the first placeholder."""
        return self.text.partition("{")[0]

    @property
    def path(self) -> str:
        """Return the folder to list: ``/`` where the first folder already varies."""
        folder = self.prefix.rpartition("/")[0]
        return folder or "/"


@dataclass(frozen=True, slots=True)
class PathTemplates:
    """Several templates for one store; the first that fits a name decides."""

    templates: tuple[PathTemplate, ...]

    @classmethod
    def parse(cls, texts: Iterable[str], *, required: Collection[str] = ()) -> PathTemplates:
        """Read templates; raise ``ConfigurationError`` that lists the fault of every bad one."""
        templates, faults = [], []
        for text in texts:
            try:
                templates.append(PathTemplate.parse(text, required=required))
            except ConfigurationError as error:
                faults.append(str(error))
        if faults:
            raise ConfigurationError("; ".join(faults))
        return cls(tuple(templates))

    def __iter__(self) -> Iterator[PathTemplate]:
        """Iterate over the templates in their order."""
        return iter(self.templates)

    def match(self, name: str) -> Mapping[str, str] | None:
        """Return what the placeholders of the first fitting template stand for, or ``None``."""
        return next((found for template in self.templates if (found := template.match(name)) is not None), None)

    @property
    def paths(self) -> tuple[str, ...]:
        """Return the folders to list, without those that lie inside another one of them."""
        folders = sorted({template.path for template in self.templates})
        return tuple(f for f in folders if not any(f != other and _is_inside(f, other) for other in folders))


def default_templates() -> PathTemplates:
    """Return the templates of SSM parameters that are watched without configuration."""
    return PathTemplates.parse(DEFAULT_SSM_TEMPLATES, required=("flag",))


def _refuse_faults(text: str, literals: list[str], names: tuple[str, ...], required: Collection[str]) -> None:
    fault = _fault(literals, names, required)
    if fault is not None:
        raise ConfigurationError(f"template {text!r}: {fault}")


def _fault(literals: list[str], names: tuple[str, ...], required: Collection[str]) -> str | None:
    if any("{" in literal or "}" in literal for literal in literals):
        return "a placeholder is written {name}, letters, digits and _ only; braces mean nothing else"
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled is not None:
        return f"{{{doubled}}} stands in it twice"
    if "" in literals[1:-1]:
        return "two placeholders touch; put a fixed character between them, such as /"
    missing = next((name for name in required if name not in names), None)
    return f"it has no {{{missing}}}" if missing is not None else None


def _is_inside(folder: str, other: str) -> bool:
    return folder.startswith(other.rstrip("/") + "/")
