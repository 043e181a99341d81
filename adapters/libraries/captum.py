"""captum's robustness part: one class per attack, gradients by `torch.autograd.grad`.

In eager mode that computes no parameter gradient, so there is nothing to save: a control. It asks
for the gradient of each image's loss at once: as many outputs as there are images, one pass back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.declared import DeclaredAdapter, Request
from adapters.libraries.declared.captum import ATTACKS, FALLBACK, LEFT_OUT

if TYPE_CHECKING:
    from torch import Tensor

    from adapters.base import AttackFunction


class Captum(DeclaredAdapter):
    """PGD does exactly `steps` forward and backward passes."""

    name = "captum"
    distribution = "captum"
    modules = ("captum.robust",)
    table = ATTACKS
    fallback = FALLBACK
    left_out = LEFT_OUT

    def build_usual(self, request: Request) -> AttackFunction:
        import torch

        loss = torch.nn.CrossEntropyLoss(reduction="none")
        keywords = request.keywords
        attacker = request.make(request.model, loss, lower_bound=0.0, upper_bound=1.0)

        def run(images: Tensor, labels: Tensor) -> Tensor:
            adversarial: Tensor = attacker.perturb(images, target=labels, **keywords)
            return adversarial.detach()

        return run
