"""Workers forked from templates: as good as those that are started, and told apart by nothing."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.running import templates
from bench.running.pool import Worker
from bench.running.process import WorkerDied, WorkerProcess
from bench.running.starting import Starting
from bench.running.templates import Template, Templates
from tests.places import ROOT

IMAGES = "bench.kinds.images.building:build"
MINUTE = 60.0

pytestmark = pytest.mark.skipif(not templates.possible(), reason="processes are not forked here")


@pytest.fixture(scope="module")
def notes() -> list[str]:
    return []


@pytest.fixture(scope="module")
def grown(notes: list[str]) -> Iterator[Templates]:
    """A tree that all tests of this module share: its first template imports torch once."""
    tree = Templates({"BENCH_TEST": "told"}, notes.append)
    yield tree
    tree.close()


@pytest.fixture
def template() -> Iterator[Template]:
    made = Template.start({"PYTHONPATH": str(ROOT)})
    yield made
    made.close()


def test_a_fork_serves_like_a_process_that_was_started(grown: Templates) -> None:
    forked, other = grown.start(), grown.start()
    try:
        assert forked.pids != other.pids
        assert forked.facts["ok"]
        assert forked.ask({"do": "load", "library": "reference"}, MINUTE)["ok"]
        assert os.getsid(forked.pids[0]) == forked.pids[0], "Ctrl-C reaches us alone"
    finally:
        forked.close()
        other.close()
    for pid in (*forked.pids, *other.pids):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_fork_has_our_variables_and_no_thread_of_its_template(grown: Templates) -> None:
    forked = grown.start()
    try:
        place = Path(f"/proc/{forked.pids[0]}")
        assert b"BENCH_TEST=told" in (place / "environ").read_bytes().split(b"\0")
        assert _threads(forked) == 2, "itself and its reader; pools come with their first use"
    finally:
        forked.close()


def test_a_library_is_imported_before_the_fork(grown: Templates, notes: list[str]) -> None:
    grown.grow([("foolbox", IMAGES)])
    started = time.perf_counter()
    forked = grown.start("foolbox", IMAGES)
    try:
        mapped = Path(f"/proc/{forked.pids[0]}/maps").read_text()
        assert "torchvision" in mapped, "timm's imports are in it"
        answer = forked.ask({"do": "load", "library": "foolbox"}, MINUTE)
        assert answer["ok"]
    finally:
        forked.close()
    assert time.perf_counter() - started < MINUTE
    assert notes == []


def test_a_library_that_can_t_be_imported_is_the_workers_to_tell(
    grown: Templates, notes: list[str]
) -> None:
    forked = grown.start("no_such_library", IMAGES)
    try:
        answer = forked.ask({"do": "load", "library": "no_such_library"}, MINUTE)
        assert not answer["ok"]
    finally:
        forked.close()
    assert notes == []


def test_how_a_fork_ended_is_told_as_of_any_process(grown: Templates) -> None:
    forked = grown.start()
    os.kill(forked.pids[0], signal.SIGKILL)
    with pytest.raises(WorkerDied, match=r"was killed by SIGKILL \(out of memory\?\)"):
        forked.ask({"do": "describe"}, MINUTE)
    forked.close()
    ended = grown.start()
    assert ended._process.stdin is not None
    ended._process.stdin.close()
    assert ended._process.wait(MINUTE) == 0
    ended.close()


def test_a_branch_does_not_change_what_it_was_made_from(template: Template) -> None:
    branch = template.branch()
    assert branch.ask({"do": "import", "module": "colorsys"})["ok"]
    refused = branch.ask({"do": "import", "module": "no_such_module"})
    assert not refused["ok"]
    assert "no_such_module" in refused["reason"]
    assert not branch.ask({"do": "import", "module": "x" * 20_000})["ok"], "in few words"
    assert branch.ask({"do": "safe"})["unsafe"] is None, "it goes on"
    template.close()
    assert branch.ask({"do": "safe"})["ok"], "and outlives the other"
    branch.close()


def test_threads_make_a_fork_no_fresh_process(template: Template) -> None:
    assert template.ask({"do": "safe"})["unsafe"] is None
    assert template.ask({"do": "import", "module": "tests.data.starts_a_thread"})["ok"]
    assert template.ask({"do": "safe"})["unsafe"] == "what it imports starts threads (lingers)"


def test_where_forks_are_no_fresh_processes_each_is_started() -> None:
    said: list[str] = []
    tree = Templates({"PYTHONPATH": str(ROOT)}, said.append)
    building = "tests.data.starts_a_thread:build"
    try:
        for _ in range(2):
            worker = tree.start("", building)
            parent = _parent(worker)
            worker.close()
            assert parent == os.getpid()
    finally:
        tree.close()
    (told,) = said
    assert told == (
        "tests.data.starts_a_thread: every process is started afresh, since what it imports starts"
        " threads (lingers)"
    )


def test_a_template_that_is_gone_is_no_reason_to_stop(grown: Templates) -> None:
    said: list[str] = []
    tree = Templates({}, said.append)
    try:
        first = tree.start()
        template = tree._grown[()]
        assert template._process is not None
        template._process.kill()
        template._process.wait()
        first.close()  # nobody can tell its exit code any more
        another = tree.start()
        parent = _parent(another)
        another.close()
        assert parent == os.getpid(), "it is started afresh"
    finally:
        tree.close()
    (told,) = said
    assert told.startswith("the process that workers are forked from ")
    assert told.endswith("; they are started afresh")


def test_workers_are_started_afresh_where_that_is_asked() -> None:
    starting = Starting(lambda _: None, fork=False)
    try:
        starting.prepare(["keep"], [("foolbox", IMAGES)])
        worker = starting.on_cpu("system")("", "")
        parent = _parent(worker)
        worker.close()
        assert parent == os.getpid()
        assert not starting.forks
    finally:
        starting.close()


def _threads(worker: WorkerProcess) -> int:
    return len(list(Path(f"/proc/{worker.pids[0]}/task").iterdir()))


def _parent(worker: Worker) -> int:
    return int(Path(f"/proc/{worker.pids[0]}/stat").read_text().rpartition(")")[2].split()[1])
