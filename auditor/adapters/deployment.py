"""What stands around a deployed function: the trail, the rules, AppConfig's announcements, the queues. Reads only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from auditor.adapters.aws import AwsClients, NotInStoreError, answering
from auditor.domain.errors import FlagtrailError

Around = Literal["appconfig", "cloudtrail", "cloudwatch", "events", "lambda", "sqs"]
ANNOUNCES = "AWS.AppConfig.DeploymentNotificationsToEventBridge"
_TOLD_SINCE = timedelta(minutes=15)
_MANAGEMENT = "Management"


class FunctionFailedError(FlagtrailError):
    """The function was reached, and ended with an error of its own."""


@dataclass(frozen=True, slots=True)
class TrailState:
    """A trail as far as it matters here: does it log, and does it keep the calls that write."""

    name: str
    logging: bool
    writes: bool


@dataclass(frozen=True, slots=True)
class QueueState:
    """How many messages wait in a queue, and for how long the oldest has (``None``: CloudWatch does not tell)."""

    waiting: int
    oldest: timedelta | None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Reads the parts of an installation in the account and Region at hand; each method may raise a sentence."""

    clients: AwsClients

    def ask(self, function: str, job: str) -> dict[str, Any]:
        """Invoke a function with a job and return its answer; raise ``FunctionFailedError`` when it fails."""
        client = self._client("lambda")
        with self._answering("lambda:InvokeFunction", f"the function {function}"):
            answer = client.invoke(FunctionName=function, Payload=json.dumps({"job": job}).encode())
            text = answer["Payload"].read().decode("utf-8", "replace")
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise FunctionFailedError(f"the function {function} answered {text[:200]!r}; is it Flagtrail's?")
        if "errorMessage" in found or answer.get("FunctionError"):
            raise FunctionFailedError(f"the function {function} failed: {found.get('errorMessage')}")
        return found

    def trails(self) -> Iterator[TrailState]:
        """Yield the trails that see this Region."""
        client = self._client("cloudtrail")
        with self._answering("cloudtrail:DescribeTrails", "trails"):
            trails = client.describe_trails(includeShadowTrails=True)["trailList"]
        for trail in trails:
            arn = trail["TrailARN"]
            with self._answering("cloudtrail:GetTrailStatus", arn):
                logging = client.get_trail_status(Name=arn)["IsLogging"]
            with self._answering("cloudtrail:GetEventSelectors", arn):
                selectors = client.get_event_selectors(TrailName=arn)
            yield TrailState(trail["Name"], bool(logging), _keeps_writes(selectors))

    def rule_state(self, name: str) -> tuple[str, int] | None:
        """Return whether a rule is ENABLED and how many targets it has, ``None`` where there is no such rule."""
        client = self._client("events")
        try:
            with self._answering("events:DescribeRule", f"the rule {name}"):
                state = client.describe_rule(Name=name)["State"]
            with self._answering("events:ListTargetsByRule", f"the rule {name}"):
                return state, len(client.list_targets_by_rule(Rule=name)["Targets"])
        except NotInStoreError:
            return None

    def applications(self) -> Iterator[tuple[str, str, bool]]:
        """Yield the id and name of each AppConfig application, and whether it tells of its deployments."""
        client, (account, region) = self._client("appconfig"), self._place()
        partition = "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
        with self._answering("appconfig:ListApplications", "AppConfig applications"):
            pages = client.get_paginator("list_applications").paginate()
            found = [item for page in pages for item in page["Items"]]
        for item in found:
            arn = f"arn:{partition}:appconfig:{region}:{account}:application/{item['Id']}"
            with self._answering("appconfig:ListExtensionAssociations", arn):
                told = client.list_extension_associations(ResourceIdentifier=arn)["Items"]
            yield item["Id"], item["Name"], any(_announces(one) for one in told)

    def queue(self, url: str, now: datetime | None = None) -> QueueState:
        """Return how many messages wait in a queue, and how old the oldest was lately."""
        until = now or datetime.now(UTC)
        with self._answering("sqs:GetQueueAttributes", url):
            told = self._client("sqs").get_queue_attributes(
                QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
            )
        with self._answering("cloudwatch:GetMetricStatistics", url):
            ages = self._client("cloudwatch").get_metric_statistics(
                Namespace="AWS/SQS",
                MetricName="ApproximateAgeOfOldestMessage",
                Dimensions=[{"Name": "QueueName", "Value": url.rpartition("/")[2]}],
                StartTime=until - _TOLD_SINCE,
                EndTime=until,
                Period=int(_TOLD_SINCE.total_seconds()),
                Statistics=["Maximum"],
            )["Datapoints"]
        oldest = max((point["Maximum"] for point in ages), default=None)
        waiting = int(told.get("Attributes", {}).get("ApproximateNumberOfMessages", 0))
        return QueueState(waiting, None if oldest is None else timedelta(seconds=oldest))

    def _client(self, service: Around) -> Any:
        return self.clients.own(service)

    def _answering(self, call: str, about: str) -> Any:
        return answering(call, about, *self._place())

    def _place(self) -> tuple[str, str]:
        return self.clients.account(), self.clients.region()


def _keeps_writes(selectors: dict[str, Any]) -> bool:
    """Tell whether a trail's selectors keep the management calls that write."""
    for one in selectors.get("EventSelectors", ()):
        if one.get("IncludeManagementEvents", True) and one.get("ReadWriteType", "All") != "ReadOnly":
            return True
    for one in selectors.get("AdvancedEventSelectors", ()):
        fields = {field["Field"]: field for field in one["FieldSelectors"]}
        reads_only = fields.get("readOnly", {}).get("Equals") == ["true"]
        if fields.get("eventCategory", {}).get("Equals") == [_MANAGEMENT] and not reads_only:
            return True
    return False


def _announces(association: dict[str, Any]) -> bool:
    """Tell whether an association has AppConfig tell EventBridge; one made by hand may have a name of its own."""
    return ANNOUNCES in association.get("ExtensionArn", "") or "EventBridge" in association.get("ExtensionArn", "")
