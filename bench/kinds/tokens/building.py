"""An attack on token sequences, built and ready to run in two variants.

A run attacks each prompt in turn, from the seed; what is told of its steps to the gate is told to
nobody in timed runs.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor

from adapters import registry
from adapters.base import AdapterError, UnsupportedSettings
from adapters.tokens import models, prompts, reference
from adapters.tokens.base import Step, TokenAdapter, TokenSettings
from adapters.tokens.models import LanguageModel
from adapters.tokens.prompts import Prompt
from bench.cases import BASELINE, Case, Comparison
from bench.errors import InvalidOutput
from bench.kinds.tokens.findings import PromptRecord, TokenFindings
from bench.kinds.tokens.options import TokenOptions
from bench.statistics.equality import IDENTICAL, Equality, different
from bench.worker import flops, state
from bench.worker.leftovers import Leftovers
from bench.worker.variants import applied
from bench.worker.workload import Workload, select_device
from semibackward_bench.grammar import counted

if TYPE_CHECKING:
    from adapters.tokens.base import TokenAttack

T = TypeVar("T")
Trail = list[list[Step]]
"""The steps of each prompt's attack, on the CPU."""


@dataclass(frozen=True)
class TokenWorkload(Workload):
    """A case of token sequences with everything slow behind it.

    Attributes:
        language: what is attacked; its model is `model`.
        prompts: those that a run attacks.
        attacks: on each of them.
        short: an attack of one step on the first of them.
        trails: what `output` found, by variant.
    """

    language: LanguageModel
    prompts: tuple[Prompt, ...]
    attacks: tuple[TokenAttack, ...]
    short: TokenAttack
    trails: dict[str, Trail] = field(default_factory=dict)

    makes = "token sequences"
    rounds = False

    def run(self, variant: str, around: Callable[[Callable[[], Any]], T], part: int = 0) -> T:
        return self._started(variant, around, lambda: [attack(None) for attack in self.attacks])

    def probe(self, variant: str, around: Callable[[Callable[[], Any]], T]) -> T:
        return self._started(variant, around, lambda: self.short(None))

    def output(self, variant: str) -> Trail:
        """What every step tried, and went on with.

        Raises:
            InvalidOutput: an attack took no step.
        """
        trail: Trail = [[] for _ in self.attacks]

        def told() -> None:
            for attack, steps in zip(self.attacks, trail, strict=True):
                attack(lambda step, steps=steps: steps.append(_kept(step)))  # type: ignore[misc]

        self._started(variant, lambda run: run(), told)
        if not all(trail):
            line = self.prompts[trail.index([])].line
            raise InvalidOutput(f"the attack took no step with the prompt of line {line}")
        self.trails[variant] = trail
        return trail

    def compare(self, first: Trail, second: Trail) -> Equality:
        if next(_apart(first, second), None) is None:
            return replace(IDENTICAL, max_abs_diff=None)
        return different(None)

    def difference(self, first: Trail, second: Trail, found: Equality) -> str:
        number, step, what = next(_apart(first, second))
        return f"at line {self.prompts[number].line}, step {step + 1}: {what}"

    def doubts(self, output: Trail) -> list[str]:
        asked = TokenOptions.of(self.comparison.case).steps
        said = []
        for prompt, steps in zip(self.prompts, output, strict=True):
            if len(steps) < asked:
                taken = counted(len(steps), "step")
                said.append(f"line {prompt.line}: the attack ended after {taken} of {asked}")
            if not all(bool(step.losses.isfinite().all()) for step in steps):
                said.append(f"line {prompt.line}: not all losses are finite; try float32")
        return said

    def findings(self, *, again: bool) -> TokenFindings | None:
        if again:
            return None
        parameters = list(self.model.parameters())
        return TokenFindings(
            victim=self.language.source,
            parameters=sum(parameter.numel() for parameter in parameters),
            weights=sum(p.numel() * p.element_size() for p in parameters),
            vocabulary=self.language.vocabulary,
            prompts=list(map(self._record, range(len(self.prompts)))),
        )

    def _record(self, number: int) -> PromptRecord:
        options = TokenOptions.of(self.comparison.case)
        steps, prompt = self.trails[BASELINE][number], self.prompts[number]
        found = reference.sought(self.language, prompt, _settings(self.comparison.case))
        ids = [token for token in steps[-1].chosen.tolist() if token >= 0]
        return PromptRecord(
            line=prompt.line,
            tokens=len(found.before),
            target=len(found.target),
            steps=len(steps),
            candidates=0
            if options.candidates is None
            else sum(len(step.candidates) for step in steps),
            first_loss=_told(steps[0].losses.min()),
            last_loss=_told(steps[-1].losses.min()),
            suffix=str(self.language.tokenizer.decode(ids)),
        )

    def _started(
        self, variant: str, around: Callable[[Callable[[], Any]], T], run: Callable[[], Any]
    ) -> T:
        def started() -> T:
            with applied(variant, self.model):
                state.reset(self.model, self.seed)
                return around(run)

        return self.leftovers.around(started)

    @functools.cached_property
    def leftovers(self) -> Leftovers:
        return Leftovers(self.model)


def preload() -> None:
    """Import what building and counting do; see `bench.worker.template`."""
    models.preload()
    flops.preload()


def build(comparison: Comparison, seed: int) -> TokenWorkload:
    """Build the language model and the attacks on it.

    Raises:
        AdapterError: the library is unavailable, or the model, the prompts or a setting can't be
            used.
    """
    case = comparison.case
    select_device(case.device)
    adapter = registry.get(case.library)
    if not isinstance(adapter, TokenAdapter):
        raise UnsupportedSettings(f"{case.library} attacks no token sequences")
    adapter.check(case.dtype, case.device)
    adapter.load()
    language = _model(case.model, seed, case.device, case.dtype)
    settings = _settings(case)
    chosen = prompts.read(TokenOptions.of(case).prompts)[: case.batch]
    for prompt in chosen:
        _check_length(language, case, prompt)
    return TokenWorkload(
        comparison=comparison,
        seed=seed,
        model=language.model,
        library_version=registry.version(adapter),
        language=language,
        prompts=tuple(chosen),
        attacks=tuple(adapter.build_on(case.attack, language, one, settings) for one in chosen),
        short=adapter.build_on(case.attack, language, chosen[0], replace(settings, steps=1)),
    )


@functools.lru_cache(maxsize=1)
def _model(spec: str, seed: int, device: str, dtype: str) -> LanguageModel:
    """Kept for the next comparison, which is often of the same one."""
    found = models.build(spec, seed)
    found.model.to(device=device, dtype=getattr(torch, dtype))
    return found


def _settings(case: Case) -> TokenSettings:
    options = TokenOptions.of(case)
    candidates = options.candidates or 1
    return TokenSettings(
        steps=options.steps,
        candidates=candidates,
        top_k=options.top_k,
        candidate_batch=options.candidate_batch or candidates,
        suffix=options.suffix,
        dtype=case.dtype,
        device=case.device,
    )


def _check_length(language: LanguageModel, case: Case, prompt: Prompt) -> None:
    """Look whether the model can read a prompt with its suffix and its answer.

    Raises:
        AdapterError: it can't.
    """
    found = reference.sought(language, prompt, _settings(case))
    count = len(found.before) + len(found.start) + len(found.target)
    if language.positions is not None and count > language.positions:
        raise AdapterError(
            f"line {prompt.line} of the prompts has {counted(count, 'token')} with its suffix and"
            f" answer, and {case.model} reads {language.positions}; shorten it"
        )


def _kept(step: Step) -> Step:
    return Step(*(part.detach().cpu() for part in (step.candidates, step.losses, step.chosen)))


def _told(loss: Tensor) -> float:
    """A finite number for the record; `doubts` tells of one that is none."""
    value = float(loss)
    return value if abs(value) < float("inf") else 0.0


def _apart(first: Sequence[Sequence[Step]], second: Sequence[Sequence[Step]]) -> Iterator[Any]:
    """Where two trails differ: the prompt's and the step's number, from 0, and what does."""
    for number, (one, two) in enumerate(zip(first, second, strict=True)):
        for step, (a, b) in enumerate(zip(one, two, strict=False)):
            if not _same(a.candidates, b.candidates):
                yield number, step, "the candidate tokens are not the same"
            elif not _same(a.losses, b.losses):
                yield number, step, "the losses of the same candidates are not the same"
            elif not _same(a.chosen, b.chosen):
                yield number, step, "other tokens are chosen"
        if len(one) != len(two):
            took = f"{counted(len(one), 'step')} against {len(two)}"
            yield number, min(len(one), len(two)), took


def _same(one: Tensor, two: Tensor) -> bool:
    """Bit for bit; not-a-number is itself."""
    if one.shape != two.shape or one.dtype != two.dtype:
        return False
    return bool(((one == two) | ((one != one) & (two != two))).all())
