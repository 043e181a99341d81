"""adv-lib, the Adversarial Library: attacks as functions, gradients by `torch.autograd.grad`.

In eager mode that computes no parameter gradient, so there is nothing to save: a control.

Its attacks import visdom, a client of a server that plots, for a callback that nobody gives here.
visdom is one of its requirements, and comes as source that a current setuptools can't build, which
keeps pip from installing adv-lib. So adv-lib is installed without its requirements, of which torch,
torchvision and tqdm are there, and something stands in for visdom where it is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.declared import DeclaredAdapter, Request
from adapters.libraries import without_visdom
from adapters.libraries.declared.adv_lib import ATTACKS, FALLBACK, LEFT_OUT

if TYPE_CHECKING:
    from torch import Tensor

    from adapters.base import AttackFunction


class AdvLib(DeclaredAdapter):
    """PGD does exactly `steps` forward and backward passes."""

    name = "adv-lib"
    distribution = "adv-lib"
    install = "--no-deps adv-lib tqdm"
    dtypes = frozenset({"float32"})  # keeps norms in float32, which many attacks put among others
    modules = ("adv_lib.attacks",)
    table = ATTACKS
    fallback = FALLBACK
    left_out = LEFT_OUT

    def import_library(self) -> None:
        without_visdom.stand_in()
        super().import_library()

    def build_usual(self, request: Request) -> AttackFunction:
        make, model, keywords = request.make, request.model, request.keywords

        def run(images: Tensor, labels: Tensor) -> Tensor:
            adversarial: Tensor = make(model, images, labels, **keywords)
            return adversarial.detach()

        return run
