"""Which engine a run has, and what commands and an allocation of Slurm's come to."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.errors import UsageError
from bench.running import far
from bench.running.berths import Berths
from bench.running.engines import lines, registry, slurm
from bench.running.engines.command import Command
from bench.running.engines.lines import CommandLine
from bench.running.engines.local import Local
from bench.running.engines.ray import Ray
from bench.running.engines.slurm import Slurm
from bench.running.far import Agreed, LineLost
from tests.commands import request
from tests.places import DATA

TINY = ("--models", "test_resnet", "--libs", "foolbox", "--attacks", "pgd", "--batch", "2")


def engine(*words: str) -> Any:
    return registry.of(request("run", *TINY, *words), lambda text: None)


def command(*commands: str) -> Command:
    return Command(commands, None, Agreed(), lambda text: None)


def test_without_a_word_it_is_this_machine_and_with_a_command_that() -> None:
    assert isinstance(engine(), Local)
    assert isinstance(engine("--worker-command", "ssh node7"), Command)
    assert [place.name for place in engine().places()] == [""]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--address", "a:1"], "--address is for --engine ray, and this is local"),
        (["--worker-python", "p"], "--worker-python is for --engine command or slurm or ray"),
        (
            ["--engine", "slurm", "--worker-command", "ssh a"],
            "--worker-command is for --engine command, and this is slurm",
        ),
        (
            ["--engine", "local", "--worker-command", "ssh a"],
            "--worker-command is for --engine command, and this is local",
        ),
        (
            ["--engine", "command", "--worker-command", "ssh a", "--address", "a:1"],
            "--address is for --engine ray, and this is command",
        ),
        (["--engine", "command"], "--engine command needs --worker-command"),
        (["--worker-command", ""], "--worker-command is empty"),
        (["--worker-command", "ssh 'a"], "close its quotes"),
        (["--worker-command", "env", "--worker-command", "env "], "names a place twice"),
    ],
)
def test_options_of_another_engine_and_commands_that_are_none_are_refused_in_a_line(
    monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.delenv(slurm.JOB, raising=False)
    with pytest.raises(UsageError) as told:
        engine(*words)
    assert said in str(told.value)
    assert "\n" not in str(told.value)


def test_other_versions_may_be_let_pass_with_every_engine() -> None:
    assert isinstance(engine("--allow-other-versions"), Local)


def test_a_far_place_is_told_the_digests_of_the_user_s_files() -> None:
    file = DATA / "attacks.py"
    asked = request("run", "--attack", f"{file}:fgsm", "--models", "test_resnet", "--batch", "2")
    agreed = registry._agreed(asked, fork=True)
    assert list(agreed.files) == [str(file)]
    assert agreed.folder == str(Path.cwd())


def test_words_in_quotes_are_one() -> None:
    made = command("sh -c 'exec \"$@\"' quoted")
    assert made._commands["sh -c 'exec \"$@\"' quoted"] == ["sh", "-c", 'exec "$@"', "quoted"]


def test_the_keeper_is_started_by_the_python_that_is_named() -> None:
    assert lines.keeper(None)[0] == sys.executable
    assert lines.keeper("/opt/python") == [
        "/opt/python",
        "-m",
        "semibackward_bench.home",
        lines.KEEPER,
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no-such-command-anywhere", "no-such-command-anywhere can't be run: No such file"),
        (
            "sh -c 'echo once >&2; echo Permission denied >&2; exit 255'",
            "ended with exit code 255; its last words: Permission denied",
        ),
        ("sh -c 'kill -9 $$'", "the command was killed by SIGKILL"),
        ("sh -c 'echo Welcome; echo 5; echo {}; exit 3'", "ended with exit code 3"),
        ("sh -c 'exec >&-; exec sleep 60'", "it closed its output and goes on"),
        ("sh -c 'exec sleep 60'", "nothing came back within 1 s"),
        ("sh -c 'printf \"\\033[2J::error::x\\n\" >&2; exit 1'", "[2J::error::x"),
    ],
)
def test_a_command_that_leads_nowhere_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    monkeypatch.setattr(far, "START_TIMEOUT", 1.0)
    monkeypatch.setattr(lines, "SECONDS_TO_END", 0.2)
    with pytest.raises(UsageError) as told:
        command(text).places()[0].open()
    assert "no worker can be brought there: " in str(told.value)
    assert said in str(told.value)
    assert str(told.value).isprintable()


def answering(*printed: str) -> list[str]:
    """A command that prints these lines for each that it reads."""
    code = f"import sys\nfor line in sys.stdin:\n for text in {printed}: print(text, flush=True)"
    return [sys.executable, "-c", code]


def test_what_a_command_prints_besides_is_passed_over() -> None:
    line = CommandLine(answering("Welcome to node7", "5", '["ok"]', '{"a": 1}', '{"ok": true}'))
    try:
        assert line.ask({"do": "greet"}, 30.0) == {"ok": True}
        assert line.ask({"do": "greet"}, 30.0) == {"ok": True}
    finally:
        line.close()


def test_a_line_that_is_closed_is_lost_for_whoever_asks() -> None:
    line = CommandLine(answering('{"ok": true}'))
    line.close()
    for _ in range(2):
        with pytest.raises(LineLost, match="exit code 0"):
            line.ask({"do": "greet"}, 30.0)


def test_a_command_that_does_not_end_by_itself_is_ended_with_all_that_it_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import psutil

    monkeypatch.setattr(lines, "SECONDS_TO_END", 0.2)
    told = tmp_path / "pids"
    line = CommandLine(
        [
            "sh",
            "-c",
            f"trap '' TERM; sleep 60 & echo $$ $! > {told}.tmp; mv {told}.tmp {told}; wait",
        ]
    )
    until = time.monotonic() + 30
    while not told.exists():
        assert time.monotonic() < until
        time.sleep(0.01)
    line.close()
    gone = [psutil.Process(int(pid)) for pid in told.read_text().split() if _lives(int(pid))]
    psutil.wait_procs(gone, timeout=30)
    assert not any(_lives(process.pid) for process in gone)


def test_where_one_place_fails_others_that_answer_nothing_are_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lines, "SECONDS_TO_END", 0.2)
    made = command("sh -c 'exec sleep 200'", "sh -c 'exit 3'", "sh -c 'exec sleep 201'")
    with (
        contextlib.ExitStack() as stack,
        pytest.raises(UsageError, match="ended with exit code 3"),
    ):
        Berths(request("run"), made, "keep", stack)


def _lives(pid: int) -> bool:
    import psutil

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def srun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An `srun` that notes what it was told, and runs the command here."""
    file = tmp_path / "srun"
    file.write_text(
        "#!/bin/sh\n"
        f'echo "$@" >> {tmp_path}/told\n'
        'while case "$1" in --*) true;; *) false;; esac; do shift; done\n'
        'exec "$@"\n'
    )
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return file


def allocation(variables: Mapping[str, str], slots: int | None = None) -> Slurm:
    return Slurm(slots, None, Agreed(), lambda text: None, {slurm.JOB: "1", **variables})


@pytest.mark.parametrize(
    ("variables", "gpus"),
    [
        ({}, 0),
        ({"SLURM_GPUS": "8"}, 8),
        ({"SLURM_GPUS": "h100:4"}, 4),
        ({"SLURM_GPUS": "h100:4,a100:2"}, 6),
        ({"SLURM_GPUS_ON_NODE": "4", "SLURM_JOB_NUM_NODES": "2"}, 8),
        ({"SLURM_GPUS_ON_NODE": "h100:4", "SLURM_NNODES": "3"}, 12),
        ({"SLURM_GPUS_PER_NODE": "h100:4(S:0-1)", "SLURM_JOB_NUM_NODES": "2"}, 8),
        ({"SLURM_JOB_GPUS": "0,1,3"}, 3),
        ({"SLURM_GPUS": "many"}, 0),
    ],
)
def test_an_allocation_has_a_slot_a_gpu(srun: Path, variables: dict[str, str], gpus: int) -> None:
    assert slurm.gpus(variables) == gpus
    made = allocation(variables)
    assert [place.name for place in made.places()] == [
        f"step {n}" for n in range(1, (gpus or 1) + 1)
    ]
    assert ("--gpus-per-task=1" in made.command()) is bool(gpus)


@pytest.mark.parametrize(
    ("variables", "slots", "cores"),
    [
        ({"SLURM_CPUS_ON_NODE": "64", "SLURM_GPUS_ON_NODE": "8"}, None, 8),
        (
            {"SLURM_CPUS_ON_NODE": "64", "SLURM_GPUS_ON_NODE": "8", "SLURM_JOB_NUM_NODES": "2"},
            None,
            8,
        ),
        ({"SLURM_CPUS_ON_NODE": "64", "SLURM_GPUS_ON_NODE": "8"}, 3, 21),
        ({"SLURM_CPUS_ON_NODE": "2", "SLURM_GPUS": "8"}, None, 1),
        # One task was asked for, with as many cores as all of its GPUs have together.
        (
            {"SLURM_CPUS_ON_NODE": "64", "SLURM_CPUS_PER_TASK": "64", "SLURM_GPUS": "8"},
            None,
            8,
        ),
        (
            {"SLURM_CPUS_ON_NODE": "64", "SLURM_CPUS_PER_TASK": "4", "SLURM_NTASKS": "8"},
            None,
            4,
        ),
        ({"SLURM_CPUS_PER_TASK": "6"}, None, 6),
        ({}, None, 0),
    ],
)
def test_a_step_has_its_share_of_the_cores(
    srun: Path, variables: dict[str, str], slots: int | None, cores: int
) -> None:
    words = allocation(variables, slots).command()
    told = [word for word in words if word.startswith("--cpus-per-task=")]
    assert told == ([f"--cpus-per-task={cores}"] if cores else [])


def test_a_step_is_started_by_srun_which_keeps_it_apart(srun: Path) -> None:
    given = {"SLURM_GPUS": "2", "SLURM_CPUS_ON_NODE": "4", "SLURM_MEM_PER_NODE": "8001"}
    made = allocation(given)
    command = made.command()
    assert command[:2] == ["env", "--unset=SLURM_GPUS"], "srun would take it for the step's own"
    assert command[command.index("srun") : -3] == [
        "srun",
        "--exact",
        "--ntasks=1",
        "--nodes=1",
        "--unbuffered",
        "--quiet",
        "--gpus=1",
        "--gpus-per-task=1",
        "--mem=4000M",
        "--cpus-per-task=2",
    ]
    starter = made.places()[0].open()
    starter.close()
    told = (srun.parent / "told").read_text()
    assert told.startswith("--exact --ntasks=1")
    assert told.strip().endswith(lines.KEEPER)


def test_more_slots_than_gpus_are_refused(srun: Path) -> None:
    with pytest.raises(UsageError, match="--slots 3: the allocation has 2 GPUs"):
        allocation({"SLURM_GPUS": "2"}, 3)


def test_outside_an_allocation_a_line_says_what_to_do(srun: Path) -> None:
    with pytest.raises(UsageError, match=r"inside an allocation: start it by `sbatch`") as told:
        Slurm(None, None, Agreed(), lambda text: None, {})
    assert "\n" not in str(told.value)


def test_without_srun_a_line_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="there is no srun here"):
        allocation({})


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "[::1]:1"])
def test_a_ray_cluster_that_is_not_there_is_one_line_at_once(address: str) -> None:
    with pytest.raises(
        UsageError, match=r"no Ray cluster answers at .*:1 .*mend --address"
    ) as told:
        Ray(None, address, Agreed(), print)
    assert "\n" not in str(told.value)
