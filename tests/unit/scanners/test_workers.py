from __future__ import annotations

import os
import signal
import time

import pytest

from scanners.depth import roomy
from scanners.unreadable import UnreadableSourceError
from scanners.workers import Crew, Failed, ask


def work(job: str) -> str:
    if job == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if job == "end":
        os._exit(3)
    if job == "hang":
        time.sleep(60)
    if job == "deep":
        work_deep()
    if job == "odd":
        raise UnreadableSourceError("not of this language")
    if job == "gone":
        raise FileNotFoundError(2, "No such file or directory")
    if job == "wrong":
        raise KeyError(job)
    return job.upper()


def work_deep() -> None:
    work_deep()


def answers(jobs: list[str], **options: float) -> list[str | Failed]:
    crew: Crew[str, str] = Crew(work, count=2, seconds=options.get("seconds", 30.0))
    with crew:
        found = dict(crew.all(jobs))
    return [found[number] for number in range(len(jobs))]


def test_answers_every_job_in_its_place():
    assert answers(["a", "b", "c", "d", "e"]) == ["A", "B", "C", "D", "E"]
    assert answers([]) == []


def test_a_crash_costs_exactly_its_own_job():
    found = answers(["a", "crash", "b", "end", "c", "crash", "d"])
    assert [one for one in found if isinstance(one, str)] == ["A", "B", "C", "D"]
    reasons = [one.reason for one in found if isinstance(one, Failed)]
    assert reasons == [
        "the parser crashed on it (signal 11)",
        "the parser ended on it (status 3)",
        "the parser crashed on it (signal 11)",
    ]


def test_of_many_jobs_given_ahead_each_costs_only_itself():
    jobs = [f"job {number}" for number in range(60)]
    jobs[5::9] = ["crash", "end", "hang", "deep", "crash", "end", "crash"]
    found = answers(jobs, seconds=4)
    assert [one for one in found if isinstance(one, str)] == [job.upper() for job in jobs if job.startswith("job")]
    assert [isinstance(one, Failed) for one in found] == [not job.startswith("job") for job in jobs]


def test_jobs_and_answers_that_no_pipe_holds_do_not_wait_for_each_other():
    jobs = [letter * 1_000_000 for letter in "abcdefghijklmnopqrstuvwxyz"]
    assert answers(jobs, seconds=20) == [job.upper() for job in jobs]


def test_a_job_that_takes_too_long_is_given_up():
    found = answers(["a", "hang", "b"], seconds=1)
    assert found[0] == "A"
    assert isinstance(found[1], Failed)
    assert "1 s" in found[1].reason
    assert found[2] == "B"


def test_what_a_job_cannot_do_is_told():
    reasons = [one.reason for one in answers(["deep", "odd", "gone", "wrong"]) if isinstance(one, Failed)]
    assert reasons == [
        "nested too deeply",
        "not of this language",
        "not readable: No such file or directory",
        "an error of the scanner itself (KeyError); please report it",
    ]


def work_with_help(job: str) -> str:
    if job == "ask and crash":
        ask("b")
        os.kill(os.getpid(), signal.SIGSEGV)
    return f"{ask(job)}, {ask('b')}"


def test_a_worker_may_ask_in_the_midst_of_a_job_and_the_answer_takes_no_time_of_it():
    def told(question: str) -> str:
        time.sleep(0.4)
        return question.upper()

    crew: Crew[str, str] = Crew(work_with_help, count=2, seconds=1.5, told=told)
    with crew:
        found = dict(crew.all(["a", "ask and crash", "c", "d"]))
    assert [found[0], found[2], found[3]] == ["A, B", "C, B", "D, B"]
    assert found[1] == Failed("the parser crashed on it (signal 11)")


def test_what_is_asked_is_answered_before_the_next_job_though_that_was_given_before():
    crew: Crew[str, str] = Crew(work_with_help, count=2, told=str.upper)
    jobs = [f"job {number}" for number in range(50)]
    with crew:
        found = dict(crew.all(jobs))
    assert [found[number] for number in range(50)] == [f"{job.upper()}, B" for job in jobs]


def test_who_was_hired_by_nobody_has_nobody_to_ask():
    with pytest.raises(RuntimeError, match="nobody hired"):
        ask("a")


def nested(calls: int) -> int:
    return 0 if calls == 0 else 1 + nested(calls - 1)


def test_deep_calls_have_room():
    assert roomy(lambda: nested(800)) == 800
    with pytest.raises(RecursionError):
        roomy(lambda: nested(1_000_000))
