"""The shop: checkout, storefront, search and shipping."""
