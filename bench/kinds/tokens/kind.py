"""Attacks on token sequences: what can be asked of them, and the cases that makes. Imports no
torch."""

from __future__ import annotations

import argparse
import dataclasses
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters import registry
from adapters.base import AdapterError
from adapters.tokens import prompts
from adapters.tokens.base import TokenAdapter
from adapters.tokens.catalogue import MODELS
from bench.cases import Case
from bench.errors import UsageError
from bench.kinds import numbers
from bench.kinds.base import Kind
from bench.kinds.group import ALL, Group
from bench.kinds.offering import attacks_of
from bench.kinds.request import Request, flag
from bench.kinds.tokens.findings import TokenFindings
from bench.kinds.tokens.options import TokenOptions
from bench.words import columns

CHECKPOINT = "checkpoint"


@dataclass(frozen=True, kw_only=True)
class TokenGroup(Group):
    """A product of attacks on token sequences: `models` are language models, and `batch` counts
    prompts.

    Attributes:
        prompts: "shipped", or the path of a file.
        steps: of a run, for each prompt.
        suffix: tokens that are sought.
        top_k: tokens of each place that candidates are drawn from.
        candidates: sequences that a step tries.
        candidate_batch: of these, how many one forward pass takes.
    """

    counted = (*Group.counted, "steps", "suffix", "top_k", "candidates", "candidate_batch")

    prompts: str = prompts.SHIPPED
    steps: tuple[int, ...] = (2,)
    suffix: int = 8
    top_k: int = 64
    candidates: int = 16
    candidate_batch: int = 8
    kind: str = "tokens"


class Tokens(Kind):
    """Attacks that seek a suffix by the gradients of its tokens, on causal language models."""

    name = "tokens"
    subject = "token sequences"
    options = TokenOptions
    group = TokenGroup
    findings = TokenFindings
    own = ("prompts", "suffix", "top_k", "candidates", "candidate_batch")
    takes = (*own, "victim", "steps")
    hint = "attacks on token sequences; add --libs gcg"
    report = "reports.kinds.tokens.report:TokenReport"

    @property
    def topics(self) -> Mapping[str, Callable[[], str]]:
        return {"language-models": _language_models}

    def add_arguments(self, what: argparse._ArgumentGroup) -> None:
        what.add_argument(
            "--prompts",
            type=Path,
            metavar="FILE",
            help="of token sequences: your own, on each line a prompt, a tabulator and the answer"
            " that is sought",
        )
        what.add_argument(
            "--suffix",
            type=numbers.at_least_one,
            metavar="N",
            help="of token sequences: tokens that are sought (8)",
        )
        what.add_argument(
            "--candidates",
            type=numbers.at_least_one,
            metavar="N",
            help="of token sequences: how many a step tries (16)",
        )
        what.add_argument(
            "--top-k",
            type=numbers.at_least_one,
            metavar="N",
            help="of token sequences: tokens of each place that candidates are drawn from (64)",
        )
        what.add_argument(
            "--candidate-batch",
            type=numbers.at_least_one,
            metavar="N",
            help="of token sequences: candidates that one forward pass takes (8)",
        )

    def meant(self, request: Request) -> bool:
        named = request.option("victim") or ()
        ours = not request.libs and any(name in MODELS for name in named)
        return ours or self.meant_by_name(request)

    def suite(self, request: Request, device: str) -> str:
        return "tokens"

    def claims(self, table: Mapping[str, Any]) -> bool:
        return any(registry.subject(str(name)) == self.subject for name in table.get("libs", ()))

    def libraries(self) -> Iterable[str]:
        return [name for name in registry.names() if registry.subject(name) == self.subject]

    def given(self, group: Group, request: Request) -> Group:
        victims = request.option("victim")
        found = super().given(group, request)
        return found if victims is None else dataclasses.replace(found, models=victims)

    def check(self, request: Request, groups: Sequence[Group], suite: str) -> None:
        ours = self.of(groups)
        if ours:
            _check_options(request)
        for group in ours:
            assert isinstance(group, TokenGroup)
            _read(group)
            _check_models(group.models)

    def cases(self, group: Group, request: Request, device: str) -> Iterable[Case]:
        assert isinstance(group, TokenGroup)
        there = len(_read(group))
        for library in group.libs:
            attacks = attacks_of(library)
            wanted = [n for n in attacks if ALL in group.attacks or n in group.attacks]
            for attack, victim, count, steps in itertools.product(
                wanted, group.models, group.batch, group.steps
            ):
                yield Case(
                    library,
                    attack,
                    victim,
                    min(count, there),
                    group.dtype,
                    device,
                    _options(group, steps, tries=_tries(library, attack)),
                    weights="random" if victim in MODELS else CHECKPOINT,
                )

    def files(self, request: Request) -> Iterable[Path]:
        """The prompts. Of a folder with a model, `text` names the files, whose option it is."""
        own = request.option("prompts")
        return [own] if own is not None else []


def _options(group: TokenGroup, steps: int, *, tries: bool) -> TokenOptions:
    return TokenOptions(
        prompts=group.prompts,
        steps=steps,
        suffix=group.suffix,
        top_k=group.top_k,
        candidates=group.candidates if tries else None,
        candidate_batch=min(group.candidate_batch, group.candidates) if tries else None,
    )


def _tries(library: str, attack: str) -> bool:
    adapter = registry.get(library)
    return not (isinstance(adapter, TokenAdapter) and attack in adapter.gradient_only)


def _read(group: TokenGroup) -> Sequence[prompts.Prompt]:
    try:
        return prompts.read(group.prompts)
    except AdapterError as error:
        raise UsageError(str(error)) from error


def _check_options(request: Request) -> None:
    if request.models:
        raise UsageError("--models are of images; name what is attacked with --victim")
    for name, given in (
        ("attack", request.own),
        ("weights", request.weights),
        ("pretrained", request.pretrained),
        ("max_batch_search", request.max_batch_search),
    ):
        if given:
            raise UsageError(
                f"{flag(name)} is for attacks on images, not on token sequences: leave it out"
            )
    if request.command == "train":
        raise UsageError("train is for images: use run, or explain, for token sequences")


def _check_models(victims: Iterable[str]) -> None:
    for victim in victims:
        if victim in MODELS or Path(victim).is_dir():
            continue
        if Path(victim).is_file() or victim.startswith((".", "/", "~")) or victim.count("/") > 1:
            raise UsageError(f"--victim {victim}: there is no such folder")


def _language_models() -> str:
    """The text of `list language-models`."""
    return columns((name, model.told) for name, model in MODELS.items())
