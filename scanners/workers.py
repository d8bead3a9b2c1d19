"""Work on files in processes that may die: a crash, or too long a time, costs exactly the file that caused it."""

from __future__ import annotations

import faulthandler
import gc
import multiprocessing
import os
import resource
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import ForkingPickler
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from scanners.depth import roomy
from scanners.unreadable import UnreadableSourceError

Job = TypeVar("Job")
Answer = TypeVar("Answer")

_MEMORY = 4 << 30
_TICK = 0.5
# As long as so many jobs are left, a process is given its next one before it is done with the last.
_MANY = 8
_SMALL = 4096
# After so many more objects a worker looks which of them can go.
_MADE = 1_000_000


@dataclass(frozen=True, slots=True)
class Failed:
    """A job that gave no answer, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class _Question:
    """What a worker asks of the process that hired it, in the midst of a job."""

    question: Any


@dataclass(frozen=True, slots=True)
class _Told:
    """What it says to that."""

    answer: Any


@dataclass(frozen=True, slots=True)
class _News:
    """What the process that hired a worker has to say before the next job."""

    news: Any


@dataclass(slots=True)
class _Worker:
    """A process with the number of the job it is at, and of the one that it has been given already.

    It is ``full`` where that one is too large to lie in the pipe.
    """

    process: BaseProcess
    pipe: Connection
    place: int
    heard: int = 0
    job: int | None = None
    ahead: int | None = None
    full: bool = False
    since: float = 0.0

    def go_on(self) -> int | None:
        """Be at the next job; return the one that is done."""
        done, self.job, self.ahead, self.full = self.job, self.ahead, None, False
        self.since = time.monotonic()
        return done


@dataclass(slots=True)
class _Waiting:
    """The numbers of jobs that nobody has begun, in as many stretches as there may be processes."""

    stretches: list[deque[int]]

    @classmethod
    def of(cls, jobs: int, count: int) -> _Waiting:
        """So many jobs for so many processes."""
        ends = [jobs * place // count for place in range(count + 1)]
        return cls([deque(range(begin, end)) for begin, end in pairwise(ends)])

    def __len__(self) -> int:
        """How many are left."""
        return sum(map(len, self.stretches))

    def take(self, place: int) -> int:
        """The next job of a stretch; at its end the last one of the stretch with most to do."""
        own = self.stretches[place]
        return own.popleft() if own else max(self.stretches, key=len).pop()

    def give_back(self, place: int, job: int) -> None:
        """Put a job back that nobody did."""
        self.stretches[place].appendleft(job)


@dataclass(slots=True)
class Batches(Generic[Job, Answer]):
    """Does so many things at a time; whoever is forked knows all of them, and is told only where to begin."""

    work: Callable[[Sequence[Job]], list[Answer]]
    jobs: Sequence[Job]
    size: int

    def of(self, begin: int) -> Sequence[Job]:
        """The things of a batch."""
        return self.jobs[begin : begin + self.size]

    def __call__(self, begin: int) -> list[Answer]:
        """Do a batch."""
        return self.work(self.of(begin))


@dataclass(slots=True)
class Crew(Generic[Job, Answer]):
    """Processes that each do one job at a time; use it by ``with``.

    While at work they may ``ask`` this process, which answers by ``told``; that time is not counted. Work that can
    ``hear`` is told ``news`` between jobs: whoever is at work keeps what it holds.
    """

    work: Callable[[Job], Answer]
    count: int = 1
    seconds: float = 20.0
    told: Callable[[Any], Any] | None = None
    _workers: list[_Worker] = field(default_factory=list)
    _news: Any = None
    _said: int = 0

    def __enter__(self) -> Self:
        """Begin; a process starts when there is work for it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop all processes: an idle one ends by itself, so that whoever measures it hears of it."""
        idle = [worker for worker in self._workers if worker.job is None]
        for worker in idle:
            with suppress(OSError):
                worker.pipe.send(None)
        for worker in idle:
            worker.process.join(_TICK)
        for worker in self._workers:
            _stop(worker)
        self._workers.clear()

    def hear(self, news: object) -> None:
        """Whoever does the next jobs hears this first."""
        self._news = news
        self._said += 1

    def one(self, job: Job) -> Answer | Failed:
        """The answer to a single job."""
        return next(self.all([job]))[1]

    def all(self, jobs: Sequence[Job]) -> Iterator[tuple[int, Answer | Failed]]:
        """The answers as they come, each with the number of its job; the first jobs begin at once.

        Each process begins elsewhere and goes on from there: neighbours have much in common that it holds already.
        """
        waiting = _Waiting.of(len(jobs), self.count)
        self._hand_out(jobs, waiting)
        return self._all(jobs, waiting)

    def surely(self, jobs: Sequence[Job], few: int = 0) -> Iterator[tuple[int, Answer]]:
        """The same of work that may be done in this process: so is a job that failed there, and each of a ``few``."""
        if len(jobs) <= few:
            return ((number, self.work(job)) for number, job in enumerate(jobs))
        answers = self.all(jobs)
        return (
            (number, self.work(jobs[number]) if isinstance(answer, Failed) else answer) for number, answer in answers
        )

    def _all(self, jobs: Sequence[Job], waiting: _Waiting) -> Iterator[tuple[int, Answer | Failed]]:
        while waiting or any(worker.job is not None for worker in self._workers):
            answers = self._answers(waiting)
            # Whoever takes an answer may take its time: the next jobs are done meanwhile.
            self._hand_out(jobs, waiting)
            yield from answers

    def _answers(self, waiting: _Waiting) -> list[tuple[int, Answer | Failed]]:
        """What has come by now, or within a tick."""
        busy = [worker for worker in self._workers if worker.job is not None]
        ready = set(wait([worker.pipe for worker in busy], timeout=_TICK))
        found = []
        for worker in busy:
            if worker.pipe in ready:
                answer = self._receive(worker, waiting)
                found += [] if answer is None else [answer]
            elif time.monotonic() - worker.since > self.seconds:
                found.append(self._give_up(worker, waiting, f"took longer than {self.seconds:g} s"))
        return found

    def _hand_out(self, jobs: Sequence[Job], waiting: _Waiting) -> None:
        """Give each idle process a job, and each that is at one the next, as long as there are many."""
        idle = [worker for worker in self._workers if worker.job is None]
        while waiting and (idle or len(self._workers) < self.count):
            worker = idle.pop() if idle else self._hire()
            worker.ahead = self._give(worker, jobs, waiting)
            worker.go_on()
        for worker in list(self._workers):
            if worker.ahead is None and not worker.full and len(waiting) > _MANY:
                worker.ahead = self._give(worker, jobs, waiting)

    def _give(self, worker: _Worker, jobs: Sequence[Job], waiting: _Waiting) -> int | None:
        """Give a process a job to do when it is done with what it has; None when it cannot take it, or is gone."""
        job = waiting.take(worker.place)
        written = ForkingPickler.dumps(jobs[job])
        # Whoever is at work reads nothing meanwhile: what does not lie in the pipe would have both wait for each other.
        worker.full = worker.job is not None and len(written) > _SMALL
        if worker.full:
            waiting.give_back(worker.place, job)
            return None
        try:
            if worker.heard < self._said:
                worker.pipe.send(_News(self._news))
                worker.heard = self._said
            worker.pipe.send_bytes(written)
        except OSError:
            waiting.give_back(worker.place, job)
            if worker.job is None:
                self._dismiss(worker)  # it died between two jobs: this one was never begun
            return None
        return job

    def _hire(self) -> _Worker:
        # A fork is quick and shares what is imported, but it is only safe while there is no other thread.
        method = "fork" if threading.active_count() == 1 else "spawn"
        context = multiprocessing.get_context(method)
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(self.work, theirs), daemon=True)  # type: ignore[attr-defined]
        process.start()
        theirs.close()
        taken = {worker.place for worker in self._workers}
        place = next(place for place in range(self.count) if place not in taken)
        worker = _Worker(process, ours, place)
        self._workers.append(worker)
        return worker

    def _receive(self, worker: _Worker, waiting: _Waiting) -> tuple[int, Answer | Failed] | None:
        try:
            answer = worker.pipe.recv()
            if isinstance(answer, _Question) and self.told is not None:
                began = time.monotonic()
                worker.pipe.send(_Told(self.told(answer.question)))
                for one in self._workers:
                    one.since += time.monotonic() - began
                return None
        except (EOFError, OSError):
            worker.process.join(1)
            return self._give_up(worker, waiting, _death(worker.process.exitcode))
        job = worker.go_on()
        return (job if job is not None else -1), answer

    def _give_up(self, worker: _Worker, waiting: _Waiting, reason: str) -> tuple[int, Answer | Failed]:
        job = worker.job
        if worker.ahead is not None:
            waiting.give_back(worker.place, worker.ahead)
        self._dismiss(worker)
        return (job if job is not None else -1), Failed(reason)

    def _dismiss(self, worker: _Worker) -> None:
        _stop(worker)
        self._workers.remove(worker)


def _stop(worker: _Worker) -> None:
    worker.pipe.close()
    worker.process.kill()
    worker.process.join()


def _death(code: int | None) -> str:
    if code is not None and code < 0:
        return f"the parser crashed on it (signal {-code})"
    return f"the parser ended on it (status {code})"


_asked: Connection | None = None
# What came from there while an answer was waited for.
_meanwhile: deque[Any] = deque()


def ask(question: object) -> Any:
    """In a worker: what the process that hired it says to a question."""
    if _asked is None:
        raise RuntimeError("nobody hired this process")
    _asked.send(_Question(question))
    while not isinstance(said := _asked.recv(), _Told):
        _meanwhile.append(said)
    return said.answer


def _serve(work: Callable[[Any], Any], pipe: Connection) -> None:
    """Answer jobs until there are no more or the other end goes away; what a dying parser says goes nowhere."""
    global _asked  # noqa: PLW0603 -- a worker is a whole process
    _asked = pipe
    faulthandler.disable()
    os.environ["RUST_BACKTRACE"] = "0"
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, _MEMORY)
    # What was there before is not looked through again and again, and a syntax tree has no cycles worth a search.
    gc.freeze()
    gc.disable()
    roomy(partial(_work, work, pipe))


def _work(work: Callable[[Any], Any], pipe: Connection) -> None:
    for job in iter(partial(_next, pipe, os.getppid()), None):
        if isinstance(job, _News):
            work.hear(job.news)  # type: ignore[attr-defined]
            continue
        pipe.send(_answer(work, job))
        # What outlives a job stays for good, such as trees that others will need: it is not looked through again.
        if gc.get_count()[0] > _MADE:
            gc.collect()
            gc.freeze()


def _next(pipe: Connection, parent: int) -> Any:
    """What the other end sends; None at the end."""
    if _meanwhile:
        return _meanwhile.popleft()
    try:
        # A fork holds its elders' pipes open, so that none of them ends by itself when the parent is killed.
        while not pipe.poll(_TICK):
            if os.getppid() != parent:
                return None
        return pipe.recv()
    except (EOFError, OSError):
        return None


def _answer(work: Callable[[Any], Any], job: Any) -> Any:
    try:
        return work(job)
    except UnreadableSourceError as error:
        return Failed(str(error))
    except RecursionError:
        return Failed("nested too deeply")
    except MemoryError:
        return Failed("needs too much memory")
    except OSError as error:
        return Failed(f"not readable: {error.strerror or error}")
    except Exception as error:  # noqa: BLE001 -- one file that the scanner fails on costs no other, and is told as that
        return Failed(f"an error of the scanner itself ({type(error).__name__}); please report it")


def _limit(kind: int, most: int) -> None:
    _, hard = resource.getrlimit(kind)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (most, hard))
