"""Where a profile's content can be instead of with AppConfig, and which versions each of these places keeps.

A SecureString and a secret are never read: their versions are listed, and hidden. CodePipeline tells no version of
its own that a deployment could name, so the deployments that a pipeline's runs made are asked for it.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from typing import Any

from auditor.adapters.aws import AwsClients, NotInStoreError, answered_at, answering
from auditor.adapters.sources._appconfig_names import Profile
from auditor.adapters.sources._s3_objects import Stored, of_page
from auditor.adapters.sources._structured import LARGEST
from auditor.domain.documents import DocumentRef
from auditor.domain.errors import MalformedDocumentError

# An artifact is a whole repository, of which one file is wanted.
_LARGEST_ARTIFACT = 64_000_000
_PROVIDER = "AppConfig"


@dataclass(frozen=True, slots=True)
class PointedVersion:
    """A version where the profile points to; ``raw`` reads its content, ``None`` where it must not be read."""

    version: str
    ordinal: int | None
    modified_at: datetime | None
    modified_by: str | None
    raw: Callable[[], bytes] | None


Versions = tuple[list[PointedVersion], datetime]
"""The versions that are kept, oldest first, and when that was so."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks for the content of which profile."""

    clients: AwsClients
    document: DocumentRef
    profile: Profile
    application: str
    now: Callable[[], datetime]

    @property
    def place(self) -> tuple[str, str]:
        """Return the account and Region of the profile, in which its content is as well."""
        return self.document.account, self.document.region

    def versions(self) -> Versions:
        """Return the versions kept at the place a profile points to; none where nothing is there.

        Raise ``StoreUnreadableError`` when the place gives no answer.
        """
        found = _find(self.profile.location)
        if found is None:
            return [], self.now()
        read, name = found
        try:
            return read(self, name)
        except NotInStoreError as error:
            return [], answered_at(error.response, self.now())


def is_pointed(location: str) -> bool:
    """Tell whether a profile's content is at one of these places."""
    return _find(location) is not None


def _of_parameter(asking: Asking, name: str) -> Versions:
    client = asking.clients.ssm(*asking.place)
    entries: list[Any] = []
    read_at = None
    with answering("ssm:GetParameterHistory", name, *asking.place):
        for page in client.get_paginator("get_parameter_history").paginate(Name=name, WithDecryption=False):
            read_at = read_at or answered_at(page, asking.now())
            entries.extend(page["Parameters"])
    return [_of_entry(e) for e in sorted(entries, key=lambda e: e["Version"])], read_at or asking.now()


def _of_entry(entry: Any) -> PointedVersion:
    author, text = entry.get("LastModifiedUser"), str(entry.get("Value", ""))
    shown = entry.get("Type") in {"String", "StringList"}
    return PointedVersion(
        version=str(entry["Version"]),
        ordinal=entry["Version"],
        modified_at=_utc(entry["LastModifiedDate"]),
        modified_by=author if isinstance(author, str) and author.startswith("arn:") else None,
        raw=text.encode if shown else None,
    )


def _of_document(asking: Asking, name: str) -> Versions:
    client = asking.clients.ssm(*asking.place)
    entries: list[Any] = []
    read_at = None
    with answering("ssm:ListDocumentVersions", name, *asking.place):
        for page in client.get_paginator("list_document_versions").paginate(Name=name):
            read_at = read_at or answered_at(page, asking.now())
            entries.extend(page.get("DocumentVersions") or ())

    def content(entry: Any) -> bytes:
        with answering("ssm:GetDocument", name, *asking.place):
            # In the form it was written in; without a form, AWS turns it into JSON.
            form = {"DocumentFormat": entry["DocumentFormat"]} if entry.get("DocumentFormat") else {}
            answer = client.get_document(Name=name, DocumentVersion=entry["DocumentVersion"], **form)
            return str(answer["Content"]).encode()

    entries = [e for e in entries if e.get("Status") not in {"Creating", "Failed", "Deleting"}]
    entries.sort(key=lambda e: int(e["DocumentVersion"]))
    versions = [
        PointedVersion(
            e["DocumentVersion"], int(e["DocumentVersion"]), _utc(e["CreatedDate"]), None, partial(content, e)
        )
        for e in entries
    ]
    return versions, read_at or asking.now()


def _of_object(asking: Asking, name: str) -> Versions:
    bucket, _, key = name.partition("/")
    client = asking.clients.s3(*asking.place)
    found: list[Stored] = []
    read_at = None
    with answering("s3:ListBucketVersions", bucket, *asking.place):
        for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key):
            read_at = read_at or answered_at(page, asking.now())
            found.extend(stored for stored in of_page(page) if stored.key == key and not stored.deleted)

    def content(version: str) -> bytes:
        with answering("s3:GetObjectVersion", f"{bucket}/{key}", *asking.place):
            answer = client.get_object(Bucket=bucket, Key=key, VersionId=version)
            return answer["Body"].read(LARGEST + 1)

    found.reverse()
    found.sort(key=lambda stored: stored.modified_at)
    versions = [PointedVersion(s.version_id, None, s.modified_at, None, partial(content, s.version_id)) for s in found]
    return versions, read_at or asking.now()


def _of_secret(asking: Asking, name: str) -> Versions:
    client = asking.clients.client("secretsmanager", *asking.place)
    with answering("secretsmanager:ListSecretVersionIds", name, *asking.place):
        answer = client.list_secret_version_ids(SecretId=name, IncludeDeprecated=True)
    listed = sorted(answer.get("Versions") or (), key=lambda version: version["CreatedDate"])
    versions = [PointedVersion(v["VersionId"], None, _utc(v["CreatedDate"]), None, None) for v in listed]
    return versions, answered_at(answer, asking.now())


def _of_pipeline(asking: Asking, name: str) -> Versions:
    client = asking.clients.client("codepipeline", *asking.place)
    runs: list[Any] = []
    read_at = None
    with answering("codepipeline:ListActionExecutions", name, *asking.place):
        for page in client.get_paginator("list_action_executions").paginate(pipelineName=name):
            read_at = read_at or answered_at(page, asking.now())
            runs.extend(page.get("actionExecutionDetails") or ())
    versions: dict[str, PointedVersion] = {}
    for run in sorted(filter(partial(_deploys, asking), runs), key=lambda run: run["startTime"]):
        version = _deployed_version(asking, run)
        if version is not None and version not in versions:
            raw = partial(_artifact_file, asking, run)
            versions[version] = PointedVersion(version, None, _utc(run["startTime"]), None, raw)
    return list(versions.values()), read_at or asking.now()


def _deploys(asking: Asking, run: Any) -> bool:
    """Tell whether an action deployed this profile, and from an artifact."""
    given = run.get("input") or {}
    told = given.get("resolvedConfiguration") or given.get("configuration") or {}
    own_id, _, profile_id = asking.document.name.partition("/")
    return (
        (given.get("actionTypeId") or {}).get("provider") == _PROVIDER
        and told.get("Application") in {own_id, asking.application}
        and told.get("ConfigurationProfile") in {profile_id, asking.profile.name}
        and bool(given.get("inputArtifacts"))
    )


def _deployed_version(asking: Asking, run: Any) -> str | None:
    """Return the version that the deployment of a run names, ``None`` where there is, or was, no such deployment."""
    number = str(((run.get("output") or {}).get("executionResult") or {}).get("externalExecutionId") or "")
    if not number.isdecimal():
        return None
    told = run["input"].get("resolvedConfiguration") or run["input"]["configuration"]
    own_id = asking.document.name.partition("/")[0]
    client = asking.clients.appconfig(*asking.place)
    try:
        with answering("appconfig:GetDeployment", f"deployment {number} of {asking.document.name}", *asking.place):
            answer = client.get_deployment(
                ApplicationId=own_id, EnvironmentId=told.get("Environment", ""), DeploymentNumber=int(number)
            )
    except NotInStoreError:
        return None
    same = answer.get("ConfigurationProfileId") == asking.document.name.partition("/")[2]
    return str(answer["ConfigurationVersion"]) if same else None


def _artifact_file(asking: Asking, run: Any) -> bytes:
    """Read the one file of a run's artifact that was deployed."""
    told = run["input"].get("resolvedConfiguration") or run["input"]["configuration"]
    stored = run["input"]["inputArtifacts"][0].get("s3location") or {}
    bucket, key = stored.get("bucket", ""), stored.get("key", "")
    client = asking.clients.s3(*asking.place)
    with answering("s3:GetObject", f"{bucket}/{key}", *asking.place):
        packed = client.get_object(Bucket=bucket, Key=key)["Body"].read(_LARGEST_ARTIFACT + 1)
    if len(packed) > _LARGEST_ARTIFACT:
        raise MalformedDocumentError(f"the pipeline's artifact is larger than {_LARGEST_ARTIFACT} bytes")
    path = str(told.get("InputArtifactConfigurationPath", "")).removeprefix("./")
    try:
        with zipfile.ZipFile(BytesIO(packed)) as archive, archive.open(path) as file:
            return file.read(LARGEST + 1)
    except (KeyError, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        raise MalformedDocumentError("the pipeline's artifact has no such file, or is no archive") from None


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


Read = Callable[[Asking, str], Versions]

# AppConfig takes each either by a scheme of its own or by the thing's ARN; the calls take an ARN for a name.
_PLACES: Mapping[Read, str] = {
    _of_parameter: r"ssm-parameter://(.+)|(arn:aws[\w-]*:ssm:[^:]*:\d*:parameter/.+)",
    _of_document: r"ssm-document://(.+)|(arn:aws[\w-]*:ssm:[^:]*:\d*:document/.+)",
    _of_object: r"s3://(.+)|arn:aws[\w-]*:s3:::(.+)",
    _of_secret: r"secretsmanager://(.+)|(arn:aws[\w-]*:secretsmanager:[^:]*:\d*:secret:.+)",
    _of_pipeline: r"codepipeline://(.+)|arn:aws[\w-]*:codepipeline:[^:]*:\d*:([^/]+)",
}


def _find(location: str) -> tuple[Read, str] | None:
    """Return how the place of a location is read, and the name to ask for."""
    return next(_matching(location), None)


def _matching(location: str) -> Iterator[tuple[Read, str]]:
    for read, form in _PLACES.items():
        found = re.fullmatch(form, location)
        if found is not None:
            yield read, found[1] or found[2]
