from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.changes import ChangeKind
from auditor.domain.documents import DocumentRef
from auditor.domain.flags import FlagState
from auditor.domain.masking import MASKED_INCOMPARABLE
from auditor.domain.revert import LONGEST, RevertCommand, revert_command
from auditor.domain.values import parse_value
from tests.support.alerts import PROFILE, change, deployed, recorded

SECRET = FlagState(dict(MASKED_INCOMPARABLE))
DELETED = {"kind": ChangeKind.DELETED, "version_after": None, "after": None}


def reverting(former: dict[str, Any] | None = None, **fields: Any) -> RevertCommand:
    found = revert_command(recorded(**fields), former)
    assert found is not None
    return found


def test_an_update_reads_as_a_person_would_write_it():
    found = reverting({"type": "String", "text": "false", "tier": "Standard"})

    assert found == RevertCommand(
        "aws ssm put-parameter --name /shop/prod/features/new-checkout --value false --type String --overwrite"
        " --region eu-central-1"
    )


def test_a_creation_is_a_deletion_with_a_warning():
    found = reverting(kind=ChangeKind.CREATED, before=None, version_before=None)

    assert found.text == "aws ssm delete-parameter --name /shop/prod/features/new-checkout --region eu-central-1"
    assert "fails" in found.notes[0]


def test_a_deployment_is_followed_by_one_of_the_former_version():
    found = revert_command(deployed())

    assert found == RevertCommand(
        "aws appconfig start-deployment --application-id abc1234 --environment-id env9876"
        " --configuration-profile-id def5678 --configuration-version 2"
        " --deployment-strategy-id AppConfig.AllAtOnce --region eu-central-1",
        ("This deploys the whole of version 2 again, to all targets at once.",),
    )


@pytest.mark.parametrize("state", ["DEPLOYING", "BAKING", "VALIDATING"])
def test_a_running_deployment_is_stopped(state):
    found = revert_command(deployed(state=state))

    assert found is not None
    assert found.text == (
        "aws appconfig stop-deployment --application-id abc1234 --environment-id env9876 --deployment-number 7"
        " --region eu-central-1"
    )


@pytest.mark.parametrize("kind", [ChangeKind.DENIED, ChangeKind.FAILED, ChangeKind.GUARDRAIL, ChangeKind.ROLLED_BACK])
@pytest.mark.parametrize("document", [PROFILE, change().document])
def test_what_needs_no_way_back_has_none(kind, document):
    assert revert_command(recorded(kind=kind, document=document)) is None


def test_a_store_without_known_commands_has_none():
    table = DocumentRef("dynamodb", "111122223333", "eu-central-1", "flags/new-checkout")

    assert revert_command(recorded(document=table)) is None


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": ChangeKind.SAVED, "document": PROFILE}, "until it is deployed"),
        ({"kind": ChangeKind.DELETED, "document": PROFILE}, "stays in the record"),
        ({"before": None}, "not known"),
        ({"version_before": None}, "not known"),
        ({"before": SECRET}, "Version 3 can be restored"),
        ({"before": SECRET, "version_before": None}, "The former version can be restored"),
        ({"before": FlagState({"user": "x", "token": dict(MASKED_INCOMPARABLE)})}, "hidden"),
        ({"before": FlagState([1, [dict(MASKED_INCOMPARABLE)]])}, "hidden"),
        ({"before": FlagState({"[masked]": 1})}, "hidden"),
        ({"before": SECRET, **DELETED}, "by someone who knows it"),
        ({**DELETED, "before": None}, "not known"),
        ({"kind": ChangeKind.LABEL_MOVED, "label": None}, "not shown"),
        ({"kind": ChangeKind.LABEL_MOVED, "label": "[masked]"}, "not shown"),
        ({"kind": ChangeKind.DEPLOYED, "document": PROFILE, "cause": "version|x"}, "not known"),
        ({"kind": ChangeKind.DEPLOYED, "document": PROFILE, "cause": "deployment|a|b|c|d|e|f"}, "not known"),
        (
            {
                "kind": ChangeKind.DEPLOYED,
                "document": PROFILE,
                "version_before": None,
                "cause": "deployment|1|r|a|e|1|completed",
            },
            "none to go back to",
        ),
    ],
)
def test_where_no_command_helps_words_do(fields, said):
    found = reverting(
        {"type": "SecureString", "text": "hunter2-hunter2"} if fields.get("before") is SECRET else None, **fields
    )

    assert found.text is None
    assert said in " ".join(found.notes)
    assert "hunter2" not in str(found)


def test_a_deleted_one_without_its_text_comes_back_with_the_same_value():
    found = reverting({"type": "String"}, before=FlagState({"a": [1, "ü"]}), **DELETED)

    assert found.text is not None
    assert '--value \'{"a":[1,"ü"]}\' --type String' in found.text
    assert "--overwrite" not in found.text
    assert "spelling" in found.notes[1]


def test_a_deleted_list_without_its_text_comes_back_as_a_list():
    found = reverting({"type": "StringList"}, before=FlagState(["a", "b c"]), **DELETED)

    assert "--value 'a,b c' --type StringList" in (found.text or "")


def test_a_hidden_description_stays_out():
    found = reverting(
        {"type": "String", "text": "x", "description": "the key [masked]", "data_type": "text"}, **DELETED
    )

    assert "masked" not in (found.text or "")
    assert "data-type" not in (found.text or "")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(JSON)
def test_law_a_value_is_written_so_that_it_reads_the_same(value):
    # What the record holds is what reading a text gave, so begin there.
    held = parse_value(json.dumps(value), kind="String")
    found = reverting({"type": "String"}, before=FlagState(held), **DELETED)
    if found.text is not None:  # a value may look hidden
        assert parse_value(given_to_aws(found.text)["Value"], kind="String") == held


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=40))
def test_law_the_cli_is_given_the_very_text(text):
    found = reverting({"type": "String", "text": text}, before=FlagState("anything"))

    assert found.text is not None
    assert found.text.isprintable()
    assert not {"`", "<", ">", "&"} & set(found.text)
    arguments = given_to_aws(found.text)
    assert arguments["Value"] == text
    assert arguments["Name"] == "/shop/prod/features/new-checkout"


@pytest.mark.parametrize("text", ["file:///etc/passwd", "fileb://x", "http://x", "HTTPS://x", "-x", "--version", "-1"])
def test_what_the_cli_would_take_for_something_else_is_wrapped(text):
    command = reverting({"type": "String", "text": text}).text or ""

    assert f" {text}" not in command
    assert given_to_aws(command)["Value"] == text


def test_a_long_value_stays_in_the_store():
    command = reverting({"type": "String", "text": "x" * LONGEST}).text or ""

    assert len(command) < 400
    assert "new-checkout:3" in command
    assert 'put-parameter --cli-input-json "$(aws ssm get-parameter' in command


def given_to_aws(command: str) -> dict[str, Any]:
    """Return the parameters that a shell hands to the AWS CLI, read as the CLI reads them."""
    shown = subprocess.run(
        ["sh", "-c", f"aws() {{ printf '%s\\0' \"$@\"; }}\n{command}"], check=True, stdout=subprocess.PIPE
    )
    words = shown.stdout.decode().split("\0")[2:-1]
    members: dict[str, Any] = {}
    while words:
        name, joined, value = words.pop(0).removeprefix("--").partition("=")
        if not joined and name != "overwrite":
            value = words.pop(0)
            assert not value.startswith("-")
        assert not value.lower().startswith(("file://", "fileb://", "http://", "https://"))
        if name == "cli-input-json":
            members |= json.loads(value)
        else:
            members["".join(part.title() for part in name.split("-"))] = value
    return members
