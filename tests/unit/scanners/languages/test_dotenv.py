from __future__ import annotations

import pytest

from scanners.languages.base import SourceFile
from scanners.languages.dotenv import Dotenv
from tests.support.languages import CHECKOUT, SHIPPING, findings, held, lines

CASES = {
    "variables, quoted and not, with comments": (
        ".env",
        f"""# {CHECKOUT} by default
FLAG={CHECKOUT}
export QUOTED="{SHIPPING}" # see {CHECKOUT}
SINGLE='{SHIPPING}'
OTHER={CHECKOUT}-old
NEW_TAX=true
NEW_TAX_2=true
MODE=search
""",
        [
            f"1:3 doc {CHECKOUT}",
            f"2:6 bind {CHECKOUT}",
            f"3:15 bind {SHIPPING}",
            f"3:57 doc {CHECKOUT}",
            f"4:8 bind {SHIPPING}",
            "6:1 bind NEW_TAX",
        ],
    ),
    "variables of variables": (
        "prod.env",
        "PREFIX=/shop/prod\nFLAG=${PREFIX}/features/free-shipping\nSTAGED=/shop/$STAGE/features/free-shipping\n",
        [f"2:6 bind {SHIPPING}", f"3:8 possible bind {SHIPPING}"],
    ),
    "an example": (".env.example", f"FLAG={CHECKOUT}\n", [f"1:6 bind {CHECKOUT}"]),
    "properties": (
        "app.properties",
        f"shop.flag = {CHECKOUT}\n! {SHIPPING}\n",
        [f"1:13 bind {CHECKOUT}", f"2:3 doc {SHIPPING}"],
    ),
    "sections of flags": (
        "settings.toml",
        f"""[features]
search = true
dark-mode = {{ enabled = true }}
[other]
search = true
names = ["{CHECKOUT}", "search"]
more = [
  "{SHIPPING}", # {CHECKOUT}
]
""",
        [
            "2:1 possible define search",
            "3:1 possible define dark-mode",
            f"6:10 bind {CHECKOUT}",
            f"8:3 bind {SHIPPING}",
            f"8:42 doc {CHECKOUT}",
        ],
    ),
    "a unit's variables": ("shop.service", f"[Service]\nEnvironment=FLAG={CHECKOUT}\n", [f"2:18 bind {CHECKOUT}"]),
    "test files": ("tests/.env", f"FLAG={CHECKOUT}\n", [f"1:6 test {CHECKOUT}"]),
}


@pytest.mark.parametrize("name", CASES)
def test_finds(name):
    path, source, expected = CASES[name]
    assert lines(findings(Dotenv(), path, source)) == expected


def test_settings_are_handed_on():
    source = f"FLAG={CHECKOUT}\nMODE=search\nSTAGED=/shop/$STAGE/features/free-shipping\n"
    found = held(findings(Dotenv(), ".env", source))
    assert found == [f"1:6 FLAG = {CHECKOUT}", "3:8 STAGED = /shop/*/features/free-shipping"]


def test_odd_files():
    assert lines(findings(Dotenv(), ".env", b"\xff\xfe" + f"FLAG={CHECKOUT}\r\n".encode("utf-16-le"))) == [
        f"1:6 bind {CHECKOUT}"
    ]
    assert lines(findings(Dotenv(), ".env", f"A={'x' * 1_000_000}\rFLAG={CHECKOUT}")) == [f"2:6 bind {CHECKOUT}"]
    assert lines(findings(Dotenv(), ".env", "= = [[[ \"'")) == []
    assert lines(findings(Dotenv(), "a.toml", "[" * 100_000 + f"\nx = '{CHECKOUT}'")) == [f"2:5 bind {CHECKOUT}"]
    assert not Dotenv().takes(SourceFile("environment.py", b""))
