from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.application.message import Fact
from auditor.application.message_parts import MOST_CHANGES, MOST_COMMANDS, MOST_PLACES
from auditor.application.messages import compose
from auditor.application.wording import HIDDEN, actor_text, cut, value_text, visible, when_text
from auditor.domain.alerts import AlertKind
from auditor.domain.attribution import Actor, ActorKind, Attribution, Certainty, Evidence
from auditor.domain.changes import ChangeKind, DiffEntry
from auditor.domain.flags import FlagState
from auditor.domain.masking import MASKED_INCOMPARABLE
from auditor.domain.references import Certainty as ReferenceCertainty
from auditor.domain.references import ReferenceKind
from auditor.domain.revert import LONGEST
from tests.support.alerts import AT, PROFILE, alert, change, deployed, recorded, reference, unattributed


def fact(message, label):
    return next((found.text for found in message.facts if found.label == label), None)


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ([recorded()], "shop/new-checkout changed in prod"),
        ([recorded(application=None, environment=None)], "new-checkout changed"),
        ([recorded(kind=ChangeKind.EXPIRED)], "shop/new-checkout expired in prod"),
        ([recorded(kind=ChangeKind.SAVED, environment=None)], "shop/new-checkout saved, not live yet"),
        ([recorded(kind=ChangeKind.DENIED)], "Attempt denied: shop/new-checkout in prod"),
        ([recorded(kind=ChangeKind.FAILED, flag=None)], "Attempt failed: /shop/prod/features/new-checkout in prod"),
        ([deployed(number=1), deployed(number=2)], "2 flags deployed in prod: shop/flag-1, shop/flag-2"),
        (
            [recorded(kind=ChangeKind.CREATED, flag="a"), recorded(flag="b")],
            "2 flags created, changed in prod: shop/a, shop/b",
        ),
    ],
)
def test_the_title_says_which_flag_what_and_where(changes, title):
    assert compose(alert(*changes)).title == title


def test_no_change_at_all_is_still_a_message():
    message = compose(replace(alert(), changes=()))

    assert (message.title, message.facts, message.footer) == ("A change without flags", (), "")


def test_before_and_after_stand_beside_each_other():
    diff = (
        DiffEntry("replace", "/value", None, {"a": 1}),
        DiffEntry("add", "/definition", None, "x"),
        DiffEntry("remove", "", [1], None),
    )
    (told,) = compose(alert(recorded(diff=diff))).changes

    assert [(entry.path, entry.before, entry.after) for entry in told.diff] == [
        ("/value", "null", '{"a": 1}'),
        ("/definition", None, '"x"'),
        ("the whole flag", "[1]", None),
    ]


def test_where_version_and_document_are_said():
    message = compose(alert(deployed(), titles={PROFILE.name: "shop/checkout-flags"}))

    assert fact(message, "Where") == "shop / prod, AppConfig in account 111122223333, eu-central-1"
    assert fact(message, "Document") == "shop/checkout-flags (abc1234/def5678)"
    assert fact(message, "Version") == "deployment 7, 2 → 3"
    assert fact(message, "Rollout") == "50 % at 09:05:04, 100 % at 09:15:04 UTC, COMPLETE"


def test_what_all_changes_share_is_said_once():
    message = compose(alert(*(deployed(number=number) for number in range(4))))

    assert fact(message, "Who") == "dana@example.com (person), through ShopAdmin, from 198.51.100.7"
    assert fact(message, "When") == "2026-03-02 09:15:04 UTC"


@pytest.mark.parametrize(
    ("actor", "said"),
    [
        (Actor(ActorKind.UNKNOWN, None), "unattributed: nothing names who did it"),
        (Actor(ActorKind.ROLE, "Deploy", via="Deploy", session="run-7"), "Deploy (role), session run-7"),
        (Actor(ActorKind.SERVICE, None, arn="arn:aws:iam::1:role/x"), "arn:aws:iam::1:role/x (service)"),
        (Actor(ActorKind.ACCOUNT, None), "no name known (account)"),
    ],
)
def test_who_is_said_for_what_it_is(actor, said):
    assert actor_text(actor) == said


def test_how_we_know_names_certainty_and_evidence():
    evidence = (Evidence("cloudtrail", "one call fits"), Evidence("history", "the same role"))
    told = Attribution(Actor(ActorKind.ROLE, "Deploy"), Certainty.LIKELY, evidence)

    assert fact(compose(alert(recorded(attribution=told))), "How we know") == "likely: one call fits; the same role"
    assert fact(compose(alert(unattributed(recorded()))), "How we know") is None
    bare = Attribution(Actor(ActorKind.ROLE, "Deploy"), Certainty.LIKELY)
    assert fact(compose(alert(recorded(attribution=bare))), "How we know") == "likely"


@pytest.mark.parametrize(
    ("between", "said"),
    [
        ((AT, AT + timedelta(minutes=5)), "between 2026-03-02 09:15:04 UTC and 2026-03-02 09:20:04 UTC"),
        ((None, AT), "before 2026-03-02 09:15:04 UTC"),
        (None, "not known"),
    ],
)
def test_when_is_no_surer_than_the_record(between, said):
    assert when_text(recorded(occurred_at=None, occurred_between=between)).startswith(said)


def test_code_counts_by_kind_and_shows_the_strongest():
    places = [reference(f"a/{number}.py", kind=ReferenceKind.DOC) for number in range(5)]
    places += [reference("z.py", 7), reference("y.py", certainty=ReferenceCertainty.POSSIBLE)]
    message = compose(alert(references=tuple(places)))

    assert message.code == "7 places in code (2 read, 5 doc)"
    assert tuple(place.text for place in message.places[:2]) == ("z.py:7  read", "y.py:12  read, possible")
    assert (len(message.places), message.places_left_out) == (MOST_PLACES, 2)


def test_code_is_not_brought_up_where_no_flag_changed():
    assert compose(alert(recorded(kind=ChangeKind.DENIED), references=(reference(),))).code is None
    assert compose(alert(recorded(flag=None))).code is None


def test_many_changes_are_counted_not_lost():
    message = compose(alert(*(recorded(number=number) for number in range(33))))

    assert (len(message.changes), message.changes_left_out) == (MOST_CHANGES, 13)
    assert message.footer.endswith("and 30 more")


def test_one_command_for_several_changes_is_shown_once():
    (revert,) = compose(alert(*(deployed(number=number) for number in range(9)))).reverts

    assert "start-deployment" in (revert.command or "")
    assert revert.account == "111122223333"


def test_more_commands_than_fit_are_counted():
    changes = [recorded(number=number, document=replace(change().document, name=f"/f/{number}")) for number in range(9)]
    reverts = compose(alert(*changes)).reverts

    assert sum(revert.command is not None for revert in reverts) == MOST_COMMANDS
    assert "6 more changes" in reverts[-1].notes[0]


def test_a_command_too_long_for_a_message_is_not_cut():
    gone = recorded(kind=ChangeKind.DELETED, after=None, before=FlagState("x" * LONGEST * 2))
    (revert,) = compose(alert(gone, former={gone.id: {"type": "String", "text": "x" * LONGEST * 2}})).reverts

    assert revert.command is None
    assert "too many" in " ".join(revert.notes)


def test_facts_are_labelled_for_people():
    message = compose(alert(kind=AlertKind.SUMMARY, facts=(("open_gaps", 1234), ("complete", True), ("page", "x\ny"))))

    assert message.facts == (Fact("Open gaps", "1,234"), Fact("Complete", "true"), Fact("Page", "x\\ny"))


def test_hidden_values_are_hidden_wherever_they_stand():
    mark = dict(MASKED_INCOMPARABLE)
    keyed = {"masked": True, "comparable": True, "fingerprint": "ab12:cd34"}

    assert value_text(mark) == HIDDEN
    assert value_text({"a": [mark, keyed]}) == '{"a": [(hidden), (hidden)]}'


def test_a_long_value_says_how_long_it_was():
    assert value_text("x" * 5000).endswith("… (5,002 characters)")
    assert len(value_text("x" * 5000)) <= 240


@given(st.text(), st.integers(30, 200))
def test_law_a_line_is_one_line_and_bounded(text, longest):
    shown = cut(visible(text), longest)

    assert shown.isprintable()
    assert len(shown) <= longest


@given(st.text())
def test_law_what_can_be_seen_stays_as_it_is(text):
    seen = "".join(char for char in text if char.isprintable())

    assert visible(seen) == seen


def test_among_several_each_sentence_names_its_flag():
    assert [told.sentence for told in compose(alert(recorded())).changes] == ["enabled in prod"]
    assert compose(alert(deployed(number=1), deployed(number=2))).changes[1].sentence.startswith("shop/flag-2: ")
    (late,) = compose(alert(recorded(), kind=AlertKind.DIGEST)).changes
    assert late.sentence.startswith("2026-03-02 09:15:04 UTC: shop/new-checkout: enabled in prod (dana@example.com")


def test_a_report_says_how_many_can_go():
    message = compose(
        alert(kind=AlertKind.REPORT, facts=(("remove", 1), ("named", ["shop/a", "shop/b"]), ("none", [])))
    )

    assert message.title == "Weekly flag report: 1 flag can go"
    assert message.facts[1:] == (Fact("Named", "shop/a, shop/b"),), "what there is none of is left out"
