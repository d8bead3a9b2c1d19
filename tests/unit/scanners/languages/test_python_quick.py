"""The quick tree of a file is libcst's tree of it, and where it were not, libcst's word counts."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from auditor.domain.references import FlagSpec
from auditor.domain.scan_options import ScanOptions
from scanners.engine import scan
from scanners.languages.base import SourceFile
from scanners.languages.python import quick
from scanners.languages.python.lower import module_tree
from scanners.languages.python.quick import judged, quick_tree
from scanners.unreadable import UnreadableSourceError

HERE = Path(__file__).parents[4]
STATEMENTS = '''"""Docs."""
# A comment.
from . import a, b as c
from ..pkg.mod import (  # why
    d,
    e as f,
)
from g.h import *
import os.path, sys as system
ONE = TWO = "x" 'y'  # joined
THREE: str = r"\\d" "b"
FOUR, (FIVE, *SIX) = 1, (-2.5, 0x1F, ...)
seven.eight[9] += b"raw" % (1_000,)
NINE %= 1; TEN *= 2
DOCUMENT = """{"flags": {"on": {"name": "on"}}}"""
del a, b
del (c, d)
assert one, "two"
global_ = lambda x, /, y=1, *z, w: (x or y or z) and (x and y)
class C(Base, *more, metaclass=Meta, **rest):
    """Class."""
    x: int
    def method(self, *args: int, key: "Str" = None, **kwargs) -> dict[str, int]:
        """Method."""
        nonlocal_ = f"{self.x!r:>{width}} {{}} {key}" f"/{args}"
        return {**a, "k": [1, *b], **{k: v async for k, v in c if k if v}}
    @decorated(1, name="2")
    async def other(self):
        global one, two
        async with a as b, c: pass
        async for x in y:
            yield
        else:
            yield from z
        await (yield w)
if a:
    pass
elif b < c <= d != e not in f is not g:
    pass
else:
    if h: raise I from J
    else: raise
while (n := next(it)):
    break
else:
    continue
try:
    pass
except (A, B) as error:
    pass
except C:
    pass
else:
    pass
finally:
    pass
call(1, *two, three=3, *four, **five)
x = y[1:2, ::3], y[a, b], y[:], y[not a], {1, 2}, (a for b in c), [a if b else c]
x = a + b + (c + d) - e @ f, -1, -x, ~y, +z, not w, True, None, 1j
é = "é" + "ü"  # non-ASCII
after = "é", name
'''
SOURCES = [
    STATEMENTS,
    STATEMENTS.replace("\n", "\r\n"),
    STATEMENTS.replace("é = ", "e = ").replace('"""Docs."""', "# -*- coding: utf-8 -*-"),
    "",
    "# only\n# comments",
    "x = 1 \\\n  + 2\n\n\n# end",
    "match x:\n    case {'a': b, **rest} if c:\n        pass\n    case [1, *_] | D(e=f):\n        pass\n",
    "def f[T](x: T) -> T: ...\ntype A[T] = list[T]\n",
    "try:\n    a\nexcept* B as c:\n    d\n",
    "x = y[*a], z[b,]\n",
    "# coding: latin-1\nx = 'a'\n",
    "\ufeffx = 'a'\n",
    "\fx = 'a'\n",
    "x = f'{a}' 'b' f'''{c\n}'''\n",
    "x = 'a\\'b' \"c\" '''d'e''' ''\n",
    "x = 100000000000000000000000000000000000000000000000000000, 0_0, .5\n",
    "def f(*args: *Ts): pass\n",
    "x = " + "(" * 150 + ")" * 150 + "\n",
]
CLASS = 'class A:\n    # why\n    def b(self):\n        return "a-%s" % "b"\n\n    c = 1\n\nd = 2\n'
NESTED = """
def f(x):  # odd
    if x:  # odd
        a = 1
        b = c % 2  # odd
    elif y:  # odd
        pass  # odd
    else: pass  # odd
    with a:
        pass
    try: a
    except B: pass
    finally:
        c = 1
"""
BROKEN = ["print 'a'\n", "x = (\n", "x = 'a\0b'\n", "def f(:\n", "x = " + "[" * 2000 + "]" * 2000]


def tree_of(text: str, parse: object) -> object:
    try:
        return parse(SourceFile("a.py", text.encode()))._replace(ends=())  # type: ignore[operator]
    except UnreadableSourceError as error:
        return str(error)


@pytest.mark.parametrize("text", [*SOURCES, *BROKEN])
def test_the_quick_tree_is_the_whole_one(text: str):
    assert tree_of(text, quick_tree) == tree_of(text, module_tree)


@pytest.mark.parametrize("folder", ["auditor/domain", "scanners/languages/python"])
def test_the_quick_tree_of_real_code_is_the_whole_one(folder: str):
    paths = sorted((HERE / folder).glob("*.py"))[::5]
    assert len(paths) > 3
    for path in paths:
        text = path.read_text()
        assert tree_of(text, quick_tree) == tree_of(text, module_tree), path


@pytest.mark.parametrize("text", SOURCES)
def test_libcst_agrees_on_every_line(text: str):
    file = SourceFile("a.py", text.encode())
    ends = quick_tree(file).ends
    for line in range(1, text.count("\n") + 2):
        assert judged(file, [line]) is None, line
        assert judged(file, [line], ends) is None, line


def test_a_name_that_a_keyword_begins_with_stands_where_it_stands():
    text = "x = [f for f in i if i is a and a]\n"
    for parse in (quick_tree, module_tree):
        (statement,) = parse(SourceFile("a.py", text.encode())).body
        (clause,) = statement.value.clauses
        assert (clause.target.pos, clause.iter.pos) == (text.index("f in"), text.index("i if"))
        assert [one.pos for one in clause.tests[0].values] == [text.index("i is"), text.rindex("a")]


def test_libcst_has_the_last_word(monkeypatch: pytest.MonkeyPatch):
    file = SourceFile("a.py", CLASS.encode())
    monkeypatch.setitem(quick._OPERATORS, ast.Mod, "+")
    assert quick_tree(file) != module_tree(file)
    for line in (1, 2, 3, 4):
        assert judged(file, [line]) == judged(file, [line], quick_tree(file).ends) == module_tree(file), line
    for line in (5, 6, 7, 8):
        assert judged(file, [line]) is judged(file, [line], quick_tree(file).ends) is None, line


def test_of_what_is_long_libcst_is_asked_in_part(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(quick, "_LONG", 0)
    for text in SOURCES:
        test_libcst_agrees_on_every_line(text)
    monkeypatch.setitem(quick._OPERATORS, ast.Mod, "+")
    file = SourceFile("a.py", NESTED.encode())
    odd = [number for number, line in enumerate(NESTED.splitlines(), start=1) if "odd" in line]
    for ends in ((), quick_tree(file).ends):
        assert [number for number in range(2, 14) if judged(file, [number], ends) is not None] == odd


def test_only_the_statements_at_a_line_are_parsed_again_where_it_is_known_where_they_end(monkeypatch):
    text = "one = 1\ndef two():\n    return 2; three = 3\nfour = 4; five = 5\n\nclass Six:\n    # seven\n    x = 7\n"
    file = SourceFile("a.py", text.encode())
    ends = quick_tree(file).ends
    assert ends == (1, 3, 4, 8)
    seen: list[str] = []
    parse = quick._parsed
    monkeypatch.setattr(quick, "_parsed", lambda text: seen.append(text) or parse(text))
    assert judged(file, [4, 1, 3], ends) is None
    assert seen == ["one = 1\n", "def two():\n    return 2; three = 3\n", "four = 4; five = 5\n"]


def test_what_libcst_cannot_read_is_unread_although_the_interpreter_can(monkeypatch: pytest.MonkeyPatch):
    file = SourceFile("a.py", b"x = 1\n")
    monkeypatch.setattr(quick, "statements", lambda *_, **__: None)
    monkeypatch.setattr(quick, "module_tree", lambda _: (_ for _ in ()).throw(UnreadableSourceError("not Python 3")))
    with pytest.raises(UnreadableSourceError, match="not Python 3"):
        judged(file, [1])


@pytest.mark.parametrize("others", [0, 410])
def test_nothing_is_found_that_libcst_does_not_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, others: int):
    for number in range(others):
        (tmp_path / f"m{number}.py").write_text("x = 1\n")
    (tmp_path / "a.py").write_text('import boto3\nKEY = "/a-%s" % "/b"\nboto3.client("ssm").get_parameter(Name=KEY)\n')
    flags = [FlagSpec("/a-%s/b", "ssm"), FlagSpec("/a-/b", "ssm")]
    wanted = scan([str(tmp_path)], flags, ScanOptions(workers=1))
    assert {one.flag.key for one in wanted.references} == {"/a-/b"}
    monkeypatch.setitem(quick._OPERATORS, ast.Mod, "+")
    assert scan([str(tmp_path)], flags, ScanOptions(workers=1)) == wanted
