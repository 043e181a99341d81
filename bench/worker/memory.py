"""Peak memory of one run, and what it is made of."""

from __future__ import annotations

import contextlib
import gc
import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bench.worker.compilers import untraced

CPU = "peak of the bytes torch's CPU allocator held for the run, above what it held before"
CUDA = "peak of the bytes torch's CUDA allocator held, model and images included"

_GRADIENT: Any = inspect.getattr_static(Tensor, "grad")
"""Torch's own: `semi_backward` would take a look at a parameter's for the attack's."""


class Unseen(RuntimeError):
    """Nobody can tell what was kept."""


@dataclass(frozen=True)
class Peak:
    """The highest that one run got to, in bytes.

    Attributes:
        allocated: of live tensors; on a CPU above what was there before the run.
        before: of live tensors when the run began; 0 on a CPU.
        reserved: of what the allocator took from the device; None on a CPU.
        what: what `allocated` is, in words.
    """

    allocated: int
    before: int
    reserved: int | None
    what: str


@dataclass(frozen=True)
class Kept:
    """What autograd kept at its fullest, in bytes.

    Attributes:
        saved: tensors saved for the backward pass, each storage once, without the model's own.
        gradients: `.grad` buffers of the parameters, at that moment.
    """

    saved: int = 0
    gradients: int = 0


def peak(run: Callable[[], object], device: str) -> Peak | None:
    """Run it once; None on a device that keeps no account.

    On the CPU torch's profiler reports every allocation; the run is slower, so it is never timed.
    On CUDA the allocator first gives back what it keeps and nobody uses: blocks of an earlier run,
    of another variant or of a check, would count as reserved by this one.
    """
    if device.startswith("cuda"):
        cuda = torch.cuda
        gc.collect()
        cuda.synchronize(device)
        cuda.empty_cache()
        cuda.reset_peak_memory_stats(device)
        before = cuda.memory_allocated(device)
        run()
        cuda.synchronize(device)
        allocated, reserved = cuda.max_memory_allocated(device), cuda.max_memory_reserved(device)
        return Peak(allocated, before, reserved, CUDA)
    if device == "cpu":
        with torch.autograd.profiler.profile(profile_memory=True) as profile:
            run()
        highest = _highest(_allocations(profile.kineto_results.events()))
        return Peak(highest, 0, None, CPU)
    return None


def kept(run: Callable[[], object], model: nn.Module, besides: Iterable[Tensor] = ()) -> Kept:
    """Run it once and follow what autograd keeps; never timed, and apart from `peak`.

    Args:
        run: the call.
        model: whose own tensors do not count.
        besides: nor do these, which are there anyway.

    Raises:
        Unseen: torch has let go of the hooks by which it is followed, for a part of the run.
    """
    account = Account(model, besides=besides)
    with account.following(), account.giving_way():
        run()
    if account.gave_way:
        raise Unseen("torch.func lets no hook see what it saves for a backward pass")
    return account.fullest


class Account:
    """The books of saved tensors and `.grad` buffers during one run.

    Args:
        model: whose own tensors do not count.
        mark: what to write beside a tensor that is saved for the first time.
        besides: nor do these.
    """

    def __init__(
        self,
        model: nn.Module,
        mark: Callable[[], str] = lambda: "",
        besides: Iterable[Tensor] = (),
    ) -> None:
        self.fullest = Kept()
        self.gave_way = False
        self._parameters = list(model.parameters())
        own = [*self._parameters, *model.buffers(), *besides]
        self._own = {storage(tensor)[0] for tensor in own if has_storage(tensor)}
        self._owners: dict[int, int] = {}  # storage to the number of saved tensors that use it
        self._bytes: dict[int, int] = {}
        self._mark = mark
        self._marks: dict[int, str] = {}
        self._held = 0
        self._most = sum(_size(parameter) for parameter in self._parameters)

    @contextlib.contextmanager
    def following(self) -> Iterator[None]:
        handles = [
            parameter.register_hook(lambda _: self._look())
            for parameter in self._parameters
            if parameter.requires_grad
        ]
        try:
            with torch.autograd.graph.saved_tensors_hooks(self._pack, _unpack):
                yield
            self._look()
        finally:
            for handle in handles:
                handle.remove()

    @contextlib.contextmanager
    def giving_way(self) -> Iterator[None]:
        """Take the hooks off where torch wants none, as in `torch.func`, which fails with them."""
        graph: Any = torch.autograd.graph
        disable = getattr(graph, "disable_saved_tensors_hooks", None)
        if disable is None:  # before torch 2.0
            yield
            return

        @contextlib.contextmanager
        def disabled(message: str) -> Iterator[None]:
            with contextlib.ExitStack() as stack:
                try:
                    stack.enter_context(disable(message))
                except RuntimeError:
                    torch._C._autograd._pop_saved_tensors_default_hooks()
                    stack.callback(
                        torch._C._autograd._push_saved_tensors_default_hooks, self._pack, _unpack
                    )
                    self.gave_way = True
                    stack.enter_context(disable(message))
                yield

        graph.disable_saved_tensors_hooks = disabled
        try:
            yield
        finally:
            graph.disable_saved_tensors_hooks = disable

    @property
    def held(self) -> dict[int, tuple[str, int]]:
        """What is saved now: the mark and the bytes of each storage, by its address."""
        return {where: (self._marks[where], size) for where, size in self._bytes.items()}

    def _pack(self, tensor: Tensor) -> _Saved:
        where, size = storage(tensor) if has_storage(tensor) else (0, 0)
        counts = where not in self._own and size > 0
        if counts:
            if where not in self._owners:
                self._owners[where], self._bytes[where] = 0, size
                self._marks[where] = self._mark()
                self._held += size
            self._owners[where] += 1
            self._look()
        # Its own graph holds what this returns: the tensor itself would close a cycle, and a graph
        # that no backward pass walks would never go.
        with untraced():
            return _Saved(tensor.detach(), self._release if counts else None, where)

    def _release(self, where: int) -> None:
        self._owners[where] -= 1
        if not self._owners[where]:
            del self._owners[where], self._marks[where]
            self._held -= self._bytes.pop(where)

    def _look(self) -> None:
        fullest = self.fullest.saved + self.fullest.gradients
        if self._held + self._most <= fullest:
            return  # not even with every gradient there; walking through them takes long
        held = map(_GRADIENT.__get__, self._parameters)
        gradients = sum(_size(gradient) for gradient in held if gradient is not None)
        if self._held + gradients > fullest:
            self.fullest = Kept(self._held, gradients)


def _unpack(saved: _Saved) -> Tensor:
    return saved.tensor


class _Saved:
    """A saved tensor that tells when autograd lets go of it."""

    def __init__(self, tensor: Tensor, release: Callable[[int], None] | None, where: int) -> None:
        self.tensor = tensor
        self._release = release
        self._where = where

    def __del__(self) -> None:
        if self._release is not None:
            self._release(self._where)


def _size(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def storage(tensor: Tensor) -> tuple[int, int]:
    """Address and bytes of a tensor's storage; `untyped_storage` is of torch 2.0."""
    if hasattr(tensor, "untyped_storage"):
        found: Any = tensor.untyped_storage()
        return found.data_ptr(), found.nbytes()
    found = tensor.storage()
    return found.data_ptr(), found.nbytes()


def has_storage(tensor: Tensor) -> bool:
    return tensor.layout == torch.strided and type(tensor) in (Tensor, nn.Parameter)


def _allocations(events: Iterable[Any]) -> list[tuple[int, int]]:
    """(time, bytes) of each allocation, negative for a release, in the order of their times."""
    found = [event for event in events if event.name() == "[memory]"]
    start = "start_ns" if found and hasattr(found[0], "start_ns") else "start_us"
    return sorted(
        ((getattr(event, start)(), event.nbytes()) for event in found), key=lambda pair: pair[0]
    )


def _highest(allocations: Iterable[tuple[int, int]]) -> int:
    held = highest = 0
    for _, size in allocations:
        held += size
        highest = max(highest, held)
    return highest
