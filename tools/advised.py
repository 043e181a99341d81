"""`python -m tools.advised`: does what `advise` says to paste gain what `advise` says it does?

Runs `advise`, with whatever more options are given, on the example of docs/own.md, its attack on
its model or one of timm's. Then it times the attack on the model as it was against the attack on a
model behind which the lines stand: in one process without anything of ours around it, in blocks of
ABBA and BAAB.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bench.advising import lines
from bench.kinds.images.options import OnImages
from bench.records import reading
from bench.records.types import ComparisonRecord
from bench.statistics.estimate import Speedup, speedup
from reports.formats import advised
from reports.reading import promises
from semibackward_bench.grammar import counted
from tools import pairs

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "own.md"
OWN = "my_models.py:build"
LIMIT = 180.0
"""Seconds in which `advise` is to end on two cores that do nothing else."""
BLOCKS = 20
_CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)

Attack = Callable[[nn.Module, Tensor, Tensor], Tensor]


def example(folder: Path) -> None:
    """Write the attack and the model of the page into a folder."""
    attack, model, *_ = _CODE.findall(PAGE.read_text(encoding="utf-8"))
    (folder / "my_attacks.py").write_text(attack, encoding="utf-8")
    (folder / "my_models.py").write_text(model, encoding="utf-8")


def ask(folder: Path, model: str, more: list[str]) -> tuple[str, float]:
    """What `advise` prints, and how many seconds it takes."""
    words = ["advise", "--attack", "my_attacks.py:pgd", "--models", model, "--out", "run.jsonl"]
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "semibackward_bench", *words, *more],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout, time.perf_counter() - start


def pasted(said: str) -> str:
    """The lines that are to be pasted; "" without any."""
    _, _, rest = said.partition(f"{advised.PASTE}\n")
    begins = advised.TRAINED_LATER.partition(",")[0]
    return rest.partition(begins)[0].strip("\n")


def answer(records: Path, code: str) -> ComparisonRecord:
    """The record of the variant that the lines are of."""
    found = reading.read(records).comparisons
    return next(
        one for one in found if "\n".join(lines.to_paste(one.variant, one.case.device)) == code
    )


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    """The block in which modules are looked for in a folder first, as a script's are."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def built(model: str) -> nn.Module:
    """The model in evaluation mode."""
    if model != OWN:
        import timm

        made: nn.Module = timm.create_model(model)
        return made.eval()
    import my_models  # type: ignore[import-not-found]

    found: nn.Module = my_models.build()
    return found.eval()


def timed(folder: Path, record: ComparisonRecord, code: str, blocks: int) -> Speedup:
    """The original over what the lines make of it."""
    with inside(folder):
        import my_attacks  # type: ignore[import-not-found]

        attack: Attack = my_attacks.pgd
        torch.manual_seed(0)
        plain = built(record.case.model.rpartition("/")[2])
    quick: nn.Module = copy.deepcopy(plain)
    images = torch.rand(record.case.batch, *OnImages.of(record.case).input_shape)
    labels = plain(images).argmax(1).detach()
    names: dict[str, Any] = {"model": quick, "images": images}
    exec(code, names)
    runs = {
        "A": lambda: attack(plain, images, labels),
        "B": lambda: attack(names["model"], images, labels),
    }
    for _ in range(2):
        runs["B"]()  # whatever has to be made ready is
    return speedup(pairs.measure(runs, blocks))


def verdict(told: Speedup, found: Speedup) -> str:
    """Whether what was found lies in the interval that was told.

    Args:
        told: by `advise`; of one process it is widened by what others differ by.
        found: with the lines in place.
    """
    known = promises.widened(told)
    if known.low is None or known.high is None:
        return "no interval was told"
    inside_ = known.low <= found.estimate <= known.high
    ends = f"{known.low:.2f} to {known.high:.2f}"
    return f"inside {ends}" if inside_ else f"NOT inside {ends}"


def main(words: list[str] | None = None) -> int:
    """Ask, time, tell; 1 where the speedup lies elsewhere."""
    parser = argparse.ArgumentParser(prog="python -m tools.advised", description=__doc__)
    parser.add_argument("--model", default="resnet18", help=f"one of timm's, or {OWN}")
    parser.add_argument("--blocks", type=int, default=BLOCKS, help=f"of four runs ({BLOCKS})")
    asked, more = parser.parse_known_args(words)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        example(folder)
        said, took = ask(folder, asked.model, more)
        print(said)
        print(f"advise took {took:.0f} s; it is to end within {LIMIT:.0f} s on two idle cores")
        code = pasted(said)
        if not code:
            print("nothing is to be pasted, so nothing is timed")
            return 0
        record = answer(folder / "run.jsonl", code)
        assert record.speedup is not None
        found = timed(folder, record, code, asked.blocks)
    told = record.speedup
    print(f"{record.variant}, original over pasted: {found.estimate:.2f} in", end=" ")
    print(f"{counted(found.blocks, 'block')}; advise told {told.estimate:.2f} in", end=" ")
    print(f"{counted(told.processes, 'process', 'processes')}: {verdict(told, found)}")
    return int(verdict(told, found).startswith("NOT"))


if __name__ == "__main__":
    sys.exit(main())
