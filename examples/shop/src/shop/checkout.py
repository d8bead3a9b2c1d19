"""The checkout function."""

import json

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities import parameters

from shop.flags import storefront
from shop.keys import NEW_CHECKOUT, Storefront

logger = Logger()


def handler(event: dict, context: object) -> dict:
    """Check a cart out, by the new way for those who are in its rollout."""
    rollout = json.loads(parameters.get_parameter(NEW_CHECKOUT))
    customer = event["customer"]
    if rollout["enabled"] and customer["bucket"] < rollout["rollout"]:
        return new_checkout(event)
    one_click = storefront.evaluate(
        name=Storefront.ONE_CLICK_BUY, context={"tier": customer["tier"]}, default=False
    )
    return classic_checkout(event, one_click=one_click)


def new_checkout(event: dict) -> dict:
    """Answer by the new checkout."""
    return {"way": "new", "cart": event["cart"]}


def classic_checkout(event: dict, *, one_click: bool) -> dict:
    """Answer by the old checkout."""
    return {"way": "one-click" if one_click else "classic", "cart": event["cart"]}
