"""The state a run starts from, the same for every variant; all of it outside the timed region."""

from __future__ import annotations

import contextlib
import gc
import random
import re
import warnings
from collections.abc import Iterator

import numpy
import torch
from torch import nn


def reset(model: nn.Module, seed: int) -> None:
    """Same seeds, no `.grad`, no garbage."""
    random.seed(seed)
    numpy.random.seed(seed)
    torch.manual_seed(seed)
    for parameter in model.parameters():
        parameter.grad = None
    gc.collect()


def settings() -> dict[str, object]:
    """What libraries may set for the whole process, and leave set for the next case."""
    backends = torch.backends
    return {
        "default dtype": str(torch.get_default_dtype()),
        "threads": torch.get_num_threads(),
        "gradients": torch.is_grad_enabled(),
        "anomaly detection": torch.is_anomaly_enabled(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "cudnn.benchmark": backends.cudnn.benchmark,
        "cudnn.deterministic": backends.cudnn.deterministic,
        "cudnn.allow_tf32": backends.cudnn.allow_tf32,
        "matmul.allow_tf32": backends.cuda.matmul.allow_tf32,
    }


def clear(device: str) -> None:
    """Give back what an earlier case held, reference cycles included."""
    gc.unfreeze()
    gc.collect()
    if device.startswith("cuda"):
        torch.cuda.empty_cache()


def settle() -> None:
    """Call once everything is built: later collections need not walk through it again."""
    gc.collect()
    gc.freeze()


@contextlib.contextmanager
def deterministic(device: str) -> Iterator[list[str]]:
    """On CUDA, deterministic algorithms inside the block.

    Yields:
        a list that holds, after the block, a sentence for each operation that can't be.
    """
    complaints: list[str] = []
    if not device.startswith("cuda"):
        yield complaints
        return
    algorithms = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    autotuned = torch.backends.cudnn.benchmark
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield complaints
    finally:
        torch.use_deterministic_algorithms(algorithms, warn_only=warn_only)
        torch.backends.cudnn.benchmark = autotuned
    operations = {
        found[1]
        for item in caught
        if (found := re.match(r"(\S+) does not have a deterministic", str(item.message)))
    }
    complaints.extend(
        f"{name} has no deterministic kernel here; if the outputs differ, look there first"
        for name in sorted(operations)
    )
