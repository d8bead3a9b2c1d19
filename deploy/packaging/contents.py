"""What belongs into the Lambda package: all that the function loads, and little else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

# botocore describes every service of AWS in 20 MB; the function talks to these, or may be configured to.
SERVICES = frozenset({
    "appconfig", "cloudtrail", "codepipeline", "dynamodb", "dynamodbstreams", "kms", "s3", "secretsmanager", "sns",
    "ssm", "sts",
})  # fmt: skip
# What the weekly page and the upgrade of the database need besides, in the layer.
LAYER_LIBRARIES = frozenset({"alembic", "jinja2", "mako", "markupsafe"})
# What a database is known by, where its certificates go along.
CERTIFICATES = "database-ca.pem"
LEFT_OUT_FOLDERS = {"bin", "scripts", "tests"}
# The command line's parser is a dependency of the distribution, but no part of the function.
LEFT_OUT_LIBRARIES = {"click"}
# Notes of the installer: they name paths of the machine that built the package.
LEFT_OUT_FILES = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}


def members(folder: Path) -> Iterator[Path]:
    """Yield the files that belong into a package, relative to its folder, in one order everywhere."""
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    for path in sorted(files, key=Path.as_posix):
        if belongs(PurePosixPath(path.as_posix())):
            yield path


def belongs(path: PurePosixPath) -> bool:
    """Tell whether a file, named from the package's root, is of use to the function."""
    *folders, name = path.parts
    if name in LEFT_OUT_FILES or not LEFT_OUT_FOLDERS.isdisjoint(folders):
        return False
    if folders and _library(folders[0]) in LEFT_OUT_LIBRARIES:
        return False
    return not _describes_a_service(folders) or folders[2] in SERVICES


def _library(folder: str) -> str:
    """Return the library that a top-level folder is of, or describes."""
    return folder.partition("-")[0] if folder.endswith(".dist-info") else folder


def _describes_a_service(folders: list[str]) -> bool:
    return folders[:2] in (["botocore", "data"], ["boto3", "data"]) and len(folders) > 2  # noqa: PLR2004
