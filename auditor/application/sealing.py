"""Sealing: what is recorded goes into the log; signing: somebody vouches for how long the log is, and what it says.

Sealing needs no key and never waits: while another process holds the head, there is nothing to do. Whoever signs
demands a proof that the log only grew since it last signed, so that no rewritten past ever gets a signature.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from auditor.application.ports import Clock, HeldCheckpoint, Ledger, UnitOfWorkFactory
from auditor.application.retrying import retried
from auditor.domain.errors import FlagtrailError
from auditor.domain.ledger.checkpoint import Checkpoint, PublicKey, Verify, claimed, open_note
from auditor.domain.ledger.entries import content_of
from auditor.domain.ledger.merkle import Frontier, consistency_proof, leaf_hash, root_of, verify_consistency
from auditor.domain.retention import Decision

BATCH = 500


class ForkError(FlagtrailError):
    """Two logs carry the same name, or a log is not the continuation of what was signed: its past was rewritten."""


class Signer(Protocol):
    """Holds the key that vouches for the log."""

    @property
    def key(self) -> PublicKey:
        """Return the public half."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the Ed25519 signature of a message; raise ``FlagtrailError`` when the key cannot be used."""
        ...


class Anchor(Protocol):
    """A place outside the database that keeps checkpoints and does not give them away again."""

    @property
    def name(self) -> str:
        """Return where it is."""
        ...

    def newest(self) -> str | None:
        """Return the note of the largest log that is kept here, or ``None``."""
        ...

    def notes(self) -> Sequence[str]:
        """Return every note that is kept here, the smallest log first."""
        ...

    def put(self, size: int, note: str) -> None:
        """Keep a note; the same one twice is fine. Raise ``ForkError`` when another one of that size is kept."""
        ...


@dataclass(frozen=True, slots=True)
class SealReport:
    """What sealing did: entries sealed, the log's size then, whether another process was at it, and what was signed."""

    sealed: int
    size: int
    busy: bool = False
    signed: int | None = None
    anchored: int = 0


def seal(unit_of_work: UnitOfWorkFactory, *, most: int | None = None, batch: int = BATCH) -> SealReport:
    """Put what waits into the log, a ``batch`` a transaction; at most about ``most`` entries, else all."""
    sealed = 0
    while True:
        done = _seal_batch(unit_of_work, batch)
        if done is None:
            return SealReport(sealed, 0, busy=True)
        count, size = done
        sealed += count
        if count < batch or (most is not None and sealed >= most):
            return SealReport(sealed, size)


@retried
def _seal_batch(unit_of_work: UnitOfWorkFactory, batch: int) -> tuple[int, int] | None:
    """Seal one batch; return how many entries it has and the log's size then, or ``None`` while another process seals.

    A batch that came second is read anew, head included: nothing of it is reused.
    """
    with unit_of_work() as uow:
        head = uow.ledger.take_head()
        if head is None:
            return None
        entries = uow.ledger.unsealed(batch)
        if entries:
            hashes = [leaf_hash(content_of(e.kind, e.number, e.body)) for e in entries]
            head = uow.ledger.append(head, entries, hashes)
        uow.commit()
    return len(entries), head.size


@dataclass(frozen=True, slots=True)
class Vouch:
    """Signs how far the log reaches, and has the signature kept outside of the database."""

    unit_of_work: UnitOfWorkFactory
    signer: Signer
    verify: Verify
    anchors: Sequence[Anchor]
    clock: Clock

    @retried
    def sign(self) -> int | None:
        """Sign the log as it is and keep the checkpoint; return its size, or ``None`` when nothing is new.

        Raise ``ForkError`` when the log is not the continuation of every newest checkpoint that is known, here or in an
        anchor. Check and store are one transaction.
        """
        with self.unit_of_work() as uow:
            head = uow.ledger.take_head()
            if head is None:
                return None
            kept = uow.ledger.newest_checkpoint()
            notes = [note for anchor in self.anchors if (note := anchor.newest()) is not None]
            if kept is not None:
                notes.append(kept.note)
            signed = list(self._believed(notes, uow.retention.all()))
            if head.size == 0 and not signed:
                return None
            for last in signed:
                _demand_growth(uow.ledger, last, head, kept)
            if kept is not None and kept.size == head.size:
                return None
            checkpoint = Checkpoint(self.signer.key.name, head.size, head.root())
            note = checkpoint.signed(self.signer.key, self.signer.sign)
            held = HeldCheckpoint(head.size, note, head.to_bytes())
            uow.ledger.keep_checkpoint(held, self.clock.now())
            uow.commit()
        return head.size

    def _believed(self, notes: Sequence[str], decisions: Sequence[Decision]) -> Iterator[Checkpoint]:
        """Yield what was signed of this log, and of the part that it kept of each log it took the place of."""
        own = self.signer.key
        given_up = [one.former for one in decisions if one.former is not None]
        former = {
            key.name: (key, one.kept) for one in given_up if (key := PublicKey.from_text(one.key)).name != own.name
        }
        keys = [own, *(key for key, _ in former.values())]
        for note in notes:
            one = open_note(note, keys, self.verify)
            if one.origin == own.name or one.size <= former[one.origin][1]:
                yield one

    def anchor(self) -> int:
        """Put every checkpoint that is not anchored yet into every anchor; return how many were."""
        if not self.anchors:
            return 0
        with self.unit_of_work() as uow:
            waiting = [one for one in uow.ledger.checkpoints() if not one.anchored and self._is_own(one.note)]
        for checkpoint in waiting:
            for anchor in self.anchors:
                anchor.put(checkpoint.size, checkpoint.note)
            self._remember(checkpoint.size)
        return len(waiting)

    def _is_own(self, note: str) -> bool:
        """Tell whether a note is of this log; one of a former log that never left the database stays there."""
        said = claimed(note)
        return said is None or said.origin == self.signer.key.name

    @retried
    def _remember(self, size: int) -> None:
        with self.unit_of_work() as uow:
            uow.ledger.anchored(size, self.clock.now())
            uow.commit()


def seal_and_sign(unit_of_work: UnitOfWorkFactory, vouch: Vouch | None) -> SealReport:
    """Seal all that waits; then, where there is a key, sign the log and anchor the signatures."""
    report = seal(unit_of_work)
    if vouch is None:
        return report
    signed = vouch.sign()
    return SealReport(report.sealed, report.size, report.busy, signed, vouch.anchor())


def _demand_growth(ledger: Ledger, last: Checkpoint, head: Frontier, kept: HeldCheckpoint | None) -> None:
    """Raise ``ForkError`` unless the log as it is continues the one that was signed."""
    if last.size > head.size:
        raise ForkError(
            f"the log has {head.size} entries, but a checkpoint of {last.size} is signed; entries are missing: "
            "nothing is signed, run `flagtrail verify`; after a restore from a backup, `flagtrail seal --begin-new-log`"
        )
    if last.size == 0:
        return
    proof = _growth(ledger, last, head, kept)
    if not verify_consistency(last.size, head.size, last.root, head.root(), proof):
        raise ForkError(
            f"the log is not the continuation of the {last.size} entries that were signed: its past was rewritten: "
            "nothing is signed, run `flagtrail verify`; after a restore from a backup, `flagtrail seal --begin-new-log`"
        )


def _growth(ledger: Ledger, last: Checkpoint, head: Frontier, kept: HeldCheckpoint | None) -> list[bytes]:
    """Return the proof that the log only grew: from the frontier kept with the checkpoint and the leaves since."""
    parts = dict(_parts(kept, last))

    def subtree(start: int, end: int) -> bytes:
        found = parts.get((start, end))
        return root_of(ledger.hashes(start, end)) if found is None else found

    return consistency_proof(last.size, head.size, subtree)


def _parts(kept: HeldCheckpoint | None, last: Checkpoint) -> Iterable[tuple[tuple[int, int], bytes]]:
    """Yield the subtrees that the frontier of a kept checkpoint holds; none where it is of another size or altered."""
    size = last.size
    if kept is None or kept.size != size:
        return
    try:
        frontier = Frontier.from_bytes(size, kept.frontier)
    except ValueError:
        return
    if frontier.root() != last.root:
        return
    start, widths = 0, [1 << bit for bit in reversed(range(size.bit_length())) if size >> bit & 1]
    for width, root in zip(widths, frontier.roots, strict=True):
        yield (start, start + width), root
        start += width
