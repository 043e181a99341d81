"""An energy attack on a dynamic network, built and ready to run in two variants."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters import registry
from adapters.base import UnsupportedSettings
from adapters.models.outputs import Logits
from adapters.papers.energy import methods
from adapters.papers.energy.adapter import Papers
from adapters.papers.energy.settings import EnergySettings
from bench.cases import BASELINE, SEMI_BACKWARD, Case, Comparison
from bench.kinds.energy.building.networks import Attacked, attacked, labelled, pictures
from bench.kinds.energy.building.reaching import reached
from bench.kinds.energy.findings import EnergyFindings
from bench.kinds.energy.options import EnergyOptions
from bench.kinds.images.building import AttackWorkload
from bench.kinds.images.building.models import check_trainable, flags_kept
from bench.worker import flops, state
from bench.worker.variants import applied

if TYPE_CHECKING:
    from adapters.base import AttackFunction
    from adapters.papers.energy.attack import Watch


ENOUGH = 8
"""Images that are attacked to the end beside a timing; `energy` attacks as many as asked."""


@dataclass(frozen=True)
class EnergyWorkload(AttackWorkload):
    """A case of an energy attack; as one of attacks on images, but that its network tells more.

    Attributes:
        network: what is attacked.
    """

    network: Attacked = dataclasses.field(kw_only=True)

    makes = "perturbed images"

    @property
    def passes_predict(self) -> float | None:
        if self.comparison.variant != SEMI_BACKWARD:
            return 1.0
        case = self.comparison.case
        options = EnergyOptions.of(case)
        return methods.ceiling(case.attack, keep_label=options.keep_label)

    def findings(self, *, again: bool) -> EnergyFindings | None:
        """What the attack comes to at its end, on the first images of the timed batch.

        Frozen, since both variants have just been seen to make the same images.
        """
        if again:
            return None
        case = self.comparison.case
        options = EnergyOptions.of(case)
        attack = build_attack(case, self.network, options.iterations)
        images, labels = self.images[:ENOUGH], self.labels[:ENOUGH]
        with applied(SEMI_BACKWARD, self.model):
            state.reset(self.model, self.seed)
            perturbed = attack(images.clone(), labels.clone()).detach()
        return EnergyFindings(
            weights=self.network.source,
            iterations=options.iterations,
            backwards=methods.backwards(case.attack, keep_label=options.keep_label),
            reached=reached(
                self.model,
                self.network.dynamic,
                images,
                perturbed,
                labels,
                batch=case.batch,
            ),
        )


def preload() -> None:
    """Import what an optimizer's first step does, which counting does too; see
    `bench.worker.template`."""
    flops.preload()


def build(comparison: Comparison, seed: int) -> EnergyWorkload:
    """Build the network, the images and both variants' attacks.

    Raises:
        AdapterError: the data, the network or its weights can't be used, or not be attacked so.
    """
    preload()
    case = comparison.case
    found = attacked(case, seed, pictures(case, seed, case.batch))
    shown = labelled(case, seed, case.batch, found)
    if comparison.variant == SEMI_BACKWARD:
        check_trainable(case, found.model, f"{SEMI_BACKWARD} has nothing to leave out")
    attacks = {}
    with flags_kept(found.model):
        for variant in (BASELINE, comparison.variant):
            with applied(variant, found.model):
                state.reset(found.model, seed)
                attacks[variant] = build_attack(case, found, EnergyOptions.of(case).steps)
    return EnergyWorkload(
        *(comparison, seed, found.model, registry.version(papers(case)), shown.images),
        labels=shown.labels,
        attacks=attacks,
        attacked=Logits(found.model, lambda output: found.dynamic.read(output).logits),
        told=shown.remarks,
        network=found,
    )


def papers(case: Case) -> Papers:
    """The library of a case's attack.

    Raises:
        UnsupportedSettings: it has no energy attacks.
    """
    adapter = registry.get(case.library)
    if not isinstance(adapter, Papers):
        raise UnsupportedSettings(f"{case.library} has no energy attacks")
    return adapter


def build_attack(
    case: Case, found: Attacked, steps: int, watch: Watch | None = None
) -> AttackFunction:
    """A case's attack of so many iterations: images (N, C, H, W) and labels (N,) to perturbed ones.

    Args:
        case: what was asked.
        found: its network.
        steps: iterations.
        watch: is told of each; see `adapters.papers.energy.attack`.

    Raises:
        AdapterError: the network can't be attacked in this way.
    """
    options = EnergyOptions.of(case)
    settings = EnergySettings(
        steps=steps,
        alpha=options.alpha,
        power=options.power,
        space=options.space,
        norm=options.norm,
        keep_label=options.keep_label,
        dtype=case.dtype,
        device=case.device,
    )
    adapter = papers(case)
    adapter.load()
    return adapter.build_energy_attack(case.attack, found.model, found.dynamic, settings, watch)
