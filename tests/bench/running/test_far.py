"""Workers at the end of a line: what has to be the same there, and what a broken line costs."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Any

import pytest

from bench.errors import BenchError, EnvironmentMismatch, UsageError
from bench.records import provenance
from bench.running import far, keeping, versions
from bench.running.far import Agreed, Far, FarWorker, LineLost
from bench.running.pool import WorkerPool
from bench.running.process import WorkerDied, WorkerTimeout

Answers = Mapping[str, Any]
GREETED: dict[str, Any] = {
    "ok": True,
    "keeper": keeping.VERSION,
    "code": provenance.code(),
    "versions": versions.installed(),
    "forks": True,
    "cores": [0, 1],
}
STARTED: dict[str, Any] = {"ok": True, "worker": 7, "facts": {"host": "there"}, "pids": [3]}
SEEN = {"cores": 2, "others": 0.5, "load": 1.0, "mhz": [2000.0, 3000.0]}
USUAL: dict[str, Any] = {
    "greet": GREETED,
    "start": STARTED,
    "ask": {"ok": True, "answer": {"ok": True, "heard": True}},
    "conditions": {"ok": True, "conditions": SEEN},
    "memory": {
        "ok": True,
        "use": {"policy": "keep", "c_library": "glibc 2.36", "allocator": None, "kept": True},
    },
    "files": {"ok": True, "missing": [], "other": []},
}


class Scripted:
    """A line that answers from a table; an exception there is raised."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {**USUAL, **answers}
        self.heard: list[dict[str, Any]] = []
        self.closed = threading.Event()

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        request = json.loads(json.dumps(request))  # it travels as text
        self.heard.append(request)
        answer = self.answers.get(request["do"], {"ok": True})
        if isinstance(answer, Exception):
            raise answer
        found: dict[str, Any] = json.loads(json.dumps(answer))
        return found

    def close(self) -> None:
        self.closed.set()

    def asked(self, what: str) -> list[dict[str, Any]]:
        return [request for request in self.heard if request["do"] == what]


def place(*lines: Scripted, name: str = "ssh node7", note: Any = None, **agreed: Any) -> Far:
    opened = iter(lines)

    def open_line() -> Scripted:
        found = next(opened, None)
        if found is None:
            raise LineLost("the command ended with exit code 255; its last words: no route")
        return found

    return Far(name, open_line, Agreed(**agreed), note or (lambda text: None))


def started(far_: Far) -> FarWorker:
    worker = far_.on_cpu("keep")("foolbox", "")
    assert isinstance(worker, FarWorker)
    return worker


def test_a_worker_there_is_asked_by_its_number() -> None:
    line = Scripted()
    worker = started(place(line))
    assert worker.facts == {"host": "there"}
    assert worker.ask({"do": "describe"}, 5.0) == {"ok": True, "heard": True}
    (asked,) = line.asked("ask")
    assert asked == {"do": "ask", "worker": 7, "request": {"do": "describe"}, "timeout": 5.0}
    worker.close()
    assert line.asked("end") == [{"do": "end", "worker": 7}]


def test_what_is_asked_of_a_place_reaches_its_keeper() -> None:
    line = Scripted()
    far_ = place(line, folder="here", fork=False)
    assert far_.forks
    assert far_.memory("keep").kept
    far_.prepare(["keep"], [("foolbox", "x:y")] * 2)
    far_.restrict({"CUDA_VISIBLE_DEVICES": "GPU-1"}, [1])
    assert far_.elsewhere()("", "").facts == {"host": "there"}
    assert [request["do"] for request in line.heard] == [
        "greet",
        "enter",
        "memory",
        "prepare",
        "restrict",
        "start",
    ]
    assert line.heard[0]["fork"] is False
    assert line.asked("prepare")[0]["needed"] == [["foolbox", "x:y"]]
    assert line.asked("start")[0]["policy"] is None


def test_conditions_are_those_there() -> None:
    line = Scripted()
    far_ = place(line)
    observer = far_.observed(started(far_))
    observer.leaving_out(lambda: None)
    assert observer.conditions().mhz == (2000.0, 3000.0)
    assert len(line.asked("observe")) == 1


@pytest.mark.parametrize(
    ("greeted", "said"),
    [
        ({"code": "else"}, "semibackward-bench: other code than here"),
        ({"versions": {**versions.installed(), "torch": "0.1"}}, "torch: 0.1, not"),
        ({"versions": {"python": "2.7"}}, "python: 2.7, not"),
    ],
)
def test_other_versions_are_refused_in_a_line_or_told(greeted: Answers, said: str) -> None:
    line = Scripted(greet={**GREETED, **greeted})
    with pytest.raises(EnvironmentMismatch) as told:
        place(line)
    assert str(told.value).startswith("ssh node7 has other versions than this side (")
    assert said in str(told.value)
    assert "\n" not in str(told.value)
    assert line.closed.is_set()
    let_pass = place(Scripted(greet={**GREETED, **greeted}), other_versions=True)
    name, how = said.split(": ")
    assert let_pass.differs[name].startswith(how)


def test_who_only_hands_cases_out_needs_nothing_installed() -> None:
    assert versions.differences({"torch": "2.13.0", "python": "3.11"}, {"python": "3.11"}) == {}
    assert versions.differences({}, {"torch": "2"}) == {"torch": "none, not 2"}


@pytest.mark.parametrize("answer", [{"ok": True}, {"ok": True, "keeper": 99}])
def test_what_answers_but_is_no_keeper_is_refused(answer: Answers) -> None:
    with pytest.raises(UsageError, match=r"ssh node7: .* is not this program"):
        place(Scripted(greet=answer))


@pytest.mark.parametrize("what", ["greet", "enter", "files"])
def test_a_keeper_that_can_not_do_what_it_is_asked_at_first_says_why(what: str) -> None:
    line = Scripted(**{what: {"ok": False, "fault": "OSError: no\nroom"}})
    with pytest.raises(UsageError) as told:
        place(line, files={"a.py": "1"}, folder="here")
    assert str(told.value) == "ssh node7: no worker can be brought there: OSError: no room"
    assert line.closed.is_set()


def test_files_that_are_not_the_same_there_are_named() -> None:
    found = {"ok": True, "missing": ["mine.py"], "other": ["weights.pt"]}
    line = Scripted(files=found)
    with pytest.raises(UsageError) as told:
        place(line, files={"mine.py": "1", "weights.pt": "2"})
    assert "mine.py is not there; weights.pt is another file there" in str(told.value)
    assert "\n" not in str(told.value)
    assert line.closed.is_set()


def test_files_that_are_brought_along_are_told_in_place_of_a_folder() -> None:
    line = Scripted()
    place(line, files={"a.py": "1"}, brought={"a.py": "files-0/a.py"}, folder="here")
    assert [request["do"] for request in line.heard] == ["greet", "take", "files"]


def test_a_place_that_nobody_answers_from_is_an_error_in_one_line() -> None:
    with pytest.raises(UsageError) as told:
        place(name="ssh no\nwhere\x1b[2J")
    assert str(told.value).startswith("ssh no where")
    assert "no worker can be brought there: the command ended with exit code 255" in str(told.value)
    assert str(told.value).isprintable()


def test_a_worker_whose_line_broke_is_lost_and_the_next_comes_over_another() -> None:
    broken, fresh = Scripted(ask=LineLost("nothing came back within 5 s")), Scripted()
    far_ = place(broken, fresh)
    moved: list[Any] = []
    far_.moved = moved.append
    far_.restrict({"A": "1"}, [0, 9])
    worker = started(far_)
    assert moved == []
    with pytest.raises(WorkerDied, match="ssh node7: nothing came back") as died:
        worker.ask({}, 5.0)
    assert died.value.lost
    assert broken.closed.is_set()
    with pytest.raises(WorkerDied, match="the line to it"):
        worker.ask({}, 5.0)
    worker.close()
    assert fresh.heard == [], "nothing is asked of the new keeper on behalf of the old one"
    started(far_)
    assert [worker.facts for worker in moved] == [STARTED["facts"]]
    (restricted,) = fresh.asked("restrict")
    assert restricted == {"do": "restrict", "variables": {"A": "1"}, "held": [0]}, "those it has"
    with pytest.raises(WorkerDied, match="the line to it was lost"):
        worker.ask({}, 5.0)


def test_a_worker_that_can_not_be_reached_any_more_is_lost() -> None:
    far_ = place(Scripted(start=LineLost("gone")))
    for _ in range(2):
        with pytest.raises(WorkerDied) as died:
            started(far_)
        assert died.value.lost


@pytest.mark.parametrize(
    "second",
    [
        {"greet": {**GREETED, "code": "else"}},
        {"files": {"ok": True, "missing": ["a.py"], "other": []}},
    ],
)
def test_a_line_that_leads_to_something_else_later_costs_its_slot_and_not_the_run(
    second: Answers,
) -> None:
    far_ = place(Scripted(), Scripted(**second), files={"a.py": "1"})
    far_.close()
    with pytest.raises(WorkerDied) as died:
        started(far_)
    assert died.value.lost
    assert not isinstance(died.value, BenchError)


@pytest.mark.parametrize(
    ("answer", "kind", "lost"),
    [
        ({"ok": False, "died": "killed", "lost": True}, WorkerDied, True),
        ({"ok": False, "died": "exit code 1", "lost": False}, WorkerDied, False),
        ({"ok": False, "died": "late", "lost": False, "timeout": True}, WorkerTimeout, False),
        ({"ok": False, "fault": "KeyError: 7"}, WorkerDied, False),
    ],
)
def test_how_a_worker_ended_there_is_how_it_ended(
    answer: Answers, kind: type[WorkerDied], lost: bool
) -> None:
    line = Scripted(ask=answer)
    worker = started(place(line))
    with pytest.raises(WorkerDied) as died:
        worker.ask({}, 1.0)
    assert type(died.value) is kind
    assert died.value.lost is lost
    assert not line.closed.is_set(), "the line is as good as before"


def test_what_a_keeper_notes_is_told_once() -> None:
    told: list[str] = []
    line = Scripted(start={**STARTED, "notes": ["art: started afresh"]})
    far_ = place(line, note=told.append)
    started(far_)
    started(far_)
    assert told == ["art: started afresh"]


def test_a_worker_that_is_busy_is_ended_with_its_keeper() -> None:
    """By another thread: nobody else listens there."""
    asking = threading.Event()

    class Busy(Scripted):
        def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
            if request["do"] == "ask":
                asking.set()
                assert self.closed.wait(30)
                raise LineLost("the command ended with exit code 0")
            return super().ask(request, timeout)

    line = Busy()
    pool = WorkerPool(place(line).on_cpu("keep"))
    worker = pool.get("foolbox")
    ended: list[Exception] = []

    def asks() -> None:
        try:
            worker.ask({}, 1000.0)
        except WorkerDied as died:
            ended.append(died)

    thread = threading.Thread(target=asks, daemon=True)
    thread.start()
    assert asking.wait(30)
    pool.shut()
    thread.join(30)
    assert line.closed.is_set()
    assert len(ended) == 1


def test_grace_is_given_for_the_way_home() -> None:
    waits: list[float] = []

    class Slow(Scripted):
        def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
            waits.append(timeout)
            return super().ask(request, timeout)

    started(place(Slow())).ask({}, 5.0)
    assert waits[-1] == 5.0 + far.GRACE
