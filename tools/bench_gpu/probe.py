"""`probe.json`: questions to this device and this torch, whose answers explain what is measured.

Run as `python -m tools.bench_gpu.probe DEVICE FILE [--small]`. The file is written anew after each
answer, so a cut costs the question in hand; what it answers already is not asked again.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from tools.bench_gpu import questions
from tools.bench_gpu.questions import Place, Question

LETTERS = 300
"""Of what a question died of."""


def main(words: Sequence[str]) -> int:
    """Ask all that has no answer yet; 1 where one could not be asked."""
    device, name, *rest = words
    return probe(Place(device, "--small" in rest), Path(name), questions.EVERY)


def probe(place: Place, path: Path, every: Sequence[Question]) -> int:
    """Ask each question that has no answer in the file yet.

    Args:
        place: where.
        path: the file.
        every: the questions; those for CUDA alone are left out elsewhere.

    Returns:
        0, or 1 where one died; the others are answered.
    """
    found = _read(path)
    found |= {"device": place.device, "torch": str(torch.__version__)}
    if place.cuda:
        found["gpu"] = torch.cuda.get_device_name(place.device)
        torch.cuda.set_device(place.device)
    answers: dict[str, Any] = found.setdefault("answers", {})
    died: dict[str, str] = {}
    for question in every:
        if question.name in answers or (question.cuda and not place.cuda):
            continue
        begun = time.perf_counter()
        try:
            answers[question.name] = question.ask(place)
            said = json.dumps(answers[question.name])
        except Exception as error:
            died[question.name] = f"{type(error).__name__}: {error}"[:LETTERS]
            said = died[question.name]
        print(f"{question.name}: {time.perf_counter() - begun:.1f} s: {said}", flush=True)
        _write(path, {**found, "died": died})
    return 1 if died else 0


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _write(path: Path, found: dict[str, Any]) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    fresh.replace(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
