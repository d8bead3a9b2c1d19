from __future__ import annotations

import subprocess

import pytest

from tests.house.check_docs import anchors, check, dead_links, links, pages, renewed


def test_links_in_code_are_none():
    text = 'see [a](a.md) and `[b](b.md)`\n```\n[c](c.md)\n```\n<img src="d.png">\n\n[e]: e.md\n'

    assert list(links(text)) == ["a.md", "d.png", "e.md"]


def test_headings_become_anchors_as_code_hosts_make_them():
    text = '# What is `kept`?\n## Twice\n## Twice\n```\n# no heading\n```\n<a name="here"></a>\n'

    assert anchors(text) == {"here", "what-is-kept", "twice", "twice-1"}


@pytest.mark.parametrize(
    ("target", "faults"),
    [
        ("other.md", []),
        ("/docs/other.md", []),
        ("other.md#there", []),
        ("#here", []),
        ("https://example.com/gone", []),
        ("gone.md", ["no such file: gone.md"]),
        ("other.md#gone", ["no such heading: other.md#gone"]),
        ("#gone", ["no such heading: #gone"]),
    ],
)
def test_a_link_that_leads_nowhere_is_named(tmp_path, target, faults):
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "other.md").write_text("# There\n")
    page = docs / "page.md"
    page.write_text(f"# Here\n[link]({target})\n")

    assert list(dead_links(page, tmp_path)) == faults


def test_blocks_are_renewed_in_their_form():
    stale = "<!-- text of: flagtrail -->\nold\n<!-- end -->\n<!-- page of: python -m x -->\n<!-- end -->\n"

    assert renewed(stale, lambda command: f"{command}  \nnew\n") == (
        "<!-- text of: flagtrail -->\n```text\nflagtrail\nnew\n```\n<!-- end -->\n"
        "<!-- page of: python -m x -->\npython -m x\nnew\n<!-- end -->\n"
    )


def test_a_stale_block_is_a_fault_until_it_is_written(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- text of: python -c 'print(6 * 7)' -->\n<!-- end -->\n")

    assert len(list(check(page, tmp_path, write=False))) == 1
    assert list(check(page, tmp_path, write=True)) == []
    assert "```text\n42\n```" in page.read_text()
    assert list(check(page, tmp_path, write=False)) == []


def test_pages_are_those_of_the_repository(tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("/build/\n")
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "made.md").write_text("made")
    (tmp_path / "README.md").write_text("kept")

    assert pages(tmp_path) == [tmp_path / "README.md"]
