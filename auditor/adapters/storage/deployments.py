"""AppConfig deployments in every state they were seen in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from auditor.adapters.storage.packing import pack, unpack
from auditor.adapters.storage.session import Session
from auditor.adapters.storage.tables import deployments
from auditor.domain.documents import Deployment, DocumentRef, EnvironmentRef
from auditor.domain.times import to_micros


@dataclass(frozen=True, slots=True)
class SqlDeploymentLog:
    """One row for each state of each deployment."""

    session: Session

    def held(self, environment: EnvironmentRef) -> Sequence[Deployment]:
        """Return each deployment in its newest held state, lowest number first."""
        table = deployments.c
        held = (
            select(table.number, table.body)
            .where(
                table.account == environment.account,
                table.region == environment.region,
                table.application_id == environment.application_id,
                table.environment_id == environment.environment_id,
            )
            .order_by(table.number, table.seq)
        )
        newest = {row.number: row.body for row in self.session.rows(held)}
        return [unpack(Deployment, body) for body in newest.values()]

    def of_profile(self, profile: DocumentRef) -> Sequence[Deployment]:
        """Return the deployments of one profile to any environment, each in its newest held state."""
        table = deployments.c
        held = (
            select(table.environment_id, table.number, table.body)
            .where(
                table.account == profile.account,
                table.region == profile.region,
                table.application_id == profile.name.partition("/")[0],
            )
            .order_by(table.environment_id, table.number, table.seq)
        )
        newest = {(row.environment_id, row.number): row.body for row in self.session.rows(held)}
        found = (unpack(Deployment, body) for body in newest.values())
        return [deployment for deployment in found if deployment.profile == profile]

    def add(self, deployment: Deployment, at: datetime) -> bool:
        """Hold a deployment in its present state; return False when that state is held already."""
        environment = deployment.environment
        row = {
            "account": environment.account,
            "region": environment.region,
            "application_id": environment.application_id,
            "environment_id": environment.environment_id,
            "number": deployment.number,
            "state": deployment.state,
            "recorded_us": to_micros(at),
            "body": pack(deployment),
        }
        return self.session.keep(deployments, row)
