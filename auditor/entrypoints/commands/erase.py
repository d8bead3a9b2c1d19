"""``flagtrail erase``: forgets a person whom flags listed, and leaves the proof as it is."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click

from auditor.entrypoints.cli_options import Context, command

_STDIN = "-"


@command(
    "table",
    "json",
    examples=("flagtrail erase jane.doe@example.com", "flagtrail erase - < person.txt"),
)
@click.argument("person")
def erase(context: Context, person: str) -> None:
    """Forget a person whom flags listed: a user id, an e-mail address, a tenant.

    PERSON is written as the flag listed it; - reads it from standard input, so that it
    stands in no shell history. What was recorded holds pseudonyms only and stays as it
    was sealed: flagtrail verify finds nothing amiss. It is refused while a flag still
    names them. Copies made earlier (backups) are yours to see to.
    """
    from auditor.application.erasing import erase_person
    from auditor.entrypoints import output

    wanted = sys.stdin.read().strip() if person == _STDIN else person
    record = context.open_database()
    with record.unit_of_work() as uow:
        erased = erase_person(uow, wanted, datetime.now(UTC))
        uow.commit()
    record.settle()
    if context.format == "json":
        output.write_json({"names": erased.names, "events": erased.events})
    else:
        output.write(f"erased: {erased.names} names, and from {erased.events} waiting or rejected events")
