"""`prune`: from a network to sparse ones, in both variants, on from where it was cut."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from adapters import caching
from adapters.base import AdapterError
from adapters.models import custom, weights
from adapters.papers.mad import keeping
from bench.cases import BASELINE, SEMI_BACKWARD
from bench.errors import UsageError
from bench.kinds.pruning import training
from bench.kinds.pruning.command import Prune
from bench.kinds.pruning.findings import CLEAN, DENSE, PrunedRecord, ScoredRecord
from bench.kinds.pruning.options import TRAINED
from bench.kinds.pruning.pipeline import Asked, Pipeline
from tests.bench.kinds.here import Here
from tests.bench.kinds.pruning.test_building import FILE, case
from tests.commands import chosen, request

pytestmark = pytest.mark.usefixtures("one_thread")

FEW = Asked(
    criteria=("mad", "random"),
    batches=2,
    method="pgd",
    epochs=2,
    rate=0.05,
    attacks=("fgsm",),
    images=20,
)
WHOLE = replace(case("saliency"), batch=400).with_options(steps=1)
BOTH = (BASELINE, SEMI_BACKWARD)


def pruned(session: Here) -> list[PrunedRecord]:
    return [one for one in session.written if isinstance(one, PrunedRecord)]


def scored(session: Here) -> list[ScoredRecord]:
    return [one for one in session.written if isinstance(one, ScoredRecord)]


def run(folder: Path, asked: Asked = FEW, **told: Any) -> Here:
    session = told.pop("session", None) or Here(request("prune"))
    whole, variants = told.pop("whole", WHOLE), told.pop("variants", BOTH)
    Pipeline(session, folder).run(whole, 0, variants, (0.5,), asked)
    return session


@pytest.fixture(scope="module")
def through(tmp_path_factory: pytest.TempPathFactory) -> tuple[Here, Path]:
    """Everything, once, in both variants."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("networks")
    return run(folder), folder


def test_both_variants_come_to_the_same_saliency_masks_and_weights(
    through: tuple[Here, Path],
) -> None:
    session, _ = through
    assert [record.status for record in session.written] == ["ok"] * 8
    for record in session.written:
        record.check()
    first, second = scored(session)
    assert (first.variant, second.variant) == BOTH
    assert first.saliency == second.saliency
    assert first.layers == second.layers
    assert (first.batches, [layer.name for layer in first.layers]) == (
        2,
        ["stem", "hidden", "head"],
    )
    told = {(r.criterion, r.variant): (r.masks, r.weights, r.judged) for r in pruned(session)}
    for criterion in (DENSE, *FEW.criteria):
        assert told[criterion, BASELINE] == told[criterion, SEMI_BACKWARD]
    assert len({masks for masks, *_ in told.values()}) == 3


def test_what_went_stays_zero_and_half_of_it_is_gone(through: tuple[Here, Path]) -> None:
    session, folder = through
    for record in pruned(session):
        if record.criterion == DENSE:
            assert (record.percent, record.file, record.sparsity) == (0.0, "", None)
            continue
        assert record.sparsity == pytest.approx(0.5, abs=0.01)
        masks = keeping.masks_in(folder / record.file)
        state = weights.read(folder / record.file)
        assert not any(name.endswith("_mask") for name in state)
        for name, mask in masks.items():
            assert not state[name][~mask].any()
        assert {one.attack: one.images for one in record.judged} == {CLEAN: 20, "fgsm": 20}
        assert len(record.losses) == 2
        assert set(record.seconds) == {"pruning", "finetuning", "evaluation"}


def test_a_sparse_network_loads_as_weights_and_predicts_the_same(
    through: tuple[Here, Path],
) -> None:
    session, folder = through
    record = pruned(session)[-1]
    network = custom.build(f"{FILE}:build")
    file = folder / record.file
    weights.load(network, weights.read(file), file, "it", "")
    assert weights.digest(network) == record.weights
    images = torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    again = custom.build(f"{FILE}:build", seed=1)
    again.load_state_dict(weights.read(file))
    assert torch.equal(network(images), again(images))


def test_what_was_cut_goes_on_to_the_same_bits(through: tuple[Here, Path], tmp_path: Path) -> None:
    whole, _ = through
    cut = 0
    session = Here(request("prune"), most=5)
    while True:
        try:
            run(tmp_path, session=session, variants=(SEMI_BACKWARD,))
            break
        except KeyboardInterrupt:
            session = replace(session, most=5, _servers={})
            cut += 1
    assert cut > 1
    mine = [record for record in whole.written if record.variant == SEMI_BACKWARD]
    for then, now in zip(mine, session.written, strict=True):
        for name in ("saliency", "weights", "masks", "judged", "layers"):
            assert getattr(then, name, None) == getattr(now, name, None), name


def test_what_is_done_is_not_done_again(through: tuple[Here, Path]) -> None:
    session, folder = through
    before = len(session.written)
    run(folder, session=session)
    assert len(session.written) == before


def test_what_needs_no_saliency_goes_on_without(tmp_path: Path) -> None:
    few = replace(FEW, epochs=1, attacks=("fgsm",))
    whole = WHOLE.with_options(inside="openattack")
    session = run(tmp_path, few, whole=whole, variants=(SEMI_BACKWARD,))
    (failed,) = scored(session)
    assert failed.status == "failed"
    assert "no pgd in a ball" in (failed.reason or "")
    found = {record.criterion: record for record in pruned(session)}
    assert found[DENSE].status == "ok"
    assert "its saliency is not there: openattack" in (found["mad"].reason or "")


@pytest.mark.parametrize("what", ["another", "damaged"])
def test_a_file_of_another_network_ends_it_in_a_line(tmp_path: Path, what: str) -> None:
    few = replace(FEW, criteria=("mad",), epochs=1, batches=1)
    run(tmp_path, few, variants=(SEMI_BACKWARD,))
    kept = {place.name: place.read_bytes() for place in tmp_path.iterdir()}
    (file,) = [place for place in tmp_path.iterdir() if "saliency" in place.name]
    if what == "damaged":
        file.write_bytes(file.read_bytes()[:-1] + b"x")
    else:
        scores, sums = keeping.scores_in(file)
        scores.of = "another network"
        keeping.write_scores(file, scores, sums)
    session = run(tmp_path, few, variants=(SEMI_BACKWARD,))
    (record,) = scored(session)
    assert record.status == "failed"
    said = {"another": "is of another network, not of", "damaged": "is damaged"}[what]
    assert said in (record.reason or "")
    assert "\n" not in (record.reason or "")
    others = {p.name: p.read_bytes() for p in tmp_path.iterdir() if p != file}
    assert others == {name: held for name, held in kept.items() if name != file.name}


def test_a_training_that_diverges_says_so(tmp_path: Path) -> None:
    few = replace(FEW, criteria=("random",), rate=1e15)
    session = run(tmp_path, few, variants=(SEMI_BACKWARD,))
    (_, record) = pruned(session)
    assert record.status == "failed"
    assert "try a lower --rate" in (record.reason or "")


def test_the_command_asks_for_both_variants_of_the_first_seed_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, int, tuple[str, ...], tuple[float, ...], Asked]] = []

    def remember(
        _: Pipeline, case: Any, seed: int, variants: Any, percents: Any, asked_for: Asked
    ) -> None:
        asked.append((case.attack, seed, tuple(variants), tuple(percents), asked_for))

    monkeypatch.setattr(Pipeline, "run", remember)
    monkeypatch.setattr(training, "train", lambda *_: None)
    words = ("prune", "--percent", "0.5", "0.9", "--seeds", "2", "--criteria", "mad", "random")
    both = (*words, "--inside", "torchattacks", "reference")
    session = Here(request(*both), chosen(*both), records=tmp_path / "x.jsonl")
    Prune().go_on(session)
    found = [(stage, seed, variants, percents) for stage, seed, variants, percents, _ in asked]
    assert found == [
        ("saliency", 0, BOTH, (0.5, 0.9)),
        ("saliency", 1, (SEMI_BACKWARD,), (0.5, 0.9)),
    ]
    assert asked[0][-1].criteria == ("mad", "random")
    assert asked[0][-1].epochs == 10


def test_a_network_of_given_weights_is_pruned_once_whatever_the_seeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(Pipeline, "run", lambda _, case, seed, *rest: asked.append(seed))
    words = ("prune", "--models", f"{FILE}:build", "--seeds", "3")
    session = Here(request(*words), chosen(*words), records=tmp_path / "x.jsonl")
    Prune().go_on(session)
    assert asked == [0]


def test_a_folder_that_holds_something_is_gone_on_with_only_if_asked(tmp_path: Path) -> None:
    (tmp_path / "networks").mkdir()
    (tmp_path / "networks" / "x").touch()
    words = ("prune", "--networks", str(tmp_path / "networks"))
    with pytest.raises(UsageError, match="is not empty; go on with it by --resume"):
        Prune().check(request(*words), tmp_path / "x.jsonl")
    Prune().check(request(*words, "--resume"), tmp_path / "x.jsonl")
    with pytest.raises(UsageError, match="prune compares semi-backward"):
        Prune().check(request("prune", "--variants", "a-a"), tmp_path / "x.jsonl")


def test_networks_are_trained_by_the_method_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(caching.VARIABLE, str(tmp_path))
    whole = case("saliency", "mad_vgg_small", weights=TRAINED, pretraining="mart")
    (wanted,) = training.wanted([whole, whole, case("saliency")], seed=3)
    assert (wanted.network, wanted.method, wanted.seed) == ("mad_vgg_small", "mart", 3)
    other = training.wanted([whole.with_options(pretraining="natural")], seed=3)
    assert other[0].file != wanted.file


def test_scores_that_are_not_whole_are_not_pruned_by(tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    keeping.write_scores(file, keeping.Scores("it", 1, 2), {"a": torch.zeros(2, 2)})
    with pytest.raises(AdapterError, match="has 1 of 2 batches: score to the end"):
        keeping.scores_in(file)
    with pytest.raises(AdapterError, match="or no pruned network"):
        keeping.masks_in(file)
