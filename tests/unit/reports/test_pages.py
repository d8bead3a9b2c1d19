"""Each report as a page: complete, readable without a network, made whole or not at all."""

from __future__ import annotations

import json
import os
import tracemalloc
from dataclasses import replace
from datetime import time, timedelta
from importlib import import_module

import pytest

from auditor.domain.attribution import UNATTRIBUTED, Actor, ActorKind, Attribution, Certainty, Evidence
from auditor.domain.changes import ChangeKind, DiffEntry
from auditor.domain.hours import WorkingHours
from auditor.domain.verdicts import Verdict
from reports import REPORTS, flag, history, stale
from reports.bars import bars
from reports.flag import FlagInput
from reports.history import HistoryInput
from reports.render import environment, moment, stream, value_text, visible
from reports.stale import StaleInput
from tests.support.alerts import AT, recorded
from tests.support.pages import NOW, Page, history_of, judged, numbered, place, said, stale_of

SHARED = {"base.html.j2", "parts.html.j2"}
INPUTS = {
    "stale": stale_of("shop"),
    "history": history_of("shop"),
    "flag": FlagInput(judged("shop"), [said("shop")], stale_of("shop")),
}
EMPTY = {
    "stale": StaleInput([], [], NOW),
    "history": HistoryInput(lambda: iter(()), [], NOW),
    "flag": FlagInput(judged("shop"), [], StaleInput([], [], NOW)),
}


def rendered(name, data, folder):
    out = folder / f"{name}.html"
    import_module(REPORTS[name]).render(data, out)
    return Page.of(out)


def test_every_template_belongs_to_a_report():
    templates = set(environment().list_templates()) - SHARED

    assert templates == {f"{name}.html.j2" for name in REPORTS}
    assert set(INPUTS) == set(EMPTY) == set(REPORTS)


@pytest.mark.parametrize("data", [INPUTS, EMPTY], ids=["filled", "empty"])
@pytest.mark.parametrize("name", REPORTS)
def test_a_page_needs_nothing_but_itself(name, data, tmp_path):
    page = rendered(name, data[name], tmp_path)

    assert page.elements[0] == ("html", (("lang", "en"),))
    assert page.open == []
    assert not {"link", "img", "iframe", "object", "base"} & {tag for tag, _ in page.elements}
    assert page.attributes("src") == []
    assert all(link.startswith("#") for link in page.attributes("href"))
    (policy,) = [value for value in page.attributes("content") if "default-src" in value]
    assert policy.startswith("default-src 'none'")
    assert len(page.attributes("id")) == len(set(page.attributes("id"))), "an id stands once"
    assert {link[1:] for link in page.attributes("href")} <= set(page.attributes("id"))


@pytest.mark.parametrize("name", REPORTS)
def test_headings_go_down_one_level_at_a_time(name, tmp_path):
    levels = [int(tag[1]) for tag, _ in rendered(name, INPUTS[name], tmp_path).elements if tag in ("h1", "h2", "h3")]

    assert levels[0] == 1
    assert levels.count(1) == 1
    # A panel above the first section may begin with a heading of its own.
    assert set(levels) == {1, 2, 3}


def test_an_empty_record_is_said_in_words(tmp_path):
    assert "0 flags" in rendered("stale", EMPTY["stale"], tmp_path).text
    assert "No code was scanned yet" in rendered("stale", EMPTY["stale"], tmp_path).text
    assert "No change is recorded in this period" in rendered("history", EMPTY["history"], tmp_path).text
    assert "No change is recorded." in rendered("flag", EMPTY["flag"], tmp_path).text


def test_the_stale_page_tells_the_verdict_its_reason_and_what_to_do(tmp_path):
    go, stay = judged("shop"), judged("other", kept=True)
    assert (go.verdict, stay.verdict) == (Verdict.REMOVE, Verdict.KEEP)
    data = StaleInput([go, stay], [place("src/shop.py", flag="shop/shop")], NOW)
    page = rendered("stale", data, tmp_path)

    assert page.text.index("Can go (1)") < page.text.index("shop/shop") < page.text.index("Stays (1)")
    for reason in (*go.reasons, *stay.reasons):
        assert f"{reason.text} ({reason.code})" in page.text
    assert "src/shop.py:7" in page.text
    assert "Removal must keep true in shop" in page.text
    assert "Not known: runtime reads" in page.text


def test_a_long_list_of_places_is_cut_with_its_number(tmp_path):
    places = [place("a.py", line, flag="shop/shop") for line in range(1, 31)]
    page = rendered("stale", StaleInput([judged("shop")], places, NOW), tmp_path)

    assert "a.py:1 " in page.text
    assert "a.py:30" not in page.text
    assert "and 18 more" in page.text


def test_a_link_leads_to_the_line_at_the_scanned_commit(tmp_path):
    data = stale_of("shop", commit="abc123", code_url="https://code.example/{commit}/{path}#L{line}")

    assert "https://code.example/abc123/shop#L7" in rendered("stale", data, tmp_path).attributes("href")


def test_the_history_shows_first_what_needs_a_look(tmp_path):
    root = Attribution(Actor(ActorKind.ROOT, "root"), Certainty.CERTAIN)
    night = AT.replace(hour=3)
    changes = [
        recorded(number=1, flag="by-day"),
        recorded(number=2, flag="by-root", attribution=root),
        recorded(number=3, flag="by-nobody", attribution=UNATTRIBUTED),
        recorded(number=4, flag="by-night", occurred_at=night),
        recorded(number=5, flag="refused", kind=ChangeKind.DENIED, error="AccessDenied", before=None, after=None, diff=()),
    ]  # fmt: skip
    page = rendered("history", HistoryInput(lambda: iter(changes), [], NOW), tmp_path)
    first, _, everything = page.text.partition("Every change, newest first")

    assert "by-day" not in first
    for name in ("by-root", "by-nobody", "by-night", "refused"):
        assert name in first
        assert name in everything
    assert "4 changes" in page.text
    assert "1 denied or failed attempts" in page.text
    assert "1 unattributed" in page.text
    assert "1 out of hours" in page.text
    assert "Nothing: every version the stores numbered is in the record." in page.text


def test_working_hours_are_those_of_the_policy(tmp_path):
    """A change at 09:15 in UTC is made at night in New York, and out of the console only where a call says so."""
    hours = WorkingHours(time(9), time(17), ("mon", "tue"), "America/New_York")
    person = Actor(ActorKind.PERSON, "console-operator")
    evidence = (Evidence("cloudtrail", "CloudTrail names role console-operator"),)
    by = Attribution(person, Certainty.CERTAIN, evidence)
    data = HistoryInput(lambda: iter([recorded(attribution=by)]), [], NOW, hours=hours)
    page = rendered("history", data, tmp_path)

    assert "1 out of hours" in page.text
    assert "mon, tue 09:00 to 17:00 (America/New_York)" in page.text
    assert "person, by API 1" in page.text


def test_hours_are_in_the_heat_map(tmp_path):
    changes = [recorded(number=n, occurred_at=AT) for n in (1, 2)] + [
        recorded(number=3, occurred_at=AT - timedelta(days=1))
    ]
    page = rendered("history", HistoryInput(lambda: iter(changes), [], NOW), tmp_path)

    assert "Mon 09:00 to 09:59 UTC: 2 changes" in page.text
    assert "Sun 09:00 to 09:59 UTC: 1 change" in page.text


def test_a_change_that_nothing_dates_shows_its_interval(tmp_path):
    between = recorded(occurred_at=None, occurred_between=(AT, AT + timedelta(hours=1)))
    before = recorded(number=2, occurred_at=None, occurred_between=(None, AT))
    page = rendered("history", HistoryInput(lambda: iter([between, before]), [], NOW), tmp_path)

    assert "between 2026-03-02 09:15:04 and 2026-03-02 10:15:04" in page.text
    assert "between the beginning and 2026-03-02 09:15:04" in page.text


def test_a_masked_value_is_never_a_value():
    assert value_text({"masked": True, "comparable": False}) == "hidden value"


@pytest.mark.parametrize("name", ["history", "flag"])
def test_a_change_has_its_id_as_anchor_and_its_values_whole(name, tmp_path):
    values = "w" * 9_000, {"masked": True, "comparable": False, "why": "x" * 99}
    one = recorded(number=3, diff=(DiffEntry("replace", "/value/text", *values),))
    added = recorded(number=4, diff=(DiffEntry("add", "/value/text", None, ["<b>" * 100]),))
    data = {
        "history": HistoryInput(lambda: iter([added, one]), [], NOW),
        "flag": FlagInput(judged("shop"), [added, one], stale_of("shop")),
    }
    page = rendered(name, data[name], tmp_path)

    assert {one.id, added.id} <= set(page.attributes("id"))
    assert "/value/text before: " in page.text
    assert values[0] in page.text
    assert "x" * 99 not in page.text
    assert json.dumps(["<b>" * 100]) in page.text


def test_a_long_value_is_cut_and_says_how_long_it_is():
    assert value_text("x" * 5_000).endswith("… (5000 characters in all)")
    assert len(value_text("x" * 5_000)) < 2_100


def test_text_that_could_steer_is_written_as_escapes():
    assert visible("a\u202eb\x1b") == "a\\u202eb\\x1b"
    assert moment(None) == "-"


def test_bars_show_the_largest_and_the_rest_as_one():
    shown = bars({f"name-{n:02}": 20 - n for n in range(15)})

    assert shown[0] == ("name-00", 20, 95.2)
    assert shown[-1] == ("3 others", 8 + 7 + 6, 100.0), "it may well be the longest"
    assert len(shown) == 13
    assert bars({}) == []


def test_a_page_is_whole_or_the_former_one(tmp_path):
    out = tmp_path / "history.html"
    history.render(history_of("shop"), out)
    before = out.read_bytes()

    def broken():
        yield said("shop")
        raise OSError("the record went away")

    calls = iter([iter([said("shop")]), iter([said("shop")]), broken()])
    with pytest.raises(OSError, match="went away"):
        history.render(HistoryInput(lambda: next(calls), [], NOW), out)
    assert out.read_bytes() == before


def test_the_flag_page_holds_one_flag_and_its_life_newest_first(tmp_path):
    changes = [recorded(number=2, summary="enabled again"), recorded(number=1, summary="switched off")]
    both = StaleInput([judged("shop"), judged("other")], [place("a.py", flag="shop/shop")], NOW)
    page = rendered("flag", FlagInput(judged("shop"), changes, both), tmp_path)

    _, _, life = page.text.partition("Its life, newest first")
    assert life.index("enabled again") < life.index("switched off")
    assert "a.py:7" in page.text
    assert "other" not in page.text
    assert "(2 changes)" in page.text


def peak(count):
    """Return the most memory that writing so many changes took, in bytes."""
    tracemalloc.start()
    size = sum(len(piece) for piece in stream("history.html.j2", history.view(endless(count))))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > count * 500
    return most


def endless(count):
    return HistoryInput(lambda: numbered(count), [], NOW)


def test_ten_times_the_changes_need_no_more_memory():
    few = 2_000 if os.environ.get("FLAGTRAIL_PROOF") == "1" else 150
    peak(100)  # what is made once: compiled templates, caches

    assert peak(10 * few) < 2 * peak(few) + 500_000


def test_unknown_names_in_a_template_are_errors():
    with pytest.raises(Exception, match="undefined"):
        environment().from_string("{{ nothing.at_all }}").render()


def test_a_stale_page_of_flags_never_scanned_proposes_nothing(tmp_path):
    facts = replace(judged("shop").facts, references=None)
    unscanned = replace(judged("shop"), facts=facts, verdict=Verdict.UNKNOWN)
    page = rendered("stale", StaleInput([unscanned], [], NOW), tmp_path)

    assert "No code was scanned yet, so no flag is proposed for removal." in page.text
    assert "Not known (1)" in page.text


def test_a_flag_is_one_of_the_reports():
    assert REPORTS["flag"] == flag.__name__
    assert REPORTS["stale"] == stale.__name__
