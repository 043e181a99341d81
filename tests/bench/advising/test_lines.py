"""The lines to paste make what the variant made, for good."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from bench.advising import lines
from bench.variants import naming
from bench.worker.variants import Shaped
from tests.data import attacks

pytestmark = pytest.mark.usefixtures("one_thread")


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 5)).eval()


def batch() -> tuple[Tensor, Tensor]:
    drawn = torch.Generator().manual_seed(1)
    return torch.rand(2, 3, 8, 8, generator=drawn), torch.tensor([0, 1])


def pasted(variant: str, model: nn.Module) -> None:
    """As a user's script has them, behind the line that builds its `model`."""
    exec("\n".join(lines.to_paste(variant, "cpu")), {"model": model})


def computed(model: nn.Module) -> int:
    return sum(parameter.grad is not None for parameter in model.parameters())


def check(variant: str) -> None:
    model, (images, labels) = network(), batch()
    by_hand = copy.deepcopy(model)
    with Shaped(variant, model, images).applied():
        wanted = attacks.along(model, images, labels)
    pasted(variant, by_hand)
    assert torch.equal(attacks.along(by_hand, images, labels), wanted)
    frozen = "semi-backward" in variant
    assert computed(by_hand) == computed(model) == (0 if frozen else 4)


@pytest.mark.parametrize(
    "variant",
    [
        "semi-backward",
        "channels-last",
        "channels-last+semi-backward",
        "bf16",
        "bf16+channels-last+semi-backward",
    ],
)
def test_pasted_lines_make_the_examples_that_were_measured(variant: str) -> None:
    check(variant)


def test_lines_that_compile_make_the_examples_of_the_original(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On products alone, which need no C++ compiler; what is measured is compiled elsewhere."""
    if reason := naming.PARTS["compiled"].lacks("cpu"):
        pytest.skip(reason)
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 5)).eval()
    images, labels = batch()
    wanted = attacks.along(copy.deepcopy(model), images, labels)
    called = model.forward
    pasted("compiled+semi-backward", model)
    assert model.forward is not called
    torch.testing.assert_close(attacks.along(model, images, labels), wanted, rtol=0, atol=1e-6)
    assert computed(model) == 0


@pytest.mark.parametrize("variant", ["forward-only", "channels-last+forward-only"])
def test_pasted_lines_record_no_graph_where_no_gradient_is_read(variant: str) -> None:
    model, (images, _) = network(), batch()
    by_hand = copy.deepcopy(model)
    with Shaped(variant, model, images).applied():
        wanted = model(images)
    pasted(variant, by_hand)
    found = by_hand(images)
    assert torch.equal(found, wanted)
    assert found.grad_fn is None


def test_torch_is_imported_where_a_line_needs_it() -> None:
    assert lines.to_paste("semi-backward", "cpu") == ("model.requires_grad_(False)",)
    assert lines.to_paste("channels-last+semi-backward", "cpu") == (
        "import torch",
        "",
        "model.requires_grad_(False)",
        "model.to(memory_format=torch.channels_last)",
    )
    assert lines.to_paste("compiled", "cuda:0")[-1] == (
        'model.forward = torch.compile(model.forward, mode="reduce-overhead")'
    )
