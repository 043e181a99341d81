"""secml-torch: attacks of its own, by `loss.backward()`, and those of foolbox and adv-lib.

A user hands it a loader of samples on the CPU, and gets a loader of adversarial ones: its native
attacks keep them there and move each batch to the model's device for the forward pass. FMN and DDN
then compare the model's answers with labels on the CPU, which fails where the answers are on a GPU:
they get the scores on the CPU, by the `postprocessing` of secml-torch's own wrapper of models.

Its Boundary and HopSkipJump are foolbox's, and start as in `adapters.libraries.foolbox`; here they
take no `starting_points`, but an attack that finds them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from adapters import starting_points
from adapters.declared import DeclaredAdapter, Request
from adapters.libraries import without_visdom
from adapters.libraries.declared.secml_torch import ATTACKS, FALLBACK, LEFT_OUT

if TYPE_CHECKING:
    from torch import Tensor

    from adapters.base import AttackFunction

STARTS_ELSEWHERE = frozenset({"BoundaryAttackFoolbox", "HopSkipJumpFoolbox"})
COMPARES_ON_CPU = frozenset({"FMNNative", "DDNNative"})


class SecmlTorch(DeclaredAdapter):
    """PGD does exactly `steps` forward and backward passes. It hands back the perturbation of the
    highest loss, of those it has seen: so not the last one."""

    name = "secml-torch"
    distribution = "secml-torch"
    # Native attacks keep radii in float32, and images of half precision become that beside them.
    dtypes = frozenset({"float32", "float64"})
    modules = (
        "secmlt.adv.evasion.pgd",
        "secmlt.adv.evasion.fmn",
        "secmlt.adv.evasion.ddn",
        "secmlt.models.pytorch.base_pytorch_nn",
    )
    table = ATTACKS
    fallback = FALLBACK
    left_out = LEFT_OUT

    def import_library(self) -> None:
        without_visdom.stand_in()
        super().import_library()

    def build_usual(self, request: Request) -> AttackFunction:
        from secmlt.models.pytorch.base_pytorch_nn import BasePyTorchClassifier
        from torch.utils.data import DataLoader, TensorDataset

        member, keywords, settings = request.info.member, request.keywords, request.settings
        if member in STARTS_ELSEWHERE:
            start = starting_points.find(request.model, settings)
            keywords = {**keywords, "init_attack": _finder(start)}
        on_cpu = member in COMPARES_ON_CPU and settings.device != "cpu"
        wrapped = BasePyTorchClassifier(request.model, postprocessing=_to_cpu if on_cpu else None)
        attacker = request.make(**keywords)

        def run(images: Tensor, labels: Tensor) -> Tensor:
            samples = DataLoader(TensorDataset(images.cpu(), labels.cpu()), batch_size=len(images))
            ((adversarial, _),) = attacker(wrapped, samples)
            found: Tensor = adversarial.to(images.device)
            return found

        return run


def _finder(start: Callable[[Tensor], Tensor]) -> Any:
    """A foolbox attack that finds where to start: it knows."""
    import eagerpy
    from foolbox.attacks.base import MinimizationAttack
    from foolbox.distances import l2

    class Finder(MinimizationAttack):  # type: ignore[misc]
        distance = l2

        def run(self, model: object, inputs: Any, criterion: Any, **_: object) -> Any:
            return eagerpy.astensor(start(criterion.labels.raw))

    return Finder()


def _to_cpu(scores: Tensor) -> Tensor:
    return scores.cpu()
