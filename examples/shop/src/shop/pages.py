"""The storefront's pages."""

from shop.flags import storefront_document


def front_page() -> dict:
    """Put the front page together."""
    document = storefront_document()
    page = {"title": "Shop", "dark": False}
    if document["recommendations"]["enabled"]:
        page["recommendations"] = []
    if document.get("gift_wrap", {}).get("enabled", False):
        page["gift_wrap"] = True
    return page
