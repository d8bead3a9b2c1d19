"""Keys that code may ask for: which are worth a scan, and which would make it read everything."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from auditor.domain.references import FlagSpec
from auditor.domain.templates import default_templates
from scanners.cache import open_cache
from scanners.candidates import parameter_names, specs_beside

WATCHED = default_templates().match


@pytest.mark.parametrize(
    ("file", "text", "found"),
    [
        ("app.py", 'x = "/shop/prod/features/new-checkout"', ["/shop/prod/features/new-checkout"]),
        ("app.py", "# reads /shop/prod/features/new-checkout.", ["/shop/prod/features/new-checkout"]),
        ("t.yaml", "Name: /shop/features/new-checkout:3", ["/shop/features/new-checkout"]),
        ("app.py", 'x = "/shop/prod/database/password"', []),
        ("app.py", 'x = "/shop/prod/features/x"', []),
        ("app.py", 'x = f"/shop/prod/features/abc-{n}"', []),
        ("test_app.py", 'x = "/shop/prod/features/new-checkout"', []),
        ("notes.md", "/shop/prod/features/new-checkout", []),
    ],
)
def test_watched_names_of_code_are_found(tmp_path: Path, file, text, found):
    (tmp_path / file).write_text(text)

    assert parameter_names(str(tmp_path), lambda name: WATCHED(name) is not None) == found


def test_a_key_is_looked_for_in_each_place_that_holds_a_listed_one():
    listed = [
        FlagSpec("a", "appconfig", "shop", None, "flags"),
        FlagSpec("b", "appconfig", "shop", None, "flags"),
        FlagSpec("/shop/features/c", "ssm"),
        FlagSpec("D", "env"),
        FlagSpec("e", "generic"),
    ]

    assert specs_beside(["new"], listed) == [FlagSpec("new", "appconfig", "shop", None, "flags")]


def test_names_are_the_same_with_a_cache_before_and_after_a_change(tmp_path):
    cache = open_cache(tmp_path / "cache")
    tree = tmp_path / "tree"
    tree.mkdir()
    for number, text in enumerate(("'/shop/prod/features/one'", "'/shop/prod/features/other'", "''")):
        (tree / "a.py").write_text(f"x = {text}\n")
        (tree / "b.py").write_text("y = '/shop/prod/features/still-here'\n")
        for file in tree.iterdir():
            os.utime(file, ns=(number + 1, number + 1))
        plain = parameter_names(str(tree), lambda _: True)
        assert parameter_names(str(tree), lambda _: True, cache) == plain
        assert parameter_names(str(tree), lambda _: True, cache) == plain
        assert "/shop/prod/features/still-here" in plain
