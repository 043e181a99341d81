"""The machine: both modes, `torch.cuda`'s answers, generators, autograd's engine, for a while."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any
from unittest import mock

import torch
from torch.autograd import Variable
from torch.overrides import _get_current_function_mode_stack

from tests.fake_cuda.front import Front
from tests.fake_cuda.kernels import Kernels
from tests.fake_cuda.places import CPU, CUDA, asks_for_gpu


@contextlib.contextmanager
def played() -> Iterator[None]:
    """Inside the block this machine has a GPU, "cuda:0". What was patched is put back after it.

    Tensors made inside the block are of no use outside it.
    """
    kernels = Kernels()
    front = Front(kernels)
    with contextlib.ExitStack() as stack:
        for module, answers in _ANSWERS.items():
            for name, answer in answers.items():
                stack.enter_context(mock.patch.object(module, name, answer))
        stack.enter_context(mock.patch.object(torch, "Generator", Generator))
        engine = _Engine(Variable._execution_engine, front)
        stack.enter_context(mock.patch.object(Variable, "_execution_engine", engine))
        stack.enter_context(kernels)
        stack.enter_context(front)
        yield


class _Engine:
    """Autograd's engine, with the function mode on: torch takes a mode off for the time that it
    handles a call, and `backward` is one, in which hooks and custom functions run."""

    def __init__(self, engine: Any, front: Front) -> None:
        self._engine = engine
        self._front = front

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def run_backward(self, *args: Any, **kwargs: Any) -> Any:
        if self._front in _get_current_function_mode_stack():
            return self._engine.run_backward(*args, **kwargs)
        with self._front:
            return self._engine.run_backward(*args, **kwargs)


class Generator(torch.Generator):
    """One of the CPU's that says where it was made for."""

    _gpu: bool

    def __new__(cls, device: Any = "cpu") -> Generator:
        made = super().__new__(cls)
        made._gpu = bool(asks_for_gpu(device))
        return made

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return CUDA if self._gpu else CPU


def _set_device(device: object) -> None:
    asks_for_gpu(device)


def _get_rng_state(device: object = "cuda") -> torch.Tensor:
    return torch.get_rng_state()


def _set_rng_state(new_state: torch.Tensor, device: object = "cuda") -> None:
    torch.set_rng_state(new_state)


class _Stream:
    """Nobody captures it."""

    def is_capturing(self) -> bool:
        return False


_MEMORY = 2**30
"""Bytes that it has."""

# What draws on the GPU draws from the CPU's generator here, which torch.manual_seed seeds.
_SEEDS: Mapping[str, Any] = {
    "manual_seed": lambda seed: None,
    "manual_seed_all": lambda seed: None,
    "get_rng_state": _get_rng_state,
    "set_rng_state": _set_rng_state,
}
_ANSWERS: Mapping[Any, Mapping[str, Any]] = {
    torch.cuda: {
        **_SEEDS,
        "is_available": lambda: True,
        "is_initialized": lambda: True,
        "is_current_stream_capturing": lambda: False,
        "device_count": lambda: 1,
        "current_device": lambda: 0,
        "set_device": _set_device,
        "get_device_name": lambda device=None: "a CPU that plays a GPU",
        "synchronize": lambda device=None: None,
        "empty_cache": lambda: None,
        "mem_get_info": lambda device=None: (_MEMORY, _MEMORY),
        "memory_reserved": lambda device=None: 0,
        "memory_allocated": lambda device=None: 0,
    },
    torch.cuda.random: _SEEDS,
    torch.accelerator: {"current_stream": lambda device=None: _Stream()},
}
