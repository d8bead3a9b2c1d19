"""A scan that looks first whether it was made before; only then is the machinery loaded that makes one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from auditor.domain.references import FlagSpec, ScanResult
from auditor.domain.scan_options import ScanOptions
from scanners.cache import Cache, Facts, Identities, identities_of, lasting, unchanged
from scanners.ownership import with_owners
from scanners.repository import FoundFile, Listing, list_files


def scan(
    paths: Sequence[str],
    flags: Sequence[FlagSpec],
    options: ScanOptions | None = None,
    progress: Callable[[int, int | None, str], None] | None = None,
    cache: Cache | None = None,
    *,
    committed: bool = False,
) -> ScanResult:
    """Scan paths and git URLs for references to flags, with the help of a cache.

    With ``committed`` the files count as they are committed, not as they lie there. Raises UsageError when one of them
    cannot be read, FlagtrailError when git cannot give a tree.
    """
    with ExitStack() as open_trees:
        trees = [open_trees.enter_context(_tree(path, committed=committed)) for path in paths]
        if cache is None:
            from scanners import engine  # noqa: PLC0415 -- only where a scan is made

            return engine.scan(trees, flags, options, progress or engine.silent)
        listings = [list_files(tree) for tree in trees]
        results = [_one(path, one, flags, options, progress, cache) for path, one in zip(paths, listings, strict=True)]
        return ScanResult.joined(with_owners(tree, result) for tree, result in zip(trees, results, strict=True))


@contextmanager
def _tree(path: str, *, committed: bool) -> Iterator[str]:
    if not committed and ":" not in path:
        yield path
        return
    from scanners import checkouts  # noqa: PLC0415 -- it brings what starts processes, which most scans do without

    if committed or checkouts.is_url(path):
        with checkouts.committed(path) as tree:
            yield str(tree)
    else:
        yield path


def _one(
    path: str,
    listing: Listing,
    flags: Sequence[FlagSpec],
    options: ScanOptions | None,
    progress: Callable[[int, int | None, str], None] | None,
    cache: Cache,
) -> ScanResult:
    identities = cache.identities(os.path.realpath(path), listing.files, _identities_of)
    key = _key(listing, identities, flags, options)
    held = cache.result(key)
    if held is not None:
        return replace(held, commit=listing.commit)
    from scanners import engine  # noqa: PLC0415 -- only where a scan is made

    facts = Facts(cache, identities, os.path.realpath(path))
    result = engine.scan_listing(listing, flags, options, progress or engine.silent, facts)
    if all(map(unchanged, listing.files)):
        facts.settle()
        if _lasting(result) and len(identities) == len(listing.files):
            cache.keep_result(key, result)
    return result


def _identities_of(files: Sequence[FoundFile]) -> Iterable[str | None]:
    """The blob ids of files; of many in processes, while the machinery is loaded that will be needed for so many."""
    if len(files) <= _MANY:
        return identities_of(files)
    from scanners.workers import Batches, Crew  # noqa: PLC0415 -- only where there is much to do

    begins = range(0, len(files), _MANY)
    with Crew(Batches(identities_of, files, _MANY), len(os.sched_getaffinity(0))) as crew:
        answers = crew.surely(begins)
        from scanners import engine  # noqa: F401, PLC0415 -- a scan that finds so much changed is made

        told = dict(answers)
    return [identity for number in range(len(begins)) for identity in told[number]]


_MANY = 1024


def _key(listing: Listing, identities: Identities, flags: Sequence[FlagSpec], options: ScanOptions | None) -> str:
    made = hashlib.sha256(repr((flags, options or ScanOptions(), listing.skipped, listing.unread)).encode())
    for file in listing.files:
        line = f"{identities.get(file.path)} {file.path}\0"
        made.update(line.encode("utf-8", errors="surrogateescape"))
    return made.hexdigest()


def _lasting(result: ScanResult) -> bool:
    return all(lasting(one.reason) for one in result.unread)
