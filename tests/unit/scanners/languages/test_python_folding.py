"""A folded function tells what its statements would tell, and unfolds to them."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from scanners.languages.base import SourceFile
from scanners.languages.python import quick, tree
from scanners.languages.python.exports import libraries
from scanners.languages.python.project import Project
from scanners.languages.python.quick import block_of, folded_tree, quick_tree
from scanners.languages.python.slices import class_flow
from scanners.unreadable import UnreadableSourceError
from tests.unit.scanners.languages.test_python_quick import SOURCES

HERE = Path(__file__).parents[4]
BODIES = '''
class Service(Base, flag="new-checkout"):
    client = make(region="eu")

    @decorated(by="who")
    def asks(self, key: Annotated[str, "named"], *, retries: int = limit("three")) -> Answer:
        """Docs."""
        import os.path, boto3 as aws
        from .keys import CHECKOUT as KEY, other
        from botocore.config import *
        global TOTAL
        self.kept, (self.first, *self.rest) = load(key="checkout"), KEY
        self.cache: dict = {**{}, "named": b"bytes", None: -1}
        self.count += 1
        with self.lock as held, open(f"{key!r:>{width}} and {'nested'}"):
            try:
                yield from (one async for one in held.all() if one.on or one.off)
            except (KeyError, aws.Error) as error:
                raise Failed("why") from error
            else:
                assert key not in self.seen, "message"
            finally:
                del self.seen[key], held

        def inner(given=self.default, /, *args: Any, **more):
            self.hidden = given
            nonlocal retries
            return (told := lambda x, *y: x @ y) if args else more[1:2, ...]

        class Local(self.Type, metaclass=Meta):
            attribute = other
            def method(self): return await_me and {a for a in b} or [c for c in d]

        while not (found := self.next()):
            if found: continue
            elif None is not found: break
        else:
            pass
        for self.target, name in enumerate(self.names):
            print(name, end="", *inner(), **{"x": 1})
        return {k: v for k, v in zip(self.keys, "ab" 'cd')}

    async def short(self): return await self.client.get()

    if ready:
        async def late(self):
            async with self.session() as session:
                async for one in session:
                    # a comment
                    yield one
'''
REAL = [
    *sorted((HERE / "scanners/languages/python").glob("*.py"))[::4],
    *sorted(Path(asyncio.__file__).parent.glob("*.py"))[::4],
]


@pytest.fixture(autouse=True)
def all_are_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick, "_SHORT", 0)


def unfolded(node: object) -> object:
    """A tree without folded functions; of places only those of names and texts, others are where a leaf before ended."""
    if isinstance(node, tree.Def):
        return unfolded((node.name, node.params, node.returns, node.decorators, block_of(node), node.mentions))
    if isinstance(node, tuple):
        exact = isinstance(node, tree.Name | tree.Str) or "pos" not in getattr(node, "_fields", ())
        return tuple(unfolded(part) for part in (node if exact else node[1:]))
    return node


def definitions(node: object) -> list[tree.Def]:
    if not isinstance(node, tuple):
        return []
    return [node] if isinstance(node, tree.Def) else [one for part in node for one in definitions(part)]


def both(text: str) -> tuple[tree.Module, tree.Module]:
    file = SourceFile("a.py", text.encode())
    return quick_tree(file), folded_tree(file, ())


def check(text: str) -> int:
    """Hold a folded tree against the whole one; return how many functions are folded in it."""
    whole, folded = both(text)
    defined = list(zip(definitions(whole.body), definitions(folded.body), strict=True))
    for one, other in defined:
        around = [tree.Class(0, "A", (), (), (each,)) for each in (one, other)]
        ours, theirs = (class_flow(each)[0]._replace(first=0) for each in around)
        assert ours == theirs, one.name
        projects = [Project(frozenset(), lambda _: None, lambda _: None) for _ in around]
        assert projects[0].assigned("a.py", one) == projects[1].assigned("a.py", other), one.name
    assert libraries(folded) == libraries(whole)
    assert Counter(folded.functions) == Counter(whole.functions)
    assert (folded.mentions, folded.lines) == (whole.mentions, whole.lines)
    assert unfolded(folded.body) == unfolded(whole.body)
    return sum(isinstance(other.body, tree.Folded) for _, other in defined)


@pytest.mark.parametrize("text", [BODIES, BODIES.replace("named", "größe"), BODIES.replace("\n", "\r\n"), *SOURCES])
def test_a_folded_function_tells_what_its_statements_tell(text: str):
    check(text)


def test_functions_are_folded():
    assert check(BODIES) == 2


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_a_folded_function_of_real_code_tells_what_its_statements_tell(path: Path):
    check(path.read_text())


@pytest.mark.parametrize("spot", ["key-in-comment", "key-in-body", "key-behind"])
def test_a_function_in_which_a_part_of_a_key_stands_is_not_folded(spot: str):
    text = "def f():  # key-in-comment\n    return 'key-in-body'  # key-behind\n\ndef g():\n    return 2\n"
    module = folded_tree(SourceFile("a.py", text.encode()), [text.index(spot)])
    first, second = (isinstance(one.body, tree.Folded) for one in definitions(module.body))
    assert second
    # What stands behind the last statement belongs to what comes next.
    assert first == (spot == "key-behind")
    assert spot == "key-in-body" or any(spot in note.text for note in module.notes)


def test_names_that_may_be_spelled_otherwise_than_they_are_read_are_left_to_libcst():
    whole, folded = both("def f():\n    größe = 1\n    return größe\n")
    assert folded == whole


def test_a_function_that_neither_parser_can_read_is_told(monkeypatch: pytest.MonkeyPatch):
    _, folded = both("def f():\n    return 1\n")
    monkeypatch.setattr(quick, "statements", lambda *_, **__: None)
    monkeypatch.setitem(quick._EXPRESSIONS, __import__("ast").Constant, quick._Quick.unsure)
    with pytest.raises(UnreadableSourceError, match="not readable as Python"):
        block_of(definitions(folded.body)[0])
