"""The example documents every option, and loads."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest

from auditor.configuration.options import SECTIONS
from auditor.domain.schedules import When
from auditor.domain.verdicts import StaleRules
from auditor.settings import Settings


@pytest.fixture(scope="module")
def example(root):
    return root / "examples" / "flagtrail.toml"


def test_it_loads(example):
    settings = Settings.load({}, config=str(example))

    assert [source.kind for source in settings.sources] == ["ssm", "appconfig"]
    assert settings.schedule.weekly_report == When(cron="0 8 * * mon")
    assert dict(settings.stale.lifetimes.owners)["shop/*"] == "@shop/platform"
    assert settings.repositories == (example.parent / "../shop",)
    assert settings.database_url == f"sqlite:///{example.parent}/flagtrail.db"


def test_what_is_commented_out_loads_as_well(example, tmp_path):
    lines = example.read_text().splitlines()
    begin = next(n for n, line in enumerate(lines) if line == "# [[source]]")
    end = next(n for n, line in enumerate(lines) if n > begin and not line.startswith("#"))
    path = tmp_path / "flagtrail.toml"
    path.write_text("\n".join(line.removeprefix("#").removeprefix(" ") for line in lines[begin:end]))

    settings = Settings.load({}, config=str(path))

    assert [source.kind for source in settings.sources] == ["dynamodb", "s3"]
    assert settings.scan.tables == ("tenant-flags",)
    assert settings.scan.buckets == ("shop-edge-config",)


def test_the_thresholds_it_shows_are_those_built_in(example):
    stale = Settings.load({}, config=str(example)).stale

    assert stale.lifetimes.days == StaleRules().lifetimes.days
    assert stale.lifetimes.naming == StaleRules().lifetimes.naming
    assert replace(stale, critical=frozenset(), lifetimes=StaleRules().lifetimes) == StaleRules()


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.header)
def test_every_option_stands_in_it(example, section):
    text = example.read_text()
    below = text.replace("\n# ", "\n").split(f"\n{section.header}\n")[1:]
    own = "\n".join(part.split("\n[")[0] for part in below)

    assert below, f"{section.header} is missing"
    for option in section.options:
        assert any(line.startswith(f"{option.key} = ") for line in own.splitlines()), (
            f"{section.header} {option.key} is missing"
        )


def test_each_option_is_explained(example):
    tomllib.loads(example.read_text())

    assert all(section.doc and all(option.doc and option.form for option in section.options) for section in SECTIONS)
