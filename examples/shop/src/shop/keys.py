"""Names of the flags, in one place."""

from enum import StrEnum
from typing import Final

PREFIX: Final = "/shop/prod/features"
NEW_CHECKOUT: Final = f"{PREFIX}/new-checkout"
FREE_SHIPPING: Final = PREFIX + "/free-shipping"


class Storefront(StrEnum):
    """Flags of the AppConfig profile storefront."""

    ONE_CLICK_BUY = "one_click_buy"
    GIFT_WRAP = "gift_wrap"
