"""The demo: a believable fortnight of a small shop, played against the AWS stand-in."""
