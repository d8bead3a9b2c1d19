"""The search function."""

from shop.flags import feature, parameter_on


def handler(event: dict, context: object) -> dict:
    """Search products."""
    if parameter_on("/shop/prod/features/search-v2"):
        return ranked(event["query"])
    return plain(event["query"])


def beta(event: dict, context: object) -> dict:
    """Search with what is being tried."""
    return ranked(event["query"]) if feature("beta-search") == "true" else plain(event["query"])


def ranked(query: str) -> dict:
    """Search with ranking."""
    return {"query": query, "ranked": True}


def plain(query: str) -> dict:
    """Search as ever."""
    return {"query": query, "ranked": False}
