from __future__ import annotations

import pytest

from tests.support.scan_cases import Case, found_in, read_cases
from tests.support.scan_figures import Figures, is_core, scan_as_part_of_much

CASES = read_cases()
# Those whose keys and readers stand in different files.
FAR = [case for case in CASES if case.topic == "repositories" or len(case.files) > 1]


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_finds_what_is_marked_and_nothing_else(case: Case, tmp_path):
    result = case.scan(tmp_path)
    assert found_in(result) == case.expected
    assert {(one.path, one.line) for one in result.unresolved} == case.unresolved
    given = {(r.path, r.line, r.flag.key): r.default.value for r in result.references if r.default is not None}
    for place, value in case.defaults.items():
        assert given.get(place, "no default") == value


@pytest.mark.parametrize("case", FAR, ids=[case.id for case in FAR])
def test_finds_the_same_in_a_large_tree(case: Case, tmp_path):
    assert scan_as_part_of_much(case, tmp_path) == (case.expected, case.unresolved)


def test_figures_count_what_is_right_missed_and_too_much():
    case = Case("keys", "one", expected={("a.py", 1, "read", "x", "certain"), ("a.py", 2, "bind", "x", "certain")})
    figures = Figures()
    figures.add(case, {("a.py", 1, "read", "x", "certain"), ("a.py", 3, "read", "x", "certain")}, set())

    assert is_core(case)
    assert not figures.enough
    assert list(figures.lines())[1:] == [
        "bind               1       0.0%     0.0%",
        "read               1      50.0%   100.0%",
        "all                2      50.0%    50.0%",
        "keys: one: ('a.py', 2, 'bind', 'x', 'certain')",
        "keys: one: ('a.py', 3, 'read', 'x', 'certain')",
    ]


def test_there_are_enough_cases():
    assert len(CASES) >= 150


def test_titles_are_told_apart():
    assert len({case.id for case in CASES}) == len(CASES)
