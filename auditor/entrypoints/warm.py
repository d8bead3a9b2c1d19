"""The parts that an execution environment of Lambda keeps between invocations, and the secrets they were built with."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from auditor import bootstrap
from auditor.domain.errors import FlagtrailError
from auditor.settings import Settings

FRESH_SECONDS = 600.0
"""How long secrets are believed: a rotated one counts at most so much later."""


class Warm:
    """Builds the parts at the first invocation, from the environment's variables and the secrets they name."""

    def __init__(self, environ: Mapping[str, str], clock: Callable[[], float] = time.monotonic) -> None:
        self._environ = environ
        self._clock = clock
        self._built_from: dict[str, str] | None = None
        self._application: bootstrap.Application | None = None
        self._until = 0.0

    def settings(self) -> Settings:
        """Return the settings, secrets included; nothing is opened."""
        return Settings.from_env(bootstrap.revealed(self._environ))

    def application(self) -> bootstrap.Application:
        """Return the parts, built anew where a secret has changed; a secret unread keeps the parts there are."""
        now = self._clock()
        if self._application is not None and now < self._until:
            return self._application
        try:
            variables = bootstrap.revealed(self._environ)
        except FlagtrailError:
            if self._application is None:
                raise
            variables = self._built_from or {}
        self._until = now + FRESH_SECONDS
        if self._application is None or variables != self._built_from:
            made = bootstrap.application(Settings.from_env(variables))
            if self._application is not None:
                self._application.record.close()
            self._application, self._built_from = made, variables
        return self._application
