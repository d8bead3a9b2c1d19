"""Tests of the checkout."""

from shop.checkout import classic_checkout


def test_classic_checkout_keeps_the_cart() -> None:
    assert classic_checkout({"cart": [1]}, one_click=False)["cart"] == [1]
