"""Texts keep their identity whatever a database can hold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from auditor.adapters.storage.texts import INDEXABLE_BYTES, clean, clip, digest, fold, number

ANY = st.text(st.characters(exclude_categories=()))


@given(ANY)
def test_every_text_becomes_one_that_can_be_stored(text):
    stored = clean(text)

    assert "\x00" not in stored
    assert stored.encode().decode() == stored
    assert clean(stored) == stored


@given(st.text(st.characters(exclude_characters="\x00")))
def test_what_can_be_stored_is_left_alone(text):
    assert clean(text) == text


@given(st.text(min_size=1, max_size=3), st.integers(1, 2000))
def test_what_is_indexed_is_short_enough_and_told_apart(text, times):
    long = text * times

    assert len(clip(long).encode()) <= INDEXABLE_BYTES
    assert clip(long) == clip(long)
    assert clip(long) != clip(long + "x")
    assert clip(clip(long)) == clip(long)


@given(ANY, ANY)
def test_folded_text_is_found_without_case(before, after):
    text = before + "Straße ΑΒΓ" + after

    assert fold(text) == fold(fold(text))
    assert "strasse" in fold("Straße") == fold("STRASSE")


@given(st.lists(ANY, max_size=3), st.lists(ANY, max_size=3))
def test_parts_do_not_run_into_each_other(one, other):
    assert (digest(*one) == digest(*other)) == (one == other)
    assert (number(*one) == number(*other)) == (one == other)
    assert -(2**63) <= number(*one) < 2**63


def test_a_number_is_the_same_in_every_process():
    assert number("ssm", "111122223333") == 0x65B7EFA0906CE86E
