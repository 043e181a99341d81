"""The program as its user meets it, in processes of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.kinds.images.options import ImageOptions
from bench.records import reading
from reports.reading import memory
from tests.bench.commands.conftest import Bench
from tests.commands import MINE, MODELS, QUICKLY, SMALL, bench, started, wait_until
from tests.places import ROOT


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["run", "--help"],
        ["list"],
        ["counts", "--help"],
        ["compare", "--help"],
        ["advise", "--help"],
        *(["list", t] for t in ("libs", "attacks", "models")),
    ],
    ids=" ".join,
)
def test_help_and_list_import_no_torch(words: list[str]) -> None:
    code = (
        "import sys; from bench import cli\n"
        "try:\n    cli.main(sys.argv[1:])\n"
        "except SystemExit as end:\n    assert end.code == 0\n"
        "heavy = {'torch', 'timm', 'numpy', 'pydantic', 'rich', 'sklearn'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_controlling_process_of_a_run_imports_no_torch_and_nothing_of_an_extra() -> None:
    code = (
        "import sys; import bench.commands.run, bench.running.runner, bench.commands.doctor\n"
        "import reports.formats.markdown, reports.formats.terminal\n"
        "import bench.commands.model_doctor, bench.commands.counts, bench.compare.comparing\n"
        "import bench.advising.climbing, bench.running.stepwise, reports.formats.advised\n"
        "import reports.formats.compared\n"
        "extra = {'torch', 'pandas', 'jinja2', 'matplotlib'} & set(sys.modules)\n"
        "assert not extra, extra"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_list_names_what_there_is() -> None:
    said = bench("list").stdout
    for name in ("torchattacks", "cleverhans", "pgd", "semi-backward", "quick", "timm"):
        assert name in said
    assert "resnet50" in bench("list", "models").stdout.split()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--libs", "folbox"], "unknown library 'folbox'; did you mean foolbox?"),
        (["--attacks", "pgdd"], "unknown attack 'pgdd'; did you mean pgd"),
        (["--models", "resnet19"], "unknown model 'resnet19'; did you mean resnet"),
        (["--dtype", "float31"], "unknown dtype 'float31'; did you mean float"),
        (["--variants", "semibackward"], "did you mean semi-backward?"),
        (["--variants", "original"], "nothing to hold against original"),
        (["--libs", "foolbox", "--variants", "forward-only"], "forward-only is for black-box"),
        (["--classes", "0"], "at least 1"),
        (["explain", "--attacks", "pgdd"], "unknown attack 'pgdd'; did you mean pgd"),
        (["advise", "--libs", "foolbox", "art"], "one case, and this is 2: name one by --libs"),
        (
            ["advise", "--attacks", "pgd"],
            "advise takes one case, and this is 6: name one by --libs",
        ),
        (["advise", "--batch", "4", "8", "--steps", "2", "3"], "by --batch, --steps"),
        (["advise", "--variants", "frozen"], "unknown variant 'frozen'"),
        (["advise", "--variants", "original"], "nothing to hold against original"),
        (["advise", "--baseline", "compiled"], "against original: leave out --baseline"),
        (["advise", "--a-a"], "leave out --baseline and --a-a"),
        (["advise", "--budget", "0"], "above 0"),
        (["advise", "--exact", "--any"], "not allowed with argument --exact"),
        (["advise", "--libs", "openattack"], "advise is for attacks on images"),
        (["advise", "--training", "pgd"], "advise is for attacks on images"),
        (["advise", "--attack", f"{MINE}:fgsm", "--attack", f"{MINE}:along"], "by --attack"),
        (["explain", "--format", "html"], "invalid choice: 'html'"),
        (["--suite", "quik"], "unknown suite 'quik'; did you mean quick?"),
        (["--suite", "absent.toml"], "suite absent.toml: can't be read"),
        (["--batch", "0"], "at least 1"),
        (["--batch", "-3"], "at least 1"),
        (["--batch", "many"], "'many' is no number"),
        (["--seed", "-1"], "from 0 to"),
        (["--seed", "4294967296"], "from 0 to"),
        (["--attack", "adapters.no_such_module:pgd"], "there is no module"),
        (["--precision", "0"], "above 0"),
        (["--precision", "nan"], "above 0"),
        (["--images", "absent"], "absent is not a folder"),
        (["--images", "bench"], "holds no image"),
        (["--weights", "absent.pt"], "there is no such file"),
        (["--attack", "absent.py:pgd"], "can't read absent.py"),
        (["--out", "pyproject.toml"], "exists"),
        (["--out", "pyproject.toml/x.jsonl"], "can't write"),
        (["--resume"], "--resume needs --out"),
        (["--nonsense"], "unrecognized arguments"),
        (["nonsense"], "invalid choice"),
        (["list", "lib"], "unknown topic 'lib'; did you mean libs?"),
        (["report", "absent.jsonl"], "can't be read"),
        (["report", "pyproject.toml"], "line 1 is no record"),
        (["--device", "cuda:99"], "--device cuda:99: torch"),
        (["--device", "tpu"], "unknown device 'tpu'"),
        (["--training", "pdg"], "unknown training 'pdg'; did you mean pgd?"),
        (["--training", "pgd", "--data", "absent"], "a folder that holds cifar-10-batches-py/"),
        (["--training", "pgd", "--image-size", "64"], "leave out --image-size"),
        (["--training", "pgd", "--batch", "2000"], "digits has 1437 images"),
        (["--training", "pgd", "--libs", "art", "--attacks", "lots"], "unknown attack 'lots'"),
        (["--training", "pgd", "--libs", "art", "--attacks", "tpgd"], "unknown attack 'tpgd'"),
        (["--training", "pgd", "--libs", "foolbox", "--attacks", "boundary"], "gradients in a"),
        (["--training", "pgd", "--variants", "forward-only"], "forward-only is for black-box"),
        (["train", "--plan", "200"], "no EPOCHSxIMAGES"),
        (["report", "x.jsonl", "--format", "figures"], "name a folder with --out"),
        (["doctor", "--model", "resnet19"], "unknown model 'resnet19'; did you mean resnet"),
        (["doctor", "--model", "absent.py:build"], "--model absent.py:build: can't read absent.py"),
        (["doctor", "--model", "absent.py"], "for instance my_models.py:build"),
        (["doctor", "--model", "no.such:build"], "there is no module no.such"),
        (["doctor", "--model", f"{MODELS}:build"], "defines no build"),
        (["doctor", "--model", f"{MODELS}:size"], "gives int; it must be a torch.nn.Module"),
        (["doctor", "--model", "tests.data.models:absent"], "has no attribute 'absent'"),
        (["doctor", "--image-size", "32"], "--image-size is for the images that a model is tried"),
        (["doctor", "--input", "1x28x28"], "--input is for the images that a model is tried with"),
        (["doctor", "--model", "resnet18", "--input", "28x28"], "'28x28' is no shape of images"),
        (
            ["doctor", "--model", "resnet18", "--input", "1x28x28", "--image-size", "28"],
            "not allowed with argument --input",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_one_line_and_exit_2(bench_here: Bench, words: list[str], said: str) -> None:
    runs = ROOT / "runs"
    before = sorted(runs.iterdir()) if runs.exists() else []
    done = bench_here(*words)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert (sorted(runs.iterdir()) if runs.exists() else []) == before


@pytest.mark.parametrize("words", [["--batch", "0"], ["--libs", "folbox"]], ids=" ".join)
def test_the_process_ends_as_the_program_says(bench_here: Bench, words: list[str]) -> None:
    here, there = bench_here(*words), bench(*words)
    assert (there.returncode, there.stdout, there.stderr) == (2, "", here.stderr)


def test_a_run_with_everything_that_can_go_wrong(tmp_path: Path, bench_here: Bench) -> None:
    """One run: a library that works, one that can't be imported, and users' attacks, good and bad.
    Each becomes a row; none takes the others down."""
    broken = tmp_path / "path" / "advertorch"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('broken on purpose')")
    specs = (
        *("fgsm", "raises", "forgets_its_seed", "looks_at_the_flags", "wrong_shape"),
        *("no_tensor", "too_large", "killed"),
    )
    out = tmp_path / "new" / "run.jsonl"
    done = bench(
        *(*SMALL, *QUICKLY, "--libs", "advertorch", "foolbox", "--processes", "2", "--out", out),
        *(word for spec in specs for word in ("--attack", f"{MINE}:{spec}")),
        PYTHONPATH=str(tmp_path / "path"),
    )
    assert done.returncode == 5, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "chatter" not in done.stdout
    found = {
        (r.case.library if r.case.library != "user" else r.case.attack.partition(":")[2]): r
        for r in reading.read(out).comparisons
    }
    assert {name: record.status for name, record in found.items()} == {
        "foolbox": "ok",
        "advertorch": "unsupported",
        "fgsm": "ok",
        "raises": "failed",
        "forgets_its_seed": "unequal",
        "looks_at_the_flags": "unequal",
        "wrong_shape": "failed",
        "no_tensor": "failed",
        "too_large": "out-of-memory",
        "killed": "failed",
    }
    for name, said in {
        "advertorch": "python -m pip install advertorch",
        "raises": "ValueError: the attack fell over",
        "forgets_its_seed": "does not repeat itself",
        "looks_at_the_flags": "semi-backward gives other adversarial examples",
        "wrong_shape": r"shape \(1, 3, 32, 32\) for images of shape \(2, 3, 32, 32\)",
        "no_tensor": "returned list",
        "killed": "killed by SIGKILL.*last words",
    }.items():
        assert re.search(said, found[name].reason or ""), name
        assert found[name].speedup is None
    good = found["foolbox"]
    assert good.equality is not None
    assert good.equality.bitwise
    assert good.gradients is not None
    assert (good.gradients["call"], good.gradients["semi-backward"]) == ("backward", 0)
    assert good.gradients["original"] == good.gradients["parameters"]
    assert good.memory is not None
    assert int(good.memory["original"]) > int(good.memory["semi-backward"])
    assert good.operations is not None
    counted, frozen = (good.operations[name] for name in ("original", "semi-backward"))
    assert counted.moved is not None
    assert frozen.moved is not None
    assert good.theory == {
        "speedup": pytest.approx(7 / 5),
        "basis": "flops",
        "bytes": counted.moved / frozen.moved,
    }
    assert counted.moved > frozen.moved
    assert counted.forward == frozen.forward
    assert counted.backward > frozen.backward
    assert counted.images == 3 * good.case.batch, "two steps and a look at what they made"
    assert len(good.seconds["original"]) == 2 * len(good.order)
    lines = [*done.stdout.splitlines(), *done.stderr.splitlines()]
    assert [line for line in lines if len(line) > 80 and " " in line.strip()] == []
    assert "unsupported: advertorch can't be used" in done.stdout
    assert "failed: ValueError: the attack fell over" in done.stdout
    assert "8 cases came to no speedup (1 unsupported" in " ".join(done.stdout.split())
    again = bench_here("report", out)
    assert again.returncode == 0
    assert re.search(r"\| library +\| +advertorch \| +foolbox \|", again.stdout)
    assert f"bench report {out} " in " ".join(done.stdout.replace("\\\n", "").split())


def test_interrupted_by_ctrl_c(tmp_path: Path) -> None:
    """What was measured is on disk, the worker is gone, the exit code is 130, resume goes on."""
    out, told = tmp_path / "run.jsonl", tmp_path / "processes"
    words = [*SMALL, "--out", str(out), "--steps", "2", "--precision", "1e-9"]
    words += ["--attack", f"{MINE}:fgsm", "--attack", f"{MINE}:tells_its_process"]
    words += ["--processes", "1", "--memory", "keep"]  # one case is over before the next begins
    running = started(*words, "--max-seconds", "2", TELL_PROCESS=str(told))
    wait_until(told.exists, running)  # the first case is over, the second runs
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in said
    assert f"--out {out} --resume" in " ".join(said.split())
    assert [r.case.attack for r in reading.read(out).comparisons] == [f"{MINE}:fgsm"]
    for process in told.read_text().split():
        with pytest.raises(ProcessLookupError):
            os.kill(int(process), 0)
    done = bench(*words, "--max-seconds", "0.5", "--resume", TELL_PROCESS=str(told))
    assert done.returncode == 0, done.stderr
    assert "1 already measured, not repeated" in done.stderr
    assert [r.status for r in reading.read(out).comparisons] == ["ok", "ok"]


def test_without_torch_every_command_says_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("raise ImportError('no torch here')")
    for command in ([], ["doctor"], ["doctor", "--model", "resnet18"]):
        done = bench(*command, PYTHONPATH=str(tmp_path))
        said = " ".join((done.stdout + done.stderr).split())
        assert done.returncode == (5 if command == ["doctor"] else 2)
        assert "no torch here" in said
        assert "python -m pip install torch torchvision" in said
        assert "Traceback" not in said


def test_a_closed_pipe_is_no_fault() -> None:
    done = subprocess.run(
        f"{sys.executable} -m bench list models | head -1",
        shell=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it forks and tells glibc")
def test_how_workers_start_and_what_they_do_with_memory_is_recorded(tmp_path: Path) -> None:
    out = tmp_path / "run.jsonl"
    words = ["--attack", f"{MINE}:fgsm", *SMALL, *QUICKLY, "--processes", "1", "--out", out]
    words.append("--wide")
    done = bench(*words, "--memory", "system", "--workers", "afresh")
    assert done.returncode == 0, done.stderr
    (record,), environment = reading.read(out).comparisons, reading.read(out).environment
    assert environment.workers == "afresh"
    assert environment.memory is not None
    assert (environment.memory.policy, record.as_given) == ("system", None)
    assert "Memory: as the system gives it" in done.stdout
    assert "within this process" in done.stdout
    assert "95 % interval" not in done.stdout
    done = bench(*words, "--memory", "both", "--resume")
    assert done.returncode == 4, "that is another environment"
    out.unlink()
    done = bench(*words, "--memory", "both")
    assert done.returncode == 0, done.stderr
    (record,), environment = reading.read(out).comparisons, reading.read(out).environment
    assert environment.workers == "forked"
    assert environment.memory is not None
    assert (environment.memory.policy, environment.memory.kept) == ("keep", True)
    assert not any(name.startswith("MALLOC") for name in environment.variables)
    assert record.faults is not None
    held_up = any("most blocks were disturbed" in warning for warning in record.warnings)
    assert (record.as_given is None) is held_up
    told = "with memory as the system gives it can't be told" if held_up else memory.AS_GIVEN
    assert told in " ".join(done.stdout.split()), "the row, or why there is none"


def test_explain_dissects_what_it_measures(tmp_path: Path, bench_here: Bench) -> None:
    out = tmp_path / "run.jsonl"
    words = ["--libs", "reference", "torchattacks", "--attacks", "pgd-backward", "square"]
    words += [*SMALL, *QUICKLY, "--classes", "10", "--processes", "1"]
    done = bench_here("explain", *words, "--out", out)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "reference pgd-backward, semi-backward: " in said
    assert "torchattacks square, forward-only: gradient-free" in said
    found = reading.read(out)
    variants = sorted(record.variant for record in found.comparisons)
    assert variants == ["forward-only", "semi-backward", "semi-backward"]
    for record in found.comparisons:
        assert record.anatomy is not None
        assert ImageOptions.of(record.case).classes == 10
    again = bench_here("report", out, "--format", "explained")
    assert "reference pgd-backward, semi-backward: " in again.stdout


def test_explain_writes_a_paragraph_for_a_bug_report(tmp_path: Path, bench_here: Bench) -> None:
    words = ["--attack", f"{MINE}:fgsm", *SMALL, *QUICKLY, "--processes", "1"]
    done = bench_here("explain", *words, "--format", "md", "--out", tmp_path / "run.jsonl")
    assert done.returncode == 0, done.stderr
    assert "reproduce with:" in done.stdout
    assert "python -m bench explain --attack" in done.stdout
