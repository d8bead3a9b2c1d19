"""Which comments are about which flag: by where they stand, in any language."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from auditor.domain.references import FlagSpec, ScanResult
from auditor.domain.scan_options import ScanOptions
from scanners.cache import open_cache
from scanners.cached import scan as cached_scan
from scanners.engine import scan

FLAGS = [FlagSpec("new-checkout", "generic"), FlagSpec("old-cart", "generic")]
END = {("new-checkout", "end date", "2026-12-01")}


def said(result: ScanResult) -> set[tuple[str, str, str]]:
    return {(one.flag.key, a.kind.value, a.value) for one in result.references for a in one.annotations}


def scanned(folder: Path, name: str, text: str, flags: list[FlagSpec] | None = None) -> ScanResult:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text))
    return scan([str(folder)], FLAGS if flags is None else flags)


LANGUAGES = [
    ("a.py", 'FLAG = "new-checkout"  # expires: 2026-12-01'),
    ("a.py", '# TODO: remove after 2026-12-01\nFLAG = "new-checkout"'),
    ("a.py", '# TODO: remove\n# after 2026-12-01\n# expires: 2026-12-01\nFLAG = "new-checkout"'),
    ("a.py", '# expires: 2026-12-01\nFLAG = (\n    "new-checkout"\n)'),
    ("a.py", '"""Not this: "#" here."""\nurl = "#a"\nFLAG = "new-checkout"  # expires: 2026-12-01'),
    ("a.ts", '// expires: 2026-12-01\nexport const FLAG = "new-checkout";'),
    ("a.ts", 'const FLAG = "new-checkout"; // see "https://x": expires: 2026-12-01'),
    ("a.js", '/**\n * @deprecated\n * Expires: 2026-12-01\n */\nconst FLAG = "new-checkout";'),
    ("A.java", 'class A {\n  // expires: 2026-12-01\n  static final String FLAG = "new-checkout";\n}'),
    ("a.go", 'package a\n\n// expires: 2026-12-01\nconst Flag = "new-checkout"'),
    ("a.rb", 'enabled?("new-checkout") # expires: 2026-12-01'),
    ("a.rs", '// expires: 2026-12-01\nconst FLAG: &str = "new-checkout";'),
    ("a.sh", 'FLAG="new-checkout" # expires: 2026-12-01'),
    ("a.yaml", "flags:\n  # expires: 2026-12-01\n  - new-checkout"),
    ("a.sql", "-- expires: 2026-12-01\nSELECT flag('new-checkout');"),
    ("a.kt", 'val flag = "new-checkout" /* expires: 2026-12-01 */'),
    ("Dockerfile", "# expires: 2026-12-01\nENV FLAG=new-checkout"),
    ("a.ini", "; expires: 2026-12-01\nflag = new-checkout"),
    ("a.html", '<!-- expires: 2026-12-01 -->\n<div data-flag="new-checkout"></div>'),
]


def told_by_folder(folder: Path, files: list[tuple[str, str]]) -> dict[str, set[tuple[str, str, str]]]:
    """Return what comments say in each of many files, each in a folder of its own, scanned at once."""
    for number, (name, text) in enumerate(files):
        (folder / str(number)).mkdir()
        (folder / str(number) / name).write_text(text)
    result = scan([str(folder)], FLAGS, ScanOptions(seconds_per_file=300))
    assert {one.path.split("/")[0] for one in result.references} == {str(number) for number in range(len(files))}
    return {
        f"{number} {name}": said(
            ScanResult(tuple(one for one in result.references if one.path.startswith(f"{number}/")))
        )
        for number, (name, _) in enumerate(files)
    }


def test_a_comment_beside_a_place_is_about_its_flag(tmp_path):
    told = told_by_folder(tmp_path, LANGUAGES)
    assert [case for case, found in told.items() if not found >= END] == []


ABOUT_NONE = [
    ("a blank line between", '# expires: 2026-12-01\n\nFLAG = "new-checkout"'),
    ("code between", '# expires: 2026-12-01\nx = 1\nFLAG = "new-checkout"'),
    ("a text that looks like a comment", 'x = "# expires: 2026-12-01"; FLAG = "new-checkout"'),
    ("several flags on the line", 'FLAGS = ["new-checkout", "old-cart"]  # expires: 2026-12-01'),
    ("above a table of several", '# expires: 2026-12-01\nFLAGS = [\n    "new-checkout",\n    "old-cart",\n]'),
    ("above a function", '# expires: 2026-12-01\ndef f():\n    return ssm.get_parameter(Name="new-checkout")'),
    ("of another toggle", '# .. toggle_name: shop.other\n# expires: 2026-12-01\nFLAG = "new-checkout"'),
    ("about flags in general", '# remove these flags after 2026-12-01\nFLAG = "new-checkout"'),
    ("what may be it", '# expires: 2026-12-01\nFLAG = ssm.get_parameter(Name=f"{x}-checkout")'),
]
READER = 'import boto3\nssm = boto3.client("ssm")\n\n'


def test_what_may_be_about_another_flag_is_about_none(tmp_path):
    told = told_by_folder(tmp_path, [("a.py", READER + text) for _, text in ABOUT_NONE])
    assert dict(zip([words for words, _ in ABOUT_NONE], told.values(), strict=True)) == {
        words: set() for words, _ in ABOUT_NONE
    }


@pytest.mark.parametrize("name", ["notes.md", "tests/test_a.py"])
def test_prose_and_tests_say_nothing(tmp_path, name):
    result = scanned(tmp_path, name, '# remove "new-checkout" after 2026-12-01\nFLAG = "new-checkout"')
    assert result.references
    assert said(result) == set()


def test_a_comment_that_names_a_flag_is_about_that_flag_and_not_about_the_one_below(tmp_path):
    result = scanned(tmp_path, "a.py", '# TODO(cart): remove old-cart after 2026-12-01\nFLAG = "new-checkout"')
    assert said(result) == {("old-cart", "end date", "2026-12-01"), ("old-cart", "owner", "cart")}


def test_of_a_comment_that_names_two_flags_each_line_is_about_its_own(tmp_path):
    text = """
        # remove new-checkout after 2026-12-01
        # keep old-cart until 2027-01-01
        x = 1
    """
    assert said(scanned(tmp_path, "a.py", text)) == {*END, ("old-cart", "not before", "2027-01-01")}


def test_annotations_of_edx_are_read_whole_toggle_by_toggle(tmp_path):
    text = """
        # .. toggle_name: new-checkout
        # .. toggle_implementation: WaffleFlag
        # .. toggle_default: False
        # .. toggle_description: The new checkout.
        # .. toggle_use_cases: temporary
        # .. toggle_creation_date: 2026-01-05
        # .. toggle_target_removal_date: 2026-12-01
        # .. toggle_name: old-cart
        # .. toggle_use_cases: circuit_breaker
        # .. toggle_target_removal_date: None
        FLAG = WaffleFlag("new-checkout", __name__)
        OTHER = "old-cart"
    """
    assert said(scanned(tmp_path, "a.py", text)) == {
        *END,
        ("new-checkout", "type", "temporary"),
        ("new-checkout", "created", "2026-01-05"),
        ("old-cart", "type", "circuit-breaker"),
    }


def test_a_toggle_may_be_named_otherwise_in_the_store(tmp_path):
    flags = [FlagSpec("/shop/prod/features/new-checkout", "ssm", name="shop/new-checkout")]
    text = """
        # .. toggle_name: shop.new_checkout
        # .. toggle_target_removal_date: 2026-12-01
        FLAG = "/shop/prod/features/new-checkout"
    """
    result = scanned(tmp_path, "a.py", text, flags)
    assert {a.value for one in result.references for a in one.annotations} == {"2026-12-01"}


def test_a_resource_of_terraform_is_one_statement(tmp_path):
    flags = [FlagSpec("/shop/prod/features/new-checkout", "ssm"), FlagSpec("/shop/prod/features/old-cart", "ssm")]
    text = """
        # flag: temporary
        # owner: @checkout
        resource "aws_ssm_parameter" "new" {
          type  = "String"
          name  = "/shop/prod/features/new-checkout"
          value = "true"
        }

        resource "aws_ssm_parameter" "old" {
          name  = "/shop/prod/features/old-cart"
          value = "true"
        }
    """
    assert said(scanned(tmp_path, "main.tf", text, flags)) == {
        ("/shop/prod/features/new-checkout", "type", "temporary"),
        ("/shop/prod/features/new-checkout", "owner", "@checkout"),
    }


def test_a_place_and_its_line_are_kept_and_the_scan_prints_what_it_printed(tmp_path):
    (one,) = scanned(tmp_path, "shop/a.py", 'x = 1\n# FIXME(@cart): remove flag\nFLAG = "new-checkout"').references
    mark, owner = one.annotations
    assert (mark.path, mark.line, mark.value, mark.text) == ("shop/a.py", 2, "remove", "FIXME(@cart): remove flag")
    assert owner.value == "@cart"
    assert "annotations" not in one.to_json()


def test_a_scan_that_is_not_made_again_says_the_same(tmp_path):
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a.py").write_text('FLAG = "new-checkout"  # expires: 2026-12-01\n')
    cache = open_cache(tmp_path / "cache")
    first = cached_scan([str(tmp_path / "tree")], FLAGS, cache=cache)
    assert said(first) == END
    assert cached_scan([str(tmp_path / "tree")], FLAGS, cache=cache) == first


def test_a_file_of_nothing_but_signs_takes_no_time(tmp_path):
    text = "\n".join(["# expires: 2026-12-01", 'x = "new-checkout"', *['"""' + "'`/*" * 200] * 500])
    assert scanned(tmp_path, "a.py", text).references
