"""What the make targets call to check the repository itself."""
