from __future__ import annotations

import pytest

from tests.house.check_locks import Lock, faults, pins

HASH = "    --hash=sha256:" + "0" * 64
PYPROJECT = {
    "project": {
        "name": "flagtrail",
        "dependencies": ["click>=8"],
        "optional-dependencies": {"slack": ["Slack_SDK>=3"], "all": ["flagtrail[slack]"]},
    },
    "dependency-groups": {"test": ["pytest>=9"], "dev": [{"include-group": "test"}]},
}
RUN = Lock("run", base=True, extras=("all",))


def entry(pin: str) -> str:
    return f"{pin} \\\n{HASH}\n"


def test_a_lock_with_hashes_that_holds_all_is_right():
    text = entry("click==8.5.1") + entry("slack-sdk==3.47.0 ; sys_platform == 'linux'")

    assert list(faults(RUN, text, PYPROJECT)) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (entry("click==8.5.1"), "it holds no Slack_SDK>=3; run make lock"),
        (entry("click==7.0") + entry("slack-sdk==3.47.0"), "it holds no click>=8; run make lock"),
        (entry("click==8.5.1") + "slack-sdk==3.47.0\n", "slack-sdk has no hash"),
    ],
)
def test_a_lock_that_lacks_something_is_named(text, fault):
    assert list(faults(RUN, text, PYPROJECT)) == [fault]


def test_a_group_is_followed_into_the_groups_it_includes():
    assert list(faults(Lock("dev", groups=("dev",)), entry("click==8.5.1"), PYPROJECT)) == [
        "it holds no pytest>=9; run make lock"
    ]


@pytest.mark.parametrize(
    "text",
    ["--index-url {url}\n", "--find-links /somewhere\n", "click @ {url}/click.whl\n", "-e .\n", "click>=8\n"],
)
def test_anything_but_a_pin_is_refused(text):
    with pytest.raises(ValueError):
        list(pins(text.format(url="https" + "://packages.example")))


def test_a_host_is_named():
    text = "# from https" + "://packages.example\n" + entry("click==8.5.1")

    assert next(faults(Lock("x"), text, PYPROJECT)) == "it names a host"
