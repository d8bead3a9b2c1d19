"""The Merkle tree of RFC 9162, section 2.1: hashes, roots, proofs, and verifiers that refuse whatever is not exact.

Nothing here holds the leaves. A tree that grows is kept as a ``Frontier``: the roots of its largest complete subtrees,
one for each one-bit of its size. A proof is made from a function that gives the root of any part of the tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()
_LEAF, _NODE = b"\x00", b"\x01"

Subtree = Callable[[int, int], bytes]
"""Gives the root over the leaves from the first number up to, and without, the second."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf with this content."""
    return sha256(_LEAF + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return sha256(_NODE + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """A tree as far as it must be known to grow: its size, and the roots of its complete subtrees, largest first."""

    size: int = 0
    roots: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.roots) != self.size.bit_count() or not _are_hashes(self.roots):
            raise ValueError(f"this is no frontier of {self.size} leaves")

    def extended(self, leaves: Iterable[bytes]) -> Frontier:
        """Return the tree with these leaf hashes behind its own; raise ``ValueError`` for what is no hash."""
        roots, size = list(self.roots), self.size
        for leaf in leaves:
            if len(leaf) != HASH_SIZE:
                raise ValueError(f"{len(leaf)} bytes are no hash")
            node, rest = leaf, size
            while rest & 1:
                node = sha256(_NODE + roots.pop() + node).digest()
                rest >>= 1
            roots.append(node)
            size += 1
        return Frontier(size, tuple(roots))

    def root(self) -> bytes:
        """Return the root of the whole tree; of an empty one, the hash of nothing."""
        if not self.roots:
            return EMPTY_ROOT
        *rest, node = self.roots
        for left in reversed(rest):
            node = node_hash(left, node)
        return node

    def to_bytes(self) -> bytes:
        """Return the roots in a row, to be kept beside the size."""
        return b"".join(self.roots)

    @classmethod
    def from_bytes(cls, size: int, kept: bytes) -> Frontier:
        """Read a frontier back; raise ``ValueError`` when these bytes are none of that size."""
        if len(kept) % HASH_SIZE:
            raise ValueError(f"{len(kept)} bytes are no hashes")
        return cls(size, tuple(kept[at : at + HASH_SIZE] for at in range(0, len(kept), HASH_SIZE)))


class Tree:
    """A whole tree in memory, two hashes a leaf: gives the root of any part of it at once."""

    def __init__(self, leaves: Iterable[bytes]) -> None:
        level = list(leaves)
        self.size = len(level)
        self._levels = [level]
        while len(level) > 1:
            level = [node_hash(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
            self._levels.append(level)

    def subtree(self, start: int, end: int) -> bytes:
        """Return the root over the leaves from ``start`` up to ``end``, as proofs ask for them."""
        width = end - start
        if width & (width - 1) == 0 and start % width == 0:
            return self._levels[width.bit_length() - 1][start // width]
        middle = start + split(width)
        return node_hash(self.subtree(start, middle), self.subtree(middle, end))


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root over these leaf hashes."""
    return Frontier().extended(leaves).root()


def split(size: int) -> int:
    """Return the largest power of two smaller than ``size``: where a tree of that size parts."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_proof(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """Return the hashes that lead from a leaf to the root of the first ``size`` leaves, the leaf's sibling first."""
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} among {size}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + split(end - start)
        if index < middle:
            path.append(subtree(middle, end))
            end = middle
        else:
            path.append(subtree(start, middle))
            start = middle
    return path[::-1]


def consistency_proof(old: int, new: int, subtree: Subtree) -> list[bytes]:
    """Return the hashes that show the first ``old`` leaves to be the beginning of the first ``new``.

    Every part that is asked for lies wholly among the old leaves, where it is one of the frontier's, or wholly behind
    them.
    """
    if not 0 < old <= new:
        raise ValueError(f"{old} leaves are no beginning of {new}")
    path: list[bytes] = []
    start, end = 0, new
    while end != old:
        middle = start + split(end - start)
        if old <= middle:
            path.append(subtree(middle, end))
            end = middle
        else:
            path.append(subtree(start, middle))
            start = middle
    if start:
        path.append(subtree(start, end))
    return path[::-1]


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """Tell whether the proof shows the leaf at this place of the tree with this root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size or not _are_hashes((leaf, root, *proof)):
        return False
    sides = _sides(index, size - 1, proof)
    if sides is None:
        return False
    node = leaf
    for sibling, left in sides:
        node = node_hash(sibling, node) if left else node_hash(node, sibling)
    return node == root


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Tell whether the proof shows that the tree only grew from the old root to the new one (RFC 9162, 2.1.4.2)."""
    if not 0 < old <= new or not _are_hashes((old_root, new_root, *proof)):
        return False
    if old == new:
        return not proof and old_root == new_root
    path = [old_root, *proof] if old.bit_count() == 1 else list(proof)
    if not path:
        return False
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    sides = _sides(place, last, path[1:])
    if sides is None:
        return False
    first = second = path[0]
    for node, left in sides:
        if left:
            first, second = node_hash(node, first), node_hash(node, second)
        else:
            second = node_hash(second, node)
    return first == old_root and second == new_root


def _sides(place: int, last: int, path: Sequence[bytes]) -> list[tuple[bytes, bool]] | None:
    """Return each hash on the way up with whether it stands to the left; ``None`` when they are too many or too few.

    ``last`` is the place of the last node on the level of ``place``: a node without a sibling rises as it is.
    """
    sides: list[tuple[bytes, bool]] = []
    for node in path:
        if last == 0:
            return None
        left = bool(place & 1) or place == last
        if left:
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        sides.append((node, left))
        place, last = place >> 1, last >> 1
    return sides if last == 0 else None


def _are_hashes(values: Iterable[object]) -> bool:
    return all(isinstance(value, bytes) and len(value) == HASH_SIZE for value in values)
