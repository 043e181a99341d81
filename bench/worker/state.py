"""The state a run starts from, the same for every variant; all of it outside the timed region."""

from __future__ import annotations

import contextlib
import gc
import random
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import numpy
import torch
from torch import nn

from bench.worker import failures
from semibackward.rounding import tf32

T = TypeVar("T")

LONGEST = 300
"""Characters of torch's own words that a sentence repeats."""


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
        **tf32(),
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


def deterministically(device: str, look: Callable[[], T]) -> tuple[T, list[str]]:
    """On CUDA, look with deterministic algorithms, as far as there are any.

    torch refuses an operation that has none; then all is looked at once more, and it only warns.
    That second look is less strict than it need be: some kernels, as those of memory-efficient
    attention, are deterministic where torch may refuse, and not where it only warns.

    Args:
        device: torch's name of it.
        look: is called once or twice, and starts from a state of its own each time.

    Returns:
        what it returned, and a sentence for each operation that can't be deterministic.
    """
    if not device.startswith("cuda"):
        return look(), []
    try:
        with _deterministic(warn_only=False) as said:
            found = look()
        return found, _complaints(said)
    except Exception as error:
        if not refuses_determinism(error):
            raise
        refused = _refusal(error) or ""
    with _deterministic(warn_only=True) as said:
        found = look()
    return found, _complaints([refused, *said])


def refuses_determinism(error: BaseException) -> bool:
    """Whether torch raised it for an operation that has no deterministic algorithm, or a library
    because torch did."""
    return _refusal(error) is not None


def _refusal(error: BaseException) -> str | None:
    """What torch said."""
    errors = (one for one in failures.behind(error) if isinstance(one, RuntimeError))
    return next((str(one) for one in errors if "use_deterministic_algorithms" in str(one)), None)


@contextlib.contextmanager
def _deterministic(*, warn_only: bool) -> Iterator[list[str]]:
    """Yields the texts of the warnings in the block, once it has ended."""
    said: list[str] = []
    algorithms = torch.are_deterministic_algorithms_enabled()
    only_warned = torch.is_deterministic_algorithms_warn_only_enabled()
    autotuned = torch.backends.cudnn.benchmark
    torch.use_deterministic_algorithms(True, warn_only=warn_only)
    torch.backends.cudnn.benchmark = False
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield said
            said.extend(str(item.message) for item in caught)
    finally:
        torch.use_deterministic_algorithms(algorithms, warn_only=only_warned)
        torch.backends.cudnn.benchmark = autotuned


def _complaints(said: Iterable[str]) -> list[str]:
    """What texts of torch's that speak of determinism say, each once."""
    advice = "if the outputs differ, look there first"
    found = []
    for text in said:
        words = " ".join(text.split())
        if "determinis" not in words.lower():
            continue
        if named := re.match(r"(\S+) does not have a deterministic", words):
            found.append(f"{named[1]} has no deterministic kernel here; {advice}")
        else:
            first = re.split(r"(?<=[a-z)\]])\. ", words)[0].rstrip(".")
            found.append(f'torch says "{first[:LONGEST]}"; {advice}')
    return sorted(set(found))
