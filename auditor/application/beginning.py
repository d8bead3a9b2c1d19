"""Beginning a new log: where entries that were signed are gone for good, the record says so and goes on.

A log that was signed can only grow. After a restore from a backup its end is missing, and what is recorded since stands
where that stood: no key may sign it under the same name. So a new log takes its place. It keeps the entries that are
there, and an entry of its own names the last checkpoint of the former log, how many entries were kept, and why. Whoever
verifies needs the new log's public key, by a way of its own: nobody takes the new log for the former one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auditor.application.ports import Clock, Ledger, UnitOfWorkFactory
from auditor.application.retaining import worded
from auditor.application.retrying import retried
from auditor.application.sealing import Anchor, ForkError, Signer
from auditor.application.verifying import FormerLog, Note
from auditor.domain.errors import FlagtrailError, UsageError
from auditor.domain.ledger.checkpoint import (
    Checkpoint,
    CheckpointError,
    PublicKey,
    UnknownSignerError,
    Verify,
    claimed,
    open_note,
)
from auditor.domain.ledger.merkle import Frontier
from auditor.domain.retention import Act, Decision
from auditor.domain.retention import FormerLog as GivenUp
from auditor.domain.times import rfc3339


@dataclass(frozen=True, slots=True)
class _Signed:
    checkpoint: Checkpoint
    note: Note


@dataclass(frozen=True, slots=True)
class NewLog:
    """Takes the place of the logs whose checkpoints are known; ``by`` and ``reason`` are recorded for good.

    ``former`` are their checkpoints that are kept outside of the database. Those that the same key signed under another
    name are believed, and those of ``former_keys``.
    """

    unit_of_work: UnitOfWorkFactory
    signer: Signer
    verify: Verify
    anchors: Sequence[Anchor]
    former: Sequence[Note]
    former_keys: Sequence[PublicKey]
    clock: Clock
    by: str
    reason: str

    @retried
    def begin(self) -> Sequence[FormerLog]:
        """Record the decision, and return what becomes of each former log; nothing is signed yet.

        Raise ``UsageError`` where the new log lacks a name or places of its own or nothing is known of a former one,
        and ``ForkError`` where two different logs were signed.
        """
        self._demand_places()
        with self.unit_of_work() as uow:
            head = uow.ledger.take_head()
            if head is None:
                raise FlagtrailError("another process is sealing at this moment; try again")
            own = [Note(held.note, "the database", outside=False) for held in uow.ledger.checkpoints()]
            named = {PublicKey.from_text(one.former.key) for one in uow.retention.all() if one.former is not None}
            logs = {key: signed for key, signed in self._by_key([*self.former, *own]).items() if key not in named}
            if not logs:
                raise UsageError(
                    "no checkpoint of a former log is known, so none has to be given up; `flagtrail seal` signs. Where "
                    "its checkpoints are kept elsewhere, name the folder under ledger.former_checkpoints"
                )
            begun = []
            for key, signed in logs.items():
                decision = self._give_up(uow.ledger, key, signed, head.size)
                uow.retention.add(decision)
                last = signed[-1].checkpoint.size
                kept = 0 if decision.former is None else decision.former.kept
                begun.append(FormerLog(key.name, last, kept, rfc3339(decision.at), self.by, decision.reason))
            uow.commit()
        return begun

    def _demand_places(self) -> None:
        for anchor in self.anchors:
            if anchor.newest() is not None:
                raise UsageError(
                    f"{anchor.name} holds checkpoints already; a new log needs a place of its own: name another one in "
                    "[ledger], and the old folder under ledger.former_checkpoints"
                )

    def _by_key(self, notes: Sequence[Note]) -> Mapping[PublicKey, Sequence[_Signed]]:
        """Return the checkpoints of each former log, the smallest first; raise ``UsageError`` for a stranger's."""
        found: dict[PublicKey, list[_Signed]] = defaultdict(list)
        for note in notes:
            said = claimed(note.text)
            if said is not None and said.origin == self.signer.key.name:
                raise UsageError(
                    f"ledger.origin is {said.origin}, the name of the former log; a new log needs a name of its own, "
                    "such as the old one with the year behind it"
                )
            same = [] if said is None else [PublicKey(said.origin, self.signer.key.raw)]
            for key in {*self.former_keys, *same}:
                try:
                    found[key].append(_Signed(open_note(note.text, [key], self.verify), note))
                    break
                except UnknownSignerError:
                    continue
                except CheckpointError as error:
                    raise ForkError(f"{note.place}: {error}; run `flagtrail verify`") from error
            else:
                raise UsageError(
                    f"{note.place}: it is signed by a key that is not known; name its public key with --former-key"
                )
        return {key: sorted(signed, key=lambda one: one.checkpoint.size) for key, signed in found.items() if signed}

    def _give_up(self, ledger: Ledger, key: PublicKey, signed: Sequence[_Signed], size: int) -> Decision:
        """Return the decision to give up one log, with what of it is here: up to its largest checkpoint that fits."""
        kept, fits, frontier = 0, True, Frontier()
        for one in signed:
            checkpoint = one.checkpoint
            if checkpoint.size <= size:
                frontier = frontier.extended(ledger.hashes(frontier.size, checkpoint.size))
            same = checkpoint.size <= size and frontier.root() == checkpoint.root
            if same and not fits:
                raise ForkError(
                    f"{one.note.place} fits the log and a smaller checkpoint does not: two logs were signed as "
                    f"{key.name}; run `flagtrail verify`"
                )
            fits = same
            kept = checkpoint.size if same else kept
        given_up = GivenUp(key.to_text(), signed[-1].note.text, kept)
        return Decision(Act.NEW_LOG, worded(self.reason), self.by, self.clock.now(), former=given_up)
