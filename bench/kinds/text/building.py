"""An attack on text, built and ready to run in two variants.

Its parts are the sentences: each block attacks one of them in both variants. The attack inside a
run is new, and starts from the seed.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from adapters import registry
from adapters.base import AdapterError, UnsupportedSettings
from adapters.text import sentences, victims
from adapters.text.base import TextAdapter, TextAttack, TextSettings
from adapters.text.queries import Ledger
from adapters.text.sentences import Sentence
from adapters.text.victims import Victim
from bench.cases import A_A, BASELINE, FORWARD_ONLY, SEMI_BACKWARD, Case, Comparison
from bench.kinds.text.findings import SentenceRecord, TextFindings
from bench.kinds.text.options import TextOptions
from bench.statistics.equality import IDENTICAL, Equality, different
from bench.worker import failures, state
from bench.worker.gradients import engine_watched
from bench.worker.leftovers import Leftovers
from bench.worker.workload import Workload, select_device
from semibackward import semi_backward
from semibackward_bench.grammar import counted

T = TypeVar("T")

PROBED_QUERIES = 4
"""Of a run that is looked into and not timed: each query costs alike."""


@dataclass(frozen=True)
class Outcome:
    """What one run of one variant did with a sentence.

    Attributes:
        sentence: the one attacked.
        adversarial: what was found; None if nothing.
        error: how the library failed, in one line; None if it did not.
        spent: whether it had no query left.
        queries, gradient_queries: see `adapters.text.queries.Ledger`.
        passes: backward passes.
        unread: those whose gradient the attack did not ask for.
    """

    sentence: Sentence
    adversarial: str | None
    error: str | None
    spent: bool
    queries: int
    gradient_queries: int
    passes: int
    unread: int

    @property
    def made(self) -> tuple[object, ...]:
        """What both variants must have in common."""
        return self.adversarial, self.error, self.queries, self.gradient_queries


@dataclass(frozen=True)
class TextWorkload(Workload):
    """A case of text with everything slow behind it.

    Attributes:
        victim: the classifier under attack; its model is `model`.
        attacks: for each variant, the attack on it.
        sentences: those that can be attacked.
        tokens: of each of them.
        left_out: what is not tried, each with the reason.
        outcomes: what `output` found, by variant.
    """

    victim: Victim
    attacks: Mapping[str, TextAttack]
    sentences: tuple[Sentence, ...]
    tokens: tuple[int, ...]
    left_out: tuple[SentenceRecord, ...]
    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)

    makes = "adversarial sentences"
    rounds = False

    @property
    def _queries(self) -> int | None:
        return TextOptions.of(self.comparison.case).queries

    def run(self, variant: str, around: Callable[[Callable[[], Any]], T], part: int = 0) -> T:
        sentence = self._working()[part]
        return self._attack(variant, sentence, self._queries, around)[0]

    def probe(self, variant: str, around: Callable[[Callable[[], Any]], T]) -> T:
        budget = min(self._queries or PROBED_QUERIES, PROBED_QUERIES)
        return self._attack(variant, self._working()[0], budget, around)[0]

    def output(self, variant: str) -> list[Outcome]:
        """What becomes of each sentence. Those at which the library fails are left out from then
        on.

        Raises:
            AdapterError: it fails at all of them.
        """
        found = [self._outcome(variant, sentence) for sentence in self.sentences]
        if all(outcome.error for outcome in found):
            raise AdapterError(
                f"the attack fails at every sentence; at line {found[0].sentence.line}:"
                f" {found[0].error}"
            )
        self.outcomes[variant] = found
        return found

    def compare(self, first: list[Outcome], second: list[Outcome]) -> Equality:
        equal = [one.made for one in first] == [two.made for two in second]
        return replace(IDENTICAL, max_abs_diff=None) if equal else different(None)

    def difference(self, first: list[Outcome], second: list[Outcome], found: Equality) -> str:
        one, two = next(
            (one, two) for one, two in zip(first, second, strict=True) if one.made != two.made
        )
        return f"at line {one.sentence.line}: {_told(one)} against {_told(two)}"

    def doubts(self, output: list[Outcome]) -> list[str]:
        said = [f"line {record.line} is left out: {record.reason}" for record in self.left_out]
        said += [
            f"line {outcome.sentence.line} is left out: the attack fails: {outcome.error}"
            for outcome in output
            if outcome.error is not None
        ]
        return said

    def findings(self, *, again: bool) -> TextFindings:
        tried = [self._record(number) for number in range(len(self.sentences))]
        return TextFindings(
            victim=self.victim.source,
            parameters=sum(parameter.numel() for parameter in self.model.parameters()),
            resources=self.attacks[BASELINE].resources,
            sentences=sorted([*self.left_out, *tried], key=lambda record: record.line),
        )

    def _record(self, number: int) -> SentenceRecord:
        by_variant = {name: self.outcomes[name][number] for name in self.variants}
        first = by_variant[BASELINE]
        return SentenceRecord(
            line=first.sentence.line,
            status="attacked" if first.error is None else "failed",
            reason=first.error,
            tokens=self.tokens[number],
            adversarial=first.adversarial,
            spent=first.spent,
            queries=first.queries,
            gradient_queries=first.gradient_queries,
            passes={name: outcome.passes for name, outcome in by_variant.items()},
            unread={name: outcome.unread for name, outcome in by_variant.items()},
        )

    def _working(self) -> list[Sentence]:
        """The parts: once the gate has run, without those at which the library fails."""
        if BASELINE not in self.outcomes:
            return list(self.sentences)
        return [found.sentence for found in self.outcomes[BASELINE] if found.error is None]

    def _outcome(self, variant: str, sentence: Sentence) -> Outcome:
        passes = unread = 0
        adversarial: str | None = None
        error: str | None = None

        def tried(run: Callable[[], str | None]) -> None:
            nonlocal adversarial, error
            try:
                adversarial = run()
            except Exception as raised:  # the library's own; the other sentences go on
                if failures.status_of(raised) == "out-of-memory":
                    raise
                if state.refuses_determinism(raised):
                    raise
                error = failures.reason_of(raised)

        def backward(run: Callable[[], Any], ledger: Ledger) -> Any:
            nonlocal passes, unread
            passes += 1
            unread += not ledger.reading
            return run()

        _, ledger = self._attack(variant, sentence, self._queries, tried, backward=backward)
        return Outcome(
            sentence=sentence,
            adversarial=adversarial,
            error=error,
            spent=ledger.spent,
            queries=ledger.queries,
            gradient_queries=ledger.gradient_queries,
            passes=passes,
            unread=unread,
        )

    def _attack(
        self,
        variant: str,
        sentence: Sentence,
        budget: int | None,
        around: Callable[[Callable[[], Any]], T],
        backward: Callable[[Callable[[], Any], Ledger], Any] | None = None,
    ) -> tuple[T, Ledger]:
        """Hand over the attack on one sentence; `backward` stands around each backward pass."""
        attack = self.attacks[variant]
        ledger = Ledger(budget)

        def started() -> T:
            with contextlib.ExitStack() as stack:
                stack.enter_context(_applied(variant, attack.networks))
                state.reset(self.model, self.seed)
                run = stack.enter_context(attack.ready(ledger))
                if backward is not None:
                    seen = backward
                    stack.enter_context(engine_watched(lambda engine: seen(engine, ledger)))
                return around(lambda: run(sentence.text))

        return self.leftovers.around(started), ledger

    @functools.cached_property
    def leftovers(self) -> Leftovers:
        networks = [network for attack in self.attacks.values() for network in attack.networks]
        return Leftovers(self.model, *networks)


def preload() -> None:
    """Import what building a case does, whatever its victim; see `bench.worker.template`."""
    victims.preload()


def build(comparison: Comparison, seed: int) -> TextWorkload:
    """Build the victim and both variants' attacks, and look at the sentences.

    Raises:
        AdapterError: the library is unavailable, or a victim, a resource or a file can't be used.
    """
    case = comparison.case
    select_device(case.device)
    adapter = registry.get(case.library)
    if not isinstance(adapter, TextAdapter):
        raise UnsupportedSettings(f"{case.library} attacks no text")
    adapter.check(case.dtype, case.device)
    adapter.load()
    victim = _victim(case.model, seed, case.device, case.dtype)
    attacks = {
        variant: adapter.build_on(case.attack, victim, _settings(case, variant, seed))
        for variant in (BASELINE, comparison.variant)
    }
    for attack in attacks.values():
        for network in attack.networks:
            network.requires_grad_(True)
    kept, tokens, left_out = _sorted_out(case, victim)
    if not kept:
        raise AdapterError(
            f"no sentence to attack; at line {left_out[0].line}: {left_out[0].reason}"
        )
    return TextWorkload(
        comparison=comparison,
        seed=seed,
        model=victim.model,
        library_version=registry.version(adapter),
        victim=victim,
        attacks=attacks,
        sentences=tuple(kept),
        tokens=tuple(tokens),
        left_out=tuple(left_out),
    )


@functools.lru_cache(maxsize=1)
def _victim(spec: str, seed: int, device: str, dtype: str) -> Victim:
    """Kept for the next comparison, which is often of the same one."""
    victim = victims.build(spec, seed)
    victim.model.to(device=device, dtype=getattr(torch, dtype))
    return victim


def _settings(case: Case, variant: str, seed: int) -> TextSettings:
    resources = TextOptions.of(case).resources
    return TextSettings(
        device=case.device,
        seed=seed,
        victim=case.model,
        resources=None if resources is None else Path(resources),
        forward_only=variant == FORWARD_ONLY,
    )


def _applied(variant: str, networks: list[nn.Module]) -> AbstractContextManager[None]:
    """The block inside which the networks are in a variant's state.

    forward-only is frozen too, for the queries that read a gradient.
    """
    if variant in (BASELINE, A_A):
        return contextlib.nullcontext()
    if variant in (SEMI_BACKWARD, FORWARD_ONLY):
        return semi_backward(*networks)
    raise KeyError(variant)


def _sorted_out(
    case: Case, victim: Victim
) -> tuple[list[Sentence], list[int], list[SentenceRecord]]:
    """The sentences to attack, the tokens of each, and those that are left out."""
    most = victims.MAX_LENGTH - 2
    kept: list[Sentence] = []
    tokens: list[int] = []
    left_out: list[SentenceRecord] = []
    for sentence in sentences.read(TextOptions.of(case).sentences)[: case.batch]:
        count = len(victim.tokenizer.tokenize(sentence.text))
        reason = None
        if count == 0:
            reason = "it is empty"
        elif count > most:
            has = counted(count, "token")
            reason = f"it has {has}, and a victim reads {most}; shorten it"
        if reason is None:
            kept.append(sentence)
            tokens.append(count)
        else:
            left_out.append(SentenceRecord(sentence.line, "left out", reason, count))
    return kept, tokens, left_out


def _told(outcome: Outcome) -> str:
    if outcome.error is not None:
        return f"failure ({outcome.error})"
    found = "nothing" if outcome.adversarial is None else repr(outcome.adversarial)
    return f"{found} after {counted(outcome.queries, 'query', 'queries')}"
