"""An S3 bucket as an anchor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from auditor.adapters.ledger.naming import FOLDER, LONGEST, NAME, forked, name_of
from auditor.domain.errors import FlagtrailError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, slots=True)
class BucketAnchor:
    """An S3 bucket with Object Lock, in compliance mode: nobody can replace or delete a version before its time.

    "PutObject" in the Amazon S3 API Reference: with ``If-None-Match: *`` a name that exists is answered with 412.
    """

    bucket: str
    prefix: str
    client: S3Client

    @property
    def name(self) -> str:
        """Return where it is."""
        return f"s3://{self.bucket}/{self.prefix}{FOLDER}/"

    def newest(self) -> str | None:
        """Return the note of the largest log, or ``None``."""
        keys = self._keys()
        return self._read(keys[-1]) if keys else None

    def notes(self) -> Sequence[str]:
        """Return every note, the smallest log first."""
        return [self._read(key) for key in self._keys()]

    def put(self, size: int, note: str) -> None:
        """Keep a note; raise ``ForkError`` when another one of that size is kept."""
        key = f"{self.prefix}{FOLDER}/{name_of(size)}"
        try:
            self.client.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=note.encode(),
                ContentType="text/plain; charset=utf-8",
                IfNoneMatch="*",
                ChecksumAlgorithm="SHA256",
            )
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") != 412:  # noqa: PLR2004
                raise FlagtrailError(f"s3://{self.bucket}/{key} cannot be written: {error}") from error
            if self._read(key) != note:
                raise forked(f"s3://{self.bucket}/{key}", size) from error
        except BotoCoreError as error:
            raise FlagtrailError(f"s3://{self.bucket}/{key} cannot be written: {error}") from error

    def _keys(self) -> list[str]:
        start = f"{self.prefix}{FOLDER}/"
        try:
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=start)
            keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
        except (BotoCoreError, ClientError) as error:
            raise FlagtrailError(f"{self.name} cannot be listed: {error}") from error
        return sorted(key for key in keys if NAME.fullmatch(key.removeprefix(start)))

    def _read(self, key: str) -> str:
        """Read the first version: what came later under the same name is not what was anchored."""
        try:
            versions = self.client.list_object_versions(Bucket=self.bucket, Prefix=key).get("Versions", [])
            # S3 lists the newest first.
            oldest = next((version["VersionId"] for version in reversed(versions) if version["Key"] == key), None)
            if oldest in (None, "null"):
                answer = self.client.get_object(Bucket=self.bucket, Key=key)
            else:
                answer = self.client.get_object(Bucket=self.bucket, Key=key, VersionId=oldest)
            return answer["Body"].read(LONGEST).decode("utf-8", "replace")
        except (BotoCoreError, ClientError) as error:
            raise FlagtrailError(f"s3://{self.bucket}/{key} cannot be read: {error}") from error
