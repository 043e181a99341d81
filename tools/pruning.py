"""`python -m tools.pruning`: what SAP costs beside a dense network, and what semi-backward gains.

On the CPU, with drawn weights: a forward pass of ResNet-20 with each way to prune, in blocks of
ABBA and BAAB against the dense one; a gradient by how many images stand in a pass; and a gradient
with parameters as they are against frozen ones. Writes pruning.md into --out.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from adapters.models.building import build
from adapters.papers.sap import attack, pruning
from adapters.papers.sap.defending import Defended
from adapters.papers.sap.placing import Change, after_relus
from bench import files
from bench.statistics.estimate import Speedup, speedup
from bench.worker.environment import processor
from semibackward import semi_backward
from semibackward_bench.grammar import counted
from tools import pairs

RESULTS = Path(__file__).resolve().parent.parent / "results" / "sap"
BLOCKS = 12
NETWORK = "resnet20"
BATCH, SIDE = 32, 32
SIDE_BY_SIDE = (1, 2, 4, 8, 16, 32, 64)
GRADIENTS = ("resnet20", "cifar_resnet18")
SPECS = ("dense", "sap-100-fast", "sap-100")


def by_multinomial(h: Tensor) -> Tensor:
    """SAP-100 as it is written down: draws by `torch.multinomial`."""
    maps = h.flatten(1)
    p = maps / maps.sum(1, keepdim=True)
    drawn = torch.multinomial(p, maps.shape[1], replacement=True)
    kept = torch.zeros_like(p).scatter_(1, drawn, 1)
    return (maps * kept / _met(p)).view_as(h)


def by_gumbel(h: Tensor) -> Tensor:
    """As many entries as SAP-100 keeps in the mean, drawn without replacement: another law."""
    maps = h.flatten(1)
    p = maps / maps.sum(1, keepdim=True)
    met = _met(p)
    count = int(met.sum(1).mean())
    scores = p.log() - torch.empty_like(p).exponential_().log_()
    kept = torch.zeros_like(p).scatter_(1, scores.topk(count, dim=1).indices, 1)
    return (maps * kept / met).view_as(h)


def _met(p: Tensor) -> Tensor:
    """The probability that draws meet an entry, never quite 0."""
    return p.neg().log1p_().mul_(p.shape[1]).expm1_().neg_().clamp_min_(1e-30)


WAYS: Mapping[str, Change] = {
    "SAP-100, independent decisions": lambda h: pruning.pruned(h, 100, fast=True),
    "SAP-100": lambda h: pruning.pruned(h, 100),
    "SAP-100 by `torch.multinomial`": by_multinomial,
    "Gumbel top-k, without replacement": by_gumbel,
}


@dataclass(frozen=True)
class Forward:
    """A forward pass with a way to prune.

    Attributes:
        way: in words.
        seconds: the mean.
        ratio: its time / that of the dense pass beside it.
    """

    way: str
    seconds: float
    ratio: Speedup


@dataclass(frozen=True)
class Gradient:
    """One sample's gradient of a defended network.

    Attributes:
        network: its name.
        spec: its defence.
        seconds: the mean, with parameters as they are.
        faster: that / the time with frozen parameters beside it.
    """

    network: str
    spec: str
    seconds: float
    faster: Speedup


@torch.no_grad()
def forwards(network: nn.Module, images: Tensor, blocks: int) -> Iterator[Forward]:
    """Of each way to prune, against the dense pass."""

    def run(change: Change | None) -> None:
        with nullcontext() if change is None else after_relus(change):
            network(images)

    for way, change in WAYS.items():
        pair = {"A": functools.partial(run, change), "B": functools.partial(run, None)}
        timed = pairs.measure(pair, blocks)
        yield Forward(way, pairs.mean(timed), speedup(timed))


def side_by_side(network: nn.Module, blocks: int, most: int = SIDE_BY_SIDE[-1]) -> list[list[str]]:
    """Milliseconds of an image's gradient, semi-backward, by images in a pass; the least of each.

    Rounds go through all of them, so that what comes between meets every one alike.
    """
    counts = [count for count in SIDE_BY_SIDE if count <= most]
    image, label = _drawn(1)
    found: dict[tuple[str, int], float] = {}
    for _ in range(blocks):
        for spec, count in itertools.product(SPECS, counts):
            attacked = Defended(network, spec)
            with semi_backward(attacked):
                run = _gradient(attacked, image, label, count)
                found[spec, count] = min(
                    found.get((spec, count), torch.inf), pairs.timed(run) / count
                )
    return [[str(n), *(f"{1e3 * found[spec, n]:.2f}" for spec in SPECS)] for n in counts]


def gradients(name: str, network: nn.Module, batch: int, blocks: int) -> Iterator[Gradient]:
    """Of each defence, with parameters as they are (A) and frozen (B)."""
    images, labels = _drawn(batch)
    for spec in SPECS:
        attacked = Defended(network, spec)
        run = _gradient(attacked, images, labels, 1)

        def frozen(attacked: nn.Module = attacked, run: Callable[[], object] = run) -> None:
            with semi_backward(attacked):
                run()

        timed = pairs.measure({"A": run, "B": frozen}, blocks)
        attacked.zero_grad(set_to_none=True)
        yield Gradient(name, spec, pairs.mean(timed), speedup(timed))


def _gradient(model: nn.Module, images: Tensor, labels: Tensor, count: int) -> Callable[[], Tensor]:
    return lambda: attack.gradient(model, images, labels, samples=count, chunk=count)


def _drawn(count: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(count, 3, SIDE, SIDE, generator=generator)
    return images, torch.zeros(count, dtype=torch.int64)


def page(
    passes: Sequence[Forward],
    chunks: Sequence[Sequence[str]],
    found: Sequence[Gradient],
    blocks: int,
) -> str:
    """As Markdown."""
    lines = [
        "# What pruning by draws costs",
        "",
        f"{processor()}, {counted(torch.get_num_threads(), 'thread')}, PyTorch"
        f" {torch.__version__}, drawn weights, {counted(blocks, 'block')} a row;"
        " `python -m tools.pruning`. Intervals are of 95 %.",
        "",
        f"## A forward pass of {NETWORK}, {BATCH} images of 3x{SIDE}x{SIDE}",
        "",
        "Gumbel top-k draws without replacement, as many entries as SAP-100 keeps in the mean: a"
        " peer in time, of another law.",
        "",
        "| network | ms | times the dense one | interval |",
        "|---|---|---|---|",
        *(f"| {row.way} | {1e3 * row.seconds:.1f} | {pairs.told(row.ratio)} |" for row in passes),
        "",
        f"## A gradient of {NETWORK}, by images in a pass",
        "",
        "Milliseconds an image, semi-backward, the least of all rounds.",
        "",
        f"| images in a pass | {' | '.join(SPECS)} |",
        f"|---|{'---|' * len(SPECS)}",
        *(f"| {' | '.join(row)} |" for row in chunks),
        "",
        "## One sample's gradient, frozen parameters against parameters as they are",
        "",
        "| network | defence | ms | times faster | interval |",
        "|---|---|---|---|---|",
        *(
            f"| {row.network} | {row.spec} | {1e3 * row.seconds:.1f} | {pairs.told(row.faster)} |"
            for row in found
        ),
    ]
    return "\n".join(lines) + "\n"


def main(words: Sequence[str] | None = None) -> None:
    """Measure all of it; write the page."""
    parser = argparse.ArgumentParser(prog="python -m tools.pruning", description=__doc__)
    parser.add_argument("--blocks", type=int, default=BLOCKS)
    parser.add_argument("--batch", type=int, default=BATCH, help="of the gradients' images")
    parser.add_argument("--networks", nargs="+", choices=GRADIENTS, default=list(GRADIENTS))
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(sys.argv[1:] if words is None else words)
    network = build(NETWORK, SIDE, seed=0)
    passes = list(forwards(network, _drawn(BATCH)[0], asked.blocks))
    chunks = side_by_side(network, asked.blocks)
    found = [
        row
        for name in asked.networks
        for row in gradients(name, build(name, SIDE, seed=0), asked.batch, asked.blocks)
    ]
    asked.out.mkdir(parents=True, exist_ok=True)
    files.write(asked.out / "pruning.md", page(passes, chunks, found, asked.blocks))


if __name__ == "__main__":
    main()
