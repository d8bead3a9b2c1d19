"""Which accounts and Regions a source looks at."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from auditor.adapters.aws import AwsClients
from auditor.application.ports import Scope


@dataclass(frozen=True, slots=True)
class Reach:
    """The accounts and Regions of a source; none named means those at hand, and any that an event comes from."""

    accounts: Sequence[str] | None = None
    regions: Sequence[str] | None = None

    def covers(self, account: str, region: str) -> bool:
        """Tell whether what happened there is looked at."""
        return (not self.accounts or account in self.accounts) and (not self.regions or region in self.regions)

    def scopes(self, clients: AwsClients, source: str, watched: Iterable[str]) -> tuple[Scope, ...]:
        """Return the scopes to reconcile; raise ``StoreUnreadableError`` when account or Region cannot be told."""
        fingerprint = hashlib.sha256("\n".join(watched).encode()).hexdigest()[:16]
        accounts = tuple(self.accounts or (clients.account(),))
        regions = tuple(self.regions or (clients.region(),))
        return tuple(Scope(source, account, region, fingerprint) for account in accounts for region in regions)
