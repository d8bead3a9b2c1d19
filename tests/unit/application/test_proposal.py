"""A proposed configuration: what names suggest, and that it loads."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.application.proposal import ENVIRONMENTS, MARKERS, Discovery, FoundProfile, propose, template_of
from auditor.domain.templates import PathTemplate
from auditor.settings import Settings


def found(parameters=(), profiles=(), **fields):
    usual = {"account": "111122223333", "region": "eu-central-1", "parameters": parameters, "profiles": profiles}
    return Discovery(**{**usual, **fields})


@pytest.mark.parametrize(
    ("name", "template"),
    [
        ("/shop/prod/features/x", "/{application}/{environment}/features/{flag}"),
        ("/prod/shop/flags/x", "/{environment}/{application}/flags/{flag}"),
        ("/acme/shop/staging/toggles/x", "/acme/{application}/{environment}/toggles/{flag}"),
        ("/acme/shop/flags/x", "/acme/{application}/flags/{flag}"),
        ("/flags/x", "/flags/{flag}"),
        ("/prod/flags/x", "/{environment}/flags/{flag}"),
        ("flags/x", "flags/{flag}"),
        ("/shop/PROD/Feature-Flags/x", "/{application}/{environment}/Feature-Flags/{flag}"),
        ("/shop/prod/db/url", None),
        ("/shop/prod/flags/deep/x", None),
        ("plain", None),
    ],
)
def test_a_name_suggests_a_template(name, template):
    assert template_of(name) == template


SEGMENT = st.sampled_from(
    ["shop", "pay", "acme", "prod", "x", "a.b-c_D", *sorted(MARKERS)[:4], *sorted(ENVIRONMENTS)[:3]]
)
NAMES = st.lists(SEGMENT, min_size=1, max_size=6).map(lambda parts: "/" + "/".join(parts))


@given(NAMES)
def test_a_suggested_template_fits_the_name_it_came_from(name):
    template = template_of(name)

    assert template is None or PathTemplate.parse(template, required=("flag",)).match(name)["flag"]


@given(st.lists(NAMES, unique=True, max_size=8), st.lists(st.tuples(st.text(min_size=1), st.text(), st.booleans())))
def test_every_proposal_loads_and_watches_what_it_says(tmp_path_factory, names, profiles):
    text = propose([found(tuple(names), tuple(FoundProfile(*profile) for profile in profiles))])
    path = tmp_path_factory.mktemp("init") / "flagtrail.toml"
    path.write_text(text, encoding="utf-8")

    sources = {source.kind: source for source in Settings.load({}, config=str(path)).sources}
    proposed = tomllib.loads(text).get("source", [])

    assert len(proposed) <= 2
    if any(source["kind"] == "ssm" for source in proposed):
        templates = [PathTemplate.parse(template) for template in sources["ssm"].paths]
        flags = [name for name in names if template_of(name)]
        assert all(any(template.match(name) for template in templates) for name in flags)
    wanted = {application for application, _, flags in profiles if flags} or {a for a, _, _ in profiles}
    if wanted:
        assert set(sources["appconfig"].applications) == wanted


def test_the_more_particular_template_stands_first():
    names = ("/acme/shop/prod/flags/x", "/shop/prod/flags/x", "/shop/flags/x")

    (source,) = tomllib.loads(propose([found(names)]))["source"]

    assert source["paths"] == [
        "/acme/{application}/{environment}/flags/{flag}",
        "/{application}/{environment}/flags/{flag}",
        "/{application}/flags/{flag}",
    ]


def test_what_is_left_out_is_counted_by_folder():
    text = propose([found(("/a/x", "/a/y", "/b/z", "loose"), None)])

    assert "# 4 other parameters are not watched" in text
    assert "#   2 in /a\n#   1 in /\n#   1 in /b\n" in text
    assert "Parameter Store: no parameter's name says that it is a flag." in text


def test_an_account_without_anything_is_said():
    text = propose([found((), ())])

    assert "AppConfig: no configuration profile." in text
    assert "source" not in tomllib.loads(text)


def test_each_region_has_its_own_sources():
    found_there = found(("/shop/flags/x",), None, region="us-east-1", unread=("denied\nthere",))

    text = propose([found(("/shop/flags/x",), None), found_there])

    assert [source["regions"] for source in tomllib.loads(text)["source"]] == [["eu-central-1"], ["us-east-1"]]
    assert "# Not read: denied there\n" in text
