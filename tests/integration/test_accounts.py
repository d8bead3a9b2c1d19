"""Many accounts and Regions: what happened where, read through roles; and events that somebody made up."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from auditor import bootstrap
from auditor.settings import AwsSettings, Settings, SourceSettings
from examples.standin import StandIn
from tests.support.recording import TABLE, Record, sample

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OWN, OTHER, STRANGER = "123456789012", "444455556666", "999988887777"
NAME = "/myapp/prod/features/new-checkout"
SSM = SourceSettings("ssm", "ssm", paths=("/{application}/{environment}/features/{flag}",))


def recording(path: Path, *sources: SourceSettings, role: str | None = "flagtrail-read") -> Record:
    record = Record(path, sources)
    settings = Settings(
        database_url=f"sqlite:///{path / 'record.db'}", sources=sources, aws=AwsSettings(read_role=role)
    )
    record.application = bootstrap.application(settings)
    return record


def put(aws: StandIn, account: str, value: str, region: str = "eu-west-1", name: str = NAME) -> None:
    who = aws.iam_user(f"admin-{account}", account=account)
    client = aws.client("ssm", region, who)
    client.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)


def test_every_account_and_region_is_read_and_kept_apart(aws, tmp_path):
    for account, region in ((OWN, "eu-west-1"), (OWN, "us-east-1"), (OTHER, "eu-west-1"), (STRANGER, "eu-west-1")):
        put(aws, account, f"{account} {region}", region)
    record = recording(tmp_path, replace(SSM, accounts=(OWN, OTHER), regions=("eu-west-1", "us-east-1")))

    report = record.reconcile()

    assert report.documents == 3
    assert {(row["account"], row["region"], row["after"]["value"], row["actor"]["name"]) for row in record.rows()} == {
        (OWN, "eu-west-1", f"{OWN} eu-west-1", f"admin-{OWN}"),
        (OWN, "us-east-1", f"{OWN} us-east-1", f"admin-{OWN}"),
        (OTHER, "eu-west-1", f"{OTHER} eu-west-1", f"admin-{OTHER}"),
    }


def test_a_forwarded_event_is_recorded_where_it_happened(aws, tmp_path):
    event = sample("ssm-change-forwarded-from-other-account")
    put(aws, event["account"], "true", name=event["detail"]["name"])
    record = recording(tmp_path, SSM)

    assert record.outcomes(event) == ["recorded"]
    assert record.told("account", "region", "document") == [
        (event["account"], event["region"], event["detail"]["name"])
    ]


def test_without_a_role_a_forwarded_event_waits(aws, tmp_path):
    event = sample("ssm-change-forwarded-from-other-account")
    put(aws, event["account"], "true", name=event["detail"]["name"])
    record = recording(tmp_path, SSM, role=None)

    waiting = record.take(event)
    recording(tmp_path, SSM).reconcile()

    assert [deferred.to_json()["document"] for deferred in waiting.deferred] == [event["detail"]["name"]]
    assert "read_role" in waiting.deferred[0].error
    assert record.told("account") == [(event["account"],)], "taken up as soon as there is a role"


def test_an_account_that_is_not_among_those_watched_is_ignored(aws, tmp_path):
    record = recording(tmp_path, replace(SSM, accounts=(OWN,)))

    assert record.outcomes(sample("ssm-change-forwarded-from-other-account")) == ["ignored"]


def forged() -> list[dict[str, Any]]:
    """Return events that somebody made up to change the record: each in another way."""
    change, call = sample("ssm-change-update-string-no-description"), sample("ct-ssm-putparameter-update-sso-console")
    change["detail"]["name"] = NAME
    stream = sample("lambda-dynamodb-stream-modify")["Records"][0]
    made: list[dict[str, Any]] = []

    def make(event: dict[str, Any], detail: dict[str, Any] | None = None, **more: Any) -> None:
        whole = json.loads(json.dumps(event)) | more
        whole["detail"] = whole.get("detail", {}) | (detail or {})
        made.append(whole | {"id": f"forged-{len(made)}"})

    for source in ("my.ssm", "aws.ssm ", "AWS.SSM", "ssm", "aws.ssm.evil", "aws", "com.example.aws.ssm"):
        make(change, source=source)
    make(change, {"operation": "Delete"}, source="custom.app")
    make(change, {"operation": "Delete"})  # AWS's own name, and yet the parameter is there
    make(change, {"operation": "Obliterate"})
    make(change, {"name": "/myapp/prod/features/größe"})
    make(change, account="12345")
    make(change, account=OTHER)
    make(change, region="moon-1")
    make(call, {"recipientAccountId": OTHER})
    make(call, {"eventSource": "iam.amazonaws.com"})
    make(call, {"userIdentity": "root"}, source="aws.ssm")
    make(call, source="my.cloudtrail")
    make(call, {"eventVersion": "2.0"})
    make(stream, **{"source": "aws.dynamodb", "detail-type": "DynamoDB Stream Record", "detail": stream,
                    "account": OWN, "region": "eu-west-1", "time": "2026-10-06T08:00:00Z"})  # fmt: skip
    make({}, **{"source": "aws.appconfig", "detail-type": "AppConfig Extension Call", "account": OWN,
                "region": "eu-west-1", "time": "2026-10-06T08:00:00Z"})  # fmt: skip
    return made


@pytest.mark.parametrize("number", range(len(forged())))
def test_a_forged_event_changes_nothing(aws, tmp_path, number):
    put(aws, OWN, "true")
    record = recording(tmp_path, replace(SSM, accounts=(OWN,)), TABLE)
    record.take(*aws.drain())
    before = record.rows()

    record.take(forged()[number])

    assert len(forged()) >= 20
    assert record.rows() == before
    assert record.gaps() == []


def test_a_forged_event_cannot_use_up_the_id_of_a_real_one(aws, tmp_path):
    record = recording(tmp_path, SSM)
    put(aws, OWN, "true")
    real = aws.drain()
    for event in real:
        record.take({**event, "source": "my.app", "account": OTHER})
        record.take({**event, "source": "my.app", "id": f"other-{event['id']}"})

    record.take(*real)

    assert record.told("kind", "actor") == [("created", f"admin-{OWN}")]


def test_who_is_taken_for_a_call_of_another_account_only(aws, tmp_path):
    put(aws, OWN, "true")
    events = aws.drain()
    call = next(event for event in events if "CloudTrail" in event["detail-type"])
    foreign = json.loads(json.dumps(call)) | {"account": OTHER, "id": "foreign"}
    foreign["detail"] |= {"recipientAccountId": OTHER, "eventID": "foreign"}
    foreign["detail"]["userIdentity"] |= {"userName": "mallory"}
    put(aws, OTHER, "false")
    record = recording(tmp_path, SSM)

    record.take(foreign, *[event for event in events if event is not call])

    names = {(row["account"], row["actor"]["name"]) for row in record.rows()}
    assert names == {(OWN, f"admin-{OWN}"), (OTHER, f"admin-{OTHER}")}


def test_a_lost_move_of_a_label_is_found_by_a_look(aws, tmp_path):
    record = recording(tmp_path, SSM)
    deaf = replace(record.application.recorder, trail=None)
    record.application = replace(record.application, recorder=deaf)
    client = aws.client("ssm", identity=aws.iam_user("alice"))
    for value in ("true", "false"):
        put(aws, OWN, value)
    client.label_parameter_version(Name=NAME, ParameterVersion=1, Labels=["stable"])
    record.reconcile()
    aws.advance(timedelta(hours=1))
    client.label_parameter_version(Name=NAME, ParameterVersion=2, Labels=["stable"])
    aws.advance(timedelta(hours=1))

    assert record.reconcile().recorded == 1
    assert record.reconcile().recorded == 0
    row = record.rows()[-1]
    assert (row["kind"], row["version_before"], row["version_after"], row["occurred_at"]) == (
        "label_moved", "1", "2", None,
    )  # fmt: skip
    assert row["occurred_between"] == ["2026-03-02T09:00:00Z", "2026-03-02T11:00:00Z"]
    assert [(gap["class"], gap["from"], gap["to"]) for gap in record.gaps()] == [
        ("interval", "2026-03-02T09:00:00Z", "2026-03-02T11:00:00Z")
    ]


def test_looking_after_labels_is_bounded(aws, tmp_path):
    record = recording(tmp_path, SSM)
    client = aws.client("ssm")
    names = [f"/myapp/prod/features/flag-{number}" for number in range(60)]
    for name in names:
        client.put_parameter(Name=name, Value="true", Type="String")
        client.label_parameter_version(Name=name, Labels=["stable"])
    record.reconcile()
    aws.advance(timedelta(hours=1))
    aws.reset_calls()

    record.reconcile()
    first = aws.calls()["ssm:GetParameterHistory"]
    record.reconcile()

    assert (first, aws.calls()["ssm:GetParameterHistory"]) == (50, 100)
