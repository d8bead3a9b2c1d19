"""CloudTrail's records of writes, and signals that announce no change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from auditor.adapters.storage.keys import document_number, environment_number
from auditor.adapters.storage.packing import pack, unpack
from auditor.adapters.storage.session import Session
from auditor.adapters.storage.tables import call_targets, calls, signals
from auditor.adapters.storage.texts import digest
from auditor.domain.attribution import ApiCall, CallTarget
from auditor.domain.documents import DocumentRef, EnvironmentRef
from auditor.domain.events import Signal
from auditor.domain.times import to_micros

# So many of the newest are looked at for what was made lately: more come in a second nowhere but in a flood.
_LATELY = 300


@dataclass(frozen=True, slots=True)
class SqlCallLog:
    """Calls whole, with a row for each thing they worked on to find them by."""

    session: Session

    def add(self, call: ApiCall, at: datetime) -> bool:
        """Keep a call; return False when its CloudTrail id is held already."""
        row = {
            "event_id": call.event_id,
            "at_us": to_micros(call.at),
            "recorded_us": to_micros(at),
            "body": pack(call),
        }
        seq = self.session.number(calls, row)
        if seq is None:
            return False
        targets = [_target(seq, position, target) for position, target in enumerate(call.targets)]
        self.session.add(call_targets, targets)
        return True

    def get(self, event_id: str) -> ApiCall | None:
        """Return the call with this CloudTrail id, or ``None``."""
        row = self.session.first(select(calls.c.body).where(calls.c.event_id == event_id))
        return None if row is None else unpack(ApiCall, row.body)

    def since(self, moment: datetime) -> Sequence[ApiCall]:
        """Return the calls made since a moment, oldest first, among the newest that were kept."""
        newest = select(calls.c.at_us, calls.c.body).order_by(calls.c.seq.desc()).limit(_LATELY)
        found = sorted((row for row in self.session.rows(newest) if row.at_us >= to_micros(moment)), key=_made_at)
        return [unpack(ApiCall, row.body) for row in found]

    def of_document(self, document: DocumentRef) -> Sequence[ApiCall]:
        """Return the calls that name this document, oldest first."""
        found = self._calls(call_targets.c.document_hash == document_number(document))
        return [call for call in found if any(target.document == document for target in call.targets)]

    def of_deployment(self, environment: EnvironmentRef, number: int) -> Sequence[ApiCall]:
        """Return the calls that name this deployment, oldest first."""
        found = self._calls(
            call_targets.c.environment_hash == environment_number(environment),
            call_targets.c.deployment_number == number,
        )
        named = (environment, number)
        return [
            call
            for call in found
            if any((target.environment, target.deployment_number) == named for target in call.targets)
        ]

    def of_environment(self, environment: EnvironmentRef) -> Sequence[ApiCall]:
        """Return the calls that name this environment itself and no deployment in it, oldest first."""
        found = self._calls(
            call_targets.c.environment_hash == environment_number(environment),
            call_targets.c.deployment_number.is_(None),
        )
        return [call for call in found if any(target.environment == environment for target in call.targets)]

    def signal(self, event_id: str, signal: Signal, at: datetime) -> None:
        """Keep evidence that announces no change; keeping it twice changes nothing."""
        body = pack(signal)
        row = {
            "digest": digest(event_id, body),
            "at_us": to_micros(signal.at),
            "recorded_us": to_micros(at),
            "body": body,
        }
        self.session.keep(signals, row)

    def signals(self, as_of: datetime | None = None) -> Sequence[Signal]:
        """Return the signals kept, oldest first."""
        kept = select(signals.c.body).order_by(signals.c.at_us, signals.c.seq)
        if as_of is not None:
            kept = kept.where(signals.c.recorded_us <= to_micros(as_of))
        return [unpack(Signal, row.body) for row in self.session.rows(kept)]

    def _calls(self, *conditions: Any) -> Iterable[ApiCall]:
        named = select(call_targets.c.call_seq).where(*conditions)
        found = select(calls.c.body).where(calls.c.seq.in_(named)).order_by(calls.c.at_us, calls.c.seq)
        return [unpack(ApiCall, row.body) for row in self.session.rows(found)]


def _made_at(row: Row[Any]) -> int:
    at: int = row.at_us
    return at


def _target(seq: int, position: int, target: CallTarget) -> dict[str, Any]:
    return {
        "call_seq": seq,
        "position": position,
        "document_hash": None if target.document is None else document_number(target.document),
        "environment_hash": None if target.environment is None else environment_number(target.environment),
        "deployment_number": target.deployment_number,
    }
