"""`prune`: from a trained network to a sparse one, stage by stage. Imports no torch.

Stages work a batch, an epoch or an attack at a time and leave a file after each, so that a pruning
which was interrupted goes on from there.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from adapters.data import DIGITS
from adapters.papers.mad import methods
from adapters.papers.methods import METHODS
from bench.cases import BASELINE, SEMI_BACKWARD, Case
from bench.errors import UsageError
from bench.kinds import numbers, trained
from bench.kinds.command import Command, Session
from bench.kinds.pruning import training
from bench.kinds.pruning.options import TRAINED, WHOLE, PruningOptions
from bench.kinds.pruning.pipeline import Asked, Pipeline
from bench.kinds.request import Request

TUNED_BY = "pgd"
TRAINED_BY = tuple(name for name, method in METHODS.items() if method.replays == 1)
"""Methods of fine-tuning: those that use each minibatch once."""
JUDGED_BY = ("fgsm", "pgd", "cw-linf", "apgd")
ON_DIGITS = 10
"""Epochs of fine-tuning on digits, which need fewer."""


class Prune(Command):
    """Prune networks to the end."""

    name = "prune"
    help = "measure the stages of pruning, and prune to the end"
    description = (
        "Measure each stage of pruning by adversarial saliency (MAD), like `run --libs mad`, then"
        " score, prune, fine-tune and evaluate networks to the end: accuracy and robustness by"
        " sparsity and criterion, whether masks and weights are bit for bit the same with and"
        " without the trick, and the time of each stage. Networks that have not been trained yet"
        " are trained first, and kept. Criteria: `list criteria`."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        trained.add_arguments(parser)
        parser.add_argument(
            "--criteria",
            nargs="+",
            choices=methods.CRITERIA,
            default=list(methods.CRITERIA[:1]),
            metavar="NAME",
            help="by which weights go: mad (the default), largest, random, magnitude",
        )
        parser.add_argument(
            "--batches",
            type=numbers.at_least_one,
            metavar="N",
            help="batches that the saliency is averaged over (all of the data)",
        )
        parser.add_argument(
            "--finetuning",
            choices=TRAINED_BY,
            default=TUNED_BY,
            metavar="METHOD",
            help="method of fine-tuning (pgd); `list training`",
        )
        parser.add_argument(
            "--epochs",
            type=numbers.at_least_one,
            metavar="N",
            help="of fine-tuning (60; of digits 10)",
        )
        parser.add_argument(
            "--rate",
            type=numbers.positive,
            default=methods.LEARNING_RATE,
            metavar="R",
            help="learning rate of fine-tuning (0.1); it falls after a half and three quarters",
        )
        parser.add_argument(
            "--evaluation",
            nargs="+",
            choices=tuple(methods.EVALUATED),
            default=list(JUDGED_BY),
            metavar="ATTACK",
            help="attacks to judge by: fgsm pgd cw-linf apgd (the default), autoattack",
        )
        parser.add_argument(
            "--networks",
            type=Path,
            metavar="FOLDER",
            help="where sparse networks go, as safetensors (beside the records)",
        )

    def check(self, request: Request, records: Path) -> None:
        if request.variants is not None and SEMI_BACKWARD not in request.variants:
            raise UsageError(f"prune compares {SEMI_BACKWARD} with the original: name it too")
        _folder(request, records)

    def go_on(self, session: Session) -> None:
        more, first = session.request.more, session.request.seed
        percents = _percents(session)
        pipeline = Pipeline(session, _folder(session.request, session.records))
        for seed in range(first, first + more["seeds"]):
            again = seed != first
            # What nobody trains here is the same network whatever the seed.
            mine = {c: s for c, s in percents.items() if not again or c.weights == TRAINED}
            training.train(session, list(mine), seed)
            for case, shares in mine.items():
                # Both variants once: what further seeds tell is of accuracy.
                both = (SEMI_BACKWARD,) if again else (BASELINE, SEMI_BACKWARD)
                pipeline.run(case, seed, both, shares, _asked(more, case))


def _asked(more: Mapping[str, Any], case: Case) -> Asked:
    usual = ON_DIGITS if PruningOptions.of(case).data == DIGITS else methods.EPOCHS
    return Asked(
        criteria=tuple(dict.fromkeys(more["criteria"])),
        batches=more["batches"],
        method=more["finetuning"],
        epochs=more["epochs"] or usual,
        rate=more["rate"],
        attacks=tuple(dict.fromkeys(more["evaluation"])),
        images=more["test_images"],
    )


def _percents(session: Session) -> dict[Case, tuple[float, ...]]:
    """Of each network and setting, the shares that are pruned; with the first library inside alone,
    since what others make is no other network's way."""
    given = session.request.option("percent")
    wholes: dict[Case, Case] = {}
    found: dict[Case, dict[float, None]] = {}
    for one in session.comparisons:
        if one.variant != SEMI_BACKWARD:
            continue
        whole = replace(one.case.with_options(percent=None), attack=WHOLE)
        first = wholes.setdefault(whole.with_options(inside=""), whole)
        share = PruningOptions.of(one.case).percent
        found.setdefault(first, {}).update({} if share is None else {share: None})
    usual = given or methods.PERCENTS[:1]
    return {case: tuple(shares) or tuple(usual) for case, shares in found.items()}


def _folder(request: Request, records: Path) -> Path:
    """Of sparse networks, and of what leads to them.

    Raises:
        UsageError: it holds another's.
    """
    folder: Path = request.more["networks"] or records.with_suffix(".networks")
    if not request.resume and folder.exists() and (folder.is_file() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not empty; go on with it by --resume, or name another")
    return folder
