"""Two versions of a library against each other."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from bench import arguments, cli, duel, equality, installing, outputs, records, sides
from bench.cases import RIVAL, Comparison
from bench.duel_record import DuelRecord, DuelSide
from bench.errors import UsageError
from bench.merging import merged
from bench.pair import Pair, cores_of
from bench.pairing import TRIES, Pairs
from bench.pool import WorkerPool
from bench.process import WorkerDied
from bench.progress import PlainProgress
from bench.record_types import EqualityRecord
from bench.records import Run
from bench.runner import Runner
from bench.sides import Name, Side
from bench.statistics import Speedup
from bench.suites import Limits
from bench.thresholds import Threshold
from reports import duels, markdown
from tests.test_runner import ENVIRONMENT, PREPARED, Notes, ScriptedWorker, comparison
from tools.planted import package

ROOT = Path(__file__).resolve().parent.parent
BY_GRAD = """
import torch
def fgsm(model, images, labels):
    images = images.requires_grad_()
    loss = torch.nn.functional.cross_entropy(model(images), labels)
    (gradient,) = torch.autograd.grad(loss, images)
    return (images.detach() + 0.03 * gradient.sign()).clamp(0, 1)
"""
BY_BACKWARD = BY_GRAD.replace(
    "(gradient,) = torch.autograd.grad(loss, images)", "loss.backward(); gradient = images.grad"
)
CALLS_IT = "def attack(*given):\n    import tiny_attacks\n    return tiny_attacks.fgsm(*given)\n"


def source(folder: Path, text: str = BY_GRAD, version: str = "1.0", **about: Any) -> Path:
    name = about.pop("name", "tiny-attacks")
    return package.write(folder, name, version, {"tiny_attacks/__init__.py": text}, **about)


def side(name: Name = "a", folder: Path = Path("side"), version: str = "1.0") -> Side:
    asked = sides.Asked(name, f"lib=={version}", f"lib=={version}", local=False)
    return Side(asked, folder, "lib", version, ("lib",), "0")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("./bench", "--a ./bench: the folder is no package"),
        ("./absent", "there is no such folder or wheel"),
        ("absent-1.0-py3-none-any.whl", "there is no such folder or wheel"),
        ("./README.md", "no wheel or source archive"),
        ("torchattacks=3.5.1", "give a version, as torchattacks==3.5.1"),
        ("torchattacks @ https://example.org/x.whl", "what an address holds may change"),
    ],
)
def test_what_is_no_side_is_told(text: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(UsageError, match=said):
        sides.parse(text, "a")


def test_a_side_is_a_version_a_folder_or_a_wheel(tmp_path: Path) -> None:
    assert not sides.parse("torchattacks==3.5.1", "a").local
    folder = source(tmp_path / "fork")
    for path in (folder, package.wheel(folder, tmp_path / "wheels")):
        asked = sides.parse(str(path), "b")
        assert (asked.local, asked.source) == (True, str(path.resolve()))


def test_each_side_gets_its_own_version_without_a_network(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    for version in ("1.0", "2.0"):
        package.wheel(source(tmp_path / version, f"version = {version}", version), wheels)
    asked = sides.parse("tiny-attacks==1.0", "a"), sides.parse("tiny-attacks==2.0", "b")
    found = [installing.install(one, tmp_path / "made" / one.name, wheels) for one in asked]
    assert [str(one) for one in found] == ["tiny-attacks 1.0", "tiny-attacks 2.0"]
    assert {one.modules for one in found} == {("tiny_attacks",)}
    assert found[0].digest != found[1].digest
    for one in found:
        text = (one.folder / "tiny_attacks" / "__init__.py").read_text()
        assert text == f"version = {one.version}"
    with pytest.raises(UsageError, match=r"--a tiny-attacks==9 can't be installed: .*no version"):
        installing.install(sides.parse("tiny-attacks==9", "a"), tmp_path / "made" / "c", wheels)


def test_a_folder_that_was_edited_is_built_again(tmp_path: Path) -> None:
    asked = sides.parse(str(source(tmp_path / "fork", "one = 1")), "a")
    before = installing.install(asked, tmp_path / "first", None)
    again = installing.install(asked, tmp_path / "second", None)
    source(tmp_path / "fork", "two = 2")
    after = installing.install(asked, tmp_path / "third", None)
    assert before.version == after.version
    assert before.digest == again.digest != after.digest


def test_what_a_side_requires_and_the_environment_has_not_is_told(tmp_path: Path) -> None:
    requires = ["numpy<1", "pydantic>=2", "not-there-at-all", "colorama<0; extra == 'more'"]
    asked = sides.parse(str(source(tmp_path / "fork", requires=requires)), "a")
    first, second = installing.install(asked, tmp_path / "a", None).unmet
    assert first.startswith("numpy<1 (there is ")
    assert second == "not-there-at-all (there is none)"


def test_a_package_without_modules_is_no_side(tmp_path: Path) -> None:
    folder = package.write(tmp_path / "fork", "empty", "1", {"notes.txt": ""})
    with pytest.raises(UsageError, match="empty installs no Python module"):
        installing.install(sides.parse(str(folder), "a"), tmp_path / "a", None)


def test_what_does_not_build_is_told_in_a_line(tmp_path: Path) -> None:
    folder = source(tmp_path / "fork")
    (folder / "backend.py").write_text("raise RuntimeError('no building here')")
    with pytest.raises(UsageError, match=r"can't be installed: .*no building here"):
        installing.install(sides.parse(str(folder), "b"), tmp_path / "b", None)


def test_two_libraries_are_no_duel() -> None:
    other = replace(side("b"), distribution="other")
    with pytest.raises(UsageError, match=r"lib, --b .* is other: a duel is between two versions"):
        sides.check_pair(side(), other)
    sides.check_pair(side(), replace(side("b"), distribution="LIB"))


def test_the_library_is_that_of_the_sides() -> None:
    art = replace(side(), distribution="Adversarial_Robustness.Toolbox")
    assert sides.library_of(art) == "art"
    for unknown in ("lib", "torch", "openattack"):
        with pytest.raises(UsageError, match=r"no adapter knows .*--attack my_attack\.py:run"):
            sides.library_of(replace(side(), distribution=unknown))


def test_without_uv_its_install_command_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.installing.shutil.which", lambda name: None)
    monkeypatch.setattr("bench.installing.sys.executable", "/nowhere/python")
    with pytest.raises(UsageError, match="python -m pip install uv"):
        installing.uv()


TWICE = ("--a", "torchattacks==3.5.1", "--b", "torchattacks==3.5.1")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--a", "torchattacks==3.5.1"), "the following arguments are required: --b"),
        (("--a", "./bench", "--b", "torchattacks"), "--a ./bench: the folder is no package"),
        ((*TWICE, "--fail-if", "seconds:5%"), "unknown metric 'seconds'"),
        ((*TWICE, "--fail-if", "speedup:150%"), "can't fall by 100 % or more"),
        ((*TWICE, "--find-wheels", "absent"), "--find-wheels absent: there is no such folder"),
        ((*TWICE, "--models", "resnet19"), "unknown model 'resnet19'"),
        ((*TWICE, "--libs", "art"), "unrecognized arguments: --libs art"),
        ((*TWICE, "--out", "pyproject.toml"), "pyproject.toml exists"),
    ],
    ids=lambda value: " ".join(value[-2:]) if isinstance(value, tuple) else "",
)
def test_wrong_usage_is_told_before_anything_is_installed(
    words: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("bench.installing.install", None)
    with pytest.raises(UsageError, match=re.escape(said)):
        duel.run(arguments.parse(["duel", *words]), [])


def test_a_duel_takes_several_pairs_of_processes_by_itself() -> None:
    assert arguments.parse(["duel", *TWICE]).processes == 3
    assert arguments.parse(["duel", *TWICE, "--processes", "1"]).processes == 1
    assert arguments.parse(["run"]).processes is None


class SideWorker(ScriptedWorker):
    """One side's worker; notes in `log` what it is asked."""

    def __init__(self, name: str, log: list[str], **script: Any) -> None:
        self.name, self.log = name, log
        self.origin = script.pop("origin", f"side/lib/{name}.py")
        self.bitwise = script.pop("bitwise", True)
        gradients, memory = (
            {**{k: v for k, v in PREPARED[what].items() if k != "semi-backward"}, "a-a": 0}
            for what in ("gradients", "memory")
        )
        parts = dict.fromkeys(("original", "a-a"), PREPARED["memory_parts"]["original"])
        own = {**PREPARED, "gradients": gradients, "memory": memory, "memory_parts": parts}
        super().__init__(**{"prepared": own, **script})
        self.facts = {"ok": True, "side": name}

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        self.log.append(f"{self.name}: {request['do']}")
        if request["do"] == "origin":
            file = self.origin and str(Path(self.origin).resolve())
            return {"ok": True, "origin": {"lib": file} if file else {}}
        if request["do"] == "output":
            return {"ok": True, "shape": [1], "dtype": "float32"}
        if request["do"] == "compare":
            different = {"equal": False, "bitwise": False, "max_abs_diff": 0.5}
            return {"ok": True, "equality": PREPARED["equality"] if self.bitwise else different}
        return super().ask(request, timeout)


def pair_of(a: SideWorker | Exception, b: SideWorker | Exception) -> Callable[[], Pair]:
    def start(wanted: Side) -> SideWorker:
        worker = a if wanted.asked.name == "a" else b
        if isinstance(worker, Exception):
            raise worker
        return worker

    return lambda: Pair(side("a"), side("b", version="2.0"), start)


def fight(a: SideWorker, b: SideWorker, **limits: Any) -> tuple[DuelRecord, Notes]:
    told = {
        name: DuelSide(f"lib=={version}", "lib", version, "0")
        for name, version in (("a", "1.0"), ("b", "2.0"))
    }
    notes = Notes()
    runner = Runner(
        WorkerPool(pair_of(a, b)),
        Limits(**{"processes": 1, **limits}),
        seed=0,
        progress=PlainProgress(),
        as_written=lambda record: duel.as_duel(record, told),
    )
    runner.run([Comparison(comparison().case, RIVAL)], notes)
    (record,) = notes.written
    assert isinstance(record, DuelRecord)
    return record, notes


def test_runs_alternate_between_the_two_workers_in_the_order_of_the_blocks() -> None:
    log: list[str] = []
    a = SideWorker("a", log, times=lambda letter, run: 3.0)
    b = SideWorker("b", log, times=lambda letter, run: 2.0)
    found, _ = fight(a, b)
    timed = [line[0].upper() for line in log if line.endswith("blocks")]
    assert "".join(timed)[4:] == "".join(found.order), "one block warmed up"
    assert {"ABBA", "BAAB"} == set(found.order)
    assert (set(found.seconds["a"]), set(found.seconds["b"])) == ({3.0}, {2.0})
    assert found.speedup is not None
    assert found.speedup.estimate == pytest.approx(1.5)
    assert (found.status, found.verdict) == ("ok", "faster")
    assert set(a.orders + b.orders) == {"A"}, "each worker's original, whichever side it is"


def test_what_both_sides_found_becomes_one_record() -> None:
    counts = {"call": "autograd.grad", "parameters": 62, "original": 0, "a-a": 0}
    b = SideWorker("b", [])
    b.prepared = {**b.prepared, "gradients": counts, "unequal": "it does not repeat itself"}  # type: ignore[dict-item]
    found, _ = fight(SideWorker("a", []), b)
    assert found.gradients == {
        "parameters": 62,
        "call a": "backward",
        "call b": "autograd.grad",
        "a": 62,
        "b": 0,
    }
    assert found.memory == {"a": 2000, "b": 2000, "unit": "bytes", "what": "peak", "ratio": 1.0}
    assert found.memory_parts is not None
    assert found.memory_parts.keys() == {"a", "b"}
    assert found.warnings[:2] == ["beware", "b: it does not repeat itself"]
    assert [one.version for one in found.sides.values()] == ["1.0", "2.0"]


def test_a_pair_of_processes_serves_all_cases() -> None:
    pairs: list[Pair] = []

    def start() -> Pair:
        pairs.append(pair_of(SideWorker("a", []), SideWorker("b", []))())
        return pairs[-1]

    limits = Limits(processes=3)
    runner = Runner(WorkerPool(start), limits, 0, PlainProgress(), shared=True)
    cases = [comparison(model=model).case for model in ("resnet18", "resnet34")]
    found = runner.run([Comparison(case, RIVAL) for case in cases], Notes())
    assert len(pairs) == 3
    assert [set(record.processes) for record in found] == [{0, 1, 2}] * 2


def test_outputs_may_differ_and_are_told() -> None:
    found, _ = fight(SideWorker("a", []), SideWorker("b", [], bitwise=False))
    assert found.status == "ok"
    assert found.equality == EqualityRecord(equal=False, bitwise=False, max_abs_diff=0.5)
    assert found.speedup is not None


REFUSED = {
    "status": "unsupported",
    "reason": "lib can't be used: ImportError: oh; install it with: python -m pip install lib",
    "trace": "",
    "tainted": False,
}


@pytest.mark.parametrize(
    ("script", "status", "said"),
    [
        ({"refused": REFUSED}, "unsupported", "b: lib can't be used: ImportError: oh"),
        ({"prepared": WorkerDied("it was killed")}, "failed", "b: it was killed"),
        ({"fails_in_block": {3: WorkerDied("gone")}}, "failed", "b: gone"),
        ({"origin": "elsewhere/lib/__init__.py"}, "failed", "it imported lib from .*elsewhere"),
        ({"origin": None}, "failed", r"b: the attack imports nothing of lib \(lib\)"),
    ],
)
def test_a_side_that_fails_is_named(script: dict[str, Any], status: str, said: str) -> None:
    b = SideWorker("b", [], **script)
    found, _ = fight(SideWorker("a", []), b)
    assert found.status == status
    assert found.reason is not None
    assert re.search(said, found.reason), found.reason
    assert "install it with" not in found.reason
    assert b.closed, "the next case needs a fresh pair"


def test_a_pair_that_can_not_start_leaves_no_worker_behind() -> None:
    a = SideWorker("a", [])
    with pytest.raises(WorkerDied, match="b: no torch"):
        pair_of(a, WorkerDied("no torch"))()
    assert a.closed


@pytest.mark.parametrize(
    ("number", "threads", "cores", "found"),
    [
        (0, 1, [0, 1], [0]),
        (1, 1, [0, 1], [1]),
        (2, 1, [0, 1], [0]),
        (1, 2, [0, 1, 2, 3], [2, 3]),
        (1, 2, [3, 5, 7], [3, 7]),
        (5, 2, [0, 1], [0, 1]),
        (0, 8, [0, 1], [0, 1]),
    ],
)
def test_both_workers_of_a_pair_meet_the_same_other_work(
    number: int, threads: int, cores: list[int], found: list[int]
) -> None:
    assert cores_of(number, threads, cores) == found


def pairs_of(*bs: float) -> tuple[Pairs, list[SideWorker]]:
    """Pairs whose b takes these times for the control, one pair after another; a takes 1."""
    made: list[SideWorker] = []
    slow = iter(bs)

    def make(number: int) -> Pair:
        seconds = next(slow)
        a = SideWorker("a", [], times=lambda letter, run: 1.0)
        b = SideWorker("b", [], times=lambda letter, run: seconds)
        made.extend((a, b))
        return pair_of(a, b)()

    return Pairs(side("a"), side("b"), 0, PlainProgress(), make), made


def test_a_pair_whose_processes_differ_on_the_same_code_is_started_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    pairs, made = pairs_of(1.2, 1.01, 1.0)
    pairs.start()
    assert [worker.closed for worker in made] == [True, True, False, False]
    assert [round(1 / found.estimate, 2) for found in pairs.controls] == [1.2, 1.01]
    assert "b's process is 0.83 times as fast as a's; both are started" in capsys.readouterr().err
    pairs.start()
    assert len(made) == 6
    assert pairs.facts["b"]["side"] == "b"


def test_after_a_few_tries_the_last_pair_is_taken() -> None:
    pairs, made = pairs_of(*[0.5] * TRIES)
    pairs.start()
    assert len(made) == 2 * TRIES
    assert [worker.closed for worker in made[-2:]] == [False, False]


def test_without_the_control_a_pair_is_taken_as_it_is() -> None:
    a, b = SideWorker("a", []), SideWorker("b", [], refused=REFUSED)
    pairs = Pairs(side("a"), side("b"), 0, PlainProgress(), lambda number: pair_of(a, b)())
    pairs.start()
    assert (pairs.controls, a.closed, b.closed) == ([], False, False)


def test_a_pair_that_dies_in_the_control_is_closed() -> None:
    a, b = SideWorker("a", []), SideWorker("b", [], prepared=WorkerDied("it was killed"))
    pairs = Pairs(side("a"), side("b"), 0, PlainProgress(), lambda number: pair_of(a, b)())
    with pytest.raises(WorkerDied, match="b: it was killed"):
        pairs.start()
    assert (a.closed, b.closed) == (True, True)


def test_anything_else_is_asked_of_a() -> None:
    log: list[str] = []
    pair = pair_of(SideWorker("a", log), SideWorker("b", log))()
    pair.ask({"do": "output"}, 1.0)
    assert log == ["a: output"]
    assert pair.facts_of == {"a": {"ok": True, "side": "a"}, "b": {"ok": True, "side": "b"}}


def test_what_one_side_could_not_look_at_is_not_told_of_the_other() -> None:
    worker = SideWorker("a", [])
    assert isinstance(worker.prepared, dict)
    blind = {**worker.prepared, "gradients": None, "memory": None, "memory_parts": None}
    told = merged(worker.prepared, blind, PREPARED["equality"])
    assert (told["gradients"], told["memory"], told["memory_parts"]) == (None, None, None)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("shape", [(2, 3, 4), (0, 3)])
def test_outputs_go_from_one_worker_to_another_bit_by_bit(
    tmp_path: Path, dtype: torch.dtype, shape: tuple[int, ...]
) -> None:
    output = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(dtype)
    told = json.loads(json.dumps(outputs.write(output, tmp_path / "x")))
    assert equality.compare(output, outputs.read(tmp_path / "x", **told)).bitwise


CALLS = {"call a": "autograd.grad", "call b": "backward"}


def ended(a: float, b: float, blocks: int = 30) -> DuelRecord:
    """A duel whose runs take these seconds, on average, with some noise."""
    wobble = [1 + 0.001 * ((7 * i) % 5 - 2) for i in range(2 * blocks)]
    return DuelRecord(
        case_id="0",
        case=comparison().case,
        sides={
            "a": DuelSide("lib==1.0", "lib", "1.0", "0"),
            "b": DuelSide("./fork", "lib", "1.1", "1"),
        },
        status="ok",
        seed=0,
        elapsed=1.0,
        verdict="slower",
        speedup=Speedup(a / b, 0.99 * a / b, 1.01 * a / b, 0.95, 1, blocks, "over blocks"),
        equality=EqualityRecord(equal=True, bitwise=True, max_abs_diff=0.0),
        gradients={**CALLS, "parameters": 9, "a": 0, "b": 9},
        memory={"a": 100, "b": 120, "ratio": 100 / 120},
        seconds={"a": [a * w for w in wobble], "b": [b * w for w in reversed(wobble)]},
        order=["ABBA"] * blocks,
        processes=[0] * blocks,
    )


@pytest.mark.parametrize(
    ("ratio", "processes", "worse", "left_open"),
    [
        (0.92, 1, False, True),
        (0.80, 1, True, False),
        (0.92, 5, True, False),
        (0.95, 5, False, True),
        (0.99, 5, False, False),
        (1.10, 1, False, False),
    ],
)
def test_b_is_worse_only_where_the_interval_says_so(
    ratio: float, processes: int, worse: bool, left_open: bool
) -> None:
    """One process is read with the spread that processes have among each other."""
    record = ended(ratio, 1.0)
    assert record.speedup is not None
    record = replace(record, speedup=replace(record.speedup, processes=processes))
    found = duel.judged([record], [Threshold("speedup", 0.05)])
    assert (bool(found[0]), bool(found[1])) == (worse, left_open)
    assert duel.judged([record], [Threshold("speedup", float("inf"))]) == ((), ())


def test_memory_is_held_too_and_what_failed_is_not() -> None:
    held = [Threshold("memory", 0.1)]
    (said,), _ = duel.judged([ended(1.0, 1.0), replace(ended(1.0, 9.0), status="failed")], held)
    assert "b takes 1.200 times the memory of a" in said
    assert duel.judged([ended(1.0, 1.0)], [Threshold("memory", 0.3)]) == ((), ())


def test_many_cases_are_judged_together() -> None:
    """What is a regression by itself is none among twenty cases without one."""
    near, same = ended(0.905, 1.0), ended(1.0, 1.0)
    held = [Threshold("speedup", 0.05)]
    assert duel.judged([near], held)[0]
    assert not duel.judged([near, *[same] * 19], held)[0]


@pytest.mark.parametrize(
    ("verdict", "times", "said"),
    [
        ("faster", (1.43, 1.0), r"b is 1\.43 \(1\.42 to 1\.44\) times as fast as a\."),
        ("slower", (1.0, 1.25), r"b takes 1\.25 \(1\.24 to 1\.26\) times as long as a\."),
        ("same", (1.0, 1.0), r"equally fast within 2 %: b is 1\.00 \(0\.99 to 1\.01\) times"),
        ("inconclusive", (1.0, 1.0), "Open: .*--max-seconds"),
    ],
)
def test_the_verdict_is_a_sentence(verdict: Any, times: tuple[float, float], said: str) -> None:
    record = replace(ended(*times), verdict=verdict)
    sentence = duels.sentence(record)
    assert re.search(said, sentence), sentence
    assert "same adversarial examples, bit for bit" in sentence
    assert "a computes 0 parameter gradients a run (torch.autograd.grad), b 9" in sentence


def test_a_table_of_duels(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    failed = replace(ended(1.0, 1.0), case_id="1", status="failed", speedup=None, reason="b: no")
    written: list[records.Record] = [ENVIRONMENT, ended(1.0, 1.25), failed]
    path.write_text("".join(records.to_line(record) for record in written))
    run: Run = records.read(path)
    assert [record.status for record in run.duels] == ["ok", "failed"]
    text = markdown.report([run])
    assert "lib 1.0 (a) against lib 1.1 (b, ./fork)" in text
    for row in (r"a over b +\| +0.80", r"gradient call +\| +autograd.grad → backward", "failed: b"):
        assert re.search(row, text), text


def test_cases_that_differ_in_more_than_their_column_get_tables_of_their_own() -> None:
    pgd, fgsm = ended(1.0, 1.25), ended(1.0, 1.0)
    other = replace(fgsm.case, attack="mifgsm")
    alike = replace(fgsm, case_id="1", case=other)
    without_steps = replace(fgsm, case_id="2", case=replace(other, attack="fgsm", steps=None))
    run = Run(Path("x.jsonl"), ENVIRONMENT, (), duels=(pgd, alike, without_steps))
    assert [table.header for table in duels.of(run)] == [
        ("attack", "pgd", "mifgsm"),
        ("attack", "fgsm"),
    ]
    assert "steps" not in duels.of(run)[1].title


@pytest.mark.parametrize(
    ("status", "worse", "left_open", "strict", "code"),
    [
        ("ok", (), (), False, 0),
        ("ok", ("it is slower",), (), False, 1),
        ("failed", ("it is slower",), (), False, 1),
        ("failed", (), (), True, 5),
        ("ok", (), ("nobody knows",), False, 0),
        ("ok", (), ("nobody knows",), True, 3),
    ],
)
def test_the_exit_code_says_how_it_went(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    status: Any,
    worse: tuple[str, ...],
    left_open: tuple[str, ...],
    strict: bool,
    code: int,
) -> None:
    path = tmp_path / "x.jsonl"
    record = replace(ended(1.0, 1.25), status=status)
    path.write_text(records.to_line(ENVIRONMENT) + records.to_line(record))
    outcome = duel.Outcome(path, (record,), worse, left_open)
    monkeypatch.setattr(duel, "run", lambda asked, command: outcome)
    words = ["duel", *TWICE, *(["--strict"] if strict else [])]
    assert cli.main(words) == code
    said = capsys.readouterr().out
    assert "lib 1.0 (a) against lib 1.1 (b, ./fork)" in said
    for text in (*worse, *left_open):
        assert text in said


def bench(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", "duel", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_a_duel_between_a_version_and_a_patch(tmp_path: Path) -> None:
    """The patch computes parameter gradients for nothing."""
    before = package.wheel(source(tmp_path / "before"), tmp_path / "wheels")
    calls = tmp_path / "calls.py"
    calls.write_text(CALLS_IT)
    small = ("--attack", f"{calls}:attack", "--models", "wrn_10_1", "--batch", "1")
    quickly = ("--image-size", "32", "--max-seconds", "0.5", "--processes", "1")
    out = tmp_path / "x.jsonl"
    words = ("--a", before, "--b", source(tmp_path / "after", BY_BACKWARD, "1.1"))
    done = bench(*words, *small, *quickly, "--out", out, "--keep", "--fail-if", "speedup:90%")
    assert done.returncode == 0, done.stderr
    (found,) = records.read(out).duels
    assert found.gradients is not None
    assert (found.gradients["a"], found.gradients["b"]) == (0, found.gradients["parameters"])
    assert found.equality is not None
    assert found.equality.bitwise
    assert len(found.seconds["a"]) == len(found.seconds["b"]) == 2 * len(found.order)
    assert [one.version for one in found.sides.values()] == ["1.0", "1.1"]
    assert "tiny-attacks 1.0" in done.stdout
    assert (tmp_path / "x.environments" / "b" / "tiny_attacks").is_dir()
    assert json.loads(out.read_text().splitlines()[-1])["kind"] == "duel"
