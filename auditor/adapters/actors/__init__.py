"""Who did it: readers of what AWS tells about identities."""
