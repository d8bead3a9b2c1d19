"""What an account holds that may be flags: names only, no value is read."""

from __future__ import annotations

from auditor.adapters.aws import AwsClients, answering
from auditor.application.ports import Progress
from auditor.application.proposal import Discovery, FoundProfile
from auditor.domain.errors import FlagtrailError

_FEATURE_FLAGS = "AWS.AppConfig.FeatureFlags"


def discover(clients: AwsClients, region: str, progress: Progress) -> Discovery:
    """Return what the own account holds in a Region; a store that cannot be read is named with the reason.

    Raise ``StoreUnreadableError`` when the account itself cannot be told.
    """
    account = clients.account()
    unread: list[str] = []
    parameters: tuple[str, ...] | None = None
    profiles: tuple[FoundProfile, ...] | None = None
    try:
        parameters = _parameters(clients, account, region, progress)
    except FlagtrailError as error:
        unread.append(str(error))
    try:
        profiles = _profiles(clients, account, region, progress)
    except FlagtrailError as error:
        unread.append(str(error))
    return Discovery(account, region, parameters, profiles, tuple(unread))


def _parameters(clients: AwsClients, account: str, region: str, progress: Progress) -> tuple[str, ...]:
    """Return the names of all parameters."""
    client = clients.ssm(account, region)
    names: list[str] = []
    with answering("ssm:DescribeParameters", "the parameters", account, region):
        for page in client.get_paginator("describe_parameters").paginate(PaginationConfig={"PageSize": 50}):
            names.extend(found["Name"] for found in page["Parameters"])
            progress(len(names), None, f"parameters in {region}")
    return tuple(names)


def _profiles(clients: AwsClients, account: str, region: str, progress: Progress) -> tuple[FoundProfile, ...]:
    """Return the configuration profiles of all applications."""
    client = clients.appconfig(account, region)
    found: list[FoundProfile] = []
    with answering("appconfig:ListApplications", "the applications", account, region):
        pages = client.get_paginator("list_applications").paginate()
        applications = [item for page in pages for item in page["Items"]]
    with answering("appconfig:ListConfigurationProfiles", "the profiles", account, region):
        for done, application in enumerate(applications, start=1):
            of_one = client.get_paginator("list_configuration_profiles").paginate(ApplicationId=application["Id"])
            found.extend(
                FoundProfile(application["Name"], item["Name"], item.get("Type") == _FEATURE_FLAGS)
                for page in of_one
                for item in page["Items"]
            )
            progress(done, len(applications), f"applications in {region}")
    return tuple(sorted(found, key=lambda profile: (profile.application, profile.name)))
