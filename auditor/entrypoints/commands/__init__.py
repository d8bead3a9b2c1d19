"""The commands, one file each; a command is loaded when it is called or listed."""

from __future__ import annotations

COMMANDS: dict[str, str] = {
    "check": "auditor.entrypoints.commands.check:check",
    "completion": "auditor.entrypoints.commands.completion:completion",
    "db": "auditor.entrypoints.commands.db:db",
    "doctor": "auditor.entrypoints.commands.doctor:doctor",
    "erase": "auditor.entrypoints.commands.erase:erase",
    "export": "auditor.entrypoints.commands.export:export",
    "flags": "auditor.entrypoints.commands.flags:flags",
    "gaps": "auditor.entrypoints.commands.gaps:gaps",
    "history": "auditor.entrypoints.commands.history:history",
    "ingest": "auditor.entrypoints.commands.ingest:ingest",
    "init": "auditor.entrypoints.commands.init:init",
    "key": "auditor.entrypoints.commands.key:key",
    "notify": "auditor.entrypoints.commands.notify:notify",
    "policy": "auditor.entrypoints.commands.policy:policy",
    "prove": "auditor.entrypoints.commands.prove:prove",
    "reconcile": "auditor.entrypoints.commands.reconcile:reconcile",
    "report": "auditor.entrypoints.commands.report:report",
    "run": "auditor.entrypoints.commands.run:run",
    "scan": "auditor.entrypoints.commands.scan:scan",
    "seal": "auditor.entrypoints.commands.seal:seal",
    "show": "auditor.entrypoints.commands.show:show",
    "snooze": "auditor.entrypoints.commands.snooze:snooze",
    "stale": "auditor.entrypoints.commands.stale:stale",
    "state": "auditor.entrypoints.commands.state:state",
    "verify": "auditor.entrypoints.commands.verify:verify",
    "verify-proof": "auditor.entrypoints.commands.prove:verify_proof",
}
