"""Stores whose events the stand-in does not send: written as a person does, with the events AWS would send for it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.support.aws import Account

_NUMBERS = itertools.count(1)
KEYS = {"pk": "{application}#{environment}", "sk": "{flag}"}


def data_event(
    account: Account, service: str, call: str, request: Any, response: Any = None, **more: Any
) -> dict[str, Any]:
    """Return the event of a data-plane call by the account's writer, as CloudTrail sends it now."""
    at = account.aws.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    number = next(_NUMBERS)
    detail = {
        "eventVersion": "1.11",
        "userIdentity": account.writer.user_identity(),
        "eventTime": at,
        "eventSource": f"{service}.amazonaws.com",
        "eventName": call,
        "awsRegion": account.region,
        "sourceIPAddress": "203.0.113.24",
        "userAgent": "aws-cli/2.36.28",
        "requestParameters": request,
        "responseElements": response,
        "requestID": f"request-{number}",
        "eventID": f"data-event-{account.number}-{number}",
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": False,
        "recipientAccountId": account.number,
        "eventCategory": "Data",
    } | more
    return {
        "version": "0",
        "id": f"envelope-{account.number}-{number}",
        "detail-type": "AWS API Call via CloudTrail",
        "source": f"aws.{service}",
        "account": account.number,
        "time": at,
        "region": account.region,
        "resources": [],
        "detail": detail,
    }


@dataclass(slots=True)
class Table:
    """A flag table with a stream of old and new images."""

    account: Account
    name: str = "feature-flags"
    view: str = "NEW_AND_OLD_IMAGES"
    sent: list[dict[str, Any]] = field(default_factory=list)
    _arn: str = ""
    _read: int = 0

    def __post_init__(self) -> None:
        made = self.account.client("dynamodb").create_table(
            TableName=self.name,
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in KEYS],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": self.view},
        )
        self._arn = made["TableDescription"]["LatestStreamArn"]

    def put(self, attributes: Mapping[str, Any], flag: str = "new-checkout", place: str = "shop#prod") -> None:
        """Write an item whole; ``attributes`` are in DynamoDB's own form."""
        key = {"pk": {"S": place}, "sk": {"S": flag}}
        self.account.client("dynamodb").put_item(TableName=self.name, Item={**key, **attributes})
        request = {"tableName": self.name, "key": {"pk": place, "sk": flag}, "item": [*key, *attributes]}
        self._note("PutItem", request)

    def remove(self, flag: str = "new-checkout", place: str = "shop#prod") -> None:
        """Delete an item."""
        key = {"pk": {"S": place}, "sk": {"S": flag}}
        self.account.client("dynamodb").delete_item(TableName=self.name, Key=key)
        self._note("DeleteItem", {"tableName": self.name, "key": {"pk": place, "sk": flag}})

    def records(self) -> list[dict[str, Any]]:
        """Return the stream's records since the last look, as Lambda hands them over."""
        client = self.account.client("dynamodbstreams")
        shard = client.describe_stream(StreamArn=self._arn)["StreamDescription"]["Shards"][0]["ShardId"]
        place = client.get_shard_iterator(StreamArn=self._arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
        found = client.get_records(ShardIterator=place["ShardIterator"])["Records"]
        news, self._read = found[self._read :], len(found)
        return [self._as_lambda_gets(record) for record in news]

    def data_events(self) -> list[dict[str, Any]]:
        """Return CloudTrail's events since the last look."""
        sent, self.sent = self.sent, []
        return sent

    def _note(self, call: str, request: Mapping[str, Any]) -> None:
        self.sent.append(data_event(self.account, "dynamodb", call, dict(request)))

    def _as_lambda_gets(self, record: Mapping[str, Any]) -> dict[str, Any]:
        written = dict(record["dynamodb"])
        created: datetime = written["ApproximateCreationDateTime"]
        written["ApproximateCreationDateTime"] = int(created.timestamp())
        return {
            **record,
            "awsRegion": self.account.region,
            "eventSourceARN": self._arn.replace(":us-east-1:", f":{self.account.region}:"),
            "dynamodb": written,
        }


@dataclass(slots=True)
class Bucket:
    """A bucket whose events go to EventBridge."""

    account: Account
    name: str = ""
    key: str = "shop/prod/flags.json"
    versioned: bool = True
    sent: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        client = self.account.client("s3")
        self.name = self.name or f"flags-{self.account.number}"
        client.create_bucket(Bucket=self.name, CreateBucketConfiguration={"LocationConstraint": self.account.region})
        if self.versioned:
            client.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": "Enabled"})

    def put(self, content: str | bytes, key: str | None = None) -> None:
        """Write the document."""
        body = content.encode() if isinstance(content, str) else content
        made = self.account.client("s3").put_object(Bucket=self.name, Key=key or self.key, Body=body)
        version = made.get("VersionId")
        self._note(
            "Object Created", "PutObject", key or self.key, version, etag=made["ETag"].strip('"'), size=len(body)
        )

    def remove(self, key: str | None = None, *, by_lifecycle: bool = False) -> None:
        """Delete the document: where the bucket keeps versions, a marker is put on top of them."""
        gone = self.account.client("s3").delete_object(Bucket=self.name, Key=key or self.key)
        kind = "Delete Marker Created" if self.versioned else "Permanently Deleted"
        requester = "s3.amazonaws.com" if by_lifecycle else self.account.number
        self._note(
            "Object Deleted",
            None if by_lifecycle else "DeleteObject",
            key or self.key,
            gone.get("VersionId"),
            {"deletion-type": kind, "requester": requester},
        )

    def events(self) -> list[dict[str, Any]]:
        """Return what EventBridge delivers since the last look."""
        sent, self.sent = self.sent, []
        return sent

    def _note(
        self,
        kind: str,
        call: str | None,
        key: str,
        version: str | None,
        more: Mapping[str, Any] | None = None,
        **o: Any,
    ) -> None:
        request = {"bucketName": self.name, "key": key, "Host": f"{self.name}.s3.amazonaws.com"}
        answer = None if version is None else {"x-amz-version-id": version}
        called = data_event(self.account, "s3", call or "-", request, answer)
        told = {"key": key, **o} | ({} if version is None else {"version-id": version})
        detail = {
            "version": "0",
            "bucket": {"name": self.name},
            "object": told,
            "request-id": called["detail"]["requestID"],
            "requester": self.account.number,
            "reason": call or "Lifecycle Expiration",
        }
        arn = f"arn:aws:s3:::{self.name}"
        event = called | {"id": f"object-{called['id']}", "detail-type": kind, "resources": [arn]}
        self.sent.append(event | {"detail": detail | dict(more or {})})
        if call is not None:
            self.sent.append(called)
