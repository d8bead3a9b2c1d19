"""The reference page says what the table of options says."""

from __future__ import annotations

from auditor.configuration.manual import page
from auditor.configuration.options import SECTIONS


def test_every_option_is_in_the_reference():
    text = page()

    assert all(section.header in text for section in SECTIONS)
    assert all(f"| `{option.key}` |" in text for section in SECTIONS for option in section.options)
    assert all(line.count("|") - line.count("\\|") == 5 for line in text.splitlines() if line.startswith("| `"))


def test_the_page_in_the_documentation_is_current(root):
    assert page() in (root / "docs" / "configuration.md").read_text()
