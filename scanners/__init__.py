"""From a repository to the places in its code that name a flag."""
