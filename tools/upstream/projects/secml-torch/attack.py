"""secml-torch's own PGD on a batch of images, for `--attack attack.py:pgd`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secmlt.adv.backends import Backends
from secmlt.adv.evasion.perturbation_models import LpPerturbationModels
from secmlt.adv.evasion.pgd import PGD
from secmlt.models.pytorch.base_pytorch_nn import BasePyTorchClassifier
from torch.utils.data import DataLoader, TensorDataset

if TYPE_CHECKING:
    import torch

STEPS = 4
EPSILON = 8 / 255
STEP_SIZE = 2 / 255


def pgd(model: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Attack as secml-torch's users do: a loader of samples in, a loader of samples out.

    Args:
        model: a classifier.
        images: (N, C, H, W) in [0, 1].
        labels: (N,).

    Returns:
        The adversarial images.
    """
    attack = PGD(
        perturbation_model=LpPerturbationModels.LINF,
        epsilon=EPSILON,
        num_steps=STEPS,
        step_size=STEP_SIZE,
        random_start=False,
        backend=Backends.NATIVE,
    )
    samples = DataLoader(TensorDataset(images, labels), batch_size=len(images))
    adversarial: torch.Tensor
    ((adversarial, _),) = attack(BasePyTorchClassifier(model), samples)
    return adversarial
