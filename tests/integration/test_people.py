"""People whom flags list: counts wherever anything is shown, names nowhere but beside the record, and erased for good."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from auditor import bootstrap
from auditor.settings import DEFAULT_SOURCES, Settings
from examples.standin import StandIn
from tests.support.aws import flag_document
from tests.support.cli import Answer, flagtrail
from tests.support.recording import Record

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BETA = "/shop/prod/features/beta-users"
SEGMENT = "/shop/prod/features/segment"
PEOPLE = ["ann@example.com", "bob@example.com", "cem@example.com", "dee@example.com"]
ANN, BOB, CEM, DEE = PEOPLE


@pytest.fixture
def record(aws, tmp_path, monkeypatch) -> Record:
    monkeypatch.chdir(tmp_path)
    return Record(tmp_path, DEFAULT_SOURCES)


def put(aws: StandIn, value: Any, name: str = BETA, kind: str = "String") -> None:
    aws.advance(timedelta(minutes=1))
    text = value if isinstance(value, str) else json.dumps(value)
    aws.client("ssm").put_parameter(Name=name, Value=text, Type=kind, Overwrite=True)


def rows(record: Record, flag: str = "beta-users") -> list[dict[str, Any]]:
    return [row for row in record.rows() if row["flag"] == flag]


def database(record: Record) -> bytes:
    """Return everything in the file and what lies beside it."""
    return b"".join(path.read_bytes() for path in record.path.glob("record.db*"))


def test_a_list_of_people_is_shown_as_counts(aws, record):
    put(aws, f"{ANN},{BOB}", kind="StringList")
    record.take(*aws.drain())
    put(aws, f"{BOB},{CEM},{DEE}", kind="StringList")
    record.take(*aws.drain())

    first, second = rows(record)
    assert (first["before"], first["after"]) == (None, {"value": {"people": 2}})
    assert (second["before"], second["after"]) == ({"value": {"people": 2}}, {"value": {"people": 3}})
    assert second["diff"] == [
        {"op": "replace", "path": "/value", "before": {"people": 2}, "after": {"people": 3, "added": 2, "removed": 1}}
    ]
    assert second["summary"] == "list gained 2 people, lost 1 (now 3) in prod"
    assert not any(name in json.dumps(record.rows()) for name in PEOPLE)


def test_lists_deep_in_a_flag_and_addresses_in_rules_are_counted_too(aws, record):
    def segment(*ids: str, rule: str) -> dict[str, Any]:
        condition = {"action": "IN", "key": "user_id", "value": list(ids)}
        return {
            "default": False,
            "rules": {"beta": {"when_match": True, "conditions": [condition]}},
            "_variants": [{"name": "v", "enabled": True, "rule": rule}],
            "regions": ["eu-west-1", "us-east-1"],
        }

    put(aws, segment("u1", "u2", rule=f'(eq $email "{ANN}")'), SEGMENT)
    put(aws, segment("u1", "u3", "u4", rule=f'(eq $email "{BOB}")'), SEGMENT)
    record.reconcile()

    _, second = rows(record, "segment")
    told = {entry["path"]: (entry["before"], entry["after"]) for entry in second["diff"]}
    assert told == {
        "/value/rules/beta/conditions/0/value": ({"people": 2}, {"people": 3, "added": 2, "removed": 1}),
        "/value/_variants/0/rule": ('(eq $email "(a person)")', '(eq $email "(a person)")'),
    }
    assert second["after"]["value"]["regions"] == ["eu-west-1", "us-east-1"]
    assert "gained 2 people" in second["summary"]
    assert not any(name in json.dumps(record.rows()) for name in [*PEOPLE, '"u3"'])


def test_what_is_recorded_names_nobody_and_only_a_table_beside_it_does(aws, record):
    put(aws, PEOPLE)
    record.reconcile()

    with record.application.record.unit_of_work() as uow:
        sealed = b"".join(entry.body for entry in _sealed(uow, record))
    assert sealed
    assert not any(name.encode() in sealed for name in PEOPLE)
    assert all(database(record).count(name.encode()) >= 1 for name in PEOPLE), "beside the record"


def _sealed(uow: Any, record: Record) -> Iterator[Any]:
    record.application.seal()
    yield from (entry for entry in uow.sealed.entries() if entry.body is not None)


def test_what_is_not_touched_stays_no_change_and_a_look_finds_what_is_held(aws, record):
    put(aws, PEOPLE)
    record.reconcile()
    put(aws, PEOPLE)
    put(aws, list(reversed(PEOPLE)))
    record.reconcile()

    assert [row["version_after"] for row in rows(record)] == ["1", "3"]
    moved = rows(record)[-1]
    assert moved["diff"] == [
        {"op": "replace", "path": "/value", "before": {"people": 4}, "after": {"people": 4, "added": 0, "removed": 0}}
    ]
    assert moved["summary"] == "list in another order (now 4) in prod"


def cli(record: Record, *words: str, stdin: str | None = None) -> Answer:
    """Run a command on the record, in its folder."""
    return flagtrail(*words, "--database", f"sqlite:///{record.path / 'record.db'}", stdin=stdin, environ={})


def test_a_person_is_erased_and_the_proof_stays_valid(aws, record):
    put(aws, [ANN, BOB])
    put(aws, [BOB, CEM])
    record.reconcile()
    record.application.seal()
    shown = rows(record)
    refused = cli(record, "erase", BOB)

    done = cli(record, "erase", ANN, "--format", "json")

    assert (refused.status, "the person stands in shop/beta-users in prod" in refused.err) == (2, True)
    assert BOB not in refused.err
    assert (done.status, json.loads(done.out)) == (0, {"names": 1, "events": 0})
    assert ANN.encode() not in database(record)
    assert BOB.encode() in database(record)
    assert cli(record, "verify").status in (0, 2), "2 where no key says who signed"
    assert rows(record) == shown
    again = cli(record, "erase", ANN)
    assert (again.status, "nobody is recorded" in again.err) == (2, True)


def test_after_an_erasure_the_next_change_is_told_right(aws, record):
    put(aws, [ANN, BOB])
    put(aws, [BOB])
    record.reconcile()
    assert cli(record, "erase", "-", stdin=f"{ANN}\n").status == 0
    put(aws, [BOB, CEM])
    record.reconcile()
    put(aws, [BOB, CEM, ANN])
    record.reconcile()

    assert [row["diff"][0]["after"] for row in rows(record)[-2:]] == [
        {"people": 2, "added": 1, "removed": 0},
        {"people": 3, "added": 1, "removed": 0},
    ]


def test_an_erased_person_in_an_old_version_makes_no_change_when_it_is_deployed_again(aws, record):
    client = aws.client("appconfig")
    app = client.create_application(Name="shop")["Id"]
    env = client.create_environment(ApplicationId=app, Name="prod")["Id"]
    profile = client.create_configuration_profile(
        ApplicationId=app, Name="web", LocationUri="hosted", Type="AWS.AppConfig.FeatureFlags"
    )["Id"]
    strategy = client.create_deployment_strategy(
        Name="s", DeploymentDurationInMinutes=0, GrowthFactor=100, FinalBakeTimeInMinutes=0, ReplicateTo="NONE"
    )["Id"]
    ids = {"ApplicationId": app, "ConfigurationProfileId": profile}
    attributes = {
        "name": "a",
        "attributes": {"testers": {"constraints": {"type": "array", "elements": {"type": "string"}}}},
    }

    def deploy(version: int) -> None:
        aws.advance(timedelta(minutes=1))
        client.start_deployment(
            **ids, EnvironmentId=env, ConfigurationVersion=str(version), DeploymentStrategyId=strategy
        )

    for testers, search in (([ANN, BOB], True), ([ANN, BOB], False), ([BOB], False)):
        content = flag_document(
            {"a": {"enabled": True, "testers": testers}, "search": {"enabled": search}}, a=attributes
        )
        saved = client.create_hosted_configuration_version(**ids, Content=content, ContentType="application/json")
        deploy(saved["VersionNumber"])
    record.reconcile()
    assert cli(record, "erase", ANN).status == 0
    deploy(2)
    deploy(1)
    record.reconcile()

    told = [(row["flag"], row["version_after"]) for row in record.rows() if row["kind"] == "deployed"][-2:]
    assert told == [("a", "2"), ("search", "1")]


def test_names_are_shown_where_that_is_allowed_but_not_of_the_erased(aws, record):
    put(aws, [ANN, BOB])
    put(aws, [BOB, CEM])
    record.reconcile()
    (record.path / "flagtrail.toml").write_text('[people]\nshown = ["shop/beta-*"]\n')

    before = json.loads(cli(record, "history", "--format", "json").out)
    cli(record, "erase", ANN)
    after = json.loads(cli(record, "history", "--format", "json").out)

    assert before[0]["before"] == {"value": [ANN, BOB]}
    assert before[0]["after"] == after[0]["after"] == {"value": [BOB, CEM]}
    assert [(entry["op"], entry["path"]) for entry in before[0]["diff"]] == [
        (entry["op"], entry["path"]) for entry in after[0]["diff"]
    ]
    erased, kept = after[0]["before"]["value"]
    assert (erased.startswith("person:erased-"), kept) == (True, BOB)


def test_no_page_export_or_command_names_anybody(aws, record, tmp_path):
    put(aws, [ANN, BOB])
    put(aws, [BOB, CEM])
    record.take(*aws.drain())
    put(aws, [DEE], "/shop/prod/features/gone-users")
    record.take(*aws.drain())
    aws.advance(timedelta(minutes=1))
    aws.client("ssm").delete_parameter(Name="/shop/prod/features/gone-users")
    record.take(*aws.drain())
    out = tmp_path / "out"
    out.mkdir()
    said = [
        cli(record, *command.split())
        for command in (
            "history", "history --format csv", "show beta-users", "state", "flags", "stale --format json",
            "notify --dry-run", f"report history --out {out / 'h.html'}", f"report flag beta-users --out {out / 'f.html'}",
            f"report stale --out {out / 's.html'}", f"export --out {out / 'export'}",
        )
    ]  # fmt: skip

    text = "".join(one.out + one.err for one in said)
    files = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
    assert all(one.status == 0 for one in said), [one.err for one in said if one.status]
    assert not any(name in text or name.encode() in files for name in PEOPLE)
    assert "2 people" in text or '"people": 2' in text


def test_a_url_on_the_command_line_needs_no_readable_configuration(record):
    (record.path / "flagtrail.toml").write_text("broken = ")

    assert cli(record, "history").status == 0


def test_the_application_shows_what_its_settings_allow(tmp_path):
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'r.db'}", people_shown=("shop/*",))
    built = bootstrap.application(settings)

    with built.record.unit_of_work() as uow:
        assert uow.people.shown("shop", "beta-users")
        assert not uow.people.shown("billing", "beta-users")
    built.record.close()
