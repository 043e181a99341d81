"""What every tool times: small convolutions, as many as fill about 50 ms, or 3 % more.

As an attack for `--attack`, `slowed` does the extra work where the parameters are frozen, so that
the comparison of semi-backward with original has a known answer; `equal` never does.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

SECONDS = 0.05
PER_EXTRA = 33
"""Units of work for each extra one: 1/33 is 3.03 %."""
VARIABLE = "SELFCHECK_UNITS"
EFFECTS = ("equal", "slowed")

_generator = torch.Generator().manual_seed(0)
_images = torch.rand(2, 16, 32, 32, generator=_generator)
_kernel = torch.rand(16, 16, 3, 3, generator=_generator)


def work(units: int) -> None:
    """Do some units of work."""
    with torch.no_grad():
        for _ in range(units):
            torch.conv2d(_images, _kernel, padding=1)


def calibrated() -> int:
    """Units that fill about `SECONDS` here and now, a multiple of `PER_EXTRA`."""
    work(100)
    times = []
    for _ in range(20):
        start = time.perf_counter()
        work(PER_EXTRA)
        times.append(time.perf_counter() - start)
    return PER_EXTRA * max(1, round(SECONDS / statistics.median(times)))


def units(effect: str, *, second: bool) -> int:
    """How many units the first or the second of two programs does."""
    base = int(os.environ[VARIABLE])
    return base + (base // PER_EXTRA if second and effect == "slowed" else 0)


def programs(effect: str) -> tuple[Callable[[], None], Callable[[], None]]:
    """The two programs that a peer is to compare."""
    first, second = (units(effect, second=which) for which in (False, True))
    return (lambda: work(first)), (lambda: work(second))


def equal(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """An attack in name only: the same work for both variants."""
    return _attack("equal", model, images)


def slowed(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """An attack in name only: extra work for frozen parameters."""
    return _attack("slowed", model, images)


def _attack(effect: str, model: nn.Module, images: Tensor) -> Tensor:
    frozen = not next(model.parameters()).requires_grad
    work(units(effect, second=frozen))
    return images / 2


def described() -> dict[str, Any]:
    """The workload, for the record."""
    return {"units": calibrated(), "torch": torch.__version__, "threads": torch.get_num_threads()}


if __name__ == "__main__":
    print(json.dumps(described()))
