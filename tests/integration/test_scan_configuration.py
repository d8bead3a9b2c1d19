"""What a configuration says of scanning is heeded as it stands now, also where a cache remembers it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from auditor import settings
from tests.support.cli import flagtrail

CODE = "from shop.flags import ask, wanted\nask('gift-wrap')\nwanted('gift-wrap')\n"
ACCESSOR = '[[scan.accessor]]\ncallable = "shop.flags.{}"\nkey = 0\n'


@pytest.fixture
def code(elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FLAGTRAIL_CACHE_DIR", str(tmp_path / "cache"))
    root = tmp_path / "code"
    root.mkdir()
    (root / "a.py").write_text(CODE)
    Path("flags.json").write_text(json.dumps([{"key": "gift-wrap", "provider": "generic"}]))
    return root


def read_lines(code: Path, *options: str) -> list[int]:
    answer = flagtrail("scan", str(code), "--flags", "flags.json", "--config", "f.toml", "--format", "json", *options)
    return [one["line"] for one in answer.json["references"] if one["kind"] == "read"]


def test_a_changed_configuration_is_heeded_and_one_with_faults_refused(code):
    config = Path("f.toml")
    for name, line in (("ask", 2), ("wanted", 3), ("ask", 2)):
        config.write_text(ACCESSOR.format(name))
        assert read_lines(code) == read_lines(code) == read_lines(code, "--no-cache") == [line]
    config.write_text("[scan]\nnonsense = 1\n")
    refused = flagtrail("scan", str(code), "--flags", "flags.json", "--config", "f.toml")
    assert (refused.status, "nonsense" in refused.err) == (2, True)
    config.unlink()
    missing = flagtrail("scan", str(code), "--flags", "flags.json", "--config", "f.toml")
    assert (missing.status, "no such file" in missing.err) == (2, True)


def test_a_configuration_that_was_read_before_is_not_read_again(code, monkeypatch):
    Path("f.toml").write_text(ACCESSOR.format("ask"))
    assert read_lines(code) == [2]
    monkeypatch.setattr(settings.Settings, "load", classmethod(lambda *_, **__: pytest.fail("read again")))
    assert read_lines(code) == [2]
