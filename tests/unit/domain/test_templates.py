from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.errors import ConfigurationError
from auditor.domain.templates import PathTemplate, PathTemplates, default_templates

SEGMENT = st.text(alphabet="abcXYZ019_.-", min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "/shop/prod/features/new-checkout",
            {"application": "shop", "environment": "prod", "flag": "new-checkout"},
        ),
        ("/shop/prod/flags/x", {"application": "shop", "environment": "prod", "flag": "x"}),
        ("/shop/features/x", {"application": "shop", "flag": "x"}),
        ("/shop/flags/x", {"application": "shop", "flag": "x"}),
        ("/shop/features/features/x", {"application": "shop", "environment": "features", "flag": "x"}),
        ("/shop/prod/config/x", None),
        ("/shop/prod/features/a/b", None),
        ("/shop/prod/features/", None),
        ("/shop/prod/features", None),
        ("//prod/features/x", None),
        ("shop/prod/features/x", None),
        ("/shop/prod/Features/x", None),
        ("/shop/prod/features/a#b", None),
        ("x", None),
    ],
)
def test_the_default_templates_tell_application_environment_and_flag(name, expected):
    assert default_templates().match(name) == expected


@pytest.mark.parametrize(
    ("template", "name", "expected"),
    [
        ("FLAG#{flag}", "FLAG#new-checkout", {"flag": "new-checkout"}),
        ("FLAG#{flag}", "FLAG#a#b", None),
        ("flags/{application}-{flag}.json", "flags/shop-x.json", {"application": "shop", "flag": "x"}),
        ("flags/{application}.json", "flags/shopXjson", None),
        ("/fixed/name", "/fixed/name", {}),
        ("/a.b/{flag}", "/aXb/x", None),
        ("/{team}/{flag}", "/grün/ü", {"team": "grün", "flag": "ü"}),
    ],
)
def test_own_templates(template, name, expected):
    assert PathTemplate.parse(template).match(name) == expected


@pytest.mark.parametrize(
    ("template", "prefix", "path"),
    [
        ("/{application}/features/{flag}", "/", "/"),
        ("/shop/{environment}/features/{flag}", "/shop/", "/shop"),
        ("/shop/flags-{flag}", "/shop/flags-", "/shop"),
        ("/shop/prod/x", "/shop/prod/x", "/shop/prod"),
        ("flags/{application}.json", "flags/", "flags"),
        ("{flag}", "", "/"),
    ],
)
def test_the_fixed_beginning(template, prefix, path):
    parsed = PathTemplate.parse(template)

    assert (parsed.prefix, parsed.path) == (prefix, path)


def test_templates_keep_their_order_and_their_text():
    texts = ["/b/{flag}", "/a/{flag}"]

    assert [str(template) for template in PathTemplates.parse(texts)] == texts


def test_folders_inside_other_folders_are_listed_once():
    templates = PathTemplates.parse(["/shop/{flag}", "/shop/prod/{flag}", "/shop2/{flag}", "/shop/{a}/{flag}"])

    assert templates.paths == ("/shop", "/shop2")
    assert default_templates().paths == ("/",)


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("/{application}/{flag", "{name}"),
        ("/application}/{flag}", "{name}"),
        ("/{}/{flag}", "{name}"),
        ("/{my flag}", "{name}"),
        ("/{{flag}}", "{name}"),
        ("/{flag}/{flag}", "twice"),
        ("/{application}{flag}", "touch"),
        ("/{application}/features", "no {flag}"),
    ],
)
def test_a_bad_template_is_refused_with_what_is_wrong(template, words):
    with pytest.raises(ConfigurationError) as caught:
        PathTemplate.parse(template, required=("flag",))

    assert words in str(caught.value)
    assert repr(template) in str(caught.value)


def test_all_bad_templates_are_told_at_once():
    with pytest.raises(ConfigurationError) as caught:
        PathTemplates.parse(["/{a}{b}", "/{ok}", "/{c"])

    assert "'/{a}{b}'" in str(caught.value)
    assert "'/{c'" in str(caught.value)


@given(application=SEGMENT, environment=SEGMENT, flag=SEGMENT)
def test_what_is_put_in_comes_out(application, environment, flag):
    template = PathTemplate.parse("/{application}/{environment}/features/{flag}")

    found = template.match(f"/{application}/{environment}/features/{flag}")

    assert found == {"application": application, "environment": environment, "flag": flag}
