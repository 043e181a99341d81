"""Settings of the whole process that an attack may change: how to read them, and to write them."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy
import torch

_FAULTS = (AttributeError, OSError, RuntimeError, TypeError, ValueError)
"""Of reading and writing: torch's older names can't be read once the newer ones were used."""
_UNREAD = object()


@dataclass(frozen=True)
class Setting:
    """One of them.

    Attributes:
        name: what sets it.
        get: reads it.
        put: writes it.
        told: whether it matters to who reads of a measurement.
    """

    name: str
    get: Callable[[], Any]
    put: Callable[[Any], object]
    told: bool = True


def read() -> list[object]:
    """All of them, as they are."""
    return [_read(setting) for setting in SETTINGS]


def put_back(before: list[object]) -> tuple[list[str], list[str]]:
    """Write what has changed as it was; what was told of it, and what could not be written."""
    changed, stuck = [], []
    for setting, was in zip(SETTINGS, before, strict=True):
        now = _read(setting)
        if was is _UNREAD or was == now:
            continue
        try:
            setting.put(was)
        except _FAULTS:
            stuck.append(setting.name)
        else:
            shown = isinstance(now, bool | int | float | str | torch.dtype | torch.device)
            if setting.told:
                changed.append(f"{setting.name} to {now}" if shown else setting.name)
    return changed, stuck


def _read(setting: Setting) -> object:
    try:
        return setting.get()
    except _FAULTS:
        return _UNREAD


def _flag(place: Any, name: str, called: str) -> Setting:
    return Setting(called, lambda: getattr(place, name), lambda value: setattr(place, name, value))


def _autocast(device: str) -> Setting:
    """torch 2.4 has one function for every device; before it each had its own."""
    called = f"torch's autocast on {'the CPU' if device == 'cpu' else 'CUDA'}"
    try:
        torch.is_autocast_enabled(device)
    except TypeError:
        of = {"cuda": "autocast", "cpu": "autocast_cpu"}[device]
        return Setting(
            called, getattr(torch, f"is_{of}_enabled"), getattr(torch, f"set_{of}_enabled")
        )
    return Setting(
        called,
        lambda: torch.is_autocast_enabled(device),
        lambda flag: torch.set_autocast_enabled(device, flag),
    )


def _deterministic() -> tuple[bool, bool]:
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )


def _device() -> torch.device | None:
    """torch's default one; None where nobody set it."""
    context = getattr(torch._GLOBAL_DEVICE_CONTEXT, "device_context", None)
    return None if context is None else context.device


def _environment(held: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(held)


def _filters(held: list[Any]) -> None:
    warnings.filters[:] = held  # type: ignore[index] # a list, which its stub does not say


_HOOKS: dict[str, dict[Any, Any]] = {
    name: held
    for name, held in vars(torch.nn.modules.module).items()
    if name.startswith("_global_") and "_hooks" in name and isinstance(held, dict)
}
"""Those on every module there is."""


def _put_hooks(before: dict[str, dict[Any, Any]]) -> None:
    for name, hooks in before.items():
        _HOOKS[name].clear()
        _HOOKS[name].update(hooks)


_cudnn, _cuda = torch.backends.cudnn, torch.backends.cuda
SETTINGS = [
    Setting("torch.set_grad_enabled", torch.is_grad_enabled, torch._C._set_grad_enabled),
    Setting("torch.set_default_dtype", torch.get_default_dtype, torch.set_default_dtype),
    Setting("torch.set_num_threads", torch.get_num_threads, torch.set_num_threads),
    Setting(
        "torch.use_deterministic_algorithms",
        _deterministic,
        lambda flags: torch.use_deterministic_algorithms(flags[0], warn_only=flags[1]),
    ),
    Setting(
        "torch.autograd.set_detect_anomaly",
        torch.is_anomaly_enabled,
        torch.autograd.set_detect_anomaly,
    ),
    _flag(_cudnn, "benchmark", "torch.backends.cudnn.benchmark"),
    _flag(_cudnn, "deterministic", "torch.backends.cudnn.deterministic"),
    _flag(_cudnn, "enabled", "torch.backends.cudnn.enabled"),
    _flag(_cudnn, "allow_tf32", "torch.backends.cudnn.allow_tf32"),
    _flag(_cuda.matmul, "allow_tf32", "torch.backends.cuda.matmul.allow_tf32"),
    _autocast("cpu"),
    _autocast("cuda"),
    Setting("hooks on all modules", lambda: {n: dict(h) for n, h in _HOOKS.items()}, _put_hooks),
    Setting("numpy.seterr", numpy.geterr, lambda held: numpy.seterr(**held)),
    Setting(
        "numpy.set_printoptions",
        numpy.get_printoptions,
        lambda held: numpy.set_printoptions(**held),
        told=False,
    ),
    Setting("sys.setrecursionlimit", sys.getrecursionlimit, sys.setrecursionlimit),
    Setting("warnings.filters", lambda: list(warnings.filters), _filters, told=False),
    Setting("os.environ", lambda: dict(os.environ), _environment),
    Setting("the current folder", os.getcwd, os.chdir),
]
if hasattr(torch, "get_float32_matmul_precision"):
    SETTINGS.append(
        Setting(
            "torch.set_float32_matmul_precision",
            torch.get_float32_matmul_precision,
            torch.set_float32_matmul_precision,
        )
    )
if hasattr(torch, "_GLOBAL_DEVICE_CONTEXT"):
    SETTINGS.append(Setting("torch.set_default_device", _device, torch.set_default_device))
