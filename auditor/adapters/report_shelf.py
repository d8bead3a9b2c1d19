"""The bucket that weekly pages are kept in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from auditor.domain.errors import FlagtrailError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_FOLDER = "reports/"


def keep_page(page: Path, bucket: str, client: S3Client) -> str:
    """Put a page into a bucket and return where it is; raise ``FlagtrailError`` when it cannot be put there.

    A bucket with Object Lock asks for a checksum.
    """
    key = f"{_FOLDER}{page.name}"
    try:
        client.put_object(
            Bucket=bucket,
            Key=key,
            Body=page.read_bytes(),
            ContentType="text/html; charset=utf-8",
            ChecksumAlgorithm="SHA256",
        )
    except (BotoCoreError, ClientError) as error:
        raise FlagtrailError(f"s3://{bucket}/{key} cannot be written: {error}") from error
    return f"s3://{bucket}/{key}"
