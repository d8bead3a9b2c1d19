"""Which accounts and Regions a source looks at."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from auditor.adapters.aws import AwsClients
from auditor.application.ports import Scope


@dataclass(frozen=True, slots=True)
class Reach:
    """Accounts and Regions; none named means those at hand, and any that an event comes from."""

    accounts: Sequence[str] = ()
    regions: Sequence[str] = ()

    def covers(self, account: str, region: str) -> bool:
        """Tell whether what happened there is looked at."""
        return (not self.accounts or account in self.accounts) and (not self.regions or region in self.regions)

    def places(self, clients: AwsClients) -> Iterator[tuple[str, str]]:
        """Yield the accounts with their Regions; raise ``StoreUnreadableError`` when one at hand cannot be told."""
        regions = tuple(self.regions or (clients.region(),))
        for account in self.accounts or (clients.account(),):
            yield from ((account, region) for region in regions)


def scopes(source: str, clients: AwsClients, watched: Iterable[tuple[Reach, Iterable[str]]]) -> tuple[Scope, ...]:
    """Return the scopes of several watches, each account and Region once.

    A scope's fingerprint is made of all the texts that say what is watched there.
    """
    texts: dict[tuple[str, str], list[str]] = {}
    for reach, what in watched:
        for place in reach.places(clients):
            texts.setdefault(place, []).extend(what)
    return tuple(Scope(source, *place, _fingerprint(what)) for place, what in texts.items())


def _fingerprint(texts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(texts)).encode()).hexdigest()[:16]
