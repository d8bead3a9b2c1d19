"""Commands of the AWS command line that Python code runs in another process."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scanners.languages.python import fold, members
from scanners.languages.python.arguments import Args, from_container
from scanners.languages.python.readers import aws, tables, urls
from scanners.languages.python.values import UNKNOWN, Ref, SeqObj, Site, Text, Vals, union

if TYPE_CHECKING:
    from scanners.languages.python.machine import Here, Machine

_WORD = re.compile(r"'[^']*'|\"[^\"]*\"|[^\s=]+")
_SERVICE = "ssm"
RUNNING: tuple[str, ...] = ("run", "check_output", "check_call", "call", "Popen", "getoutput")
_OPTIONS = {"--name": "Name", "--names": "Names", "--path": "Path", "--resource-id": "ResourceId"}


def run(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    """``subprocess.run(["aws", "ssm", "get-parameter", "--name", key])``, or the same as one text."""
    found = [_one(m, words, here, site) for words in _commands(m, args, here)]
    return union(*found) or UNKNOWN


def split(m: Machine, args: Args, here: Here, site: Site) -> Vals:
    """``shlex.split(command)``."""
    return tuple(Ref(SeqObj("list", _words(text))) for text in fold.texts(args.take(0, "s") or ())) or UNKNOWN


def _commands(m: Machine, args: Args, here: Here) -> list[list[Vals]]:
    handed = args.take(0, "args", "cmd", "command") or ()
    listed = [value for value in handed if isinstance(value, Ref) and isinstance(value.obj, SeqObj)]
    if listed:
        return [[from_container(one, item) for item in members.in_order(m, one)] for one in listed]
    if len(args.values) > 1:
        return [list(args.values)]
    return [_words(text) for text in fold.texts(handed)]


def _words(text: Text) -> list[Vals]:
    """The words of a command, each a part of its text."""
    words: list[Vals] = []
    for found in _WORD.finditer(urls.with_holes(text)):
        quoted = found[0][:1] in {"'", '"'}
        words.append((urls.part(text, found.start() + quoted, found.end() - quoted),))
    return words


def _one(m: Machine, words: list[Vals], here: Here, site: Site) -> Vals:
    known = [next((text.known for text in fold.texts(word)), None) for word in words]
    if _SERVICE not in known or "aws" not in known[: known.index(_SERVICE)]:
        return ()
    behind = known.index(_SERVICE) + 1
    operation = known[behind] if behind < len(known) else None
    ask = tables.METHODS["ssm"].get((operation or "").replace("-", "_"))
    if ask is None:
        return ()
    named: dict[str, Vals] = {}
    option = ""
    for spelled, word in zip(known[behind + 1 :], words[behind + 1 :], strict=True):
        if spelled is not None and spelled.startswith("--"):
            option = _OPTIONS.get(spelled, "")
        elif option:
            given = (Ref(SeqObj("list", [word])),) if ask.many else word
            named[option] = (*named.get(option, ()), *given)
    return aws.asked(m, ask, tables.SSM, Args(site, [], named), here, site) if named else ()
