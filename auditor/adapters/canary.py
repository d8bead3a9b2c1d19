"""The canary: a flag that is flipped by a schedule, so that silence means that something is broken."""

from __future__ import annotations

from auditor.adapters.aws import AwsClients, NotInStoreError, answering
from auditor.domain.flags import JsonValue

_DESCRIPTION = "Flipped by a schedule to show that changes of flags are recorded; no code reads it."


def flip(clients: AwsClients, name: str) -> dict[str, JsonValue]:
    """Turn the parameter of this name to its other state, making it where it is not there; return its version.

    Raise ``StoreUnreadableError`` when it cannot be read or written.
    """
    account, region = clients.account(), clients.region()
    client = clients.ssm(account, region)
    try:
        with answering("ssm:GetParameter", name, account, region):
            before = client.get_parameter(Name=name)["Parameter"]["Value"]
    except NotInStoreError:
        before = "false"
    after = "false" if before == "true" else "true"
    with answering("ssm:PutParameter", name, account, region):
        answer = client.put_parameter(Name=name, Value=after, Type="String", Description=_DESCRIPTION, Overwrite=True)
    return {"parameter": name, "version": answer["Version"]}
