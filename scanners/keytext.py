"""A key as far as code tells it: known text with unknown parts in between."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_PARAMETER = ":parameter/"
# No key, URL or document that code puts together is longer or of more parts; what is, is made to take all memory.
LONGEST = 1 << 18
_MOST_PARTS = 33


@dataclass(frozen=True, slots=True)
class KeyText:
    """Known pieces of text, ``None`` standing for a part that cannot be known."""

    parts: tuple[str | None, ...]

    @classmethod
    def of(cls, parts: Iterable[str | None]) -> KeyText:
        """Join neighbouring known pieces, and neighbouring unknown ones, into one; what is too long is unknown."""
        joined: list[str | None] = []
        for part in parts:
            if part == "":
                continue
            if joined and part is None and joined[-1] is None:
                continue
            if joined and part is not None and joined[-1] is not None:
                joined[-1] += part
            else:
                joined.append(part)
        if len(joined) > _MOST_PARTS or sum(map(len, filter(None, joined))) > LONGEST:
            return cls((None,))
        return cls(tuple(joined))

    @classmethod
    def known(cls, text: str) -> KeyText:
        """A key of which everything is known."""
        return cls((text,) if text else ())

    def less_arn(self) -> KeyText:
        """The name of a parameter without the ARN around it, of which the region and the account may be unknown."""
        if self.parts[:1] == (None,) or not (self.parts and str(self.parts[0]).startswith("arn:")):
            return self
        for place, part in enumerate(self.parts):
            _, found, name = (part or "").partition(_PARAMETER)
            if found and place:
                return KeyText.of([f"/{name}", *self.parts[place + 1 :]])
        return self

    @property
    def text(self) -> str | None:
        """The whole text, or None when a part of it is unknown."""
        return None if None in self.parts else "".join(part or "" for part in self.parts)

    @property
    def pattern(self) -> str:
        """The text for people, ``*`` standing for each unknown part."""
        return "".join("*" if part is None else part for part in self.parts)

    @property
    def selective(self) -> bool:
        """Whether the last segment holds known text, without which a pattern would match a whole folder."""
        tail = self.pattern.rsplit("/", 1)[-1]
        return bool(tail.strip("*"))

    def fits(self, key: str) -> bool:
        """Whether a key has the known pieces in this order, whatever stands for the unknown ones."""
        pieces = (".*" if part is None else re.escape(part) for part in self.parts)
        return re.fullmatch("".join(pieces), key, re.DOTALL) is not None

    def regex(self) -> re.Pattern[str]:
        """The keys this can be; an unknown part stays within a segment."""
        return re.compile("".join("[^/]*" if part is None else re.escape(part) for part in self.parts))
