"""`python -m tools.skipping`: does a dynamic network that executes less also take less time?

One image through each network of the catalogue, without gradients: all gates on against some of
them and none, in blocks of ABBA and BAAB. Weights are drawn, and gates are set by moving the
threshold that their values are held against; what is timed is what an image pays that has so many
gates on. Writes skipping.md into --out.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from adapters.models.dynamic import base
from adapters.models.dynamic.base import DynamicNetwork
from adapters.models.dynamic.catalogue import NETWORKS
from adapters.models.trained.catalogue import Network
from bench import files
from bench.statistics.blocks import Block, Sample, orders
from bench.statistics.estimate import Speedup, speedup
from semibackward_bench.grammar import counted
from tools import pairs

RESULTS = Path(__file__).resolve().parent.parent / "results" / "energy"
BLOCKS = 30
RUNS = 10
"""Forward passes of a sample."""
ALL = 0.0
"""A threshold that every gate passes."""
NONE = 1.1
"""One that none does."""


@dataclass(frozen=True)
class Row:
    """One network with some of its gates on, against itself with all of them.

    Attributes:
        network: its name.
        gates: how many it has.
        on: how many of them were on.
        operations: executed, as a share of those with every gate on.
        seconds: of one image with every gate on, the mean.
        faster: seconds with every gate on / seconds with these.
    """

    network: str
    gates: int
    on: int
    operations: float
    seconds: float
    faster: Speedup


@contextmanager
def threshold(network: DynamicNetwork, value: float) -> Iterator[None]:
    """Gates are held against another threshold."""
    places = [base, importlib.import_module(type(network).__module__)]
    before = [vars(place).get("THRESHOLD") for place in places]
    for place in places:
        vars(place)["THRESHOLD"] = value
    try:
        yield
    finally:
        for place, old in zip(places, before, strict=True):
            if old is None:
                del vars(place)["THRESHOLD"]
            else:
                vars(place)["THRESHOLD"] = old


def build(known: Network) -> DynamicNetwork:
    """A network with weights that are drawn."""
    torch.manual_seed(0)
    module, _, name = known.made.partition(":")
    kind: Callable[..., DynamicNetwork] = getattr(importlib.import_module(module), name)
    return kind(classes=10, **known.arguments).eval()


def rows(name: str, network: DynamicNetwork, image: Tensor, blocks: int) -> Iterator[Row]:
    """With about half of the gates on, and with none.

    Args:
        name: of the network.
        network: in eval mode.
        image: (1, 3, H, W), in [0, 1].
        blocks: of each row.

    Raises:
        ValueError: its gates do not heed the threshold.
    """
    with threshold(network, ALL):
        whole = network(image)
    if whole.flops.item() != network.static_flops:
        raise ValueError(f"{name}: its gates can't be set by their threshold")
    for value in (float(whole.gates.median()), NONE):
        with threshold(network, value):
            told = network(image)
            on = int((told.gates >= value).sum())
        timed = list(itertools.islice(measure(network, image, value), blocks))
        yield Row(
            name,
            whole.gates.shape[1],
            on,
            told.flops.item() / network.static_flops,
            pairs.mean(timed),
            speedup(timed),
        )


def measure(network: DynamicNetwork, image: Tensor, value: float) -> Iterator[Block]:
    """Blocks of all gates on (A) and of those that pass a threshold (B), without end."""
    thresholds = {"A": ALL, "B": value}
    for at in thresholds.values():
        _timed(network, image, at)  # what a first pass pays, no later one does
    for order in orders(seed=0):
        samples = tuple(Sample(_timed(network, image, thresholds[letter])) for letter in order)
        yield Block(0, order, samples)


def _timed(network: DynamicNetwork, image: Tensor, value: float) -> float:
    """Seconds of one forward pass."""
    with threshold(network, value):
        start = time.perf_counter()
        for _ in range(RUNS):
            network(image)
        return (time.perf_counter() - start) / RUNS


def table(found: Sequence[Row], blocks: int) -> str:
    """As Markdown."""
    lines = [
        "# Skipped operations and saved time",
        "",
        f"One image on the CPU, {counted(torch.get_num_threads(), 'thread')}, PyTorch"
        f" {torch.__version__}, drawn weights, {counted(blocks, 'block')} a row;"
        " `python -m tools.skipping`. A network with some of its gates on, against itself with all"
        " of them.",
        "",
        "| network | gates on | operations | ms with all on | times faster | 95 % interval |",
        "|---|---|---|---|---|---|",
    ]
    for row in found:
        lines.append(
            f"| {row.network} | {row.on} of {row.gates} | {100 * row.operations:.0f} %"
            f" | {1e3 * row.seconds:.2f} | {pairs.told(row.faster)} |"
        )
    return "\n".join(lines) + "\n"


def main(words: Sequence[str] | None = None) -> None:
    """Measure each network once, whatever names it has; write the table."""
    parser = argparse.ArgumentParser(prog="python -m tools.skipping", description=__doc__)
    parser.add_argument("--networks", nargs="+", choices=list(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--blocks", type=int, default=BLOCKS)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(sys.argv[1:] if words is None else words)
    found: list[Row] = []
    seen: list[tuple[str, object]] = []
    for name in asked.networks:
        known = NETWORKS[name]
        if (known.made, known.arguments) in seen:
            continue
        seen.append((known.made, known.arguments))
        image = torch.rand(1, 3, known.size, known.size, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            found += rows(name, build(known), image, asked.blocks)
    asked.out.mkdir(parents=True, exist_ok=True)
    files.write(asked.out / "skipping.md", table(found, asked.blocks))


if __name__ == "__main__":
    main()
