"""Every captured sample goes through the whole way in, against stores that hold nothing of it, and ends as its index says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from auditor.settings import DEFAULT_SOURCES, SourceSettings
from examples.standin import StandIn
from tests.support.recording import SAMPLES, TABLE, Record, sample

BEGIN = datetime(2026, 10, 6, 12, 0, tzinfo=UTC)
BUCKET = SourceSettings("s3", "s3", bucket="example-flag-config", key="{application}/{environment}/flags.json")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory) -> dict[str, str]:
    """What became of each sample, each in a call of its own, in the order of their names."""
    with StandIn(BEGIN) as aws, pytest.MonkeyPatch.context() as environment:
        for name, value in aws.environ().items():
            environment.setenv(name, value)
        place = {"LocationConstraint": aws.region}
        aws.client("s3").create_bucket(Bucket="example-flag-config", CreateBucketConfiguration=place)
        record = Record(tmp_path_factory.mktemp("record"), (*DEFAULT_SOURCES, TABLE, BUCKET))
        return {path.stem: " ".join(record.outcomes(sample(path.stem))) for path in sorted(SAMPLES.glob("*.json"))}


# Whatever is not named here says who, or what to look at, and the stores hold nothing of it: noted.
OTHERS = {
    "ct-ssm-putparameter-accessdenied": "attempt",
    "ct-appconfig-startdeployment-accessdenied": "attempt",
    "ct-dynamodb-updateitem-conditional-failed": "attempt",
    "ct-ssm-putparameter-already-exists": "attempt",  # although it has no error code
    "ct-ssm-putparameter-unicode-name-rejected": "attempt",
    "ct-ssm-getparameter-readonly": "ignored",
    "scheduled-event-reconcile": "ignored",  # the Lambda function knows it as a job
    "cloudwatch-alarm-state-change": "ignored",  # it guards nothing that is known
    "ssm-change-create-async-validation-failed": "ignored",  # its name fits no watched path
    "s3-object-created-unicode-key": "ignored",  # another key than those watched
    "ct-appconfig-deleteconfigurationprofile": "recorded",  # deletion protection was bypassed
    "ct-appconfig-updateenvironment-monitors": "recorded",
    "lambda-dynamodb-stream-modify": "recorded",  # it carries its images
    "lambda-dynamodb-stream-ttl-remove": "recorded",
    "lambda-sqs-batch-one-poison-message": "noted rejected noted",
    "ssm-change-create-string": "duplicate",  # it was in that batch
    "ssm-change-update-stringlist": "duplicate",
    "ssm-change-duplicate-delivery-2": "duplicate",
    "ssm-change-forwarded-from-other-account": "deferred",  # no role to read that account by
}


def test_every_sample_ends_as_its_index_says(outcomes):
    assert len(outcomes) >= 58
    assert outcomes == dict.fromkeys(outcomes, "noted") | OTHERS
