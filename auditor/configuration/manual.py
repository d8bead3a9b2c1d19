"""The reference of every option, made from the table that reads them: ``python -m auditor.configuration.manual``."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from auditor.configuration.options import SECTIONS, Option, Section


def page() -> str:
    """Return the reference in Markdown."""
    return "\n".join(line for section in SECTIONS for line in _section(section)).rstrip() + "\n"


def _section(section: Section) -> Iterator[str]:
    yield f"### `{section.header}`"
    yield ""
    yield section.doc
    yield ""
    if section.free is not None:
        yield f"Each line: `{section.free_form}`."
        yield ""
        return
    yield "| option | value | meaning | default |"
    yield "|---|---|---|---|"
    yield from (_row(option) for option in section.options)
    yield ""


def _row(option: Option) -> str:
    default = "required" if option.required else option.default or "none"
    cells = (f"`{option.key}`", option.form, option.doc, default)
    # A template's braces and bars would be read as Markdown's own.
    return "| " + " | ".join(cell.replace("|", "\\|").replace("*", "\\*") for cell in cells) + " |"


if __name__ == "__main__":
    sys.stdout.write(page())
