"""Since when code names a flag, where it no longer does, and by which scan that is known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.references import Certainty, FlagSpec, Reference, ReferenceKind
from auditor.domain.sightings import Look, Sweep, sightings
from tests.support.records import at

SPEC = FlagSpec("/shop/prod/features/new-checkout", "ssm", "shop", "prod", name="shop/new-checkout")


def place(path="app.py", line=1, kind=ReferenceKind.READ, **fields):
    return Reference(flag=SPEC, path=path, line=line, column=1, kind=kind, **fields)


def sweep(hour, *found, complete=True, repository="shop"):
    return Sweep(repository, look(hour), complete, found)


def look(hour):
    return Look(at(hour), f"c{hour}")


def told(*sweeps):
    return {(one.repository, one.reference.path): (one.first, one.last, one.gone) for one in sightings(sweeps)}


def test_a_place_is_gone_since_the_first_complete_scan_without_it():
    found = told(sweep(1, place()), sweep(2, place()), sweep(3), sweep(4))

    assert found == {("shop", "app.py"): (look(1), look(2), look(3))}


def test_a_line_that_moved_is_no_removal():
    (found,) = sightings([sweep(1, place(line=3)), sweep(2, place(line=30), place(line=40))])

    assert (found.first, found.last, found.gone, found.reference.line) == (look(1), look(2), None, 30)


def test_a_scan_that_could_not_read_every_file_removes_nothing_and_still_sees():
    found = told(
        sweep(1, place()), sweep(2, place("b.py"), complete=False), sweep(3, complete=False), sweep(4, place("b.py"))
    )

    assert found["shop", "app.py"] == (look(1), look(1), look(4))
    assert found["shop", "b.py"] == (look(2), look(4), None)
    assert told(sweep(1, place()), sweep(2, complete=False))["shop", "app.py"][2] is None


def test_what_comes_again_is_not_gone():
    found = told(sweep(1, place()), sweep(2), sweep(3, place()))

    assert found == {("shop", "app.py"): (look(1), look(3), None)}


def test_one_repository_says_nothing_of_another():
    assert told(sweep(1, place()), sweep(2, repository="till"))["shop", "app.py"][2] is None


def test_kinds_are_places_of_their_own():
    found = sightings([sweep(1, place(), place(kind=ReferenceKind.TEST)), sweep(2, place(kind=ReferenceKind.TEST))])

    assert [(one.reference.kind.value, one.gone, one.left_code) for one in found] == [
        ("read", look(2), True),
        ("test", None, False),
    ]


@pytest.mark.parametrize("fields", [{"certainty": Certainty.POSSIBLE}, {"kind": ReferenceKind.DOC}])
def test_only_a_certain_use_leaves_production_code(fields):
    (found,) = sightings([sweep(1, place(**fields)), sweep(2)])

    assert found.gone == look(2)
    assert not found.left_code


@pytest.mark.parametrize(
    ("commits", "said"),
    [
        (("a", "b"), "removed by commit b, "),
        ((None, "b"), "removed by commit b, "),
        (("b", "b"), "no longer found at commit b, "),
        (("a", None), "no longer found at unknown commit, "),
    ],
)
def test_a_commit_is_blamed_only_where_it_can_have_done_it(commits, said):
    before, after = commits
    sweeps = [
        Sweep("shop", Look(at(1), before), complete=True, found=[place()]),
        Sweep("shop", Look(at(2), after), complete=True, found=[]),
    ]
    assert sightings(sweeps)[0].departure.startswith(said)
    assert sightings(sweeps[:1])[0].departure is None


def test_a_scan_is_named_by_its_short_commit_and_day():
    assert str(Look(at(1), "0123456789abcdef")).startswith("commit 0123456, 20")
    assert str(Look(at(1), None)).startswith("unknown commit, 20")


@given(st.lists(st.tuples(st.frozensets(st.sampled_from("abc")), st.booleans()), max_size=8))
def test_gone_is_what_the_complete_scans_since_the_last_sight_say(history):
    sweeps = [sweep(n, *map(place, sorted(names)), complete=whole) for n, (names, whole) in enumerate(history)]
    for one in sightings(sweeps):
        seen = [n for n, (names, _) in enumerate(history) if one.reference.path in names]
        without = [n for n in range(seen[-1] + 1, len(history)) if history[n][1]]
        assert (one.first, one.last) == (look(seen[0]), look(seen[-1]))
        assert one.gone == (look(without[0]) if without else None)
