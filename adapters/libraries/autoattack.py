"""AutoAttack as its authors ship it: APGD by `torch.autograd.grad`, FAB by `loss.backward()`.

The authors' `autoattack` is in no registry. `pyautoattack` is: by its metadata of the same authors,
Francesco Croce and Matthias Hein, with their repository as its home. APGD, FAB and Square are the
repository's, line for line but for imports (compared with its commit a392200); `AutoAttack` takes
its arguments by keyword, has no part for TensorFlow, and logs where theirs prints.

It seeds torch itself, by default from the clock, which would part the variants: it gets a seed.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from adapters.declared import DeclaredAdapter, Request
from adapters.libraries.declared.autoattack import ATTACKS, LEFT_OUT

if TYPE_CHECKING:
    from torch import Tensor

    from adapters.base import AttackFunction

SEED = 0
LOGGER = "auto-attack"


def _set_steps(attacker: Any, steps: int) -> None:
    """AutoAttack's constructor takes no number of steps, and APGD's works out more of it."""
    for apgd in (attacker.apgd, attacker.apgd_targeted):
        made = type(apgd)(apgd.model, n_iter=steps, norm=apgd.norm, eps=apgd.eps)
        for name in ("n_iter", "n_iter_orig", "n_iter_2", "n_iter_min", "size_decr"):
            setattr(apgd, name, getattr(made, name))
    attacker.fab.n_iter = steps
    attacker.square.n_queries = steps


def _made(request: Request) -> Any:
    """The authors' AutoAttack, of which a part runs or all; see `declared.autoattack`."""
    import pyautoattack

    keywords = dict(request.keywords)
    part, steps = keywords.pop("part", None), keywords.pop("steps", None)
    targets = keywords.pop("classes") - 1
    attacker = pyautoattack.AutoAttack(
        request.model, device=request.settings.device, seed=SEED, **keywords
    )
    if part is not None:
        attacker.attacks_to_run = [part]
    if steps is not None:
        _set_steps(attacker, steps)
    for aimed in (attacker.apgd_targeted, attacker.fab):
        aimed.n_target_classes = min(aimed.n_target_classes, targets)
    return attacker


class AutoAttack(DeclaredAdapter):
    """Each of its parts does `steps` gradients for an image and a start, APGD one more."""

    name = "autoattack"
    distribution = "pyautoattack"
    dtypes = frozenset({"float32"})  # casts images with .float()
    modules = ("pyautoattack",)
    table = ATTACKS
    left_out = LEFT_OUT

    def import_library(self) -> None:
        super().import_library()
        # Without one of its own, what it warns of goes to stderr.
        logging.getLogger(LOGGER).addHandler(logging.NullHandler())

    def build_usual(self, request: Request) -> AttackFunction:
        attacker, batch = _made(request), request.settings.batch

        def run(images: Tensor, labels: Tensor) -> Tensor:
            adversarial: Tensor
            adversarial, _ = attacker.run_standard_evaluation(images, labels, batch_size=batch)
            return adversarial

        return run
