from __future__ import annotations

import pytest

from tests.support.scan_cases import Case, found_in, read_cases

CASES = read_cases()


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_finds_what_is_marked_and_nothing_else(case: Case, tmp_path):
    result = case.scan(tmp_path)
    assert found_in(result) == case.expected
    assert {(one.path, one.line) for one in result.unresolved} == case.unresolved
    given = {(r.path, r.line, r.flag.key): r.default.value for r in result.references if r.default is not None}
    for place, value in case.defaults.items():
        assert given.get(place, "no default") == value


def test_titles_are_told_apart():
    assert len({case.id for case in CASES}) == len(CASES)
