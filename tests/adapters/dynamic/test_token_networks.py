"""What is special to the networks that prune channels, leave a cascade early, or halt tokens."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from adapters.models.dynamic import avit, dvt, manidp
from adapters.models.dynamic.avit import AVit
from adapters.models.dynamic.base import DynamicNetwork
from adapters.models.dynamic.dvt import Dvt, Upstream
from adapters.models.dynamic.manidp import ManiDp, PrunedConvolution

pytestmark = pytest.mark.usefixtures("one_thread")

TINY: dict[type[Any], dict[str, Any]] = {
    ManiDp: {"widths": (4, 6), "blocks": 1},
    Dvt: {"dim": 8, "layers": 2, "heads": 2},
    AVit: {"dim": 8, "layers": 5, "heads": 2, "patch": 16},
}


def build(made: type[Any], **other: Any) -> Any:
    torch.manual_seed(0)
    return made(10, **{**TINY[made], **other}).eval()


def pictures(count: int, side: int = 32) -> Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(1))


@pytest.fixture(params=TINY, ids=lambda made: str(made.__name__))
def made(request: pytest.FixtureRequest) -> type[Any]:
    found: type[Any] = request.param
    return found


def test_images_that_cannot_be_cut_into_patches_are_refused(made: type[Any]) -> None:
    with pytest.raises(ValueError, match="images of 30x30 can't be cut into patches of"):
        build(made, size=30)


def test_images_of_another_size_are_refused(made: type[Any]) -> None:
    with pytest.raises(ValueError, match="takes images of 3x32x32, and got 3x64x64"):
        build(made)(pictures(1, side=64))


def test_a_network_can_be_for_other_images(made: type[Any]) -> None:
    network: DynamicNetwork = build(made, size=64)
    told = network(pictures(2, side=64))
    assert told.logits.shape == (2, 10)
    assert network.static_flops > build(made).static_flops


# ManiDP


def test_only_simple_images_are_penalised_and_the_simpler_the_more() -> None:
    weight = manidp.sparsity_weight(torch.tensor([0.0, 0.5, 1.0, 3.0]), torch.tensor(1.0))
    assert weight.tolist() == [1.0, 0.5, 0.0, 0.0]


def test_similarity_compares_the_tables_of_cosines() -> None:
    apart, alike = torch.tensor([[1.0, 0.0], [0.0, 3.0]]), torch.tensor([[1.0, 1.0], [2.0, 2.0]])
    assert float(manidp.similarity_loss(apart, 5 * apart)) == 0
    assert float(manidp.similarity_loss(apart, alike)) == pytest.approx(0.5)


def convolution(biases: list[float]) -> PrunedConvolution:
    """One whose saliencies are sigmoids of these, whatever the image."""
    torch.manual_seed(0)
    made = PrunedConvolution(4, len(biases), 2, 4).eval()
    nn.init.zeros_(made.excite.weight)
    made.excite.bias.data = torch.tensor(biases)
    made.norm.running_mean = torch.linspace(-1, 1, len(biases))
    made.norm.bias.data.fill_(0.3)
    return made


@pytest.mark.parametrize("biases", [[1.0, -1.0, 0.5], [1.0, 2.0, 3.0], [-1.0, -2.0, -3.0]])
@pytest.mark.parametrize("inputs", [[0.9, 0.1, 0.6, 0.2], [0.1, 0.1, 0.1, 0.1]])
def test_channels_that_are_not_computed_are_those_that_are_masked(
    biases: list[float], inputs: list[float]
) -> None:
    layer, given = convolution(biases), torch.tensor([inputs])
    maps = pictures(1, 8).repeat(1, 2, 1, 1)[:, :4] * (given >= 0.5)[..., None, None]
    masked = layer(maps, given, drop=False, last=True)
    dropped = layer(maps, given, drop=True, last=True)
    assert torch.allclose(dropped.output, masked.output, atol=1e-6)
    assert [bool(one.any()) for one in dropped.output[0]] == [bias > 0 for bias in biases]


def test_a_channel_is_scaled_by_its_saliency() -> None:
    layer = convolution([0.0, 3.0])
    out = layer(pictures(1, 8).repeat(1, 2, 1, 1)[:, :4], None, drop=False, last=True)
    assert torch.allclose(out.output.mean((2, 3)), out.saliency * out.features, atol=1e-6)
    assert out.saliency[0, 0] == 0.5


def test_a_pruned_channel_still_learns_whether_it_is_needed() -> None:
    layer = convolution([-1.0, 1.0])
    layer(torch.ones(2, 4, 8, 8), None, drop=False, last=True).output.sum().backward()
    assert layer.excite.bias.grad is not None
    assert (layer.excite.bias.grad != 0).all()


def test_what_is_executed_counts_the_channels_that_are_on_of_both_sides() -> None:
    network = build(ManiDp, widths=(4,))
    block = network.blocks[0]
    for part, biases in ((block.first, [1.0, 1.0, -1.0, -1.0]), (block.second, [1.0, -1, -1, -1])):
        nn.init.zeros_(part.excite.weight)
        part.excite.bias.data = torch.tensor(biases)
    pair = 2 * 9 * 8 * 8
    spared = network.static_flops - float(network(pictures(1)).flops)
    assert spared == pair * (2 * 16 - (4 * 2 + 2 * 1))
    assert network.gate_flops.tolist() == [4 * pair] * 8


def test_the_bound_of_simple_images_follows_the_cross_entropy() -> None:
    network = build(ManiDp)
    before = float(network.usual)
    assert before == pytest.approx(2.3026, abs=1e-4)
    images, labels = pictures(4), torch.arange(4)
    network.usual.fill_(100.0)
    network.training_loss(images, labels, {"share": 0.0})
    assert 95 < float(network.usual) < 100


def test_thresholds_come_to_leave_the_share_of_channels_that_they_should() -> None:
    layer = convolution([0.0] * 4)
    told = torch.randn(100, 4, generator=torch.Generator().manual_seed(0))
    for _ in range(200):
        layer.move_bound(told - layer.bound, 0.7)
    assert (told >= layer.bound).float().mean().item() == pytest.approx(0.7, abs=0.01)


def test_thresholds_rise_over_their_share_of_a_stage() -> None:
    network = build(ManiDp)
    network.blocks[0].first = convolution([0.0, 1.0, 2.0, 3.0])
    network.blocks[0].first.convolution.stride = (1, 1)
    images, labels = pictures(4), torch.arange(4)
    settings = {"remaining": 0.0, "rising": 0.5}
    bounds = []
    for share in (0.0, 0.25, 0.5, 1.0):
        network.blocks[0].first.bound.zero_()
        network.training_loss(images, labels, {**settings, "share": share})
        bounds.append(network.blocks[0].first.bound.item())
    assert bounds[0] < bounds[1] < bounds[2] == bounds[3]


# DVT


def test_a_gate_is_a_half_where_confidence_is_the_threshold() -> None:
    logits = torch.tensor([[0.8, 0.1, 0.1], [0.1, 0.9, 0.0], [0.3, 0.3, 0.4]]).log()
    gates = dvt.gate(logits, torch.tensor(0.2))
    assert torch.allclose(gates, torch.tensor([1 / 2, 1 / 3, 3 / 4]), atol=1e-6)


def test_a_sure_answer_still_has_a_gate_that_can_be_attacked() -> None:
    logits = torch.tensor([[40.0, 0.0, 0.0]], requires_grad=True)
    gate = dvt.gate(logits, torch.tensor(1e-3))
    gate.sum().backward()
    assert 0 < gate.item() < 1e-12
    assert logits.grad is not None
    assert logits.grad.any()


def test_who_left_the_cascade_does_not_come_back() -> None:
    network = build(Dvt)
    network.limits.copy_(torch.tensor([1.0, 0.0]))
    batch = network(pictures(3))
    assert (batch.gates[:, 0] < 0.5).all()
    assert (batch.gates[:, 1] <= batch.gates[:, 0]).all()
    assert torch.equal(batch.logits, batch.exits[:, 0])
    with torch.no_grad():
        one = network(pictures(3)[:1])
    assert one.gates[0, 1] == 0
    assert one.flops.tolist() == [network.cascade[0].flops]


def test_each_exit_may_be_the_one_that_answers() -> None:
    network = build(Dvt)
    for reached, limits in enumerate([(1.0, 1.0), (0.0, 1.0), (0.0, 0.0)]):
        network.limits.copy_(torch.tensor(limits))
        told = network(pictures(2))
        assert torch.equal(told.logits, told.exits[:, reached])
        assert told.flops.tolist() == [sum(t.flops for t in network.cascade[: reached + 1])] * 2


def test_patches_are_refined_in_their_places() -> None:
    fine = dvt.finer(torch.tensor([[[1.0, 2.0, 3.0, 4.0]]]), 2, 4).reshape(4, 4)
    assert fine.tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]


def test_relations_are_refined_on_both_sides_and_keep_the_class_token() -> None:
    second = build(Dvt, layers=1, heads=1, dim=4).cascade[1]
    second.relate = nn.Identity()
    coarse = torch.arange(25.0).reshape(1, 1, 5, 5)
    fine = second._relations(Upstream(torch.zeros(1, 5, 4), coarse, 2))[0, 0]
    parents = [0] + [1 + row // 2 * 2 + column // 2 for row in range(4) for column in range(4)]
    assert torch.equal(fine, coarse[0, 0][parents][:, parents])


def test_the_next_transformer_reads_features_and_relations_of_the_one_before() -> None:
    first, second, _ = build(Dvt).cascade
    images = pictures(1)
    found = first(images, None)[1]
    as_found = second(images, found)[0]
    for other in (
        found._replace(features=torch.zeros_like(found.features)),
        found._replace(relations=torch.zeros_like(found.relations)),
    ):
        assert not torch.allclose(second(images, other)[0], as_found)


def test_thresholds_come_to_send_on_the_share_that_they_should() -> None:
    network = build(Dvt)
    exits = 4 * torch.randn(200, 3, 10, generator=torch.Generator().manual_seed(0))
    for _ in range(200):
        network._set_thresholds(exits, 0.3)
    shares = (dvt.doubt(exits[:, :2]) >= network.limits).float().mean(0)
    assert shares.tolist() == pytest.approx([0.3, 0.3], abs=0.02)


def test_training_sums_the_exits() -> None:
    network = build(Dvt)
    images, labels = pictures(4), torch.arange(4)
    each = [
        nn.functional.cross_entropy(logits, labels).item()
        for logits in network(images).exits.unbind(1)
    ]
    assert network.training_loss(images, labels, {}).item() == pytest.approx(sum(each))


# A-ViT


class Same(nn.Module):
    """A layer that leaves tokens as they are."""

    def forward(self, tokens: Tensor, added: Tensor | None = None) -> Tensor:
        return tokens


def halting(score: float) -> AVit:
    """One that gives every token this score in every layer."""
    network: AVit = build(AVit, scale=1.0, shift=0.0)
    network.blocks = nn.ModuleList(Same() for _ in range(5))
    nn.init.zeros_(network.patches.project.weight)
    nn.init.zeros_(network.patches.first)
    assert network.patches.project.bias is not None
    nn.init.zeros_(network.patches.project.bias)
    network.patches.positions.data[..., 0] = torch.tensor(score).logit()
    return network


def test_a_token_halts_where_its_scores_sum_to_one() -> None:
    halted = halting(0.4)._run(pictures(1))
    assert halted.counts[:, 0].tolist() == [5, 5, 5, 0, 0]
    assert torch.allclose(halted.ponder, torch.full((1, 5), 3 + 1 - 0.8), atol=1e-6)
    left = torch.tensor([0.59, 0.19, -0.21, -0.21])
    expected = torch.sigmoid(avit.SHARPNESS * left)[:, None].expand(4, 5)
    assert torch.allclose(halted.gates[:, 0], expected, atol=1e-6)


def test_the_last_layer_takes_what_remains() -> None:
    halted = halting(0.1)._run(pictures(1))
    assert halted.counts[:, 0].tolist() == [5] * 5
    assert torch.allclose(halted.ponder, torch.full((1, 5), 5 + 1 - 0.4), atol=1e-6)


@pytest.mark.parametrize("score", [0.1, 0.4, 0.995])
def test_weights_of_the_class_token_sum_to_one(score: float) -> None:
    network = halting(score)
    token = network.patches(pictures(1))[:, 0]
    expected = network.head(network.norm(token))
    assert torch.allclose(network(pictures(1)).logits, expected, atol=1e-6)


def test_what_is_executed_falls_with_the_square_of_tokens_in_attention() -> None:
    network = halting(0.4)
    layer = 2 * 5 * 12 * 8**2 + 4 * 5**2 * 8
    assert network.static_flops - float(network(pictures(1)).flops) == 2 * layer
    assert network.gate_flops.tolist() == [layer / 5] * 20


def test_a_halted_token_is_seen_by_none() -> None:
    block = build(AVit).blocks[0]
    tokens = torch.randn(1, 4, 8, generator=torch.Generator().manual_seed(0))
    on = torch.tensor([[True, False, True, True]])
    out = avit.masked(block, tokens, on)
    assert not out[0, 1].any()
    assert torch.allclose(avit.dropped(block, tokens, on), out, atol=1e-6)
    assert torch.allclose(avit.masked(block, tokens + 9 * ~on[..., None], on), out, atol=1e-6)
    assert not avit.dropped(block, tokens, torch.zeros_like(on)).any()


def test_the_prior_is_nothing_where_layers_halt_as_they_should() -> None:
    scores = torch.exp(-0.5 * (torch.arange(1.0, 6.0) - 3) ** 2)
    assert float(avit.prior_loss(0.2 * scores, 3)) == pytest.approx(0, abs=1e-6)
    assert float(avit.prior_loss(scores, 4)) > 0.1


def test_pondering_less_is_halting_earlier() -> None:
    network = build(AVit, scale=1.0, shift=-1.0)
    network.training_loss(pictures(2), torch.tensor([0, 1]), {"ponder": 1000.0}).backward()
    slopes = network.patches.positions.grad
    network.patches.positions.data -= 1e-4 * slopes
    before = build(AVit, scale=1.0, shift=-1.0)._run(pictures(2)).ponder.mean().item()
    assert network._run(pictures(2)).ponder.mean().item() < before
