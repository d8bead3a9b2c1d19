"""The languages the scanner knows: one file and one line here each; the first that takes a file has it."""

from __future__ import annotations

from scanners.languages.base import Language

LANGUAGES: tuple[Language, ...] = ()
