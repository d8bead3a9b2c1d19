"""Verifying: is the record still what was sealed, signed and anchored? Trusts a public key and what is kept outside.

Every leaf is held against its row, the roots against every checkpoint, the checkpoints against the key. What is found
is never a matter of opinion: a fault is a difference between two things that can only differ if somebody altered one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from auditor.application.ports import SealedLog
from auditor.domain.flags import JsonValue
from auditor.domain.ledger.checkpoint import (
    AlteredCheckpointError,
    Checkpoint,
    CheckpointError,
    PublicKey,
    UnknownSignerError,
    Verify,
    claimed,
    open_note,
)
from auditor.domain.ledger.entries import SealedEntry, content_of, mac_fits
from auditor.domain.ledger.merkle import HASH_SIZE, Frontier, verify_inclusion
from auditor.domain.ledger.places import Places
from auditor.domain.retention import Act
from auditor.domain.times import rfc3339

STALE = timedelta(minutes=5)
_MOST_FAULTS = 100


class Answer(StrEnum):
    """The three answers; ``UNCHECKED`` when nothing signed could be held against the log."""

    INTACT = "intact"
    TAMPERED = "tampered"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True)
class Note:
    """A signed checkpoint and where it was found; ``outside`` when that is not the log's own store."""

    text: str
    place: str
    outside: bool = True


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and with which entry of the log; ``index`` is ``None`` where it is in no place of the log."""

    text: str
    index: int | None = None
    entry: str | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """Return the fault for outputs."""
        return {"index": self.index, "entry": self.entry, "text": self.text}


@dataclass(frozen=True, slots=True)
class LetGo:
    """Entries that were let go by a decision which is sealed itself: their hashes stand, their rows are gone."""

    places: Places
    before: str
    at: str
    by: str
    reason: str

    def to_json(self) -> dict[str, JsonValue]:
        """Return it for outputs."""
        return {
            "entries": len(self.places),
            "before": self.before,
            "at": self.at,
            "by": self.by,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class FormerLog:
    """A log that this one took the place of, by a decision that is sealed and signed: how much of it is here."""

    origin: str
    entries: int
    kept: int
    at: str
    by: str
    reason: str

    @property
    def missing(self) -> int:
        """Return how many entries of it are not here."""
        return max(self.entries - self.kept, 0)

    def to_json(self) -> dict[str, JsonValue]:
        """Return it for outputs."""
        return {
            "origin": self.origin,
            "entries": self.entries,
            "kept": self.kept,
            "missing": self.missing,
            "at": self.at,
            "by": self.by,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class _Beginning:
    """What an entry says of a former log, not believed yet."""

    entry: SealedEntry
    key: str
    note: str
    kept: int
    at: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer with what it rests on; ``faults`` stand in the order of the log, the first bad entry first."""

    answer: Answer
    size: int
    signed: int
    anchored: int
    checkpoints: int
    faults: tuple[Fault, ...] = ()
    remarks: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    let_go: tuple[LetGo, ...] = ()
    former: tuple[FormerLog, ...] = ()

    @property
    def missing(self) -> int:
        """Return how many entries of former logs are not here."""
        return sum(one.missing for one in self.former)

    def to_json(self) -> dict[str, JsonValue]:
        """Return the verdict for outputs."""
        return {
            "answer": self.answer.value,
            "entries": self.size,
            "signed": self.signed,
            "anchored": self.anchored,
            "checkpoints": self.checkpoints,
            "first_bad": self.faults[0].to_json() if self.faults else None,
            "faults": [fault.to_json() for fault in self.faults],
            "reasons": list(self.reasons),
            "remarks": list(self.remarks),
            "let_go": [one.to_json() for one in self.let_go],
            "former_logs": [one.to_json() for one in self.former],
        }


@dataclass(slots=True)
class _Findings:
    """What has been found so far."""

    faults: list[Fault] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    let_go: list[LetGo] = field(default_factory=list)
    gone: list[SealedEntry] = field(default_factory=list)
    strangers: list[Note] = field(default_factory=list)
    beginnings: list[_Beginning] = field(default_factory=list)
    former: list[FormerLog] = field(default_factory=list)

    def missing(self, entry: SealedEntry) -> None:
        """Note that an entry's row is gone; what was let go is told at the end, by a decision further behind."""
        self.gone.append(entry)

    def decided(self, entry: SealedEntry, end: int) -> None:
        """Take in what a decision let go: of the places before ``end``, where the decision stands itself."""
        if entry.kind != "retention" or entry.body is None:
            return
        made = _let_go(entry, end)
        if made is not None:
            self.let_go.append(made)
        begun = _beginning(entry)
        if begun is not None:
            self.beginnings.append(begun)

    def settle(self) -> None:
        """Tell what was let go from what was taken away."""
        places = Places()
        for one in self.let_go:
            places |= one.places
        for entry in self.gone:
            if entry.index not in places:
                self.add(f"entry {entry.index} ({entry.name}): its row is gone", entry.index, entry.name)
        for one in self.let_go:
            self.remarks.append(
                f"{len(one.places)} entries recorded before {one.before} were let go at {one.at} by {one.by}: "
                f"{one.reason}"
            )

    def add(self, text: str, index: int | None = None, entry: str | None = None) -> None:
        """Add a fault; beyond a hundred, one more tells nobody anything."""
        if len(self.faults) < _MOST_FAULTS:
            self.faults.append(Fault(text, index, entry))


@dataclass(frozen=True, slots=True)
class _Signed:
    checkpoint: Checkpoint
    place: str
    outside: bool


def verify(
    log: SealedLog,
    notes: Sequence[Note],
    keys: Sequence[PublicKey],
    check: Verify,
    now: datetime,
    *,
    mac_key: bytes | None = None,
    hindrances: Sequence[str] = (),
    expected: int | None = None,
) -> Verdict:
    """Hold the log against its rows, its rows against their columns, and its roots against what was signed.

    ``expected`` is how many entries there have to be, where something says so. ``hindrances`` say what should have been
    held against the log and is not there: then nothing is called intact.
    """
    found = _Findings(reasons=list(hindrances))
    own = [Note(text, "the log's own store", outside=False) for text in log.notes()]
    signed = _believed([*notes, *own], keys, check, found)
    size, roots = _walk(log, signed, found, mac_key)
    _demand_count(size, expected, found)
    for entry in log.unsealed():
        found.decided(entry, size)
        fault = entry.fault or _mac_fault(entry, mac_key)
        if fault is not None:
            found.add(f"{entry.name}, which waits to be sealed: {fault}", None, entry.name)
    found.settle()
    for sentence in log.loose():
        found.add(sentence)
    _waiting(log, now, found)
    covered = _coverage(signed, size, keys, [*notes, *own], found)
    _former_logs(found, keys, check, covered, roots)
    _say_strangers(found, signed)
    return _verdict(found, signed, size, covered)


@dataclass(frozen=True, slots=True)
class ProvenEntry:
    """An entry that is shown alone, with the hashes that lead from it to a root; ``None``: nothing leads there."""

    entry: SealedEntry
    proof: tuple[bytes, ...] | None


def verify_selection(
    entries: Iterable[ProvenEntry],
    tree_size: int,
    notes: Sequence[Note],
    keys: Sequence[PublicKey],
    check: Verify,
    *,
    mac_key: bytes | None = None,
    hindrances: Sequence[str] = (),
    expected: int | None = None,
) -> Verdict:
    """Hold entries that were taken out of a log against the checkpoint of the log of this size.

    ``expected`` is how many there have to be, where something says so.
    """
    found = _Findings(reasons=list(hindrances))
    signed = _believed(notes, keys, check, found)
    roots = {one.checkpoint.root for one in signed if one.checkpoint.size == tree_size}
    if len(roots) > 1:
        found.add(f"two different logs of {tree_size} entries are signed")
    count, unproven, last = 0, 0, -1
    for one in entries:
        entry = one.entry
        count += 1
        if entry.index <= last:
            found.add(f"entry {entry.index} ({entry.name}) stands behind entry {last}", entry.index, entry.name)
        last = entry.index
        _look_at(entry, mac_key, found)
        if one.proof is None:
            unproven += 1
        elif roots and not any(verify_inclusion(entry.index, tree_size, entry.hash, one.proof, root) for root in roots):
            text = f"entry {entry.index} ({entry.name}) is not in the log that was signed"
            found.add(text, entry.index, entry.name)
    found.settle()
    _demand_count(count, expected, found)
    if not roots:
        missing = f"there is no believable checkpoint of {tree_size} entries"
        found.reasons.append(missing if signed else _nothing_signed(keys, notes))
    if unproven:
        found.reasons.append(f"{unproven} entries are newer than the last checkpoint: nobody vouches for them")
    _former_logs(found, keys, check, tree_size if roots else 0, None)
    _say_strangers(found, signed)
    return _verdict(found, signed, count, tree_size if roots else 0)


def _demand_count(count: int, expected: int | None, found: _Findings) -> None:
    if expected is not None and count != expected:
        found.add(f"{count} entries are here, and the manifest says {expected}")


def _coverage(
    signed: Sequence[_Signed], size: int, keys: Sequence[PublicKey], notes: Sequence[Note], found: _Findings
) -> int:
    """Return how many entries are signed, and say what is not."""
    covered = max((one.checkpoint.size for one in signed), default=0)
    anchored = max((one.checkpoint.size for one in signed if one.outside), default=0)
    if not signed:
        found.reasons.append(_nothing_signed(keys, notes))
    elif covered < size:
        found.remarks.append(
            f"{size - covered} entries are newer than the last checkpoint: nobody vouches for them yet"
        )
    if signed and anchored < min(covered, size):
        found.remarks.append(f"the last {covered - anchored} signed entries are not held against any anchor")
    return covered


def _verdict(found: _Findings, signed: Sequence[_Signed], size: int, covered: int) -> Verdict:
    ordered = sorted(found.faults, key=lambda fault: (fault.index is None, fault.index or 0))
    answer = Answer.TAMPERED if ordered else Answer.UNCHECKED if found.reasons else Answer.INTACT
    anchored = max((one.checkpoint.size for one in signed if one.outside), default=0)
    count = len({(one.checkpoint.size, one.checkpoint.root) for one in signed})
    remarks, reasons = (*found.remarks, *map(_said_of, found.former)), tuple(found.reasons)
    gone, former = tuple(found.let_go), tuple(found.former)
    return Verdict(answer, size, covered, anchored, count, tuple(ordered), remarks, reasons, gone, former)


def _said_of(former: FormerLog) -> str:
    return (
        f"the log {former.origin} was given up at {former.at} by {former.by}: {former.reason}; of its {former.entries} "
        f"entries the first {min(former.kept, former.entries)} are here, {former.missing} are missing"
    )


def _say_strangers(found: _Findings, signed: Sequence[_Signed]) -> None:
    if found.strangers and signed:
        found.reasons.append(f"{len(found.strangers)} checkpoints are signed by a key that is not known")


def _believed(notes: Sequence[Note], keys: Sequence[PublicKey], check: Verify, found: _Findings) -> list[_Signed]:
    """Return the checkpoints that a known key signed; what is altered is a fault, what others signed is left over."""
    signed: list[_Signed] = []
    found.strangers = []
    for note in notes:
        try:
            signed.append(_Signed(open_note(note.text, keys, check), note.place, note.outside))
        except UnknownSignerError:
            found.strangers.append(note)
        except AlteredCheckpointError as error:
            found.add(f"{note.place}: {error}")
        except CheckpointError as error:
            found.reasons.append(f"{note.place}: {error}")
    return sorted(signed, key=lambda one: one.checkpoint.size)


def _nothing_signed(keys: Sequence[PublicKey], notes: Sequence[Note]) -> str:
    if not keys:
        return "no public key is known; name its file with --public-key, or as ledger.public_key in the configuration"
    if not notes:
        return "there is no signed checkpoint; `flagtrail seal` signs one, --checkpoints DIR says where they are kept"
    return f"none of the {len(notes)} checkpoints is signed by {keys[0].name} with the key that is known"


def _walk(
    log: SealedLog, signed: Sequence[_Signed], found: _Findings, mac_key: bytes | None
) -> tuple[int, dict[int, bytes]]:
    """Go through the log once, with the frontier alone in memory.

    Return how many entries it has, and its roots at the sizes that any checkpoint names.
    """
    unknown = (claimed(note.text) for note in found.strangers)
    sizes = sorted({one.checkpoint.size for one in signed} | {one.size for one in unknown if one is not None})
    roots: dict[int, bytes] = {}
    names: dict[int, str] = {}
    frontier, batch, expected = Frontier(), list[bytes](), 0
    waited = iter(sizes)
    next_size = next(waited, None)
    while next_size == 0:
        next_size = next(waited, None)
    for entry in log.entries():
        if entry.index != expected:
            found.add(f"the log has no entry {expected}", expected)
            break
        _look_at(entry, mac_key, found)
        batch.append(entry.hash)
        expected += 1
        if expected == next_size:
            frontier, batch = _grown(frontier, batch, found), []
            roots[expected], names[expected] = frontier.root(), entry.name
            next_size = next(waited, None)
    frontier = _grown(frontier, batch, found)
    _compare_roots(signed, roots, names, expected, found)
    _compare_head(log, frontier, found)
    return expected, roots


def _grown(frontier: Frontier, batch: Sequence[bytes], found: _Findings) -> Frontier:
    try:
        return frontier.extended(batch)
    except ValueError:
        place = next(at for at, leaf in enumerate(batch, frontier.size) if len(leaf) != HASH_SIZE)
        found.add(f"entry {place} has no hash", place)
        return frontier.extended(leaf if len(leaf) == HASH_SIZE else bytes(HASH_SIZE) for leaf in batch)


def _look_at(entry: SealedEntry, mac_key: bytes | None, found: _Findings) -> None:
    """Hold one leaf against its row."""
    leaf = entry.leaf()
    if leaf is None and entry.fault is None:
        found.missing(entry)
    elif leaf is None:
        found.add(f"entry {entry.index} ({entry.name}): {entry.fault}", entry.index, entry.name)
    elif leaf != entry.hash:
        found.add(f"entry {entry.index} ({entry.name}): its body is not what was sealed", entry.index, entry.name)
    elif fault := entry.fault or _mac_fault(entry, mac_key):
        found.add(f"entry {entry.index} ({entry.name}): {fault}", entry.index, entry.name)
    else:
        found.decided(entry, entry.index)


def _let_go(entry: SealedEntry, end: int) -> LetGo | None:
    """Return what an entry let go of the places before ``end``; ``None`` where it is no such decision."""
    try:
        body = json.loads(entry.body or b"")
        if body["act"] != Act.LET_GO:
            return None
        places = Places.parse(body["entries"]).below(end)
        return LetGo(places, str(body["before"]), str(body["recorded_at"]), str(body["by"]), str(body["reason"]))
    except (ValueError, KeyError, TypeError):
        return None


def _beginning(entry: SealedEntry) -> _Beginning | None:
    """Return what an entry says of a log that this one took the place of; ``None`` where it is no such decision."""
    try:
        body = json.loads(entry.body or b"")
        if body["act"] != Act.NEW_LOG:
            return None
        former = body["former"]
        said = (str(former["key"]), str(former["checkpoint"]), int(former["kept"]))
        return _Beginning(entry, *said, str(body["recorded_at"]), str(body["by"]), str(body["reason"]))
    except (ValueError, KeyError, TypeError):
        return None


def _former_logs(
    found: _Findings, keys: Sequence[PublicKey], check: Verify, covered: int, roots: dict[int, bytes] | None
) -> None:
    """Hold what is known of former logs against what the new one says of them; it speaks where it is signed itself.

    ``roots`` are those of the log by size, ``None`` where it is not at hand as a whole.
    """
    for begun in found.beginnings:
        if not 0 <= begun.entry.index < covered:
            continue
        place = (begun.entry.index, begun.entry.name)
        try:
            key = PublicKey.from_text(begun.key)
            last = open_note(begun.note, [key], check)
        except CheckpointError as error:
            found.add(
                f"entry {place[0]} ({place[1]}): what it says of a former log cannot be believed: {error}", *place
            )
            continue
        if key in keys:
            found.add(f"entry {place[0]} ({place[1]}): it gives up the log that it stands in", *place)
            continue
        found.former.append(FormerLog(key.name, last.size, begun.kept, begun.at, begun.by, begun.reason))
        for one in _believed(found.strangers, [key], check, found):
            _hold_former(one, last, begun, found, roots)


def _hold_former(
    one: _Signed, last: Checkpoint, begun: _Beginning, found: _Findings, roots: dict[int, bytes] | None
) -> None:
    """Hold one checkpoint of a former log against what the new one says and holds of it."""
    size, place = one.checkpoint.size, (begun.entry.index, begun.entry.name)
    if size > last.size:
        text = f"{one.place} signed {size} entries of the former log {last.origin}, the new one names {last.size}"
        found.add(text, *place)
    elif size == last.size and one.checkpoint.root != last.root:
        found.add(f"two different logs of {size} entries are signed as {last.origin}", *place)
    elif roots is not None and 0 < size <= begun.kept and roots.get(size) != one.checkpoint.root:
        text = f"one of the first {size} entries is not what was signed of the former log {last.origin}: {one.place}"
        found.add(text, 0)


def _mac_fault(entry: SealedEntry, mac_key: bytes | None) -> str | None:
    """Return that somebody else wrote the row than those who record, or ``None`` where nothing says so."""
    if mac_key is None or entry.body is None:
        return None
    if mac_fits(mac_key, content_of(entry.kind, entry.number, entry.body), entry.mac):
        return None
    return "it was not written by whoever holds the key of those who record"


def _compare_roots(
    signed: Sequence[_Signed], roots: dict[int, bytes], names: dict[int, str], size: int, found: _Findings
) -> None:
    """Hold every checkpoint against the log; of several that do not fit, the smallest names where it begins."""
    fits = 0
    for one in signed:
        checkpoint = one.checkpoint
        if checkpoint.size > size:
            missing = checkpoint.size - size
            text = f"the log ends before entry {size}: {one.place} signed {checkpoint.size} entries, {missing} are gone"
            found.add(text, size)
            return
        if checkpoint.size and roots.get(checkpoint.size) != checkpoint.root:
            last = checkpoint.size - 1
            span = f"entry {fits}" if fits == last else f"one of the entries {fits} to {last}"
            name = names.get(checkpoint.size) if fits == last else None
            found.add(f"{span} is not what was signed: {one.place} has another root", fits, name)
            return
        fits = checkpoint.size


def _compare_head(log: SealedLog, frontier: Frontier, found: _Findings) -> None:
    head = log.head()
    if head is not None and head != (frontier.size, frontier.to_bytes()):
        text = f"the head of the log claims {head[0]} entries and does not fit the {frontier.size} that are there"
        found.add(text, max(min(head[0], frontier.size), 0))


def _waiting(log: SealedLog, now: datetime, found: _Findings) -> None:
    count, oldest = log.waiting()
    if not count:
        return
    told = f"{count} rows are not sealed yet"
    if oldest is not None and now - oldest > STALE:
        told += f", the oldest since {rfc3339(oldest)}: does `flagtrail run` or `flagtrail seal` still run?"
    found.remarks.append(told)


def in_words(verdict: Verdict) -> Iterator[str]:
    """Yield the answer in words, the first bad entry first."""
    if verdict.answer is Answer.INTACT:
        former = f"; {verdict.missing} entries of former logs are missing" if verdict.missing else ""
        yield f"Intact: {verdict.size} entries, as signed in {_counted(verdict.checkpoints, 'checkpoint')}{former}."
    elif verdict.answer is Answer.TAMPERED:
        yield f"Tampered: {verdict.faults[0].text}."
        yield from (f"  also: {fault.text}" for fault in verdict.faults[1:])
    else:
        yield f"Could not check: {'; '.join(verdict.reasons)}."
    yield from (f"  note: {remark}" for remark in verdict.remarks)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
