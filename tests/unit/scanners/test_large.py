"""A tree too large to follow as a whole: what matters is found all the same, and little of the rest is parsed."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.domain.references import FlagSpec, ScanResult
from auditor.domain.scan_options import ScanOptions
from scanners import cached, engine
from scanners.cache import open_cache

FLAGS = [FlagSpec("/shop/prod/features/new-checkout", "ssm"), FlagSpec("gift-wrap", "launchdarkly")]
FILES = {
    "shop/keys.py": 'CHECKOUT = "/shop/prod/features/new-checkout"\nWRAP = "gift-wrap"\n',
    "shop/__init__.py": "from .keys import CHECKOUT\n",
    "shop/store.py": """
import boto3
def value(name):
    return boto3.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
def unrelated(a):
    return [b for b in a if b]
""",
    "shop/flags.py": "from shop.store import value\ndef is_on(name):\n    return value(name) == 'true'\n",
    "shop/cart.py": "from shop import CHECKOUT\nfrom shop.flags import is_on\ndef total():\n    return is_on(CHECKOUT)\n",
    "shop/checkout.py": "from shop.flags import is_on\ndef pay():\n    def inner():\n        return is_on('/shop/prod/features/new-checkout')\n    return inner\n",
    "shop/wrap.py": "from shop import keys\nclass Wrap:\n    def __init__(self, ld_client):\n        self.client = ld_client\n    def on(self):\n        return self.client.variation(keys.WRAP, {}, False)\n",
    "shop/prose.py": '"""A variation of get_parameter."""\nx = 1  # variation\n',
    "shop/only.py": "PREFIX = '/shop/prod'  # for get_parameter\n",
    "shop/joined.py": "from shop.only import PREFIX\nfrom shop.flags import is_on\nx = is_on(f'{PREFIX}/features/new-checkout')\n",
    "shop/dynamic.py": "import boto3\ndef any_of(stage, name):\n    return boto3.client('ssm').get_parameter(Name=f'/shop/{stage}/features/new-checkout')\n",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root: Path = tmp_path_factory.mktemp("large")
    for path, text in FILES.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(text)
    for number in range(420):
        (root / f"filler_{number}.py").write_text(f"def f(a):\n    return a + {number}\n")
    return root


@pytest.fixture(scope="module")
def result(root: Path) -> ScanResult:
    return engine.scan([str(root)], FLAGS, ScanOptions())


def test_reads_are_found_through_constants_and_wrappers(result):
    reads = {(one.path, one.line) for one in result.references if one.kind.value == "read"}
    assert reads == {
        ("shop/cart.py", 4),
        ("shop/checkout.py", 4),
        ("shop/wrap.py", 6),
        ("shop/dynamic.py", 3),
        ("shop/joined.py", 3),
    }
    assert {(one.path, one.line) for one in result.references if one.kind.value == "bind"} == {
        ("shop/keys.py", 1),
        ("shop/keys.py", 2),
    }


def test_a_partly_known_key_is_a_pattern(result):
    assert [(one.path, one.pattern) for one in result.patterns] == [
        ("shop/dynamic.py", "/shop/*/features/new-checkout")
    ]
    assert result.complete


def test_a_cache_changes_nothing_when_some_files_change(root, result, tmp_path):
    cache = open_cache(tmp_path / "cache")
    assert cached.scan([str(root)], FLAGS, ScanOptions(), None, cache) == result
    (root / "filler_1.py").write_text("x = 2\n")
    assert cached.scan([str(root)], FLAGS, ScanOptions(), None, cache) == result
    changed = FILES["shop/cart.py"].replace("def total", "\ndef total")
    (root / "shop" / "cart.py").write_text(changed)
    again = cached.scan([str(root)], FLAGS, ScanOptions(), None, cache)
    assert [(one.path, one.line) for one in again.references if one.path == "shop/cart.py"] == [("shop/cart.py", 5)]
    assert len(again.references) == len(result.references)


def _chain(depth: int) -> dict[str, str]:
    """Wrappers of wrappers, each in a file of its own: of functions, of objects that hold one another, of subclasses."""
    files = {
        "deep/keys.py": 'CHECKOUT = "/shop/prod/features/new-checkout"\n',
        "deep/f0.py": "import boto3\nssm = boto3.client('ssm')\ndef layer0(name):\n"
        "    return ssm.get_parameter(Name=name)['Parameter']['Value']\n",
        "deep/c0.py": "import boto3\nclass Store0:\n    def __init__(self):\n        self.ssm = boto3.client('ssm')\n"
        "    def get(self, name):\n        return self.ssm.get_parameter(Name=name)\n",
        "deep/t0.py": "import boto3\nclass Typed0:\n    def get(self, name):\n"
        "        return boto3.client('ssm').get_parameter(Name=name)\n",
    }
    for number in range(1, depth):
        below = number - 1
        files |= {
            f"deep/f{number}.py": f"from deep.f{below} import layer{below}\ndef layer{number}(name):\n    return layer{below}(name)\n",
            f"deep/c{number}.py": f"from deep.c{below} import Store{below}\nclass Store{number}:\n"
            f"    def __init__(self):\n        self.inner = Store{below}()\n"
            "    def get(self, name):\n        return self.inner.get(name)\n",
            f"deep/t{number}.py": f"from deep.t{below} import Typed{below}\nclass Typed{number}:\n"
            f'    def __init__(self, inner: "Typed{below}"):\n        self.inner = inner\n'
            "    def get(self, name):\n        return self.inner.get(name)\n",
        }
    last = depth - 1
    files |= {
        "deep/use_f.py": f"from deep.f{last} import layer{last}\nfrom deep.keys import CHECKOUT\nx = layer{last}(CHECKOUT)\n",
        "deep/use_c.py": f"from deep.c{last} import Store{last}\nfrom deep.keys import CHECKOUT\ndef go():\n"
        f"    return Store{last}().get(CHECKOUT)\n",
        "deep/use_t.py": f"from deep.t{last} import Typed{last}\nfrom deep.keys import CHECKOUT\n"
        f"def go(one: Typed{last}):\n    return one.get(CHECKOUT)\n",
    }
    return files


def test_wrappers_in_a_dozen_files_above_each_other_are_followed(tmp_path):
    """Each of them is known only by the one below it."""
    for path, text in _chain(11).items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    for number in range(420):
        (tmp_path / f"filler_{number}.py").write_text(f"def f(a):\n    return a.get({number})\n")
    found = engine.scan([str(tmp_path)], FLAGS, ScanOptions())
    reads = {(one.path, one.line) for one in found.references if one.kind.value == "read"}
    assert reads == {("deep/use_f.py", 3), ("deep/use_c.py", 4), ("deep/use_t.py", 4)}
    assert not found.unresolved


def test_what_functions_give_twice_over_and_over_costs_no_time(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "_SMALL_PROJECT", -1)
    doubled = "".join(f"def f{number}(k):\n    return f{number + 1}(k), f{number + 1}(k)\n" for number in range(60))
    asked = "import boto3\ndef f60(k):\n    return boto3.client('ssm').get_parameter(Name=k)\n"
    (tmp_path / "doubled.py").write_text(f"{doubled}{asked}f0({FLAGS[0].key!r})\n")
    assert not engine.scan([str(tmp_path)], FLAGS, ScanOptions(seconds_per_file=1)).unread
