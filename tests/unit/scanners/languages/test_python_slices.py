"""What is left of a function or a class where only what can have to do with a flag is followed."""

from __future__ import annotations

import pytest

from scanners.languages.base import SourceFile
from scanners.languages.python import tree
from scanners.languages.python.quick import quick_tree
from scanners.languages.python.slices import Slicing, class_flow, flow, sliced

READER = frozenset({"get_parameter"})


def lines_left(text: str, telling: frozenset[str] = READER, charged: frozenset[str] = frozenset()) -> set[int]:
    """The lines of a function or class on which a statement is left that is not blank."""
    module = quick_tree(SourceFile("a.py", text.encode()))
    (node,) = [one for one in module.body if isinstance(one, tree.Def | tree.Class)]
    known = flow(node) if isinstance(node, tree.Def) else class_flow(node)
    spots = [place for place in range(len(text)) if text.startswith("new-checkout", place)]
    left = sliced(node, known, telling, charged, spots)
    return {text.count("\n", 0, place) + 1 for place in places(left.body)}


def places(part: object) -> set[int]:
    if (isinstance(part, tree.Const) and part.value is ...) or (isinstance(part, tree.Stop) and not part.values):
        return set()
    if isinstance(part, tree.Str | tree.Const | tree.Name):
        return {part.pos}
    return set().union(*map(places, part)) if isinstance(part, tuple) else set()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("def f(a):\n    log(a)\n    b = a.c()\n    audit(b)\n", set()),
        ("def f(a):\n    log(a)\n    x = s.get_parameter(Name=k)\n", {3}),
        ("def f(a):\n    k = made(a)\n    other = made(a)\n    s.get_parameter(Name=k)\n", {2, 4}),
        (
            "def f(a):\n    d = s.get_parameter(Name='x')\n    log(a)\n    if d['y']:\n        e = d\n    log(e)\n",
            {2, 4, 5, 6},
        ),
        ("def f(a):\n    b = a.c()\n    d = a.e()\n    return b\n", {2, 4}),
        ("def f(a):\n    yield a\n    b = a.c()\n", {2}),
        ("def f(self, a):\n    self.a = a.b()\n    c = a.d()\n", {2}),
        ("def f(a):\n    log('b')\n    use('new-checkout')\n    log('c')\n", {3, 4}),
        (
            "def f(a):\n    for b in a.c():\n        log(b)\n    for d in a.e():\n        s.get_parameter(Name=d)\n",
            {4, 5},
        ),
        (
            "def f(a):\n    if a.b():\n        log(a)\n    if check(a):\n        return True\n    return False\n",
            {4, 5, 6},
        ),
        ("def f(a):\n    if a.b():\n        raise Wrong(a)\n    s.get_parameter(Name=a)\n", {4}),
        (
            "def f(a):\n    with a.b() as c:\n        log(c)\n    with a.d() as e:\n        s.get_parameter(Name=e)\n",
            {4, 5},
        ),
        ("def f(a):\n    try:\n        log(a)\n    except E:\n        log(a)\n", set()),
        ("def f(a):\n    try:\n        s.get_parameter(Name=a)\n    except E:\n        log(a)\n", {3}),
        ("def f(a):\n    while a.b():\n        s.get_parameter(Name='x')\n", {3}),
        ("def f(a):\n    x = {}\n    x['k'] = a.b()\n    s.get_parameter(Name=x['k'])\n", {2, 3, 4}),
        ("def f(a):\n    x = []\n    x.append(a.b())\n    s.get_parameter(Name=x[0])\n", {2, 3, 4}),
        ("def f(found, a):\n    found.append(a.b())\n    log(a)\n", {2}),
        ("def f(found, a):\n    found['b'] = a.b()\n    log(a)\n", {2}),
        ("def f(a):\n    (b := a.c())\n    s.get_parameter(Name=b)\n", {2, 3}),
        (
            "def f(a):\n    def g(b):\n        return s.get_parameter(Name=b)\n    def h(b):\n        return b\n    g(a)\n",
            {3, 6},
        ),
        ("def f(a):\n    import b\n    from c import d\n    global e\n    e = d.f()\n", {5}),
        ("def __init__(self, a):\n    super().__init__(a)\n    self.set_up(a)\n    log(a)\n", {2, 3}),
        ("def f(a):\n    getattr(s, 'get_parameter')(Name=a)\n    log(a)\n", {2}),
    ],
)
def test_of_a_function_what_can_have_to_do_with_a_flag_is_left(text, left):
    assert lines_left(text) == left


def test_what_uses_an_argument_that_may_lead_to_a_flag_is_left():
    text = "def f(store, a):\n    log(a)\n    value = store.thing(a)\n    log(value)\n"
    assert lines_left(text) == set()
    assert lines_left(text, charged=frozenset({"store"})) == {3, 4}


def test_of_a_class_what_makes_no_object_out_of_arguments_is_left():
    text = (
        "class C:\n    name = Char(max_length=3)\n    kind = 'x'\n    auto = made()\n    flag = Flag('new-checkout')\n"
        "    asked = Field(get_parameter)\n    def f(self):\n        return 1\n    last = Char(max_length=3)\n"
    )
    assert lines_left(text) == {3, 4, 5, 6, 8}


def test_everything_is_left_where_everything_counts():
    text = "def f(a):\n    return s.get_parameter(Name=a)\n"
    module = quick_tree(SourceFile("a.py", text.encode()))
    (node,) = module.body
    assert isinstance(node, tree.Def)
    assert sliced(node, flow(node), READER, frozenset(), ()).body is node.body


def test_names_that_a_files_own_functions_lead_on_count_there():
    text = "def asks(a):\n    return s.get_parameter(Name=a)\n\ndef f(a):\n    log(a)\n    x = asks(a)\n"
    module = quick_tree(SourceFile("a.py", text.encode()))
    made = Slicing("b.py", {}, lambda _, node: flow(node), lambda _: module.functions)
    made.tell(READER)
    (_, node) = module.body
    assert isinstance(node, tree.Def)
    assert len(made.body("a.py", node, "", frozenset())) == 1
    assert made.idle == {"f", ""}
    made.tell(frozenset())
    assert made.body("a.py", node, "", frozenset()) == ()
