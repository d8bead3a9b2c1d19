"""A channel: every message as a line of JSON in a file, for whatever ships logs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from auditor.adapters.channels.console import readable
from auditor.application.messages import compose
from auditor.domain.alerts import Alert, Delivery, DeliveryOutcome


@dataclass(frozen=True, slots=True)
class FileChannel:
    """Appends to a file; whatever is written is delivered."""

    path: Path
    name: str = "file"

    def send(self, alert: Alert) -> Delivery:
        """Append one message; a file that cannot be written leaves the alert for later."""
        message = compose(alert)
        line = json.dumps({"key": message.key, "kind": message.kind.value, "lines": list(readable(message))})
        try:
            with self.path.open("a", encoding="utf-8") as lines:
                lines.write(f"{line}\n")
        except OSError as error:
            return Delivery(DeliveryOutcome.LATER, error=f"{self.path} cannot be written: {error.strerror}")
        return Delivery(DeliveryOutcome.SENT, message_id=f"file:{alert.id}")
