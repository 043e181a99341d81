"""`python -m tools.saliency`: what MAD's closed form gains over the loop that is printed of it.

On the CPU, with drawn numbers: the saliency of one layer by one matrix product against the loop
over its rows, in blocks of ABBA and BAAB; and the covariance of a convolution's patches, made in
parts that keep a budget against all of them at once, in seconds and bytes. Writes saliency.md into
--out.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from adapters.papers.mad.factors import BUDGET, Factors, covariance
from adapters.papers.mad.layers import Layer
from adapters.papers.mad.saliency import added_loss
from bench import files
from bench.statistics.estimate import Speedup, speedup
from bench.worker import memory
from bench.worker.environment import processor
from semibackward_bench.grammar import counted
from tools import pairs

RESULTS = Path(__file__).resolve().parent.parent / "results" / "mad"
BLOCKS = 6
ROWS, COLUMNS = 512, 4608
"""Of the last convolutions of ResNet-18 and VGG-16: 512 outputs, 512 inputs of 3x3."""
PLACES = 256
"""That A is drawn from."""
DTYPES: Mapping[str, torch.dtype] = {"float32": torch.float32, "float64": torch.float64}
BATCH = 128
CONVOLUTIONS: tuple[tuple[int, int], ...] = ((64, 32), (512, 4))
"""Channels and side of maps: an early and a late 3x3 convolution of ResNet-18 on CIFAR-10."""


def row_by_row(delta: Tensor, factors: Factors) -> Tensor:
    """ΔL of each weight of a layer as the published code has it: row by row an outer product, of
    which the diagonal is kept (Lee et al. 2022, step 1). An oracle; slow, and (columns, columns)
    large.

    Args:
        delta: Δw, (rows, columns).
        factors: of the layer.

    Returns:
        (rows, columns).
    """
    found = torch.empty_like(delta)
    each = len(delta) // len(factors.a)  # rows of a group
    for row, (change, g) in enumerate(zip(delta, factors.g, strict=True)):
        left = 0.5 * g * change
        right = change @ factors.a[row // each]
        found[row] = torch.outer(left, right).diagonal()
    return found


@dataclass(frozen=True)
class Form:
    """The closed form against the loop over rows.

    Attributes:
        dtype: by name.
        loop: seconds of the loop, the mean.
        closed: seconds of the closed form, the mean.
        faster: the loop's time / that of the closed form beside it.
        difference: the largest between the two, as a share of the largest saliency.
    """

    dtype: str
    loop: float
    closed: float
    faster: Speedup
    difference: float


@dataclass(frozen=True)
class Cost:
    """The covariance of one layer's patches, in parts and at once.

    Attributes:
        layer: in words.
        parts, whole: seconds, the mean.
        ratio: the time in parts / that of all at once beside it.
        parts_peak, whole_peak: bytes at the most, above what was there.
    """

    layer: str
    parts: float
    whole: float
    ratio: Speedup
    parts_peak: int
    whole_peak: int


def form(dtype: str, rows: int, columns: int, blocks: int) -> Form:
    """Of a layer of so many rows and columns, its numbers drawn."""
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64).to(DTYPES[dtype])

    inputs = drawn(PLACES, columns)
    factors = Factors((inputs.t() @ inputs / len(inputs))[None], drawn(rows).square())
    delta = drawn(rows, columns)
    made: dict[str, Tensor] = {}

    def run(letter: str, scored: Callable[[Tensor, Factors], Tensor]) -> None:
        made[letter] = scored(delta, factors)

    pair = {"A": functools.partial(run, "A", row_by_row)}
    timed = pairs.measure(pair | {"B": functools.partial(run, "B", added_loss)}, blocks)
    return Form(
        dtype,
        pairs.mean(timed),
        pairs.mean(timed, "B"),
        speedup(timed),
        float((made["B"] - made["A"]).abs().max() / made["A"].abs().max()),
    )


@torch.no_grad()
def cost(channels: int, side: int, batch: int, budget: int, blocks: int) -> Cost:
    """Of a 3x3 convolution of maps (batch, channels, side, side), drawn."""
    layer = Layer("", nn.Conv2d(channels, channels, 3, padding=1, bias=False))
    generator = torch.Generator().manual_seed(0)
    maps = torch.rand(batch, channels, side, side, generator=generator)
    runs: dict[str, Callable[[], object]] = {
        "A": lambda: covariance(layer, maps, budget),
        "B": lambda: covariance(layer, maps, sys.maxsize),
    }
    timed = pairs.measure(runs, blocks)
    return Cost(
        f"{channels} channels, {side}x{side}",
        pairs.mean(timed),
        pairs.mean(timed, "B"),
        speedup(timed),
        _peak(runs["A"]),
        _peak(runs["B"]),
    )


def _peak(run: Callable[[], object]) -> int:
    found = memory.peak(run, "cpu")
    assert found is not None  # the CPU keeps an account
    return found.allocated


def page(
    forms: Sequence[Form],
    costs: Sequence[Cost],
    *,
    size: tuple[int, int],
    batch: int,
    budget: int,
    blocks: int,
) -> str:
    """As Markdown.

    Args:
        forms, costs: the rows.
        size: rows and columns of the layer of the forms.
        batch: images of the costs.
        budget: bytes of patches in parts.
        blocks: of a row.
    """
    rows, columns = size
    lines = [
        "# What the closed form of adversarial saliency gains",
        "",
        f"{processor()}, {counted(torch.get_num_threads(), 'thread')}, PyTorch"
        f" {torch.__version__}, drawn numbers, {counted(blocks, 'block')} a row;"
        " `python -m tools.saliency`. Intervals are of 95 %.",
        "",
        f"## Saliency of a layer of {counted(rows, 'row')} and {counted(columns, 'column')}",
        "",
        "The loop makes an outer product of each row and keeps its diagonal; the closed form is one"
        " matrix product. The difference is the largest, as a share of the largest saliency.",
        "",
        "| dtype | loop, s | closed form, s | times faster | interval | difference |",
        "|---|---|---|---|---|---|",
        *(
            f"| {row.dtype} | {row.loop:.3g} | {row.closed:.3g} |"
            f" {pairs.told(row.faster)} | {row.difference:.1e} |"
            for row in forms
        ),
        "",
        f"## Covariance of the patches of a 3x3 convolution, {counted(batch, 'image')}",
        "",
        f"In parts of {budget / 2**20:g} MiB against all patches at once, float32; times slower is"
        " the time in parts by that at once.",
        "",
        "| maps | in parts, ms | at once, ms | times slower | interval | in parts, peak MB"
        " | at once, peak MB |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {row.layer} | {1e3 * row.parts:.1f} | {1e3 * row.whole:.1f} |"
            f" {pairs.told(row.ratio)} |"
            f" {row.parts_peak / 1e6:.1f} | {row.whole_peak / 1e6:.1f} |"
            for row in costs
        ),
    ]
    return "\n".join(lines) + "\n"


def main(words: Sequence[str] | None = None) -> None:
    """Measure all of it; write the page."""
    parser = argparse.ArgumentParser(prog="python -m tools.saliency", description=__doc__)
    parser.add_argument("--blocks", type=int, default=BLOCKS)
    parser.add_argument("--rows", type=int, default=ROWS, help="of the layer that is scored")
    parser.add_argument("--columns", type=int, default=COLUMNS, help="of the layer that is scored")
    parser.add_argument("--batch", type=int, default=BATCH, help="of the convolutions' images")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(sys.argv[1:] if words is None else words)
    forms = [form(dtype, asked.rows, asked.columns, asked.blocks) for dtype in DTYPES]
    costs = [cost(*maps, asked.batch, BUDGET, asked.blocks) for maps in CONVOLUTIONS]
    told = page(
        *(forms, costs),
        size=(asked.rows, asked.columns),
        batch=asked.batch,
        budget=BUDGET,
        blocks=asked.blocks,
    )
    asked.out.mkdir(parents=True, exist_ok=True)
    files.write(asked.out / "saliency.md", told)


if __name__ == "__main__":
    main()
