"""Progress on a terminal: one line on stderr that goes when the work is done; nothing anywhere else."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class TerminalProgress:
    """The ``Progress`` port on stderr; silent where stderr is no terminal or rich is not installed."""

    def __init__(self, stream: Any = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._shown: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        """Begin; nothing shows before the first call."""
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Take the line away."""
        if self._shown is not None:
            self._shown.stop()
            self._shown = None

    def __call__(self, done: int, total: int | None, what: str) -> None:
        """Say how far it is; ``total`` is ``None`` where nobody knows."""
        if not self._stream.isatty():
            return
        if self._shown is None:
            self._start()
        if self._shown is not None and self._task is not None:
            self._shown.update(self._task, completed=done, total=total, description=what)

    def _start(self) -> None:
        """Show the line, if the library for it is there."""
        try:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
        except ImportError:
            return
        console = Console(file=self._stream)
        text = TextColumn("{task.description}", markup=False)
        self._shown = Progress(
            SpinnerColumn(), text, BarColumn(), MofNCompleteColumn(), console=console, transient=True
        )
        self._task = self._shown.add_task("", total=None)
        self._shown.start()
