"""The one differ: what changed between two states, as operations that turn one into the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from auditor.domain.alignment import Pair, align, gaps
from auditor.domain.changes import DiffEntry
from auditor.domain.errors import MalformedDocumentError
from auditor.domain.flags import FlagState, JsonValue
from auditor.domain.masking import is_masked
from auditor.domain.pointers import escape, tokens
from auditor.domain.sameness import Sameness
from auditor.domain.values import refuse_deep

# AppConfig writes these itself on every save.
NOISE = frozenset({"_createdAt", "_updatedAt"})
# What names an element of a list, the strongest first.
IDENTITIES = ("id", "key", "name")
# Beyond this many edits of one list nobody reads them; before and after say it better.
MAX_LIST_EDITS = 500


def diff(before: FlagState | None, after: FlagState | None) -> tuple[DiffEntry, ...]:
    """Return the operations that turn one state into another, empty when both say the same.

    They follow RFC 6902: applied one after the other, ``remove`` before ``add`` in a list. Objects go by key, lists by
    the identity of their elements where each has one, numbers by value; injected timestamps do not count. ``None`` is
    no state: its diff adds or removes ``/value`` and ``/definition`` whole. A masked value is one leaf; it differs from
    any other unless both carry the same fingerprint. Raise ``MalformedDocumentError`` for states nested too deep.
    """
    differ = _Differ()
    differ.compare_objects("", _plain(before), _plain(after))
    return tuple(differ.entries)


def differs(before: FlagState | None, after: FlagState | None) -> bool:
    """Tell whether two states say different things; exactly when their diff is not empty."""
    same = Sameness()
    return same(_plain(before)) != same(_plain(after))


def apply(entries: Iterable[DiffEntry], before: FlagState | None) -> FlagState | None:
    """Return the state that a diff leads to; raise ``MalformedDocumentError`` when it does not fit ``before``."""
    state = _plain(before)
    for entry in entries:
        _apply(entry, state)
    if not state:
        return None
    value, definition = state.get("value"), state.get("definition")
    return FlagState(value, definition, has_value=value is not None or definition is None)


@dataclass(slots=True)
class _Differ:
    """Collects operations while it walks two values side by side."""

    entries: list[DiffEntry] = field(default_factory=list)
    same: Sameness = field(default_factory=Sameness)

    def compare(self, path: str, old: JsonValue, new: JsonValue) -> None:
        if self.same(old) == self.same(new):
            return
        if isinstance(old, dict) and isinstance(new, dict) and not (is_masked(old) or is_masked(new)):
            self.compare_objects(path, old, new)
        elif isinstance(old, list) and isinstance(new, list):
            self.compare_lists(path, old, new)
        else:
            self.entries.append(DiffEntry("replace", path, old, new))

    def compare_objects(self, path: str, old: dict[str, JsonValue], new: dict[str, JsonValue]) -> None:
        for key in sorted(old.keys() | new.keys()):
            at = f"{path}/{escape(key)}"
            if key not in new:
                self.entries.append(DiffEntry("remove", at, before=old[key]))
            elif key not in old:
                self.entries.append(DiffEntry("add", at, after=new[key]))
            else:
                self.compare(at, old[key], new[key])

    def compare_lists(self, path: str, old: list[JsonValue], new: list[JsonValue]) -> None:
        pairs = self._pairs(old, new)
        if self._edits(pairs, old, new) > MAX_LIST_EDITS:
            self.entries.append(DiffEntry("replace", path, old, new))
            return
        kept_old, kept_new = {i for i, _ in pairs}, {j for _, j in pairs}
        # From the back, so that every index is still the one the element had before.
        gone = [i for i in reversed(range(len(old))) if i not in kept_old]
        self.entries.extend(DiffEntry("remove", f"{path}/{i}", before=old[i]) for i in gone)
        come = [j for j in range(len(new)) if j not in kept_new]
        self.entries.extend(DiffEntry("add", f"{path}/{j}", after=new[j]) for j in come)
        for i, j in pairs:
            self.compare(f"{path}/{j}", old[i], new[j])

    def _pairs(self, old: list[JsonValue], new: list[JsonValue]) -> list[Pair]:
        name = _identity(old, new, self.same)
        if name is not None:
            return align(*([self.same(_member(e, name)) for e in side] for side in (old, new)))
        pairs = align([self.same(element) for element in old], [self.same(element) for element in new])
        edited = [
            pair
            for left, right in gaps(pairs, len(old), len(new))
            for pair in zip(left, right, strict=False)
            if len(left) == len(right) or _alike(old[pair[0]], new[pair[1]])
        ]
        return sorted(pairs + edited)

    def _edits(self, pairs: Sequence[Pair], old: list[JsonValue], new: list[JsonValue]) -> int:
        changed = sum(self.same(old[i]) != self.same(new[j]) for i, j in pairs)
        return len(old) + len(new) - 2 * len(pairs) + changed


def _identity(old: list[JsonValue], new: list[JsonValue], same: Sameness) -> str | None:
    """Return the member that names every element on both sides, each name once a side, or ``None``."""
    for name in IDENTITIES:
        if all(_names_each(name, side, same) for side in (old, new)):
            return name
    return None


def _names_each(name: str, elements: list[JsonValue], same: Sameness) -> bool:
    members = [_member(element, name) for element in elements]
    if not all(isinstance(member, str | int | float) for member in members):
        return False
    return len({same(member) for member in members}) == len(members)


def _member(element: JsonValue, name: str) -> JsonValue:
    return element.get(name) if isinstance(element, dict) else None


def _alike(old: JsonValue, new: JsonValue) -> bool:
    """Tell whether an element may be an edited form of another: worth comparing inside."""
    return type(old) is type(new) and isinstance(old, dict | list) and not is_masked(old)


def _plain(state: FlagState | None) -> dict[str, JsonValue]:
    """Return a state's own copy without noise; no state is an empty object."""
    if state is None:
        return {}
    shown = state.to_json()
    for part in shown.values():
        refuse_deep(part)
    return {key: without_noise(part) for key, part in shown.items()}


def without_noise(value: JsonValue) -> JsonValue:
    """Return a copy without the timestamps that AppConfig injects."""
    if isinstance(value, dict):
        return {key: without_noise(member) for key, member in value.items() if key not in NOISE}
    return [without_noise(element) for element in value] if isinstance(value, list) else value


def _apply(entry: DiffEntry, state: dict[str, JsonValue]) -> None:
    *way, last = tokens(entry.path)
    place: JsonValue = state
    try:
        for token in way:
            place = place[int(token)] if isinstance(place, list) else place[token]  # type: ignore[index]
        if isinstance(place, list):
            _edit_list(entry, place, int(last))
        elif isinstance(place, dict):
            _edit_object(entry, place, last)
        else:
            raise MalformedDocumentError(_misfit(entry))
    except (KeyError, IndexError, TypeError, ValueError):
        raise MalformedDocumentError(_misfit(entry)) from None


def _edit_list(entry: DiffEntry, place: list[JsonValue], index: int) -> None:
    if entry.op == "add":
        place.insert(index, without_noise(entry.after))
    elif entry.op == "remove":
        del place[index]
    else:
        place[index] = without_noise(entry.after)


def _edit_object(entry: DiffEntry, place: dict[str, JsonValue], key: str) -> None:
    if entry.op == "remove":
        del place[key]
    else:
        place[key] = without_noise(entry.after)


def _misfit(entry: DiffEntry) -> str:
    return f"the difference at {entry.path} does not fit the state it is applied to"
