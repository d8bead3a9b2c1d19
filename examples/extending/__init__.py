"""Parts as one would add them, small and whole: CONTRIBUTING.md shows them, tests run them."""
