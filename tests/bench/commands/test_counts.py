"""What runs do, counted: exact, of known attacks, and written down by the command."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from adapters.models import building as models
from bench import cli
from bench.cases import Comparison
from bench.kinds.images import building
from bench.records import reading
from bench.worker import counting, state
from bench.worker.counting import Counted
from tests.cases import image_case
from tests.commands import MINE, SMALL, bench

FILE = """
import torch
from torch.nn import functional


def pgd(model, images, labels):
    adversarial = images
    for _ in range(3):
        adversarial = adversarial.detach().requires_grad_()
        loss = functional.cross_entropy(model(adversarial), labels)
        {gradient}
        adversarial = (adversarial + 0.01 * gradient.sign()).clamp(0, 1)
        {more}
    return adversarial.detach()
"""
GRAD = "(gradient,) = torch.autograd.grad(loss, adversarial)"
BACKWARD = "loss.backward(); gradient = adversarial.grad"


class Tiny(nn.Sequential):
    """Two layers, four parameters, no surprises."""

    def __init__(self) -> None:
        super().__init__(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 30 * 30, 5))


@pytest.fixture(autouse=True, scope="module")
def tiny_models(one_thread: None) -> Iterator[None]:
    def build(*args: object, **keywords: object) -> nn.Module:
        torch.manual_seed(0)
        return Tiny().eval()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(models, "build", build)
        yield
        gc.unfreeze()


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Counted:
    """The attack as it was."""
    return counted(tmp_path_factory.mktemp("before"))


def counted(folder: Path, gradient: str = GRAD, more: str = "", variant: str = "a-a") -> Counted:
    """A user's attack on two images, counted in this process."""
    path = folder / f"mine{len(list(folder.iterdir()))}.py"  # modules are imported once
    path.write_text(FILE.format(gradient=gradient, more=more))
    case = image_case("user", f"{path}:pgd", "tiny", 2, steps=None)
    built = building.build(Comparison(case, variant), 0)
    state.settle()  # as a worker does, so that no run walks through all of pytest
    return counting.count(built)


def test_a_known_attack_is_counted_exactly(tmp_path: Path) -> None:
    found = counted(tmp_path, BACKWARD, variant="semi-backward")
    assert (found.parameters, found.unequal) == (4, None)
    original, frozen = found.counts["original"], found.counts["semi-backward"]
    assert (original.calls, original.computing) == ({"backward": 3}, 3)
    assert (original.parameter_gradients, frozen.parameter_gradients) == (12, 0)
    assert (original.forward_calls, original.forward_images) == (3, 6)
    assert (original.backward_calls, original.backward_images) == (3, 6)
    # A step: convolution and linear layer forward; for the backward pass twice as much.
    layers = 2 * 2 * (4 * 30 * 30 * 27 + 5 * 3600)
    assert original.forward_flops == frozen.forward_flops == 3 * layers
    assert original.backward_flops == 2 * 3 * layers
    assert frozen.backward_flops == 3 * layers
    sizes = [4 * 27, 4, 5 * 3600, 5]
    assert (original.gradients, frozen.gradients) == (4 * sum(sizes), 0)
    assert original.forward_kernels is not None
    assert original.forward_kernels["convolution"] == 3
    assert original.backward_kernels is not None
    assert original.backward_kernels["convolution_backward"] == 3
    assert "sign" not in original.backward_kernels
    assert original.host == {}


def test_counting_twice_gives_the_same(tmp_path: Path) -> None:
    first = counted(tmp_path, BACKWARD)
    assert counted(tmp_path, BACKWARD) == first
    assert first.counts["original"] == first.counts["a-a"]


@pytest.mark.parametrize(
    ("gradient", "more", "what"),
    [
        (
            GRAD,
            "model(adversarial)",
            {"forward_calls", "forward_flops", "forward_kernels", "saved", "views"},
        ),
        (
            BACKWARD,
            "",
            {"calls", "computing", "parameter_gradients", "gradients", "views"}
            | {"backward_flops", "backward_kernels"},
        ),
        (
            GRAD,
            "adversarial = torch.from_numpy(adversarial.detach().numpy())",
            {"host", "views"},
        ),
        (GRAD, "loss.item()", {"host"}),
        (GRAD, "adversarial.tolist()", {"host"}),
        (GRAD, "adversarial = adversarial + 0", {"forward_kernels"}),
        (GRAD, "adversarial = adversarial.detach()", {"views"}),
        (GRAD.replace("(gradient,) = ", "gradient, = "), "renamed = loss", set()),
    ],
    ids=["forward", "backward", "numpy", "item", "tolist", "add", "detach", "rename"],
)
def test_a_change_shows_where_it_is_made(
    tmp_path: Path, before: Counted, gradient: str, more: str, what: set[str]
) -> None:
    after = counted(tmp_path, gradient, more)
    then, now = vars(before.counts["original"]), vars(after.counts["original"])
    changed = {name for name in then if then[name] != now[name]}
    assert changed - {"forward_images"} == what


def test_the_garbage_collector_has_no_say(tmp_path: Path) -> None:
    cycle = "cycle = [loss]; cycle.append(cycle)"
    first = counted(tmp_path, more=cycle)
    threshold = gc.get_threshold()
    gc.set_threshold(1)
    try:
        assert counted(tmp_path, more=cycle) == first
        assert gc.isenabled()
    finally:
        gc.set_threshold(*threshold)


def test_what_can_not_be_counted_costs_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> Tensor:
        raise RuntimeError("not with saved tensor hooks")

    monkeypatch.setattr(counting, "_kept", refuses)
    found = counted(tmp_path)
    assert found.counts["original"].saved is None
    assert found.counts["original"].forward_calls == 3
    (warning,) = found.warnings
    assert "what autograd keeps could not be looked at (RuntimeError: not with" in warning


def test_the_command_writes_what_it_counted_and_what_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "counts.jsonl"
    attacks = ["--attack", f"{MINE}:fgsm", "--attack", f"{MINE}:raises"]
    done = bench("counts", *attacks, *SMALL, "--out", out, OMP_NUM_THREADS="1")
    assert done.returncode == 5, done.stderr
    assert "ValueError: the attack fell over" in done.stdout
    fgsm, raises = reading.read(out).counts
    assert (fgsm.status, raises.status) == ("ok", "failed")
    assert fgsm.counts["original"].calls == {"backward": 1}
    assert fgsm.counts["original"].parameter_gradients == fgsm.parameters
    assert fgsm.counts["semi-backward"].parameter_gradients == 0
    assert raises.counts == {}
    assert cli.main(["compare", str(out), str(out)]) == 0
    assert cli.main(["report", str(out)]) == 0
    assert f"{MINE}:fgsm" in capsys.readouterr().out
