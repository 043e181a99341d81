"""A worker's line home, and what user code finds in its place. Each in a process of its own."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import textwrap
from typing import Any

import pytest

from tests.places import ROOT

SERVE = """
import os
from bench.worker.channel import Channel, leave_fork

def answered(request):
{body}

channel = Channel()
while True:
    request = channel.next()
    try:
        answer = {{"returned": answered(request)}}
    except BaseException as error:
        if not channel.ours:
            leave_fork(error)
        answer = {{"raised": type(error).__name__, "said": str(error)}}
    if not channel.ours:
        leave_fork()
    channel.send(answer)
"""


def served(answered: str, requests: int = 1) -> tuple[list[dict[str, Any]], str]:
    """Answers to requests, each waited for, and what went to stderr; it ends when they do."""
    code = SERVE.format(body=textwrap.indent(textwrap.dedent(answered).strip(), "    "))
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        found = []
        for number in range(requests):
            process.stdin.write(json.dumps({"number": number}) + "\n")
            process.stdin.flush()
            found.append(json.loads(process.stdout.readline()))
        process.stdin.close()
        process.wait(timeout=60)
        return found, process.stderr.read()


def ends(process: int) -> bool:
    """Whether it does, within a minute; one that nobody has waited for has ended too."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 60)[0])
    finally:
        os.close(handle)


@pytest.mark.parametrize(
    "reads",
    [
        "input()",
        "breakpoint()",
        "import sys; sys.stdin.read()",
        "import sys; sys.stdin.readline()",
        "import sys; list(sys.stdin)",
        "import sys; sys.stdin.buffer.read()",
    ],
)
def test_who_reads_from_the_keyboard_fails_at_once_and_is_told_why(reads: str) -> None:
    (found,), _ = served(reads)
    assert found["raised"] == "EOFError"
    assert "nobody can type into a measured run" in found["said"]


def test_a_program_that_is_started_finds_stdin_empty() -> None:
    (found,), _ = served(
        "import subprocess; return subprocess.run(['cat'], capture_output=True).stdout.decode()"
    )
    assert found == {"returned": ""}


def test_what_is_printed_is_no_answer() -> None:
    (found,), said = served("print('chatter'); os.system('echo more'); return 1")
    assert found == {"returned": 1}
    assert "chatter" in said
    assert "more" in said


def test_a_forked_pool_comes_back() -> None:
    """A fork inherits no lock that a reader of the requests holds."""
    (found,), _ = served(
        """
        import multiprocessing
        with multiprocessing.get_context("fork").Pool(2) as pool:
            return pool.map(abs, [-1, -2])
        """
    )
    assert found == {"returned": [1, 2]}


def test_forks_that_come_back_answer_nothing_and_read_nothing() -> None:
    """Neither one that returns, nor one that raises, nor one that exits."""
    found, said = served(
        """
        child = os.fork()
        if not child:
            if request["number"] == 0:
                return "the child's"
            if request["number"] == 1:
                raise ValueError("the child's")
            raise SystemExit(3)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        """,
        requests=3,
    )
    assert found == [{"returned": 0}, {"returned": 1}, {"returned": 3}]
    assert said.count("ValueError: the child's") == 1


def test_a_fork_that_stays_behind_does_not_keep_the_worker_from_ending() -> None:
    (found,), _ = served(
        """
        import time
        child = os.fork()
        if not child:
            time.sleep(600)
        return child
        """
    )
    assert ends(found["returned"])


def test_user_code_that_exits_is_an_answer() -> None:
    (found,), _ = served("import sys; sys.exit('done')")
    assert found == {"raised": "SystemExit", "said": "done"}
