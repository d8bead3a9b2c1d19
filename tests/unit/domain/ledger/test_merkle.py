"""The Merkle tree against RFC 9162's own words, written down again recursively, and against published cases."""

from __future__ import annotations

import base64
import json
import random
from functools import cache
from hashlib import sha256

import pytest

from auditor.domain.ledger.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of,
    split,
    verify_consistency,
    verify_inclusion,
)
from tests.conftest import PROOF

EXHAUSTIVE = 65 if PROOF else 20
MUTATIONS = 20_000 if PROOF else 1_000
SIZES = 1_000 if PROOF else 150
# A must-pass case whose roots are twelve bytes of text: a strict verifier refuses them.
NO_HASHES = "consistency/additional/sizes-are-equal-one-and-proof-is-empty"
LEAVES = [leaf_hash(str(number).encode()) for number in range(EXHAUSTIVE)]


def mth(d):
    """MTH of section 2.1.1, on leaf hashes."""
    if not d:
        return sha256(b"").digest()
    if len(d) == 1:
        return d[0]
    k = largest_power_below(len(d))
    return sha256(b"\x01" + mth(d[:k]) + mth(d[k:])).digest()


def path(m, d):
    """PATH of section 2.1.3.1."""
    if len(d) == 1:
        return []
    k = largest_power_below(len(d))
    return [*path(m, d[:k]), mth(d[k:])] if m < k else [*path(m - k, d[k:]), mth(d[:k])]


def subproof(m, d, b):
    """SUBPROOF of section 2.1.4.1."""
    n = len(d)
    if m == n:
        return [] if b else [mth(d)]
    k = largest_power_below(n)
    if m <= k:
        return [*subproof(m, d[:k], b), mth(d[k:])]
    return [*subproof(m - k, d[k:], False), mth(d[:k])]


def largest_power_below(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def subtree(start, end):
    return root_of(LEAVES[start:end])


def published(root, kind):
    lines = (root / "tests" / "data" / "rfc9162" / f"{kind}.jsonl").read_text(encoding="utf-8").splitlines()
    cases = [json.loads(line) for line in lines]
    assert len(cases) == 98
    return cases


def raw(text):
    return base64.b64decode(text or "")


def proof_of(case):
    return [raw(node) for node in case["proof"] or []]


def test_published_inclusion_proofs(root):
    for case in published(root, "inclusion"):
        found = verify_inclusion(
            case["leafIdx"], case["treeSize"], raw(case["leafHash"]), proof_of(case), raw(case["root"])
        )
        assert found is not case["wantErr"], case["name"]


def test_published_consistency_proofs_but_for_one_whose_roots_are_no_hashes(root):
    differing = [
        case["name"]
        for case in published(root, "consistency")
        if verify_consistency(case["size1"], case["size2"], raw(case["root1"]), raw(case["root2"]), proof_of(case))
        is case["wantErr"]
    ]
    assert differing == [NO_HASHES]


def test_an_empty_tree_has_the_hash_of_nothing():
    assert Frontier().root() == root_of([]) == EMPTY_ROOT == mth([])


def test_splitting_is_at_the_largest_smaller_power_of_two():
    assert [split(n) for n in range(2, 70)] == [largest_power_below(n) for n in range(2, 70)]


@pytest.mark.parametrize("size", range(1, EXHAUSTIVE + 1))
def test_every_proof_of_a_small_tree_is_the_standards_and_verifies(size):
    d = LEAVES[:size]
    root = mth(d)
    assert root_of(d) == root
    for index in range(size):
        proof = inclusion_proof(index, size, subtree)
        assert proof == path(index, d)
        assert verify_inclusion(index, size, d[index], proof, root)
        assert not any(verify_inclusion(other, size, d[index], proof, root) for other in range(size) if other != index)
    for old in range(1, size + 1):
        proof = consistency_proof(old, size, subtree)
        assert proof == subproof(old, d, True)
        assert verify_consistency(old, size, mth(d[:old]), root, proof)


def test_a_consistency_proof_asks_for_old_parts_only_where_a_frontier_has_them():
    for new in range(1, EXHAUSTIVE + 1):
        for old in range(1, new + 1):
            asked = []
            consistency_proof(old, new, lambda start, end, asked=asked: asked.append((start, end)) or LEAVES[0])
            starts, start = set(), 0
            for bit in reversed(range(old.bit_length())):
                if old >> bit & 1:
                    starts.add((start, start + (1 << bit)))
                    start += 1 << bit
            assert all(part[0] >= old or part in starts for part in asked)


def test_roots_equal_a_second_implementation_on_many_sizes():
    random_sizes = random.Random(9162).sample(range(1, 5_000), SIZES)
    leaves = [leaf_hash(f"entry {number}".encode()) for number in range(5_000)]

    @cache
    def second(start, end):
        if end - start == 1:
            return leaves[start]
        k = largest_power_below(end - start)
        return sha256(b"\x01" + second(start, start + k) + second(start + k, end)).digest()

    grown, known = Frontier(), {}
    for leaf in leaves:
        grown = grown.extended([leaf])
        known[grown.size] = grown.root()
    assert [known[size] for size in random_sizes] == [second(0, size) for size in random_sizes]
    assert [root_of(leaves[:size]) for size in random_sizes[:100]] == [second(0, size) for size in random_sizes[:100]]


def test_no_mutated_proof_is_accepted():
    rng = random.Random(20_000)
    accepted = 0
    for _ in range(MUTATIONS):
        size = rng.randint(2, EXHAUSTIVE)
        root = subtree(0, size)
        if rng.random() < 0.5:
            index = rng.randrange(size)
            given = [index, size, LEAVES[index], inclusion_proof(index, size, subtree), root]
            verify = verify_inclusion
        else:
            old = rng.randint(1, size - 1)
            given = [old, size, subtree(0, old), root, consistency_proof(old, size, subtree)]
            verify = verify_consistency
        assert verify(*given)
        mutated = mutate(rng, given)
        accepted += mutated != given and verify(*mutated)
    print(f"{accepted} of {MUTATIONS} mutated proofs accepted")  # noqa: T201
    assert accepted == 0


def mutate(rng, given):
    """Alter one thing: a number, a hash, or the proof's length or order. The second number is the tree's size.

    Another size alone is left out: a proof says nothing of leaves that no hash on its way depends on.
    """
    changed = [list(value) if isinstance(value, list) else value for value in given]
    place = rng.choice([at for at in range(len(given)) if at != 1])
    value = changed[place]
    if isinstance(value, int):
        changed[place] = max(0, value + rng.choice([-2, -1, 1, 2, 1 << 40]))
    elif isinstance(value, bytes):
        changed[place] = damaged(rng, value)
    else:
        changed[place] = mutated_proof(rng, value)
    return changed


def mutated_proof(rng, proof):
    proof = list(proof)
    what = rng.choice(["drop", "add", "double", "swap", "damage"])
    if what == "add" or not proof:
        proof.insert(rng.randint(0, len(proof)), rng.choice(LEAVES))
    elif what == "drop":
        del proof[rng.randrange(len(proof))]
    elif what == "double":
        proof.insert(0, proof[rng.randrange(len(proof))])
    elif what == "swap":
        rng.shuffle(proof)
    else:
        at = rng.randrange(len(proof))
        proof[at] = damaged(rng, proof[at])
    return proof


def damaged(rng, value):
    if rng.random() < 0.2:
        return value[: rng.randrange(len(value))]
    at = rng.randrange(len(value))
    return value[:at] + bytes([value[at] ^ (1 << rng.randrange(8))]) + value[at + 1 :]


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 8, 1000])
def test_a_frontier_is_kept_and_grows_on(size):
    leaves = [leaf_hash(bytes([number % 251])) for number in range(size + 5)]
    kept = Frontier().extended(leaves[:size])

    again = Frontier.from_bytes(kept.size, kept.to_bytes())

    assert again.extended(leaves[size:]).root() == mth(leaves)


@pytest.mark.parametrize(("size", "kept"), [(1, b""), (3, bytes(32)), (0, bytes(32)), (1, bytes(31)), (-1, b"")])
def test_what_is_no_frontier_is_refused(size, kept):
    with pytest.raises(ValueError):
        Frontier.from_bytes(size, kept)


def test_what_is_no_hash_does_not_get_into_a_tree():
    with pytest.raises(ValueError):
        Frontier().extended([b"short"])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 4), (4, 4)])
def test_there_is_no_proof_of_a_leaf_that_is_not_there(index, size):
    with pytest.raises(ValueError):
        inclusion_proof(index, size, subtree)


@pytest.mark.parametrize(("old", "new"), [(0, 4), (5, 4), (-1, 4)])
def test_there_is_no_proof_that_nothing_grew(old, new):
    with pytest.raises(ValueError):
        consistency_proof(old, new, subtree)
