"""The questions of the probe. Each answers with plain values: counts, ratios, seconds, MHz.

By PyTorch's source, batch norm's backward in evaluation mode takes another kernel where its
parameters are frozen (`batch_norm_backward_cuda`), and memory-efficient attention repeats itself
only under deterministic algorithms without `warn_only`. Here it is looked at.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

REPEATS = 10
"""Steps that are timed, after three that are not; of small ones, a single one each."""


@dataclass(frozen=True)
class Place:
    """Where questions are asked.

    Attributes:
        device: torch's name of it.
        small: ask of small tensors.
    """

    device: str
    small: bool

    @property
    def cuda(self) -> bool:
        """Whether it is a GPU of NVIDIA's, or one that torch treats as such."""
        return self.device.startswith("cuda")

    def wait(self) -> None:
        """Until it has done what it was given."""
        if self.cuda:
            torch.cuda.synchronize(self.device)


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes:
        ask: answers it, with what JSON can hold.
        cuda: whether only CUDA can answer.
    """

    ask: Callable[[Place], Any]
    cuda: bool = False

    @property
    def name(self) -> str:
        """What its answer is called."""
        return self.ask.__name__


def batch_norm(place: Place) -> dict[str, int]:
    """How many values of the input's gradient differ once the parameters are frozen."""
    side, batch = (8, 2) if place.small else (56, 16)
    found = {}
    forms = (torch.contiguous_format, torch.channels_last)
    for form, (weight, variance) in itertools.product(
        forms, ((1.0, 1.0), (0.25, 1.0), (0.2, 1.0), (0.83, 0.37))
    ):
        layer = nn.BatchNorm2d(64).to(place.device).eval()
        nn.init.constant_(layer.weight, weight)
        assert layer.running_var is not None
        layer.running_var.fill_(variance)
        inputs = torch.randn(batch, 64, side, side, device=place.device).to(memory_format=form)
        asked = torch.randn_like(inputs)
        gradients = [_input_gradient(layer, inputs, asked, frozen) for frozen in (False, True)]
        name = str(form).removeprefix("torch.")
        found[f"{name}, weight {weight}, variance {variance}"] = _different(*gradients)
    return found


def _input_gradient(layer: nn.Module, inputs: Tensor, asked: Tensor, frozen: bool) -> Tensor:
    layer.requires_grad_(not frozen)
    leaf = inputs.detach().requires_grad_()
    layer(leaf).backward(asked)
    assert leaf.grad is not None
    return leaf.grad


def _different(one: Tensor, other: Tensor) -> int:
    return int((one != other).sum())


def attention(place: Place) -> dict[str, bool]:
    """Whether the backward pass of float32 attention repeats itself, six times."""
    shape = (2, 2, 17, 16) if place.small else (16, 12, 197, 64)
    found = {}
    for warn_only in (True, False):
        query, key, value = (
            torch.randn(shape, device=place.device, requires_grad=True) for _ in range(3)
        )
        asked = torch.randn_like(query)
        with _deterministic(warn_only):
            gradients = [
                torch.autograd.grad(
                    functional.scaled_dot_product_attention(query, key, value), query, asked
                )[0]
                for _ in range(6)
            ]
        same = all(torch.equal(gradients[0], gradient) for gradient in gradients)
        found[f"repeats itself, warn_only={warn_only}"] = same
    return found


@contextmanager
def _deterministic(warn_only: bool) -> Iterator[None]:
    torch.use_deterministic_algorithms(True, warn_only=warn_only)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


def clocks(place: Place) -> dict[str, Any]:
    """What NVML says of clocks during a run and so many milliseconds after, how long reading takes,
    and what the counters count."""
    import pynvml

    pynvml.nvmlInit()
    uuid = str(torch.cuda.get_device_properties(place.device).uuid)
    handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}")

    def look() -> dict[str, float]:
        begun = time.perf_counter()
        mhz = pynvml.nvmlDeviceGetClockInfo(handle, pynvml.NVML_CLOCK_SM)
        reasons = pynvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle)
        return {
            "sm MHz": mhz,
            "throttle reasons": reasons,
            "reading ms": (time.perf_counter() - begun) * 1e3,
        }

    def counters() -> dict[str, int]:
        asked = pynvml.nvmlDeviceGetViolationStatus
        power, thermal = pynvml.NVML_PERF_POLICY_POWER, pynvml.NVML_PERF_POLICY_THERMAL
        return {
            "energy mJ": pynvml.nvmlDeviceGetTotalEnergyConsumption(handle),
            "power violation ns": asked(handle, power).violationTime,
            "thermal violation ns": asked(handle, thermal).violationTime,
        }

    side = 512 if place.small else 8192
    matrix = torch.randn(side, side, device=place.device)
    found: dict[str, Any] = {}
    for milliseconds in (0, 1, 5, 20, 100, 1000):
        _products(matrix, 20)
        place.wait()
        time.sleep(milliseconds / 1e3)
        found[f"{milliseconds} ms after"] = look()
    before, begun = counters(), time.perf_counter()
    _products(matrix, 100)
    found["during"] = look()
    place.wait()
    passed = time.perf_counter() - begun
    found["counted"] = {name: now - before[name] for name, now in counters().items()}
    found["counted"]["seconds"] = passed
    return found


def _products(matrix: Tensor, count: int) -> None:
    for _ in range(count):
        torch.mm(matrix, matrix)


def waits(place: Place) -> dict[str, list[float]]:
    """Where the host waits for a copy into pageable memory: milliseconds by the runtime's call."""
    side = 512 if place.small else 8192
    matrix = torch.randn(side, side, device=place.device)
    with torch.profiler.profile() as profile:
        (matrix @ matrix).cpu()
        (matrix @ matrix).sum().item()
    found: dict[str, list[float]] = {}
    for event in profile.events() or ():
        if event.name.startswith(("cudaMemcpy", "cudaStreamSync", "cudaDeviceSync", "Memcpy")):
            found.setdefault(event.name, []).append(event.time_range.elapsed_us() / 1e3)
    return found


def events(place: Place) -> dict[str, Any]:
    """The resolution of CUDA events: microseconds between neighbours with nothing in between."""
    made = [torch.cuda.Event(enable_timing=True) for _ in range(400)]
    for event in made:
        event.record()
    place.wait()
    between = [
        round(one.elapsed_time(other) * 1e3, 3)
        for one, other in zip(made[::2], made[1::2], strict=True)
    ]
    return {"least, in µs": sorted(set(between))[:12], "most, in µs": max(between)}


def resnet(place: Place) -> dict[str, dict[str, float]]:
    """ResNet's gradient at the first step, frozen against unfrozen, and how long a step takes."""
    form = torch.contiguous_format
    found = {"TF32": _of_resnet(place, True, form), "float32": _of_resnet(place, False, form)}
    found["TF32, channels last"] = _of_resnet(place, True, torch.channels_last)
    return found


def _of_resnet(place: Place, tf32: bool, form: torch.memory_format) -> dict[str, float]:
    step = _Step(place, form)
    with _convolutions_in(tf32):
        plain, plain_seconds = step.timed(frozen=False)
        frozen, frozen_seconds = step.timed(frozen=True)
    return {
        "relative norm of the difference": float((frozen - plain).norm() / plain.norm()),
        "flipped signs": _different(plain.sign(), frozen.sign()),
        "values": plain.numel(),
        "unfrozen ms": 1e3 * plain_seconds,
        "frozen ms": 1e3 * frozen_seconds,
    }


def cuda_graph(place: Place) -> dict[str, Any]:
    """A frozen step of ResNet's as a CUDA graph: its bits and its time, in TF32."""
    step = _Step(place, torch.contiguous_format)
    with _convolutions_in(True):
        eager, seconds = step.timed(frozen=True)
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            step.gradient()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            captured = step.gradient()
        replay_seconds = _seconds(place, graph.replay)
    return {
        "values that differ": _different(eager, captured),
        "eager ms": 1e3 * seconds,
        "graph ms": 1e3 * replay_seconds,
    }


@contextmanager
def _convolutions_in(tf32: bool) -> Iterator[None]:
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = tf32
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


class _Step:
    """One step of PGD on a ResNet with random weights: the gradient of the loss.

    Args:
        place: where.
        form: of the memory of weights and images.
    """

    def __init__(self, place: Place, form: torch.memory_format) -> None:
        import timm

        name, side, batch = ("resnet10t", 32, 2) if place.small else ("resnet50", 224, 16)
        torch.manual_seed(0)
        # Else the last batch norm of each block is 0, and has no gradient to pass on.
        model = timm.create_model(name, zero_init_last=False)
        for layer in model.modules():
            if isinstance(layer, nn.BatchNorm2d):
                nn.init.uniform_(layer.weight, 0.5, 1.5)
                assert layer.running_var is not None
                layer.running_var.uniform_(0.5, 2)
        self._place = place
        self._model: nn.Module = model.to(place.device).to(memory_format=form).eval()
        images = torch.rand(batch, 3, side, side).to(place.device, memory_format=form)
        self._images = images.requires_grad_()
        self._labels = torch.arange(batch, device=place.device)

    def timed(self, *, frozen: bool) -> tuple[Tensor, float]:
        """The gradient by `backward()`, and the seconds of a step."""
        self._model.requires_grad_(not frozen)
        seconds = _seconds(self._place, self._backward)
        assert self._images.grad is not None
        found = self._images.grad
        for parameter in self._model.parameters():
            parameter.grad = None
        return found, seconds

    def gradient(self) -> Tensor:
        """The same by `autograd.grad`, which a CUDA graph can capture."""
        (found,) = torch.autograd.grad(self._loss(), self._images)
        return found

    def _loss(self) -> Tensor:
        return functional.cross_entropy(self._model(self._images), self._labels)

    def _backward(self) -> None:
        self._images.grad = None
        self._loss().backward()


def _seconds(place: Place, run: Callable[[], object]) -> float:
    first, repeats = (1, 1) if place.small else (3, REPEATS)
    for _ in range(first):
        run()
    place.wait()
    begun = time.perf_counter()
    for _ in range(repeats):
        run()
    place.wait()
    return (time.perf_counter() - begun) / repeats


EVERY = (
    Question(batch_norm),
    Question(attention),
    Question(resnet),
    Question(clocks, cuda=True),
    Question(waits, cuda=True),
    Question(events, cuda=True),
    Question(cuda_graph, cuda=True),
)
"""The most telling first."""
