"""Reading flags."""

import json
from functools import lru_cache
from urllib.request import urlopen

import boto3
from aws_lambda_powertools.utilities import parameters
from aws_lambda_powertools.utilities.feature_flags import AppConfigStore, FeatureFlags

_ssm = boto3.client("ssm")
_store = AppConfigStore(environment="prod", application="shop", name="storefront")
storefront = FeatureFlags(store=_store)

AGENT = "http://localhost:2772/applications/shop/environments/prod/configurations/storefront"


def parameter_on(name: str, default: bool = False) -> bool:
    """Read a boolean parameter, cached for a minute."""
    value = parameters.get_parameter(name, max_age=60)
    return default if value is None else value.lower() == "true"


def feature(short_name: str) -> str:
    """Read one of the shop's own features by its short name."""
    answer = _ssm.get_parameter(Name=f"/shop/prod/features/{short_name}")
    return answer["Parameter"]["Value"]


@lru_cache(maxsize=1)
def storefront_document() -> dict:
    """Fetch the whole storefront document from the AppConfig agent."""
    with urlopen(AGENT) as answer:  # the agent listens on this host only
        return json.loads(answer.read())
