"""The reference suite on one GPU: where its records lie, and that it is gone on with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import bench_gpu


@pytest.mark.parametrize(
    ("name", "folder"),
    [("NVIDIA H200", "nvidia-h200"), ("NVIDIA A100-SXM4-80GB", "nvidia-a100-sxm4-80gb")],
)
def test_a_gpus_results_lie_under_its_name(name: str, folder: str) -> None:
    assert bench_gpu.folder_name(name) == folder


def test_the_reference_suite_is_written_case_by_case_and_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def measure(words: list[str]) -> int:
        asked.append(words)
        file = tmp_path / "nvidia-h200" / "reference.jsonl"
        file.parent.mkdir(exist_ok=True)
        file.touch()
        return 5

    monkeypatch.setattr(bench_gpu, "RESULTS", tmp_path)
    monkeypatch.setattr(bench_gpu, "gpu_name", lambda: "NVIDIA H200")
    monkeypatch.setattr("bench.cli.main", measure)
    assert bench_gpu.main() == 5, "the run's code, not the report's"
    run, report = asked
    assert run[-3:] == ["--out", str(tmp_path / "nvidia-h200" / "reference.jsonl"), "--resume"]
    assert report == ["report", run[-2], "--out", str(tmp_path / "nvidia-h200")]
