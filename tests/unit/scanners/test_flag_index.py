from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.references import FlagSpec
from scanners.flag_index import FlagIndex, Reader, is_plain, parameter_name
from scanners.keytext import KeyText

SSM = FlagSpec("/shop/prod/x", "ssm")
CONFIG = FlagSpec("new-checkout", "appconfig", "shop", "prod", "features")
ANY = FlagSpec("new-checkout", "generic")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("/shop/prod/x", "/shop/prod/x"),
        ("/shop/prod/x:3", "/shop/prod/x"),
        ("/shop/prod/x:live", "/shop/prod/x"),
        ("arn:aws:ssm:eu-west-1:111122223333:parameter/shop/prod/x", "/shop/prod/x"),
        ("arn:aws-us-gov:ssm:us-gov-west-1:111122223333:parameter/shop/prod/x:3", "/shop/prod/x"),
        ("plain", "plain"),
    ],
)
def test_a_parameter_is_asked_for_by_name_selector_or_arn(text, name):
    assert parameter_name(text) == name


def test_only_parameters_have_selectors():
    index = FlagIndex([SSM, CONFIG])
    assert index.exact("/shop/prod/x:3") == (SSM,)
    assert index.exact("new-checkout:3") == ()


def test_a_partly_known_key_stays_within_segments():
    index = FlagIndex([SSM])
    assert index.matching(KeyText.of(["/shop/", None, "/x"])) == (SSM,)
    assert index.matching(KeyText.of([None, "/x"])) == ()
    assert index.matching(KeyText.of(["/shop/prod/", None])) == ()
    assert index.matching(KeyText.of(["/shop/", None, "/x:", None])) == (SSM,)


@pytest.mark.parametrize(
    ("reader", "certainties"),
    [
        (Reader(frozenset({"appconfig"}), application=KeyText.known("shop")), ["possible"]),
        (
            Reader(
                frozenset({"appconfig"}),
                frozenset(),
                KeyText.known("shop"),
                KeyText.known("prod"),
                KeyText.known("features"),
            ),
            ["certain"],
        ),
        (Reader(frozenset({"appconfig"}), application=KeyText.known("billing")), []),
        (Reader(frozenset({"appconfig"}), application=KeyText.known("339ohji")), ["possible"]),
        (Reader(frozenset({"appconfig"}), application=KeyText.of(["sh", None])), ["possible"]),
        (Reader(frozenset({"appconfig"}), application=KeyText.of(["b", None])), []),
        (Reader(frozenset({"ssm"})), []),
        (Reader(frozenset({"openfeature"}), frozenset({"appconfig"})), ["possible"]),
        (Reader(), ["certain"]),
    ],
)
def test_a_reader_answers_for_its_own_store_and_place(reader, certainties):
    found = FlagIndex([CONFIG]).read("new-checkout", reader)
    assert [match.certainty.value for match in found] == certainties


def test_a_generic_flag_is_whoevers_asks():
    assert [match.flag for match in FlagIndex([ANY]).read("new-checkout", Reader(frozenset({"x"})))] == [ANY]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("new-checkout", 1),
        ("see new-checkout.", 1),
        ("(new-checkout), `new-checkout`: 'new-checkout'!", 3),
        ("new-checkout-2 old-new-checkout a/new-checkout new-checkout/b", 0),
        ("New-Checkout new_checkout", 0),
        ("/shop/prod/x: and /shop/prod/x.", 2),
        ("/shop/prod/xy x/shop/prod/x", 0),
    ],
)
def test_words_stand_whole(text, count):
    assert len(list(FlagIndex([SSM, CONFIG]).words(text))) == count


def test_a_plain_word_counts_where_it_is_quoted():
    index = FlagIndex([FlagSpec("search", "generic")])
    assert is_plain("search")
    assert [found.start for found in index.words("search 'search' \"search\" `search` \"search'")] == [8, 17, 26]


def test_only_the_flags_travel():
    index = FlagIndex([SSM])
    assert list(index.words("/shop/prod/x"))
    copy = pickle.loads(pickle.dumps(index))  # noqa: S301 -- our own bytes
    assert [found.flag for found in copy.words("/shop/prod/x")] == [SSM]


@given(st.lists(st.one_of(st.none(), st.text("ab/", max_size=3)), max_size=6))
def test_a_pattern_matches_what_its_unknown_parts_can_be(parts):
    key = KeyText.of(parts)
    filled = "".join("zz" if part is None else part for part in key.parts)
    assert key.regex().fullmatch(filled)
    assert key.pattern.replace("*", "zz") == filled
