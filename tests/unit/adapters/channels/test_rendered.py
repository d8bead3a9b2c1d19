"""Every message as it is sent: the expected ones are beside this file, Slack's limits are checked by two judges."""

from __future__ import annotations

import json

import pytest
from slack_sdk.models.blocks import Block

from auditor.adapters.channels import _slack_blocks as slack_blocks
from auditor.adapters.channels.console import WIDTH
from auditor.domain.alerts import AlertKind
from examples.standin.slack_rules import fault_of_message, texts_of
from tests.support.messages import RENDERED, cases, render

NAMES = sorted(cases())


@pytest.mark.parametrize("name", NAMES)
def test_a_message_is_as_it_was(name):
    payload, text = render(cases()[name])

    # Changed on purpose? `python -m tests.support.messages` renders them anew.
    assert payload == (RENDERED / f"{name}.json").read_text(encoding="utf-8")
    assert text == (RENDERED / f"{name}.txt").read_text(encoding="utf-8")


def test_every_kind_is_rendered_and_nothing_else_lies_there():
    assert {told.kind for told in cases().values()} == set(AlertKind)
    assert {path.stem for path in RENDERED.iterdir()} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_slack_takes_it(name):
    payload = json.loads(render(cases()[name])[0])
    blocks = payload["blocks"]

    assert fault_of_message(payload) is None
    assert len(blocks) <= slack_blocks.MOST_BLOCKS
    assert sum(map(len, texts_of(blocks))) <= slack_blocks.MOST_CHARACTERS
    assert all(len(text) <= slack_blocks.LONGEST_SECTION for text in texts_of(blocks))
    for block in Block.parse_all(blocks):
        block.validate_json()


@pytest.mark.parametrize("name", NAMES)
def test_on_a_terminal_only_commands_and_places_are_wider(name):
    lines = render(cases()[name])[1].splitlines()

    wide = [line for line in lines if len(line) > WIDTH and not line.startswith(("aws ", "  WWW"))]
    assert wide == []


def test_a_hidden_value_is_nowhere():
    for name in NAMES:
        payload, text = render(cases()[name])
        assert '"masked"' not in payload + text
        assert "comparable" not in payload + text


def test_never_scanned_is_not_the_same_as_not_found():
    assert "No code was scanned since" in render(cases()["created"])[1]
    assert "found no code" in render(cases()["deployed"])[1]
    assert "not scanned" not in render(cases()["deployed"])[1]


def test_nobody_known_is_said_plainly():
    assert "unattributed" in render(cases()["late-and-unattributed"])[1]


def test_a_later_change_warns():
    assert "has changed again since" in render(cases()["updated-since-changed"])[1]
    assert "has changed again since" not in render(cases()["updated"])[1]
