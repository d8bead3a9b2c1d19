"""Foreign text in every place of a message: it is shown, and it does nothing."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.adapters.channels import _slack_blocks as slack_blocks
from auditor.adapters.channels._links import Links
from auditor.adapters.channels.console import readable, slack_json
from auditor.application.messages import compose
from auditor.domain.alerts import Alert, AlertKind
from auditor.domain.attribution import Actor, ActorKind, Attribution, Certainty, Evidence
from auditor.domain.changes import ChangeKind, DiffEntry
from auditor.domain.documents import DocumentRef
from auditor.domain.findings import Finding, Severity
from auditor.domain.flags import FlagState
from auditor.domain.progress import Progress
from examples.standin.slack_rules import fault_of_message, texts_of
from tests.support.alerts import alert, recorded, reference

HOSTILE = [
    "<!here>",
    "<!channel|everyone>",
    "<!everyone>",
    "<@U012ABCDEF>",
    "<#C012ABCDEF|general>",
    "<!subteam^S012|@admins>",
    "<!date^0^{date}^https://evil.example|now>",
    "<https://evil.example|AWS console>",
    "<mailto:a@evil.example|mail>",
    "https://evil.example/login",
    "http://169.254.169.254/latest",
    "javascript:alert(1)",
    "www.evil.example",
    "@here @channel @everyone",
    "#general",
    "*bold* _italic_ ~struck~",
    "`code` and ```\nblock\n```",
    "``` <!here> ```",
    "```\n<https://evil.example|x>",
    "> quoted\n>>> all of it",
    "• a\n1. list",
    ":rotating_light: :tada:",
    "&lt;!here&gt;",
    "&amp;lt;!channel&amp;gt;",
    "<<!here>>",
    "line\nWho: dana@example.com (root)\nFooter",
    "\r\n\x1b[31mred\x1b[0m\x07\x00",
    "abc\u202etxt.exe\u2066\u2069\u200b",
    "]]>|{}$(id);'\"\\",
    "\U000e0001\U000e0041 tag \ufeff",
    "\u2028\u2029\x85next",
    "&" * 4000,
]


def poisoned(text: str, kind: AlertKind = AlertKind.CHANGE, change_kind: ChangeKind = ChangeKind.LABEL_MOVED) -> Alert:
    """Return an alert with the text in every place that foreign words can reach."""
    actor = Actor(ActorKind.PERSON, text, arn=text, via=f"{text} ", session=f" {text}", source_ip=text)
    attribution = Attribution(actor, Certainty.CERTAIN, (Evidence(text, text, id=text),))
    change = recorded(
        kind=change_kind,
        attribution=attribution,
        flag=text,
        application=text,
        environment=text,
        document=DocumentRef("ssm", text, text, text),
        version_before=None,
        version_after="4",
        before=FlagState(text, {text: text}),
        after=FlagState([text], {text: text}),
        diff=(DiffEntry("replace", f"/value/{text}", text, {text: [text]}),),
        summary=text,
        reason=f"because {text}",
        error=text,
        label=text,
    )
    return alert(
        *([] if kind in (AlertKind.SUMMARY, AlertKind.REPORT, AlertKind.TEST) else [change]),
        kind=kind,
        key=f"key|{text}",
        findings=(Finding("code", Severity.HIGH, text),),
        references=(reference(text),),
        facts=((text, text), ("list", [text, {text: 1}]), *(_stage(text) if kind is AlertKind.REPLY else ())),
        titles={text: text},
        former={change.id: {"text": text, "type": "String"}},
    )


def _stage(text: str) -> tuple[tuple[str, Any], ...]:
    """Return how far a deployment is, with the text in every place of it that foreign words can reach."""
    words = dict.fromkeys(
        ("application", "environment", "profile", "account", "region", "application_id", "environment_id",
         "version", "live", "growth", "cause", "who"), text,
    )  # fmt: skip
    steps = (("2026-03-02T12:00:00Z", 20.0),)
    progress = Progress(number=1, state="ROLLING_BACK", coming=(text,), steps=steps, **words)
    return (("deployment", progress.to_json()), ("stages", [text]), ("broadcast", True))


@pytest.mark.parametrize("state", ["DEPLOYING", "BAKING", "ROLLING_BACK", "COMPLETE"])
@pytest.mark.parametrize("text", HOSTILE)
def test_in_a_deployments_message_it_is_text(text, state):
    kept = dict(_stage(text)[0][1]) | {"state": state}
    told = alert(facts=(("deployment", kept),))

    check(slack_json(told, "C0FLAGS01"))
    assert all(line.isprintable() for line in readable(compose(told)))


def check(payload: dict[str, Any]) -> None:
    """Hold that nothing in a payload is more than text."""
    assert fault_of_message(payload) is None
    assert (payload["unfurl_links"], payload["unfurl_media"], payload["link_names"]) == (False, False, False)
    assert payload["parse"] == "none"
    for text in [payload["text"], *texts_of(payload["blocks"])]:
        assert "<" not in text
        assert ">" not in text
        assert re.fullmatch(r"(?:[^&]|&amp;|&lt;|&gt;)*", text, re.DOTALL), "an escape was cut in two"
        assert all(char.isprintable() or char in "\n\u200b" for char in text)
    assert "://" not in payload["text"]
    for found in objects(payload["blocks"]):
        if found["type"] == "plain_text":
            assert found["emoji"] is False
        else:
            assert found["verbatim"] is True
            code = re.fullmatch(r"```\n([^`]*)\n```", found["text"])
            assert code, "foreign text outside of code"
    assert re.fullmatch(r"[\w|:/.,@+=-]{1,255}", payload["metadata"]["event_payload"]["outbox_key"])
    assert len(payload["blocks"]) <= slack_blocks.MOST_BLOCKS
    assert sum(map(len, texts_of(payload["blocks"]))) <= slack_blocks.MOST_CHARACTERS


def objects(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        own = [value] if value.get("type") in ("plain_text", "mrkdwn") else []
        return own + [found for part in value.values() for found in objects(part)]
    return [found for part in value for found in objects(part)] if isinstance(value, list) else []


@pytest.mark.parametrize("kind", list(AlertKind))
@pytest.mark.parametrize("text", HOSTILE)
def test_in_slack_it_is_text(text, kind):
    check(slack_json(poisoned(text, kind), "C0FLAGS01"))


@pytest.mark.parametrize("change_kind", [ChangeKind.UPDATED, ChangeKind.DELETED, ChangeKind.CREATED, ChangeKind.DENIED])
@pytest.mark.parametrize("text", HOSTILE)
def test_in_slack_it_is_text_in_commands_too(text, change_kind):
    check(slack_json(poisoned(text, change_kind=change_kind), "C0FLAGS01"))


@pytest.mark.parametrize("text", [*HOSTILE, "src/a.py"])
def test_links_lead_into_the_code_host_and_nowhere_else(text):
    told = replace(poisoned(text), commit="0123abc")
    payload = slack_json(told, "C0FLAGS01", Links("https://code.example/{commit}/{path}#L{line}"))

    check(payload)
    parts = [
        part for block in payload["blocks"] if block["type"] == "rich_text" for part in block["elements"][0]["elements"]
    ]
    urls = [part["url"] for part in parts if part["type"] == "link"]
    assert all(url.startswith("https://code.example/0123abc/") and "@" not in url.partition("//")[2] for url in urls)
    assert urls or text != "src/a.py"
    assert not urls or "@" not in text


PAGES = "https://flags.example/{application}/{flag}.html#{change}"
_PAGE = re.compile(r"https://flags\.example/[\w.~%-]+/[\w.~%-]+\.html#c0{19}\d")


def page_links(payload: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the links of a message."""
    rich = [block for block in payload["blocks"] if block["type"] == "rich_text"]
    return [part for block in rich for part in block["elements"][0]["elements"] if part["type"] == "link"]


@pytest.mark.parametrize("text", [*HOSTILE, "new-checkout", "a/b?c#d", "\ud800", "{flag}", "%2e%2e"])
def test_links_lead_to_published_pages_and_nowhere_else(text):
    payload = slack_json(replace(poisoned(text), key="key"), "C0FLAGS01", Links(pages=PAGES))

    check(payload)
    links = page_links(payload)
    assert links or len(text) > 600
    assert all(_PAGE.fullmatch(link["url"]) for link in links)
    assert {link["text"] for link in links} <= {"change c00000000000000000001", "new-checkout"}


@pytest.mark.parametrize("name", ["", ".", "..", None])
def test_a_name_that_is_no_step_of_an_address_has_no_link(name):
    told = alert(recorded(flag="new-checkout", application=name), recorded(flag="a", number=2))
    links = page_links(slack_json(told, "C0FLAGS01", Links(pages=PAGES)))

    assert [link["url"] for link in links] == ["https://flags.example/shop/a.html#c00000000000000000002"]
    history = page_links(slack_json(told, "C0FLAGS01", Links(pages="https://flags.example/history.html#{change}")))
    assert [link["text"] for link in history] == ["new-checkout", "a"]
    assert page_links(slack_json(told, "C0FLAGS01", Links(pages="javascript:{change}"))) == []


def test_a_cut_value_is_said_to_be_whole_on_its_page():
    told = alert(recorded(diff=(DiffEntry("replace", "/value/text", "w" * 241, "b"),)))
    linked, plain = (json.dumps(slack_json(told, "C0FLAGS01", Links(pages=pages))) for pages in (PAGES, None))

    assert "Cut to fit here; whole on its page: " in linked
    assert "page" not in plain
    whole = alert(recorded(diff=(DiffEntry("replace", "/value/text", "w" * 238, "b"),)))
    assert "On its page: " in json.dumps(slack_json(whole, "C0FLAGS01", Links(pages=PAGES)))


@pytest.mark.parametrize("kind", list(AlertKind))
@pytest.mark.parametrize("text", HOSTILE)
def test_on_a_terminal_it_moves_nothing(text, kind):
    for line in readable(compose(poisoned(text, kind))):
        assert line.isprintable()


@pytest.mark.parametrize("text", ["<!here>", "<https://evil.example|AWS console>", "a & b"])
def test_a_person_still_sees_it(text):
    payload = slack_json(poisoned(text), "C0FLAGS01")

    shown = html.unescape(" ".join(texts_of(payload["blocks"])))
    assert text in shown


def test_what_does_not_fit_is_said_not_hidden():
    payload = slack_json(poisoned("&" * 4000), "C0FLAGS01")

    last = json.dumps(payload["blocks"][-2:])
    assert "more than fits here" in last
    assert "Change c0000" in last


@given(st.text(st.characters(codec="utf-8"), max_size=60), st.sampled_from(AlertKind))
def test_law_no_text_ever_does_anything(text, kind):
    told = poisoned(text, kind)

    check(slack_json(told, "C0FLAGS01"))
    assert all(line.isprintable() for line in readable(compose(told)))


@given(st.integers(1, 60), st.text("&<>`ab \n", max_size=3000))
def test_law_any_number_of_changes_fits(number, text):
    (change,) = poisoned(text, change_kind=ChangeKind.UPDATED).changes
    told = alert(*(replace(change, id=f"c{index:020x}") for index in range(number)))

    check(slack_json(told, "C0FLAGS01"))
