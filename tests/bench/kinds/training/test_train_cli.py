"""`python -m bench train`, as a user has it: measured, trained, stopped and gone on with."""

from __future__ import annotations

import subprocess
from pathlib import Path

from bench.records import reading
from tests.commands import PATIENCE, started, wait_until

MODEL = "own_models.py:Small"
"""With batch norm, whose buffers a checkpoint must bring back, and as small as will do."""
WORDS = (
    *("train", "--training", "pgd", "--libs", "foolbox", "--models", f"tests/data/{MODEL}"),
    *("--batch", "64", "--steps", "1", "--max-seconds", "0.5", "--epochs", "2"),
    *("--processes", "1"),
)


def start(out: Path, *words: str) -> subprocess.Popen[str]:
    return started(*WORDS, "--out", out, *words, OMP_NUM_THREADS="1")


def test_a_training_that_is_stopped_goes_on_and_ends_with_the_same_weights(tmp_path: Path) -> None:
    out = tmp_path / "x.jsonl"
    folder = tmp_path / "x.checkpoints"
    run = start(out)
    wait_until(lambda: any(folder.glob("*.safetensors")), run)
    run.terminate()
    _, said = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "--resume` to go on" in " ".join(said.split())
    assert reading.read(out).own == {}

    refused = start(tmp_path / "other.jsonl", "--checkpoints", str(folder))
    _, said = refused.communicate(timeout=PATIENCE)
    assert refused.returncode == 2
    assert "is not empty; go on with it by --resume" in said

    run = start(out, "--resume")
    table, said = run.communicate(timeout=PATIENCE)
    assert run.returncode == 0, said
    assert "1 already measured, not repeated" in said
    original, semi_backward = reading.read(out).own["training"]
    assert original.weights == semi_backward.weights
    assert original.losses == semi_backward.losses
    assert len(original.losses) == 2
    assert f"2 epochs of training {MODEL} on digits" in " ".join(table.split())
    assert "identical" in table
    assert "with the same adversarial examples" not in table
    assert not list(folder.glob("*.partial"))
