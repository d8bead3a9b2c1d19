"""A Dockerfile as stages of instructions, for tests that read it and run what needs no engine."""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Instruction:
    """An instruction's word in capitals, and the rest of its line with continuations joined."""

    word: str
    rest: str


@dataclass
class Stage:
    """A stage: what it begins from, its name if it has one, and its instructions."""

    image: str
    name: str | None
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, word: str) -> list[str]:
        """Return what follows each such instruction."""
        return [one.rest for one in self.instructions if one.word == word]


def stages(text: str) -> list[Stage]:
    """Return the stages of a Dockerfile."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    found: list[Stage] = []
    for line in re.sub(r"\\\n\s*", "", lines).splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            image, _, name = rest.partition(" AS ")
            found.append(Stage(image, name or None))
        elif word:
            found[-1].instructions.append(Instruction(word.upper(), rest.strip()))
    return found
