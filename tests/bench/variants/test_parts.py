"""Each part of a variant: what it does to a model, what it leaves, and lines that do the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from adapters.base import UnsupportedSettings
from bench.variants import naming
from bench.worker.variants import Shaped
from tests.bench.variants.eagerly import compiling_eagerly

pytestmark = pytest.mark.usefixtures("one_thread")

ON_A_CPU = ("semi-backward", "forward-only", "channels-last", "bf16", "compiled")


class Network(nn.Sequential):
    """Says in which format and dtype its convolution works."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        super().__init__(
            nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5)
        )
        self.eval()
        self.seen: list[tuple[bool, torch.dtype]] = []
        self[0].register_forward_hook(self._look)

    def _look(self, _: nn.Module, inputs: Any, output: Tensor) -> None:
        last = output.is_contiguous(memory_format=torch.channels_last)
        self.seen.append((last, output.dtype))


@pytest.fixture
def images() -> Tensor:
    return torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))


@pytest.fixture(autouse=True)
def eagerly() -> Iterator[None]:
    """What is compiled is not compiled by a C++ compiler, whose work is not in question here."""
    with compiling_eagerly():
        yield


def gradient(model: nn.Module, images: Tensor) -> tuple[Tensor, Tensor | None]:
    images = images.clone().requires_grad_(True)
    output = model(images)
    if output.requires_grad:
        output.square().sum().backward()
    return output.detach(), images.grad


@pytest.mark.parametrize("variant", [*ON_A_CPU, "bf16+channels-last+compiled+semi-backward"])
def test_after_the_block_the_model_is_as_it_was(variant: str, images: Tensor) -> None:
    model = Network()
    before = {name: (p.data_ptr(), p.stride(), p.requires_grad) for name, p in named(model)}
    attributes = dict(vars(model))
    shaped = Shaped(variant, model, images)
    with shaped.applied():
        gradient(model, images)
    assert {n: (p.data_ptr(), p.stride(), p.requires_grad) for n, p in named(model)} == before
    assert vars(model) == attributes
    assert type(model).forward is nn.Sequential.forward


def named(model: nn.Module) -> list[tuple[str, nn.Parameter]]:
    return list(model.named_parameters())


@pytest.mark.parametrize(
    ("variant", "last", "dtype"),
    [
        ("original", False, torch.float32),
        ("channels-last", True, torch.float32),
        ("bf16", False, torch.bfloat16),
        ("bf16+channels-last+semi-backward", True, torch.bfloat16),
    ],
)
def test_a_part_does_what_it_says(
    variant: str, last: bool, dtype: torch.dtype, images: Tensor
) -> None:
    model = Network()
    with Shaped(variant, model, images).applied():
        output, found = gradient(model, images)
    assert model.seen == [(last, dtype)]
    assert output.dtype == torch.float32
    assert found is not None
    assert found.any()


def test_frozen_in_any_composition_no_parameter_gets_a_gradient(images: Tensor) -> None:
    for variant in ("semi-backward", "channels-last+semi-backward", "compiled+semi-backward"):
        model = Network()
        with Shaped(variant, model, images).applied():
            gradient(model, images)
        assert all(p.grad is None for p in model.parameters()), variant


@pytest.mark.parametrize("device", ["cpu"])
@pytest.mark.parametrize("name", ON_A_CPU)
def test_the_lines_to_paste_make_the_same_output_and_gradient(
    name: str, device: str, images: Tensor
) -> None:
    model, pasted = Network(), Network()
    with Shaped(name, model, images).applied():
        expected = gradient(model, images)
    run_lines(naming.PARTS[name].lines(device), pasted, images)
    found = gradient(pasted, images)
    for one, other in zip(expected, found, strict=True):
        assert (one is None and other is None) or torch.equal(one, other)  # type: ignore[arg-type]


def run_lines(lines: Sequence[str], model: nn.Module, images: Tensor) -> None:
    exec("\n".join(lines), {"torch": torch, "model": model, "images": images})


@pytest.mark.parametrize("name", ["graphed", "tf32"])
def test_what_is_for_a_gpu_says_so_on_a_cpu(name: str, images: Tensor) -> None:
    with pytest.raises(UnsupportedSettings, match=f"{name}: it is for cuda, and this is cpu"):
        Shaped(name, Network(), images)


def test_without_a_compiler_the_reason_names_it(
    images: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(UnsupportedSettings, match="C\\+\\+ compiler, and there is no no-such"):
        Shaped("compiled+semi-backward", Network(), images)


def test_a_torch_without_a_compiler_says_so(
    images: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(torch, "compile")
    with pytest.raises(UnsupportedSettings, match=r"has no torch\.compile"):
        Shaped("compiled", Network(), images)


def test_a_python_that_torch_does_not_compile_for_says_so(
    images: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("Dynamo is not supported on Python 3.99+")

    monkeypatch.setattr(torch, "compile", refuse)
    with pytest.raises(UnsupportedSettings, match=r"not supported on Python 3\.99"):
        Shaped("compiled", Network(), images)


def test_what_is_compiled_already_is_not_compiled_again(images: Tensor) -> None:
    with pytest.raises(UnsupportedSettings, match="compiled already"):
        Shaped("compiled", torch.compile(Network()), images)  # type: ignore[arg-type]


def test_channels_last_of_a_model_without_planes_is_refused(images: Tensor) -> None:
    with pytest.raises(UnsupportedSettings, match="no weights of four dimensions"):
        Shaped("channels-last", nn.Sequential(nn.Flatten(), nn.Linear(192, 5)), images)


def test_reduced_precision_is_for_float32(images: Tensor) -> None:
    with pytest.raises(UnsupportedSettings, match="bf16 is for models of float32"):
        Shaped("bf16", Network().double(), images.double())


def test_an_autocast_that_does_nothing_is_no_variant(
    images: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "mm", lambda one, other: one)
    with pytest.raises(UnsupportedSettings, match="has no such autocast"):
        Shaped("bf16", Network(), images)


def test_a_copy_that_an_attack_makes_is_not_in_the_variants_state(images: Tensor) -> None:
    import copy

    model = Network()
    with Shaped("bf16", model, images).applied():
        copied = copy.deepcopy(model)
        copied(images)
    assert copied.seen[-1] == (False, torch.float32)


def test_what_is_compiled_is_not_run_in_place_of_what_an_attack_puts_there(
    images: Tensor,
) -> None:
    model = Network()
    shaped = Shaped("compiled", model, images)
    with shaped.applied():
        model(images)
        vars(model)["forward"] = lambda images: images.flatten(1)[:, :5]
        with pytest.raises(UnsupportedSettings, match="something of its own in place"):
            model(images)


class Replayed:
    """Stands in for `torch.cuda.make_graphed_callables`: static memory in and out, one shape."""

    def __init__(self, module: nn.Module, samples: tuple[Tensor, ...]) -> None:
        self.shape = samples[0].shape
        self.forward: Callable[..., Tensor] = module.forward
        self.static: Tensor | None = None
        module.forward = self.replay

    def replay(self, images: Tensor) -> Tensor:
        assert images.shape == self.shape  # a real one would copy what it can
        output = self.forward(images)
        if self.static is None:
            self.static = torch.empty_like(output)
        self.static.copy_(output.detach())
        return output


@pytest.fixture
def captured(images: Tensor, monkeypatch: pytest.MonkeyPatch) -> tuple[nn.Module, Shaped]:
    monkeypatch.setattr(torch.cuda, "make_graphed_callables", Replayed)
    monkeypatch.setattr(type(naming.PARTS["graphed"]), "devices", ("cpu",))
    model = Network()
    return model, Shaped("graphed+semi-backward", model, images)


def test_what_is_captured_makes_the_same_output_and_gradient(
    captured: tuple[nn.Module, Shaped], images: Tensor
) -> None:
    model, shaped = captured
    expected = gradient(model, images)
    with shaped.applied():
        found = gradient(model, images)
    assert torch.equal(expected[0], found[0])
    assert torch.equal(expected[1], found[1])  # type: ignore[arg-type]
    assert shaped.compilations == 1


def test_a_captured_model_refuses_another_shape(
    captured: tuple[nn.Module, Shaped], images: Tensor
) -> None:
    model, shaped = captured
    with shaped.applied(), pytest.raises(UnsupportedSettings, match="1x3x8x8 of float32, and it"):
        model(images[:1])


def test_a_captured_model_refuses_a_gradient_whose_activations_are_overwritten(
    captured: tuple[nn.Module, Shaped], images: Tensor
) -> None:
    model, shaped = captured
    images = images.clone().requires_grad_(True)
    with shaped.applied():
        first, second = model(images), model(images)
        second.sum().backward()
        with pytest.raises(UnsupportedSettings, match="whose activations are overwritten"):
            first.sum().backward()


def test_tf32_is_switched_on_for_a_run_and_off_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(naming.PARTS["tf32"]), "lacks", lambda self, device: None)
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    with Shaped("tf32", Network()).applied():
        inside = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    assert inside == ("high", True)
    assert (torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32) == before
