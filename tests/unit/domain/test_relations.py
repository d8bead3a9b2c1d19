"""Which flag follows another by its name, and which depends on another."""

from __future__ import annotations

import pytest

from auditor.domain.flags import FlagId
from auditor.domain.lifetimes import LifetimeRules, lifetime_of
from auditor.domain.relations import dependents, successors


def of(*names):
    return [FlagId("shop", name) for name in names]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("checkout-flow", "checkout-flow-v2"), {"checkout-flow": "checkout-flow-v2"}),
        (("checkout", "checkout_v2", "checkout-v3"), {"checkout": "checkout-v3", "checkout_v2": "checkout-v3"}),
        (("newCheckout", "newCheckoutV2"), {"newCheckout": "newCheckoutV2"}),
        (("cart-1", "cart-2"), {"cart-1": "cart-2"}),
        (("checkout", "checkout-flow"), {}),
        (("http2", "http"), {}),
        (("checkout-v2",), {}),
        (("limit-5000", "limit"), {}),
        (("cart-v2", "cart-2"), {}),
    ],
)
def test_a_later_number_follows(names, expected):
    assert {one.key: other.key for one, other in successors(of(*names)).items()} == expected


def test_another_application_is_another_flag():
    assert successors([FlagId("shop", "cart"), FlagId("pay", "cart-v2")]) == {}


def test_who_depends_on_whom_is_told_by_key_or_by_whole_name():
    a, b, c = *of("a", "b"), FlagId("pay", "c")

    assert dependents({a: ("b",), b: ("pay/c", "b", "gone"), c: ()}) == {b: [a], c: [b]}


@pytest.mark.parametrize(
    ("description", "tags", "expected"),
    [
        ("requires=cart, pay/ledger", {}, ("cart", "pay/ledger")),
        ("shows the basket. Depends on: cart", {}, ("cart",)),
        ("", {"requires": "cart other"}, ("cart", "other")),
        ("", {"depends-on": "cart"}, ("cart",)),
        ("requires a good day", {}, ()),
    ],
)
def test_what_a_flag_says_it_depends_on(description, tags, expected):
    metadata = {"description": description, "tags": tags}

    assert lifetime_of(FlagId("shop", "x"), None, metadata, LifetimeRules()).requires == expected
