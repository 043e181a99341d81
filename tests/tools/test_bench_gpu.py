"""The first minutes on a GPU: the parts in order, their shares of the time, what a cut leaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import BenchError, EnvironmentMismatch, UsageError
from bench.records.journal import Journal
from tests.cases import changed
from tests.commands import chosen
from tests.records import ENVIRONMENT, GAIN
from tools.bench_gpu import __main__ as command
from tools.bench_gpu import diary as diaries
from tools.bench_gpu import facts, parts
from tools.bench_gpu.child import Ended
from tools.bench_gpu.diary import Diary, Entry
from tools.bench_gpu.parts import PARTS, RECORDS, Part

ORDER = (
    "facts probe foolbox tests libraries faster batch-sizes models attacks text training"
    " every-attack"
)


def test_the_most_telling_comes_first() -> None:
    assert " ".join(part.name for part in PARTS) == ORDER


def test_no_more_than_eight_files_are_left() -> None:
    left = {part.leaves for part in PARTS} | {diaries.NAME, "report.md"}
    assert len(left) <= 8


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize("part", [part for part in PARTS if part.leaves == RECORDS])
def test_every_part_of_comparisons_chooses_some(part: Part, small: bool) -> None:
    device = "cpu" if small else "cuda:0"
    module, *words = part.command(small=small, device=device, out="x")
    assert module == "bench"
    found = chosen(*words, device=device)
    assert found
    assert all(comparison.case.device == device for comparison in found)


def test_a_share_is_of_what_is_left_and_what_one_does_not_use_is_the_others() -> None:
    one, two, three = (replace(PARTS[0], share=share) for share in (1, 1, 2))
    assert parts.limit(80, [one, two, three]) == 20
    assert parts.limit(79, [two, three]) == pytest.approx(79 / 3)
    assert parts.limit(50, [three]) == 50
    assert parts.limit(-1, [three]) == 0


@pytest.mark.parametrize(
    ("name", "folder"),
    [("NVIDIA H200", "nvidia-h200"), ("NVIDIA A100-SXM4-80GB", "nvidia-a100-sxm4-80gb")],
)
def test_a_gpus_results_lie_under_its_name(name: str, folder: str) -> None:
    assert command.folder_name(name) == folder


def test_nothing_begins_without_the_device_even_where_the_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(device: str) -> str:
        raise UsageError(f"--device {device}: torch sees only cpu here")

    monkeypatch.setattr(command, "gpu_name", missing)
    assert command.main(["--out", str(tmp_path / "out")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "bench-gpu: --device cuda: torch sees only cpu here"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("device", "said"), [("cpu", "rehearsal"), ("mps", "cuda:N")])
def test_a_rehearsal_goes_nowhere_by_itself_and_other_devices_are_refused(
    device: str, said: str
) -> None:
    with pytest.raises(BenchError, match=said):
        command.place(device, None)


class Clock:
    """Scripted: parts take so long, or what they may, whichever is less."""

    def __init__(self, takes: dict[str, float], file: Callable[[Part], None]) -> None:
        self.now = 1000.0
        self.ran: list[tuple[str, float]] = []
        self._takes = takes
        self._file = file

    def __call__(self) -> float:
        return self.now

    def run(self, part: Part, seconds: float) -> Ended:
        self.ran.append((part.name, round(seconds, 3)))
        wanted = self._takes[part.name]
        self.now += min(wanted, seconds)
        self._file(part)
        return Ended(130, cut=True) if wanted > seconds else Ended(0)


def fake(name: str, share: float, leaves: str) -> Part:
    return Part(name, name, share, words=(name,), leaves=leaves)


THREE = (fake("facts", 1, "facts.txt"), fake("first", 1, RECORDS), fake("second", 2, RECORDS))


def leave(folder: Path) -> Callable[[Part], None]:
    """Write what a part leaves: of comparisons, another one each time."""

    def file(part: Part) -> None:
        path = folder / part.leaves
        if part.leaves != RECORDS:
            path.write_text("x")
            return
        with Journal(path, resume=True) as journal:
            journal.begin(ENVIRONMENT)
            case = changed(GAIN.case, batch=path.stat().st_size)
            journal.append(replace(GAIN, case_id=case.id, case=case))

    return file


def test_each_part_is_ended_at_its_share_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = Clock({"facts": 5, "first": 99, "second": 1}, leave(tmp_path))
    diary = Diary(tmp_path)
    command.go(diary, clock.run, 1080, clock, THREE)
    assert clock.ran == [("facts", 20), ("first", 25), ("second", 50)]
    assert [entry.how for entry in diary.entries.values()] == ["ended", "cut", "ended"]
    assert [entry.records for entry in diary.entries.values()] == [1, 1, 1]
    assert Diary(tmp_path).entries == diary.entries, "it is on disk"
    assert "first: cut at its limit after 25 s, 1 on disk" in capsys.readouterr().out
    assert diaries.code(diary.entries) == 0, "a part that was cut in order is no failure"


def test_a_second_call_goes_on_with_what_was_cut_and_repeats_nothing_else(tmp_path: Path) -> None:
    clock = Clock({"facts": 5, "first": 99, "second": 1}, leave(tmp_path))
    command.go(Diary(tmp_path), clock.run, 1080, clock, THREE)
    again = Clock({"first": 10}, leave(tmp_path))
    diary = Diary(tmp_path)
    command.go(diary, again.run, 1060, again, THREE)
    assert again.ran == [("first", 60)], "all the time is its own"
    entry = diary.entries["first"]
    assert (entry.how, entry.seconds, entry.records) == ("ended", 35, 2)


def test_parts_without_time_are_not_begun(tmp_path: Path) -> None:
    clock = Clock({"facts": 90, "first": 1, "second": 1}, leave(tmp_path))

    def overrun(part: Part, seconds: float) -> Ended:
        clock.now += 100  # as when it had to be killed
        return clock.run(part, seconds)

    diary = Diary(tmp_path)
    command.go(diary, overrun, 1080, clock, THREE)
    assert list(diary.entries) == ["facts"]


def test_a_kill_leaves_that_the_part_was_running_and_the_next_call_runs_it(tmp_path: Path) -> None:
    def killed(part: Part, seconds: float) -> Ended:
        raise SystemExit  # nothing after the part's beginning is done

    with pytest.raises(SystemExit):
        command.go(Diary(tmp_path), killed, 1080, lambda: 1000.0, THREE)
    diary = Diary(tmp_path)
    assert diary.entries["facts"] == Entry("running")
    assert diaries.code(diary.entries) == 130
    clock = Clock({"facts": 5, "first": 1, "second": 1}, leave(tmp_path))
    command.go(diary, clock.run, 1080, clock, THREE)
    assert [name for name, _ in clock.ran] == ["facts", "first", "second"]


def test_an_interruption_is_written_down_and_handed_on(tmp_path: Path) -> None:
    def interrupted(part: Part, seconds: float) -> Ended:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        command.go(Diary(tmp_path), interrupted, 1080, lambda: 1000.0, THREE)
    assert Diary(tmp_path).entries["facts"].how == "cut"


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([Entry("ended", 1, 1, 0), Entry("cut", 1, 3, 130)], 0),
        ([Entry("ended", 1, 1, 0), Entry("cut", 1, 0, 130)], 5),
        ([Entry("ended", 1, 0, 0)], 5),
        ([Entry("ended", 1, 2, 5), Entry("ended", 1, 1, 0)], 5),
        ([Entry("ended", 1, 2, 5), Entry("failed", 1, 0, 70)], 70),
        ([Entry("ended", 1, 1, 1), Entry("ended", 1, 2, 5)], 1),
    ],
)
def test_the_exit_code_is_that_of_the_worst_part(entries: list[Entry], code: int) -> None:
    assert diaries.code({str(number): entry for number, entry in enumerate(entries)}) == code


def test_a_folder_of_something_else_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / diaries.NAME).write_text(json.dumps(["no", "diary"]))
    with pytest.raises(UsageError, match=r"parts\.json can't be read"):
        Diary(tmp_path)


def test_what_is_no_folder_is_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.touch()
    for out in (file, file / "below"):
        assert command.main(["--device", "cpu", "--small", "--out", str(out)]) == 2
        assert f"bench-gpu: {out} can't be made" in capsys.readouterr().err


def test_what_another_state_of_the_program_measured_is_not_gone_on_with(tmp_path: Path) -> None:
    diary = Diary(tmp_path)
    diary.check("now")
    with Journal(tmp_path / RECORDS) as journal:
        journal.begin(replace(ENVIRONMENT, code="then"))
    diary.check("then")
    with pytest.raises(EnvironmentMismatch, match=r"records\.jsonl was measured by another state"):
        diary.check("now")


def test_what_was_left_is_drawn_again(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    clock = Clock({"facts": 5, "first": 99, "second": 200}, leave(tmp_path))
    command.go(Diary(tmp_path), clock.run, 1080, clock, THREE)
    assert command.main(["--render", str(tmp_path)]) == 0
    told = capfd.readouterr().out
    assert "  probe         not begun" in told
    assert "| speedup" in told
    assert (tmp_path / "report.md").read_text(encoding="utf-8") in told
    assert command.main(["--render", str(tmp_path / "elsewhere")]) == 2


def test_facts_name_what_is_missing_and_what_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "COMMANDS", (("no-such-command", "-q"), ("echo", "said")))
    assert facts.main([str(tmp_path / "facts.txt")]) == 0
    lines = (tmp_path / "facts.txt").read_text(encoding="utf-8").splitlines()
    assert lines[:3] == ["$ no-such-command -q", "not installed", "$ echo said"]
    assert any(line.startswith("torch==") for line in lines)
