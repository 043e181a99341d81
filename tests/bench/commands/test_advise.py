"""`advise` in a process of its own, on models that take milliseconds."""

from __future__ import annotations

from pathlib import Path
from subprocess import CompletedProcess

from bench.records import reading
from tests.commands import MINE, bench

MODEL = "tests/data/own_models.py"


def advised(path: Path, attack: str, model: str, *words: str) -> CompletedProcess[str]:
    """With a budget that pays for no compiler: ten seconds and more it takes."""
    return bench(
        "advise",
        "--attack",
        f"{MINE}:{attack}",
        "--models",
        f"{MODEL}:{model}",
        *("--batch", "2", "--image-size", "16", "--device", "cpu", "--out", path),
        *(words or ("--budget", "8")),
    )


def test_a_users_attack_ends_with_a_table_and_what_to_paste(tmp_path: Path) -> None:
    done = advised(tmp_path / "run.jsonl", "along", "Small")
    assert done.returncode == 0, done.stderr
    said = done.stdout
    assert "variant" in said
    assert "identical" in said
    assert "compiled+semi-backward" in said
    assert "--budget" in said, "what more time would have paid for"
    assert ("model.requires_grad_(False)" in said) == ("Paste this" in said)
    own = [line for line in said.splitlines() if str(tmp_path) not in line]
    assert max(map(len, own)) <= 80
    run = reading.read(tmp_path / "run.jsonl")
    assert run.comparisons[0].variant == "semi-backward"
    assert {record.status for record in run.comparisons} == {"ok"}


def test_a_variant_that_is_named_and_can_not_be_had_is_told_and_exit_5(tmp_path: Path) -> None:
    done = advised(tmp_path / "run.jsonl", "along", "frozen", "--variants", "semi-backward")
    assert done.returncode == 5, done.stderr
    said = " ".join(done.stdout.split())
    assert "none of its parameters requires a gradient" in said
    assert "Nothing could be measured." in done.stdout
    assert "Paste" not in done.stdout
