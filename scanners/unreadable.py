"""What is said of a file that nobody understands."""


class UnreadableSourceError(Exception):
    """A language cannot understand a file; the text says why, and the file is searched as text instead."""
