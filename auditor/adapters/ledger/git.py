"""A git repository as an anchor."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from auditor.adapters.ledger.naming import FOLDER, NAME, forked, name_of
from auditor.domain.errors import FlagtrailError


@dataclass(frozen=True, slots=True)
class GitAnchor:
    """A git repository, better one that others hold too: a commit for each checkpoint on the branch that is out.

    Git is told to run no hook, no signing program and no other program that the repository's configuration names, and
    it only adds what it is given: no diff, no status, no filter.
    """

    repository: Path

    @property
    def name(self) -> str:
        """Return where it is."""
        return f"{self.repository} (git)"

    def newest(self) -> str | None:
        """Return the note of the largest log, or ``None``."""
        names = self._names()
        return self._read(names[-1]) if names else None

    def notes(self) -> Sequence[str]:
        """Return every note, the smallest log first."""
        return [self._read(name) for name in self._names()]

    def put(self, size: int, note: str) -> None:
        """Commit a note; raise ``ForkError`` when another one of that size is committed."""
        name = name_of(size)
        if name in self._names():
            if self._read(name) != note:
                raise forked(f"{self.repository}/{FOLDER}/{name}", size)
            return
        branch = self._git("symbolic-ref", "HEAD").strip()
        before = self._head()
        blob = self._git("hash-object", "-w", "--no-filters", "--stdin", stdin=note).strip()
        tree = self._tree_with(name, blob)
        parents = ("-p", before) if before else ()
        commit = self._git("commit-tree", tree, *parents, "-m", f"Checkpoint of {size} entries").strip()
        # Refused when the branch moved meanwhile: then another run adds this checkpoint.
        self._git("update-ref", branch, commit, before or "0" * len(commit))

    def _head(self) -> str | None:
        found = self._try("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        return None if found is None else found.strip()

    def _names(self) -> list[str]:
        listed = self._try("ls-tree", "--name-only", "-z", "HEAD", f"{FOLDER}/") if self._head() else ""
        names = [path.removeprefix(f"{FOLDER}/") for path in (listed or "").split("\0")]
        return sorted(name for name in names if NAME.fullmatch(name))

    def _read(self, name: str) -> str:
        return self._git("cat-file", "blob", f"HEAD:{FOLDER}/{name}")

    def _tree_with(self, name: str, blob: str) -> str:
        """Return the tree of the branch with one more checkpoint; the work tree and its index are left alone."""
        with tempfile.TemporaryDirectory(prefix="flagtrail-index-") as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
            if self._head():
                self._git("read-tree", "HEAD", environ=index)
            place = f"100644,{blob},{FOLDER}/{name}"
            self._git("update-index", "--add", "--cacheinfo", place, environ=index)
            return self._git("write-tree", environ=index).strip()

    def _git(self, *words: str, stdin: str | None = None, environ: dict[str, str] | None = None) -> str:
        done = self._run(words, stdin, environ)
        if done.returncode:
            told = " ".join(done.stderr.split()) or f"status {done.returncode}"
            raise FlagtrailError(f"the git repository {self.repository} cannot be used: {told}")
        return done.stdout

    def _try(self, *words: str) -> str | None:
        done = self._run(words, None, None)
        return None if done.returncode else done.stdout

    def _run(
        self, words: Sequence[str], stdin: str | None, environ: dict[str, str] | None
    ) -> subprocess.CompletedProcess[str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        safe = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "commit.gpgSign=false")
        who = {
            "GIT_AUTHOR_NAME": "Flagtrail",
            "GIT_AUTHOR_EMAIL": "flagtrail@localhost",
            "GIT_COMMITTER_NAME": "Flagtrail",
            "GIT_COMMITTER_EMAIL": "flagtrail@localhost",
            "GIT_TERMINAL_PROMPT": "0",
        }
        command = ["git", "-C", str(self.repository), *safe, *words]
        try:
            return subprocess.run(  # noqa: S603 - git itself, by a list of words
                command,
                input=stdin,
                env=inherited | who | (environ or {}),
                capture_output=True,
                text=True,
                encoding="utf-8",
                timeout=60,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise FlagtrailError(f"git cannot be run for {self.repository}: {error}") from error
