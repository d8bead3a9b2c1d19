"""What comments say of a flag's life: every convention by its example, and what is none."""

from __future__ import annotations

import pytest

from auditor.domain.annotations import CONVENTIONS, TELLING, said_in, shown
from auditor.domain.references import AnnotationKind

SAID = [
    (".. toggle_target_removal_date: 2026-12-01", {("end date", "2026-12-01")}),
    (".. toggle_target_removal_date: None", set()),
    (".. toggle_creation_date: 2026-01-05", {("created", "2026-01-05")}),
    ("introduced on 2026-01-05 by the checkout team", {("created", "2026-01-05")}),
    (".. toggle_use_cases: temporary", {("type", "temporary")}),
    (".. toggle_use_cases: open_edx, temporary", {("type", "temporary")}),
    (".. toggle_use_cases: circuit_breaker", {("type", "circuit-breaker")}),
    ("expires: 2026-12-01", {("end date", "2026-12-01")}),
    ("Expires on 2026/12/01.", {("end date", "2026-12-01")}),
    ("expires: 2026-02-30", set()),
    ("sunset=2026-12-01", {("end date", "2026-12-01")}),
    ("flag: temporary", {("type", "temporary")}),
    ("flag_type=kill-switch", {("type", "kill-switch")}),
    ("flag: yes", set()),
    ("[temporary] the new cart", {("type", "temporary")}),
    ("[todo] the new cart", set()),
    ("type: ignore", set()),
    ("TODO(team): remove after 2026-12-01", {("end date", "2026-12-01"), ("owner", "team")}),
    ("remove this flag by 2026-12-01", {("end date", "2026-12-01")}),
    ("removed the fallback on 2025-03-01", set()),
    ("remove-by: 2026-12-01", {("end date", "2026-12-01")}),
    ("remove it. Written on 2026-01-01", set()),
    ("do not remove before 2026-12-01", {("not before", "2026-12-01")}),
    ("must not be removed until 2026-12-01", {("not before", "2026-12-01")}),
    ("keep until 2026-12-01", {("not before", "2026-12-01")}),
    ("do not remove this flag", set()),
    ("TODO: do not remove flag", set()),
    ("@deprecated use the other checkout", {("mark", "deprecated")}),
    (".. deprecated:: 2.4", {("mark", "deprecated")}),
    ("not deprecated: it stays", set()),
    ("@lifecycle: development", {("stage", "development")}),
    ("lifecycle: completed", {("mark", "completed")}),
    ("@lifecycle temporary", {("type", "temporary")}),
    ("FIXME remove flag", {("mark", "remove")}),
    ("FIXME(@cart): clean up the old feature toggle", {("mark", "remove"), ("owner", "@cart")}),
    ("TODO: remove this hack", set()),
    ("TODO: remove these flags after 2026-12-01", set()),
    ("TODO: remove all of it after 2026-12-01", set()),
    ("owner: @checkout", {("owner", "@checkout")}),
    ("@owner shop/checkout, expires 2026-12-01", {("owner", "shop/checkout"), ("end date", "2026-12-01")}),
    ("the shopowner: nobody", set()),
    ("reads the new checkout", set()),
    ("", set()),
]


@pytest.mark.parametrize(("line", "expected"), SAID, ids=[line or "nothing" for line, _ in SAID])
def test_what_a_line_says(line, expected):
    assert {(told.kind.value, told.value) for told in said_in(line)} == expected


def test_every_convention_has_an_example_that_it_reads_and_a_meaning():
    for convention in CONVENTIONS:
        match = convention.pattern.search(convention.example)
        assert match is not None, convention.example
        assert list(convention.tells(match)), convention.example
        assert list(said_in(convention.example)), convention.example
        assert convention.meaning[0].islower()
    assert len({convention.example for convention in CONVENTIONS}) == len(CONVENTIONS)


def test_every_kind_of_what_may_be_said_has_a_convention():
    said = {told.kind for convention in CONVENTIONS for told in said_in(convention.example)}
    assert said == set(AnnotationKind)


@pytest.mark.parametrize("line", [line for line, expected in SAID if expected])
def test_a_file_that_says_something_is_looked_at(line):
    assert TELLING.search(line)


def test_what_is_kept_of_a_line_is_short_and_holds_no_credential():
    secret = "AKIA" + "IOSFODNN7" + "EXAMPLE"
    assert secret not in shown(f"expires 2026-12-01 {secret}")
    assert len(shown("remove flag " + "x" * 10_000)) < 200
    assert shown("  expires:\t2026-12-01 ") == "expires: 2026-12-01"


def test_a_line_of_any_length_takes_no_time():
    hostile = "todo " * 20_000 + "remove " * 20_000
    assert list(said_in(hostile)) == []
