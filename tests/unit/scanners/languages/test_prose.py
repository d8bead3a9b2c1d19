from __future__ import annotations

import json
import time

import pytest

from scanners.languages.notebook import Notebook
from scanners.languages.prose import Prose
from scanners.languages.webpage import WebPage
from scanners.unreadable import UnreadableSourceError
from tests.support.languages import CHECKOUT, SHIPPING, findings, lines


def test_prose_names_keys_as_words():
    source = f"""# Flags

- `{CHECKOUT}`: the new one. See {SHIPPING}.
- dark-mode, (dark-mode) dark-mode-v2 and Dark-Mode, not-dark-mode
- search, but `search` and "search"
- free-shipping {CHECKOUT}/x
"""
    assert lines(findings(Prose(), "docs/a.md", source)) == [
        f"3:56 doc {SHIPPING}",
        f"3:4 doc {CHECKOUT}",
        "4:3 doc dark-mode",
        "5:16 doc search",
    ]


def test_prose_by_name():
    assert lines(findings(Prose(), "README", f"{CHECKOUT}\n")) == [f"1:1 doc {CHECKOUT}"]
    assert lines(findings(Prose(), "tests/README.md", f"{CHECKOUT}\n")) == [f"1:1 test {CHECKOUT}"]


def test_a_notebook():
    cells = [
        {"cell_type": "markdown", "source": ["Look at `search`\n", f"and {CHECKOUT}."]},
        {
            "cell_type": "code",
            "source": [
                f'ssm.get_parameter(Name="{CHECKOUT}")\n',
                "x = 'dark-mode'\n",
                "d['search']\n",
                f"# {SHIPPING}",
            ],
            "outputs": [{"text": [f"'{SHIPPING}'"]}],
        },
    ]
    found = lines(findings(Notebook(), "a.ipynb", json.dumps({"cells": cells}, indent=1)))
    assert found == [
        "6:15 doc search",
        f"7:10 doc {CHECKOUT}",
        f"13:29 possible read {CHECKOUT}",
        "14:10 possible bind dark-mode",
        "15:8 possible read search",
        f"16:8 possible doc {SHIPPING}",
    ]


@pytest.mark.parametrize("source", ["[" * 1_000, '{"dark-mode": 1}', "not json: dark-mode {"])
def test_what_is_no_notebook(source):
    with pytest.raises(UnreadableSourceError):
        findings(Notebook(), "a.ipynb", source)


def test_a_template_of_a_page():
    source = """<!-- dark-mode -->
{% if flags.enabled("dark-mode") %}{{ flags["search"] }}{% endif %}
<div data-flag="dark-mode" class="search">dark-mode or search</div>
<script>if (client.on('dark-mode')) {}</script>
{# search, 'search' #}
<p>dark-mode-v2</p>
"""
    assert lines(findings(WebPage(), "templates/a.html", source)) == [
        "1:6 doc dark-mode",
        "2:21 possible read dark-mode",
        "2:45 possible read search",
        "3:16 possible bind dark-mode",
        "4:23 possible read dark-mode",
        "5:13 doc search",
    ]


@pytest.mark.parametrize("opened", ["<!--", "{{", "{%", "<%", "<a ", "<script>", "{#"])
def test_pages_that_close_nothing_end(opened):
    begun = time.process_time()
    found = lines(findings(WebPage(), "a.html", opened * 100_000 + f" {CHECKOUT}"))
    assert [line.split(" ", 1)[1] for line in found] == [f"possible doc {CHECKOUT}"]
    assert time.process_time() - begun < 5
