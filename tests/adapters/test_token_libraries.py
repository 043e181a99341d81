"""nanoGCG and EasyJailbreak, each in its layer, through the gate and held to our reference."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch

from adapters import registry
from bench.cases import BASELINE, SEMI_BACKWARD
from bench.worker import gradients
from bench.worker.checks import check
from tests.bench.kinds.tokens.workloads import built

MODELS = ("llama-tiny", "gpt2-tiny")
LIBRARIES = [
    pytest.param(name, marks=pytest.mark.layer(name)) for name in ("nanogcg", "easyjailbreak")
]
ASKED: dict[str, Any] = {"attack": "gcg", "steps": 3, "candidates": 8, "candidate_batch": 4}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("library", LIBRARIES)
def test_both_variants_are_identical(library: str, model: str) -> None:
    found = check(built(library=library, model=model, **ASKED))
    assert found.equality.level == "identical"
    assert not [said for said in found.warnings if "could not be looked at" in said]
    assert found.gradients is not None
    assert found.gradients["call"] == registry.get(library).attacks()["gcg"].gradient_call
    assert found.gradients[SEMI_BACKWARD] == 0


@pytest.mark.layer("easyjailbreak")
@pytest.mark.parametrize("model", MODELS)
def test_easyjailbreak_computes_the_gradients_of_all_weights(model: str) -> None:
    work = built(library="easyjailbreak", model=model, **ASKED)
    trace = gradients.traced(work, BASELINE)
    assert len(trace.parameters) == len(list(work.model.parameters()))
    work.run(BASELINE, lambda run: run())
    assert all(parameter.grad is not None for parameter in work.model.parameters())


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("library", LIBRARIES)
def test_each_step_tells_what_it_tried_and_chose(library: str, model: str) -> None:
    work = built(library=library, model=model, **ASKED)
    (steps,) = work.output(BASELINE)
    assert len(steps) == 3
    for step in steps:
        assert len(step.candidates) == len(step.losses) <= 8
        assert any(torch.equal(step.chosen, candidate) for candidate in step.candidates)
        if library == "nanogcg":  # the other adds up the losses of candidates that are alike
            assert torch.equal(step.candidates[step.losses.argmin()], step.chosen)
    again = work.output(BASELINE)
    assert work.compare([steps], again).bitwise
    assert work.doubts(again) == []


@pytest.mark.layer("nanogcg")
def test_nanogcg_works_beside_the_transformers_that_it_wants() -> None:
    import transformers

    major, minor = map(int, transformers.__version__.split(".")[:2])
    assert (major, minor) <= (4, 47)
    assert built(library="nanogcg", **ASKED).library_version == "0.3.0"


@pytest.mark.layer("easyjailbreak")
def test_easyjailbreak_leaves_no_log_and_no_handler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = list(logging.root.handlers), logging.root.level
    work = built(library="easyjailbreak", **ASKED)
    work.run(BASELINE, lambda run: run())
    assert (list(logging.root.handlers), logging.root.level) == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.layer("easyjailbreak")
def test_easyjailbreaks_other_attacks_are_told() -> None:
    from easyjailbreak import attacker

    adapter = registry.get("easyjailbreak")
    there = {
        name
        for name in vars(attacker)
        if isinstance(getattr(attacker, name), type)
        and issubclass(getattr(attacker, name), attacker.AttackerBase)
    }
    assert there - {"AttackerBase"} == {"GCG", *adapter.left_out}
