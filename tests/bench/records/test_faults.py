"""What can go wrong with the file of records: other runs, full disks, damage, other code."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.errors import EnvironmentMismatch, OutputError, UsageError
from bench.records import provenance, reading
from bench.records.journal import Journal
from bench.records.reading import RecordError
from bench.worker import failures
from tests.commands import MINE, PATIENCE, started, wait_until
from tests.places import ROOT
from tests.records import ENVIRONMENT
from tests.workers import Notes, ScriptedWorker, comparison, measure, runner

SHORT = replace(measure(ScriptedWorker()), seconds={}, order=[], processes=[])


def two_processes() -> list[reading.Record]:
    notes = Notes()
    runner(iter([ScriptedWorker(), ScriptedWorker()]), processes=2).run([comparison()], notes)
    return notes.written


RECORDS = (
    ENVIRONMENT,
    SHORT,
    replace(SHORT, case_id="another", status="failed", speedup=None, verdict=None),
    *two_processes()[:1],
)
LINES = [reading.to_line(record).encode() for record in RECORDS]


def test_two_runs_do_not_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    with Journal(path) as first:
        first.begin(ENVIRONMENT)
        with pytest.raises(UsageError, match="another run is writing"):
            Journal(path, resume=True)
        assert len(path.read_text().splitlines()) == 1
    with Journal(path, resume=True) as second:
        second.begin(ENVIRONMENT)


def test_the_lock_ends_with_the_process(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    code = (
        "import sys, time; from pathlib import Path; from bench.records.journal import Journal;"
        "from tests.records import ENVIRONMENT; j = Journal(Path(sys.argv[1]));"
        "j.begin(ENVIRONMENT); print('locked', flush=True); time.sleep(600)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(UsageError, match="another run"):
            Journal(path, resume=True)
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        holder.stdout.close()  # type: ignore[union-attr]
    with Journal(path, resume=True) as journal:
        journal.begin(ENVIRONMENT)


@pytest.mark.parametrize("written", [0, 1, 100])
def test_a_full_disk_takes_nothing_that_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    path = tmp_path / "x.jsonl"
    real = os.write
    room = written

    def write(file: int, data: bytes) -> int:
        nonlocal room
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        count = real(file, data[:room])
        room -= count
        return count

    with Journal(path) as journal:
        journal.begin(ENVIRONMENT)
        monkeypatch.setattr("bench.records.journal.os.write", write)
        with pytest.raises(OutputError, match=r"No space left on device; .* make room.*--resume"):
            journal.append(SHORT)
        monkeypatch.undo()
    assert path.read_bytes() == LINES[0]
    with Journal(path, resume=True) as journal:
        journal.begin(ENVIRONMENT)
        journal.append(SHORT)
    assert reading.read(path).comparisons == (SHORT,)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"code": "other"}, "code: other then"),
        ({"bench_version": "9"}, "bench_version: 9 then"),
        ({"libraries": {"foolbox": "0"}}, "foolbox: 0 then, 3 now"),
        ({"files": {"mine.py": "0"}}, "mine.py: 0 then, 1 now"),
    ],
)
def test_a_journal_of_other_code_or_another_library_is_not_resumed(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    now = replace(ENVIRONMENT, code="this", libraries={"foolbox": "3"}, files={"mine.py": "1"})
    path = tmp_path / "x.jsonl"
    path.write_text(reading.to_line(replace(now, **change)))  # type: ignore[arg-type]
    with Journal(path, resume=True) as journal, pytest.raises(EnvironmentMismatch, match=said):
        journal.begin(now)


def test_the_code_has_a_digest_and_so_has_what_the_user_brings(tmp_path: Path) -> None:
    assert provenance.code() == provenance.code()
    attack, weights = tmp_path / "a.py", tmp_path / "w.pt"
    attack.write_text("def f(model, images, labels): ...\n")
    weights.write_bytes(b"1")
    before = provenance.files([f"{attack}:f", "json:dumps"], [weights])
    assert before.keys() == {str(attack), str(weights)}
    weights.write_bytes(b"2")
    after = provenance.files([f"{attack}:f"], [weights])
    assert after[str(attack)] == before[str(attack)]
    assert after[str(weights)] != before[str(weights)]


DAMAGE = st.one_of(
    st.tuples(st.just("cut"), st.integers(0, 10**6)),
    st.tuples(st.just("drop a line"), st.integers(0, len(LINES) - 1)),
    st.tuples(st.just("repeat a line"), st.integers(0, len(LINES) - 1)),
    st.tuples(st.just("insert"), st.integers(0, 10**6), st.binary(min_size=1, max_size=20)),
    st.tuples(st.just("replace"), st.integers(0, 10**6), st.binary(min_size=1, max_size=20)),
)


def damaged(kind: str, place: int, what: bytes = b"") -> bytes:
    whole = b"".join(LINES)
    at = place % (len(whole) + 1)
    if kind == "cut":
        return whole[:at]
    if kind == "insert":
        return whole[:at] + what + whole[at:]
    if kind == "replace":
        return whole[:at] + what + whole[at + len(what) :]
    again = 2 if kind == "repeat a line" else 0
    return b"".join(line * (again if i == place else 1) for i, line in enumerate(LINES))


def mended(data: bytes) -> bytes:
    """Without a cut last line; one that lacks its line feed alone gets it."""
    whole, feed, last = data.rpartition(b"\n")
    try:
        json.loads(last)
    except ValueError:
        return whole + feed
    return data + b"\n"


@given(DAMAGE)
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_damaged_journal_is_mended_or_refused_and_never_worse(
    tmp_path: Path, damage: tuple[str, int] | tuple[str, int, bytes]
) -> None:
    path = tmp_path / "x.jsonl"
    data = damaged(*damage)
    path.write_bytes(data)
    found = None
    with contextlib.suppress(RecordError):  # and nothing else
        found = reading.read(path)
    try:
        with Journal(path, resume=True) as journal:
            journal.begin(ENVIRONMENT)
            done = journal.done()
            if SHORT.key not in done:
                journal.append(SHORT)
    except (EnvironmentMismatch, UsageError):
        assert path.read_bytes() == data, "a file that is refused is left as it was"
        return
    # What could be resumed can be read; every whole line is still there, and what was left to do.
    again = reading.read(path)
    assert SHORT.key in {record.key for record in again.comparisons}
    whole = mended(data) if data.strip() else reading.to_line(ENVIRONMENT).encode()
    assert path.read_bytes() == (data if SHORT.key in done else whole + LINES[1])
    if found is not None:
        assert {r.key for r in found.comparisons} <= {r.key for r in again.comparisons}
        assert done == {r.key for r in found.comparisons if r.status in ("ok", "unequal")}


def start(path: Path, *words: str) -> subprocess.Popen[str]:
    """The program on a slow case."""
    return started(
        *("--attack", f"{MINE}:fgsm", "--models", "wrn_10_1", "--image-size", "32", "--batch", "1"),
        *("--max-seconds", "1", "--processes", "2", "--memory", "keep", "--out", path, *words),
    )


def kinds(path: Path) -> list[str]:
    """Of the whole lines; one may be half-written just now."""
    whole, _, _ = (path.read_text() if path.exists() else "").rpartition("\n")
    return [json.loads(line)["kind"] for line in whole.splitlines()]


def test_a_terminated_run_is_resumed_between_its_processes(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    run = start(path)
    wait_until(lambda: "process" in kinds(path), run)
    run.terminate()
    _, said = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "--resume` to go on" in " ".join(said.split())
    before = path.read_text().splitlines()
    assert kinds(path) == ["environment", "process"]
    run = start(path, "--resume")
    _, said = run.communicate(timeout=PATIENCE)
    assert run.returncode == 0, said
    assert path.read_text().splitlines()[: len(before)] == before, "nothing was repeated"
    (record,) = reading.read(path).comparisons
    several = set(record.processes)
    assert several == set(range(len(several))) >= {0, 1}
    assert kinds(path).count("process") == len(several) - 1, "the last one's record says it all"


def test_a_bare_assertion_tells_its_line() -> None:
    with pytest.raises(AssertionError) as raised:
        raise AssertionError
    said = failures.reason_of(raised.value)
    assert re.fullmatch(r"AssertionError in test_faults\.py, line \d+", said)
    assert failures.reason_of(AssertionError()) == "AssertionError"
