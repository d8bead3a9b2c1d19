"""The pages in a browser: axe finds nothing serious, nothing is wider than the window, and the keyboard gets anywhere.

Without Chromium they are skipped, and the end of the run says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.resources import files
from pathlib import Path

import pytest

from auditor.domain.findings import Finding, Severity
from auditor.domain.flags import FlagId
from auditor.domain.lives import Life, Moment, Point, Scanned, Span, Year
from auditor.domain.readings import Position
from auditor.domain.verdicts import Verdict
from examples.demo.browser import Browser, Shot, browser, program
from reports import REPORTS
from reports.flag import FlagInput
from reports.history import HistoryInput, Ledger
from reports.stale import StaleInput
from tests.support.alerts import AT, recorded
from tests.support.pages import NOW, history_of, judged, place, said

LOOKS = [
    (1280, "light"),
    (390, "dark"),
    pytest.param(1280, "dark", marks=pytest.mark.proof),
    pytest.param(390, "light", marks=pytest.mark.proof),
]
AXE = (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")
RUN = "axe.run(document, {resultTypes: ['violations']}).then(found => found.violations)"
WIDTH = "document.documentElement.scrollWidth"
FOCUSABLE = """
Array.from(document.querySelectorAll("a[href], summary, input"))
  .filter(one => one.checkVisibility()).map(one => { one.focus(); return document.activeElement === one; })
"""
NO_CHROMIUM = "no Chromium here: the pages were not looked at in a browser; on Debian: apt install chromium"


def pages(folder: Path) -> Iterator[Path]:
    """Write a page of each report in which everything that it can show is shown."""
    life = Life({None: [Span(None, Position.OFF)], "prod": [Span(None, Position.ON), Span(AT, Position.BETWEEN)]})
    life.recent.append(Moment(AT, "enabled in prod", None))
    flag, other = judged("shop"), judged("other", kept=True)
    points = tuple(Point(AT, {Verdict.REMOVE: n, Verdict.KEEP: 9, Verdict.UNKNOWN: 3}) for n in range(53))
    findings = {FlagId("shop", "shop"): [Finding(level.value, level, "said") for level in Severity]}
    places = [place("shop"), place("other")]
    stale = StaleInput(
        [flag, other, judged("unknown", number=3)], places, NOW, code_url="https://code.example/{path}#L{line}",
        year=Year(points, {FlagId("shop", "shop"): life}, AT), findings=findings,
    )  # fmt: skip
    history = history_of("shop")
    told = HistoryInput(
        history.changes, history.gaps, NOW, ledger=Ledger("intact", ("Intact: 9 entries.",), "shop\n9\nroot")
    )
    scans = [Scanned(NOW, frozenset({"a.py:1"})), Scanned(AT, frozenset({"b.py:1", "c.py:2"}))]
    inputs = {
        "stale": stale,
        "history": told,
        "flag": FlagInput(flag, [recorded(number=2), said("shop")], stale, scans),
    }
    for name, module in REPORTS.items():
        import_module(module).render(inputs[name], folder / f"{name}.html")
        yield folder / f"{name}.html"


@pytest.fixture(scope="module")
def running() -> Iterator[Browser]:
    if program() is None:
        pytest.skip(NO_CHROMIUM)
    with browser() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {page.stem: page for page in pages(tmp_path_factory.mktemp("pages"))}


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
@pytest.mark.parametrize("name", REPORTS)
def test_axe_finds_nothing_serious(running, written, name, width, scheme):
    shot = Shot(written[name], width, scheme, 0)
    found = running.ask(shot, "document.querySelectorAll('details').forEach(one => one.open = true)", AXE, RUN)

    said = [f"{one['impact']}: {one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]}" for one in found]
    assert said == []


@pytest.mark.parametrize("width", [1280, 768, 390])
@pytest.mark.parametrize("name", REPORTS)
def test_nothing_is_wider_than_the_window(running, written, name, width):
    assert running.ask(Shot(written[name], width, "light", 0), WIDTH) == width


@pytest.mark.parametrize("name", REPORTS)
def test_the_keyboard_gets_to_all_that_does_something(running, written, name):
    reached = running.ask(Shot(written[name], 1280, "light", 0), FOCUSABLE)

    assert reached
    assert all(reached)


def test_what_is_typed_filters_the_rows(running, written):
    typed = """
    var box = document.getElementById("filter");
    box.value = "other/other"; box.dispatchEvent(new Event("input"));
    Array.from(document.querySelectorAll("[data-row]")).filter(one => one.checkVisibility()).map(one => one.id)
    """
    shown = running.ask(Shot(written["stale"], 1280, "light", 0), typed)

    assert len(shown) == 1
