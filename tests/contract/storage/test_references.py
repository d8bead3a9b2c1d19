"""The newest scan of each repository counts; older ones stay."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import func, select

from auditor.adapters.storage.tables import code_references
from auditor.application.ports import StoredScan
from auditor.domain.references import Certainty, Fallback, FlagSpec, Reference, ReferenceKind, ScanResult, Unread
from auditor.domain.sightings import Look
from tests.support.records import at

SPEC = FlagSpec("/shop/prod/features/new-checkout", "ssm", "shop", "prod", name="shop/new-checkout")


def reference(line=1, spec=SPEC, **fields):
    usual = {"flag": spec, "path": "app.py", "line": line, "column": 5, "kind": ReferenceKind.READ}
    return Reference(**usual | fields)


def result(*references, **fields):
    return ScanResult(references=references, **{"commit": "abc", **fields})


def test_nothing_scanned_is_not_no_reference(database):
    with database.unit_of_work() as uow:
        assert uow.references.of_flag(SPEC) is None
        assert uow.references.scans() == []
        assert uow.references.references() == []
        uow.references.save("shop", result(), at(1))

        assert uow.references.of_flag(SPEC) == []
        assert uow.references.scans() == [StoredScan("shop", "abc", at(1), complete=True, unread=0)]


def test_references_are_read_back_as_they_were(database):
    found = (
        reference(3, certainty=Certainty.POSSIBLE, resolution=("a", "ü \ud800"), default=Fallback({"x": [1.0, None]})),
        reference(1, FlagSpec("K", "env"), default=Fallback(None), kind=ReferenceKind.BIND),
    )
    with database.unit_of_work() as uow:
        uow.references.save("shop", result(*found), at(1))
        uow.commit()

    with database.reader() as uow:
        assert uow.references.references() == list(found)


def test_the_newest_scan_counts_and_older_ones_stay(database):
    with database.unit_of_work() as uow:
        uow.references.save("shop", result(reference(1)), at(1))
        uow.references.save("till", result(reference(2), complete=False, unread=(Unread("x.py", "broken"),)), at(2))
        uow.references.save("shop", result(reference(3), commit=None), at(3))
        uow.commit()

    with database.reader() as uow:
        scans = uow.references.scans()
        assert [(scan.repository, scan.commit, scan.unread, scan.complete) for scan in scans] == [
            ("shop", None, 0, True),
            ("till", "abc", 1, False),
        ]
        assert uow.references.references() == [reference(3), reference(2)]
        assert uow.references.references(as_of=at(2)) == [reference(1), reference(2)]
        assert uow.references.of_flag(SPEC, as_of=at(1)) == [reference(1)]
        assert uow.references.of_flag(SPEC, as_of=at(0)) is None


def test_a_scan_that_found_the_same_takes_no_room(database):
    with database.unit_of_work() as uow:
        for hour in (1, 2, 3):
            uow.references.save("shop", result(reference(1), reference(2)), at(hour))
        uow.references.save("till", result(reference(1), reference(2)), at(4))

        assert uow._session.connection.scalar(select(func.count()).select_from(code_references)) == 4
        assert [scan.scanned_at for scan in uow.references.scans()] == [at(3), at(4)]


def test_those_of_a_flag(database):
    elsewhere = replace(SPEC, key="/shop/staging/features/new-checkout", environment="staging")
    unknown = FlagSpec("new-checkout", "openfeature", name="shop/new-checkout")
    stranger = FlagSpec("/shop/prod/features/other", "ssm", "shop", "prod", name="shop/other")
    bare = FlagSpec(SPEC.key, "ssm")
    found = [reference(n, spec) for n, spec in enumerate([SPEC, elsewhere, unknown, stranger, bare], 1)]
    with database.unit_of_work() as uow:
        uow.references.save("shop", result(*found), at(1))

        assert [one.line for one in uow.references.of_flag(SPEC)] == [1, 3, 5]
        assert [one.line for one in uow.references.of_flag(bare)] == [1, 5]
        assert [one.line for one in uow.references.of_flag(replace(bare, provider="appconfig"))] == []


def test_every_scan_is_told_with_what_it_found_of_some_flags(database):
    other = FlagSpec("/shop/prod/features/other", "ssm", "shop", "prod", name="shop/other")
    bare = FlagSpec("ü \ud800", "env")
    with database.unit_of_work() as uow:
        uow.references.save("shop", result(reference(1), reference(2, other), reference(3, bare)), at(1))
        uow.references.save("till", result(commit=None), at(2))
        uow.references.save("shop", result(reference(1), reference(2, other), reference(3, bare)), at(3))
        uow.references.save("shop", result(reference(2, other), complete=False, commit="def"), at(4))
        uow.commit()

    with database.reader() as uow:
        told = uow.references.sweeps({"shop/new-checkout", bare.key})
        assert [(one.repository, one.look, one.complete, list(one.found)) for one in told] == [
            ("shop", Look(at(1), "abc"), True, [reference(1), reference(3, bare)]),
            ("till", Look(at(2), None), True, []),
            ("shop", Look(at(3), "abc"), True, [reference(1), reference(3, bare)]),
            ("shop", Look(at(4), "def"), False, []),
        ]
        assert [one.look.at for one in uow.references.sweeps({"shop/other"}, as_of=at(2))] == [at(1), at(2)]
        assert not any(one.found for one in uow.references.sweeps({SPEC.key}))
