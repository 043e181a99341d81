"""How many samples stand side by side in one pass. Imports torch only."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - as everybody calls it
from torch import Tensor, nn

from adapters.papers.sap import attack
from semibackward_bench.grammar import counted, form

ENOUGH = 32
"""Images in a pass on a CPU: with more, an image takes no less time (`python -m tools.pruning`)."""
SHARE = 0.5
"""Of the free memory that a chunk may take which nobody asked for; on a CPU, any."""


@dataclass(frozen=True)
class Chunk:
    """Samples that one pass takes.

    Attributes:
        samples: how many.
        why: what they were chosen by, in words.
    """

    samples: int
    why: str


def chunk_that_fits(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    samples: int,
    free: int,
    asked: int | None = None,
    attempt: Callable[[int], object] | None = None,
) -> Chunk:
    """Choose a chunk, or look whether the one that is asked for fits.

    Args:
        model: images to logits (N, classes).
        images: (N, C, H, W), in [0, 1], one at least.
        labels: (N,).
        samples: of a gradient, which are the most a pass can take.
        free: bytes that can be had on the images' device.
        asked: for so many; None to choose. What does not fit is halved.
        attempt: runs a pass of so many samples, out of memory or not; by default one gradient.

    Raises:
        RuntimeError, MemoryError: not even one sample fits.
    """
    need = bytes_of_one_sample(model, images, labels)
    if asked is not None:
        size = wanted = min(asked, samples)
        # A CPU's memory is never refused: whoever takes too much of it is killed.
        most = free * SHARE if images.device.type == "cpu" else free
        while size > 1 and size * need > most:
            size //= 2
        run = attempt or functools.partial(_attempt, model, images, labels)
        while not _fits(run, size):
            size //= 2
        if size < wanted:
            does = form(wanted, "does", "do")
            return Chunk(size, f"{counted(wanted, 'sample')} {does} not fit, halved to {size}")
        return Chunk(size, "as asked" if asked <= samples else "all samples")
    fitting = max(1, int(free * SHARE) // need)
    found = min(samples, fitting)
    if images.device.type == "cpu":
        found = min(found, max(1, ENOUGH // len(images)))
    if found == samples:
        return Chunk(found, "all samples")
    if found == fitting:
        return Chunk(found, "as many as fit into half of the free memory")
    return Chunk(found, f"{counted(found * len(images), 'image')} in a pass, enough for a CPU")


def bytes_of_one_sample(model: nn.Module, images: Tensor, labels: Tensor) -> int:
    """What one sample's pass keeps for its backward pass, and its images with their gradient.

    Args:
        model, images, labels: as `chunk_that_fits` has them.
    """
    kept: dict[int, int] = {}
    weights = {_place(tensor)[0] for tensor in [*model.parameters(), *model.buffers()]}

    def keep(tensor: Tensor) -> Tensor:
        start, size = _place(tensor)
        if start not in weights:
            kept[start] = size
        return tensor.detach()  # itself, an output would hold its own graph alive

    with (
        _as_it_was(model, images.device),
        torch.enable_grad(),
        torch.autograd.graph.saved_tensors_hooks(keep, lambda kept_one: kept_one),
    ):
        leaf = images.detach().clone().requires_grad_(True)
        loss = F.cross_entropy(model(leaf).float(), labels, reduction="sum")
    del loss
    kept.pop(_place(leaf)[0], None)
    return sum(kept.values()) + 2 * images.numel() * images.element_size()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch, or Python, was denied memory."""
    if isinstance(error, MemoryError):
        return True
    words = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, RuntimeError) and any(said in str(error).lower() for said in words)


def _fits(run: Callable[[int], object], size: int) -> bool:
    """Whether a pass of so many samples gets its memory; one sample must."""
    try:
        run(size)
    except (RuntimeError, MemoryError) as error:
        if size == 1 or not is_out_of_memory(error):
            raise
        return False
    return True


def _attempt(model: nn.Module, images: Tensor, labels: Tensor, size: int) -> None:
    with _as_it_was(model, images.device):
        attack.gradient(model, images, labels, samples=size, chunk=size)


@contextmanager
def _as_it_was(model: nn.Module, device: torch.device) -> Iterator[None]:
    """After the block, random states and parameters' `.grad` are what they were before; a
    defence's own generator has gone on."""
    before = [(parameter, parameter.grad) for parameter in model.parameters()]
    for parameter, _ in before:
        parameter.grad = None
    try:
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            yield
    finally:
        for parameter, found in before:
            parameter.grad = found


def _place(tensor: Tensor) -> tuple[int, int]:
    """Where a tensor's storage is, and its bytes."""
    # Before torch 2.0 there is but one way, which a later torch warns of.
    storage = getattr(tensor, "untyped_storage", tensor.storage)()
    return storage.data_ptr(), storage.nbytes()
