"""Owners of the code at each reference, from the repository's CODEOWNERS."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from auditor.domain.references import FlagSpec
from scanners import cached, engine
from scanners.cache import open_cache

FLAGS = [FlagSpec("/shop/x", "ssm")]
RULES = "* @org/all\n/shop/ @org/shop @jo\nshop/free.py\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "shop").mkdir(parents=True)
    for name in ("a.py", "shop/b.py", "shop/free.py"):
        (root / name).write_text('KEY = "/shop/x"\n')
    (root / ".git").mkdir()
    return root


def owners(path: Path) -> dict[str, tuple[str, ...]]:
    return {one.path: one.owners for one in engine.scan([str(path)], FLAGS).references}


@pytest.mark.parametrize("place", ["CODEOWNERS", ".github/CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"])
def test_the_last_rule_that_fits_counts(place, tree):
    (tree / place).parent.mkdir(exist_ok=True)
    (tree / place).write_text(RULES)
    assert owners(tree) == {"a.py": ("@org/all",), "shop/b.py": ("@org/shop", "@jo"), "shop/free.py": ()}
    assert owners(tree / "shop") == {"b.py": ("@org/shop", "@jo"), "free.py": ()}
    assert owners(tree / "shop" / "b.py") == {"b.py": ("@org/shop", "@jo")}


def test_owners_are_as_they_are_now_whatever_a_cache_holds(tree, tmp_path):
    cache = open_cache(tmp_path / "cache")
    assert cached.scan([str(tree / "shop")], FLAGS, cache=cache).references[0].owners == ()
    (tree / "CODEOWNERS").write_text(RULES)
    assert cached.scan([str(tree / "shop")], FLAGS, cache=cache).references[0].owners == ("@org/shop", "@jo")


@pytest.mark.parametrize("name", ["CODEOWNERS", ".gitignore"])
def test_patterns_that_would_take_forever_are_not_tried(name, tree):
    (tree / name).write_text("*a" * 30 + "b @x\n" + "**/a/" * 30 + "b @x\n")
    (tree / ("a" * 100 + ".py")).write_text('KEY = "/shop/x"\n')
    began = time.monotonic()
    assert set(owners(tree).values()) == {()}
    assert time.monotonic() - began < 10


def test_each_section_has_owners_of_its_own(tree):
    rules = (
        "\ufeff* @all\n[Shop] @shop\nshop/\nshop/free.py @jo\n^[Any][2]\n*.py @py # all\n[ab].py @range\n[shop]\nb.py\n"
    )
    (tree / "CODEOWNERS").write_text(rules, encoding="utf-8")
    assert owners(tree) == {
        "a.py": ("@all", "@py"),
        "shop/b.py": ("@all", "@py"),
        "shop/free.py": ("@all", "@jo", "@py"),
    }
    (tree / "CODEOWNERS").write_text("[Shop] @shop\nshop/\n[Docs]\ndocs/\n[Code] @code\n*.py\n")
    assert owners(tree)["shop/b.py"] == ("@shop", "@code")
